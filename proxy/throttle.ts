import RateLimiterMemory from 'rate-limiter-flexible/lib/RateLimiterMemory.js'
import RateLimiterRes from 'rate-limiter-flexible/lib/RateLimiterRes.js'
import { AppError, isAppError } from '../shared/failure'
import { networkOf } from './network'
import { createTurns } from './turns'

/** Slows down the guessing of passwords. */
export interface Throttle {
  /**
   * Makes a try once those before it at this name are known, so that many at once are no way around.
   * Only `invalid_credentials` counts. Throws `rate_limited` where there were too many.
   */
  attempt<T>(username: string, address: string | undefined, work: () => Promise<T>): Promise<T>
}

/** Seconds over which wrong tries are counted. */
const duration = 15 * 60
/** Tries at one name that may wait for each other. */
const longestLine = 30

/**
 * Ten wrong tries at a name from one network, so that a stranger elsewhere locks nobody out; a hundred
 * from a network and a hundred at a name from anywhere.
 */
export function createThrottle(): Throttle {
  const turns = createTurns()
  const byNetwork = new RateLimiterMemory({ keyPrefix: 'network', points: 100, duration })
  const byName = new RateLimiterMemory({ keyPrefix: 'name', points: 100, duration })
  const here = new RateLimiterMemory({ keyPrefix: 'here', points: 10, duration })

  async function admit(lanes: readonly Lane[]): Promise<void> {
    for (const [limiter, key] of lanes) {
      const state = await limiter.get(key)
      if (state !== null && state.remainingPoints <= 0)
        throw new AppError('rate_limited', { retryAfter: Math.ceil(state.msBeforeNext / 1000) })
    }
  }

  async function count(lanes: readonly Lane[]): Promise<void> {
    for (const [limiter, key] of lanes)
      await limiter.consume(key).catch((reason: unknown) => {
        // At the limit already: the next try is told.
        if (!(reason instanceof RateLimiterRes)) throw reason
      })
  }

  return {
    async attempt(username, address = '', work) {
      // One person however the name is written; some characters unfold to many.
      const name = username.normalize('NFKC').trim().toLowerCase().slice(0, 256)
      const network = networkOf(address)
      const lanes: Lane[] = [
        ...(network === '' ? [] : [[byNetwork, network] as const]),
        [byName, name],
        [here, `${name} ${network}`],
      ]
      if (turns.pending(name) >= longestLine) throw new AppError('rate_limited', { retryAfter: 1 })
      return await turns.take(name, async () => {
        await admit(lanes)
        try {
          return await work()
        } catch (error) {
          if (isAppError(error, 'invalid_credentials')) await count(lanes)
          throw error
        }
      })
    },
  }
}

type Lane = readonly [RateLimiterMemory, string]
