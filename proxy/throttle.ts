import RateLimiterMemory from 'rate-limiter-flexible/lib/RateLimiterMemory.js'
import RateLimiterRes from 'rate-limiter-flexible/lib/RateLimiterRes.js'
import { AppError } from '../shared/failure'

/** Slows down the guessing of passwords. */
export interface Throttle {
  /**
   * Counts a try before it is made, so that many at once count as many. Throws `rate_limited` when
   * there were too many; `forgive` takes the try back where it was no wrong guess.
   */
  admit(username: string, address: string | undefined): Promise<{ forgive: () => Promise<void> }>
}

/** Seconds over which tries are counted. */
const duration = 15 * 60

/**
 * Ten tries at a name from one address, so that a stranger elsewhere locks nobody out; a hundred from
 * an address and a hundred at a name from anywhere.
 */
export function createThrottle(): Throttle {
  const here = new RateLimiterMemory({ keyPrefix: 'here', points: 10, duration })
  const byAddress = new RateLimiterMemory({ keyPrefix: 'address', points: 100, duration })
  const byName = new RateLimiterMemory({ keyPrefix: 'name', points: 100, duration })

  return {
    async admit(username, address = '') {
      // One person however the name is written.
      const name = username.normalize('NFKC').trim().toLowerCase()
      const lanes = [
        [here, `${name} ${address}`],
        [byName, name],
        ...(address === '' ? [] : [[byAddress, address] as const]),
      ] as const
      const forgive = async () => {
        await Promise.all(lanes.map(([limiter, key]) => limiter.reward(key)))
      }
      const counted = await Promise.allSettled(lanes.map(([limiter, key]) => limiter.consume(key)))
      const refused = counted.filter((one) => one.status === 'rejected')
      if (refused.length === 0) return { forgive }
      await forgive()
      const reason: unknown = refused[0]?.reason
      if (!(reason instanceof RateLimiterRes)) throw reason
      throw new AppError('rate_limited', { retryAfter: Math.ceil(reason.msBeforeNext / 1000) })
    },
  }
}
