import RateLimiterMemory from 'rate-limiter-flexible/lib/RateLimiterMemory.js'
import RateLimiterRes from 'rate-limiter-flexible/lib/RateLimiterRes.js'
import { AppError } from '../shared/failure'

/** Slows down guessing: counts failures, per user name and per address. */
export interface Throttle {
  /** Throws `rate_limited` while one of the two has failed too often. */
  admit(username: string, address: string | undefined): Promise<void>
  /** A failure counts against both. */
  failed(username: string, address: string | undefined): Promise<void>
}

/** Ten wrong passwords for a name, a hundred from an address, in a quarter of an hour. */
export function createThrottle(): Throttle {
  const duration = 15 * 60
  const byName = new RateLimiterMemory({ keyPrefix: 'name', points: 10, duration })
  const byAddress = new RateLimiterMemory({ keyPrefix: 'address', points: 100, duration })
  const lanes = (username: string, address: string | undefined) => [
    [byName, username] as const,
    ...(address === undefined ? [] : [[byAddress, address] as const]),
  ]
  return {
    async admit(username, address) {
      for (const [limiter, key] of lanes(username, address)) {
        const state = await limiter.get(key)
        if (state !== null && state.remainingPoints <= 0)
          throw new AppError('rate_limited', { retryAfter: Math.ceil(state.msBeforeNext / 1000) })
      }
    },
    async failed(username, address) {
      for (const [limiter, key] of lanes(username, address))
        await limiter.consume(key).catch((refused: unknown) => {
          // Already at the limit: `admit` says so next time.
          if (!(refused instanceof RateLimiterRes)) throw refused
        })
    },
  }
}
