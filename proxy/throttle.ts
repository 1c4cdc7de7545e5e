import { base64url } from 'jose'
import type { IRateLimiterOptions, RateLimiterAbstract } from 'rate-limiter-flexible'
import RateLimiterMemory from 'rate-limiter-flexible/lib/RateLimiterMemory.js'
import RateLimiterRes from 'rate-limiter-flexible/lib/RateLimiterRes.js'
import { AppError, isAppError } from '../shared/failure'
import type { Secret } from '../shared/secret'
import { plainName } from './login-name'
import { networkOf } from './network'
import { derive } from './session/seal'
import { createTurns } from './turns'

/** Slows down the guessing of passwords. */
export interface Throttle {
  /**
   * Makes a try, unless there were too many: then it throws `rate_limited`. A try counts from its
   * begin, so that many at once are no way around; one that does not end with `invalid_credentials`
   * is given back.
   */
  attempt<T>(username: string, address: string | undefined, work: () => Promise<T>): Promise<T>
}

/** Makes what counts: in memory, or where several processes count together. */
export type CreateLimiter = (options: Limit) => RateLimiterAbstract

/** `points` in `duration` seconds, under keys that begin with `keyPrefix`. */
type Limit = Required<Pick<IRateLimiterOptions, 'keyPrefix' | 'points' | 'duration'>>

const quarter = 15 * 60
const hour = 60 * 60
/** Why each is as it is: docs/security.md. */
const limits = {
  here: { keyPrefix: 'here', points: 10, duration: quarter },
  network: { keyPrefix: 'network', points: 100, duration: quarter },
  name: { keyPrefix: 'name', points: 100, duration: hour },
  overall: { keyPrefix: 'overall', points: 2_000, duration: quarter },
  known: { keyPrefix: 'known', points: 1, duration: 7 * 24 * hour },
} satisfies Record<string, Limit>

/** Tries at one name from one network that may wait for each other. */
const longestLine = 30

/**
 * A name at a network, a network, a name anywhere, and all together have so many wrong tries in a
 * while. The last two do not stop whoever signed in by that name at that network lately, or strangers
 * could lock people out.
 */
export function createThrottle(
  secrets: readonly Secret[],
  create: CreateLimiter = (options) => new RateLimiterMemory(options),
): Throttle {
  const turns = createTurns()
  const here = create(limits.here)
  const network = create(limits.network)
  const name = create(limits.name)
  const overall = create(limits.overall)
  const known = create(limits.known)
  const forStrangers = [overall, name]
  const mark = createMarker(secrets)

  return {
    async attempt(username, address = '', work) {
      const [who, where] = [plainName(username), networkOf(address)]
      const [both, whoever, wherever] = await Promise.all([
        mark(who, where),
        mark(who),
        mark('', where),
      ])
      // Names are counted, and so remembered, only while there are not too many of them.
      const wide: Lane[] = where === '' ? [] : [[network, wherever]]
      wide.push([overall, 'all'])
      const narrow: Lane[] = [
        [here, both],
        [name, whoever],
      ]
      if (turns.pending(both) >= longestLine) throw new AppError('rate_limited', { retryAfter: 1 })
      return await turns.take(both, async () => {
        const [isKnown, ...refused] = await Promise.all([
          where !== '' && isThere(known, both),
          ...wide.map(take),
        ])
        const taken = [...wide]
        const giveBack = () => {
          for (const [limiter, key] of taken) inPassing(limiter.reward(key, 1))
        }
        const refusal = () => {
          const against = refused.filter((one) => one !== undefined)
          const stops = ({ limiter }: Refused) => !isKnown || !forStrangers.includes(limiter)
          if (!against.some(stops)) return tooMany(against)
          giveBack()
          throw tooMany(against) ?? new AppError('rate_limited')
        }
        refusal()
        taken.push(...narrow)
        refused.push(...(await Promise.all(narrow.map(take))))
        const instead = refusal()
        try {
          const result = await work()
          giveBack()
          if (where !== '') inPassing(known.set(both, 1, limits.known.duration))
          return result
        } catch (error) {
          if (!isAppError(error, 'invalid_credentials')) {
            giveBack()
            throw error
          }
          // A wrong password does not tell who is known here, and so exists, from who is not.
          throw instead ?? error
        }
      })
    },
  }
}

type Lane = readonly [RateLimiterAbstract, string]

/** Where a try was one too many, and for how many milliseconds. */
interface Refused {
  limiter: RateLimiterAbstract
  wait: number
}

/** Counts a try. */
async function take([limiter, key]: Lane): Promise<Refused | undefined> {
  try {
    await limiter.consume(key)
    return undefined
  } catch (reason) {
    if (reason instanceof RateLimiterRes) return { limiter, wait: reason.msBeforeNext }
    throw reason
  }
}

async function isThere(limiter: RateLimiterAbstract, key: string): Promise<boolean> {
  const found = await limiter.get(key)
  return found !== null && found.msBeforeNext > 0
}

/** Nobody waits for it: what is given back late, or not at all, costs one try. */
function inPassing(work: Promise<unknown>): void {
  work.catch(() => undefined)
}

function tooMany(refused: readonly Refused[]): AppError | undefined {
  if (refused.length === 0) return undefined
  const wait = Math.max(...refused.map(({ wait }) => wait))
  return new AppError('rate_limited', { retryAfter: Math.max(1, Math.ceil(wait / 1000)) })
}

/** Keys that tell nothing of the names and addresses behind them, to whoever can read the store. */
function createMarker([secret]: readonly Secret[]) {
  if (!secret) throw new Error('there is no session secret')
  const key = derive(secret, 'throttle', 256).then((bits) =>
    crypto.subtle.importKey('raw', bits, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']),
  )
  return async (...parts: string[]): Promise<string> => {
    const text = new TextEncoder().encode(JSON.stringify(parts))
    return base64url.encode(new Uint8Array(await crypto.subtle.sign('HMAC', await key, text)))
  }
}
