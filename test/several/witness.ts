import { createHash } from 'node:crypto'
import { Redis } from 'ioredis'
import type { WireEntry } from '../simulators'
import type { GearcodeSimulator } from '../simulators/gearcode'
import { claimsOf } from './resource-server'

/** A pair that GearCode gave for a spent refresh token. Times are milliseconds since the epoch. */
export interface Renewal {
  user: string
  /** To which process. */
  to: number
  answeredAt: number
  /** The hash by which the ledger knows the new refresh token. */
  token: string
}

/**
 * Sees each answer of GearCode to a refresh as it leaves, and each pair as it gets into the ledger: by
 * Redis's MONITOR, which tells what its scripts write, and when, on Redis's own clock.
 */
export async function watch(
  gearcode: GearcodeSimulator,
  redisPort: number,
  processOf: (entry: WireEntry) => number,
) {
  const renewals: Renewal[] = []
  /** When a refresh token got into the ledger, by its hash. */
  const writtenAt = new Map<string, number>()
  const ownerOf = new Map<string, string>()
  const newest = new Map<string, string>()
  const listeners: ((renewal: Renewal) => void)[] = []

  gearcode.tokenAnswer = (answer) => {
    const user = String(claimsOf(String(answer.access_token)).sub)
    const token = hashOf(String(answer.refresh_token))
    ownerOf.set(hashOf(String(answer.refresh_token)), user)
    newest.set(user, token)
    return answer
  }
  gearcode.onEntry = (entry) => {
    const spent = new URLSearchParams(entry.body).get('refresh_token')
    const user = ownerOf.get(hashOf(spent ?? ''))
    const token = newest.get(user ?? '')
    if (entry.status !== 200 || user === undefined || token === undefined) return
    const renewal = { user, token, to: processOf(entry), answeredAt: clock() }
    renewals.push(renewal)
    for (const listener of listeners) listener(renewal)
  }

  const client = new Redis({ port: redisPort, host: '127.0.0.1' })
  const ahead = await aheadOf(client)
  const monitor = await client.monitor()
  monitor.on('monitor', (time: string, [command, key, value]: string[]) => {
    if (command?.toLowerCase() !== 'set' || key?.startsWith('latchkey:lineage:') !== true) return
    const token = tokenIn(value)
    if (token !== undefined && !writtenAt.has(token))
      writtenAt.set(token, Number(time) * 1000 - ahead)
  })

  return {
    renewals,
    writtenAt,
    /** Told as the answer leaves. */
    onRenewal: (listener: (renewal: Renewal) => void) => void listeners.push(listener),
    /** The hash of the refresh token that the ledger holds for a sign-in, by the start of its seat. */
    async held(seat: string): Promise<string | undefined> {
      const keys = await keysOf(client, `latchkey:lineage:${seat}*`)
      const values = await Promise.all(keys.map((key) => client.get(key)))
      return values.map((value) => tokenIn(value ?? undefined)).find((token) => token !== undefined)
    },
    close() {
      monitor.disconnect()
      client.disconnect()
    },
  }
}

/** Milliseconds since the epoch, and parts of them. */
export const clock = () => performance.timeOrigin + performance.now()

/** Milliseconds by which Redis's clock is ahead of ours, as the quickest of some answers shows it. */
async function aheadOf(client: Redis): Promise<number> {
  let best = { trip: Infinity, ahead: 0 }
  for (let tries = 0; tries < 30; tries++) {
    const asked = clock()
    const [seconds, micros] = await client.time()
    const trip = clock() - asked
    const ahead = Number(seconds) * 1000 + Number(micros) / 1000 - (asked + trip / 2)
    if (trip < best.trip) best = { trip, ahead }
  }
  return best.ahead
}

async function keysOf(client: Redis, match: string): Promise<string[]> {
  const keys: string[] = []
  let cursor = '0'
  do {
    const [next, found] = await client.scan(cursor, 'MATCH', match, 'COUNT', 1000)
    keys.push(...found)
    cursor = next
  } while (cursor !== '0')
  return keys
}

/** As the ledger tells refresh tokens apart. */
function hashOf(token: string): string {
  return createHash('sha256').update(token).digest().subarray(0, 16).toString('base64url')
}

function tokenIn(value: string | undefined): string | undefined {
  return /"latest":\{[^}]*"token":"([\w-]+)"/.exec(value ?? '')?.[1]
}
