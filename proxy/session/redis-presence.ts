import { setTimeout as wait } from 'node:timers/promises'
import type { Cluster, Redis } from 'ioredis'
import type { Log } from '../log'
import { createCooldown } from './redis-cooldown'
import { codeOf, commandOf, TimeIsUp, wordIn } from './redis-errors'
import type { Reply } from './redis-scripts'
import { StoreAway } from './store'

/** Milliseconds between two looks at a store that did not answer or refused. */
const pause = 500
/** Milliseconds between two connections made because this one leads to a replica. */
const replicaPause = 2_000

export interface PresenceOptions {
  client: Redis | Cluster
  /** Asks Redis since when it remembers; the answer's word is empty where it could write that down. */
  look: () => Promise<Reply>
  /** Milliseconds that the first connection may take to be made or to fail. */
  limit: number
  log: Log
  /** The store's clock, milliseconds since the epoch. */
  now: () => number
  /** Told that Redis has answered on this connection. */
  answered: () => void
}

/**
 * Whether Redis is there: `away`; `readable`, where it only refuses to be written to (out of memory, a
 * replica); or `writable`. After an operation without an answer nobody waits again: the store is away
 * until it has answered.
 */
export function createPresence({ client, look, limit, log, now, answered }: PresenceOptions) {
  let state: 'away' | 'readable' | 'writable' = 'away'
  let bornAt = 0
  let returnedAt = 0
  const listeners: (() => void)[] = []
  const cooldown = createCooldown()

  /** Counts the connections, so that what belongs to an earlier one changes nothing. */
  let connection = 0
  let lastCode = 'closed'
  /** Redis refused the database: without it keys would land in another one. */
  let isMisplaced = false
  let isClosed = false
  let isKnownAway = false
  let isLooking = false
  let replicaLeftAt = -Infinity

  /** Whoever asks before the first connection was made or failed waits for that. */
  let decideFirst: () => void = () => undefined
  const first = new Promise<void>((resolve) => (decideFirst = resolve))
  // What takes the connection and then says nothing has failed as well.
  const mute = setTimeout(() => {
    leave('ETIMEDOUT')
  }, limit)
  void first.then(() => {
    clearTimeout(mute)
  })

  client.on('error', (error: Error) => {
    lastCode = codeOf(error)
    if (commandOf(error) === 'select') isMisplaced = true
  })
  client.on('ready', () => {
    connection += 1
    void regain()
  })
  client.on('close', () => {
    connection += 1
    leave(lastCode)
    lastCode = 'closed'
    isMisplaced = false
  })

  function leave(code: string): void {
    state = 'away'
    refuse(code)
    decideFirst()
  }

  function refuse(code: string): void {
    if (state === 'writable') state = 'readable'
    if (isKnownAway || isClosed) return
    isKnownAway = true
    log('warning', 'ledger away', { code })
  }

  function comeBack(): void {
    state = 'writable'
    if (isKnownAway) returnedAt = now()
    isKnownAway = false
    cooldown.returned()
    decideFirst()
    log('info', 'ledger connected')
    for (const listener of listeners) listener()
  }

  /** Looks until the store answers and can be written to. */
  async function regain(): Promise<void> {
    if (isLooking) return
    isLooking = true
    try {
      while (!isClosed && state !== 'writable' && client.status === 'ready') {
        const cooling = cooldown.left()
        if (cooling > 0) await wait(cooling, undefined, { ref: false })
        else await lookOnce()
      }
    } finally {
      isLooking = false
    }
  }

  async function lookOnce(): Promise<void> {
    const at = connection
    const { reply, code } = await see()
    // What an earlier connection answered, or what came before a time-out, is not believed.
    if (at !== connection || cooldown.left() > 0) return
    if (reply) {
      state = 'readable'
      bornAt = Number(reply.value)
      answered()
    } else state = 'away'
    if (code === undefined) {
      comeBack()
      return
    }
    refuse(code)
    decideFirst()
    if (code === 'READONLY') leaveReplica()
    await wait(pause, undefined, { ref: false })
  }

  /** What Redis answers, and why it cannot be used in full; no code where it can. */
  async function see(): Promise<{ reply?: Reply; code?: string }> {
    if (isMisplaced) return { code: 'ERR' }
    try {
      const reply = await look()
      return reply.word === '' ? { reply } : { reply, code: wordIn(reply.word) ?? 'ERR' }
    } catch (error) {
      return { code: codeOf(error) }
    }
  }

  /** A primary that was demoted stays as a replica: the name may lead to the new primary by now. */
  function leaveReplica(): void {
    if (client.isCluster || performance.now() - replicaLeftAt < replicaPause) return
    replicaLeftAt = performance.now()
    client.disconnect(true)
  }

  return {
    /** Lets an operation through unless Redis is away, and learns from its end. Throws only `StoreAway`. */
    async admit<T>(kind: 'read' | 'write', operation: () => Promise<T>): Promise<T> {
      await first
      if (state === 'away') throw new StoreAway('away')
      const at = connection
      try {
        return await operation()
      } catch (error) {
        const code = codeOf(error)
        if (at === connection) {
          if (error instanceof TimeIsUp) {
            cooldown.timedOut()
            leave(code)
          } else if (kind === 'write') refuse(code)
          if (state !== 'writable') void regain()
        }
        throw new StoreAway(code)
      }
    },
    bornAt: () => (state === 'writable' ? bornAt : undefined),
    returnedAt: () => returnedAt,
    onReturn: (listener: () => void) => void listeners.push(listener),
    close(): void {
      isClosed = true
      connection += 1
      leave('closed')
    },
  }
}
