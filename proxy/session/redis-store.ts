import type { Cluster, Redis } from 'ioredis'
import type { Secret } from '../../shared/secret'
import type { Log } from '../log'
import { connect, createBackOff } from './redis-client'
import { createRedisClock } from './redis-clock'
import { createPresence } from './redis-presence'
import { arrive, createRunner, get, swap } from './redis-scripts'
import type { Store } from './store'

/** Milliseconds one operation may take. */
const operationLimit = 5_000
/** Redis takes no later time than a date can be. */
const endOfTime = 8.64e15

/** The store, and the client it has, for what else is kept in the same Redis. */
export interface RedisStore extends Store {
  readonly client: Redis | Cluster
}

export interface RedisStoreOptions {
  log: Log
  /** Milliseconds one operation may take. */
  limit?: number
  /** This machine's clock, milliseconds since the epoch. */
  now?: () => number
  /** Milliseconds by which the store's clock runs ahead of Redis's own, which a test cannot move. Never negative. */
  ahead?: () => number
  /** Vouches for the server's certificate, PEM; Node's own list unless stated. */
  ca?: string | undefined
}

/**
 * The store of several processes: Redis from 6.2 on, or Valkey; one, or a Cluster. Throws `StoreAway`
 * for whatever goes wrong: an error of the client carries what was sent, passwords and values, so none
 * of them gets out of here; the log gets its code.
 */
export function createRedisStore(url: Secret, options: RedisStoreOptions): RedisStore {
  const { log, limit = operationLimit, now = Date.now, ahead = () => 0, ca } = options
  const backOff = createBackOff()
  const client = connect(url, { limit, ca, nextPause: backOff.next })
  const clock = createRedisClock({ now, ahead, limit })
  const run = createRunner(client, limit)

  async function ask(
    script: Parameters<typeof run>[0],
    key: string,
    ...values: (string | number)[]
  ) {
    const shift = clock.shift()
    const reply = await run(script, key, [shift, ...values])
    clock.note(reply.time - shift)
    return reply
  }

  const look = () => ask(arrive, 'born')
  const presence = createPresence({
    ...{ client, look, limit, log },
    now: clock.now,
    answered: backOff.reset,
  })

  let isPolicyKnown = false
  presence.onReturn(() => {
    if (!isPolicyKnown) void lookAtPolicy(client, log)
    isPolicyKnown = true
  })

  return {
    client,
    async get(key) {
      const { value, version, time } = await presence.admit('read', () => ask(get, key))
      return { value, version, now: time }
    },
    async swap(key, version, next) {
      const until = Math.floor(Math.min(next.until, endOfTime))
      const reply = await presence.admit('write', () => ask(swap, key, version, next.value, until))
      return {
        done: reply.word !== 'differs',
        value: reply.word === 'put' ? next.value : reply.value,
        version: reply.version,
        now: reply.time,
      }
    },
    bornAt: presence.bornAt,
    returnedAt: presence.returnedAt,
    now: clock.now,
    onReturn: presence.onReturn,
    close() {
      presence.close()
      client.disconnect()
      return Promise.resolve()
    },
  }
}

/** A store that has connected, or has failed to: its clock and whether it is away are known. */
export async function openRedisStore(url: Secret, options: RedisStoreOptions): Promise<RedisStore> {
  const store = createRedisStore(url, options)
  await store.get('first').catch(() => undefined)
  return store
}

/** One that may drop keys forgets sign-outs: whoever runs it should know. */
async function lookAtPolicy(client: Redis | Cluster, log: Log): Promise<void> {
  try {
    const [, policy] = (await client.config('GET', 'maxmemory-policy')) as unknown[]
    if (typeof policy === 'string' && policy !== 'noeviction')
      log('warning', 'ledger may forget: set maxmemory-policy to noeviction', { policy })
  } catch {
    // Hosted ones refuse the question.
  }
}
