import type { Cluster, Redis } from 'ioredis'
import RLWrapperTimeouts from 'rate-limiter-flexible/lib/RLWrapperTimeouts.js'
import RateLimiterMemory from 'rate-limiter-flexible/lib/RateLimiterMemory.js'
import RateLimiterRedis from 'rate-limiter-flexible/lib/RateLimiterRedis.js'
import type { CreateLimiter } from './throttle'

/** Milliseconds that Redis may take; a sign-in asks it twice. */
const patience = 250

/**
 * Counts in Redis, together with all that share it; while it is slow or away, in this process's
 * memory, which begins to count then.
 */
export function createRedisLimiter(client: Redis | Cluster, timeoutMs = patience): CreateLimiter {
  return (options) => {
    const limiter = new RateLimiterRedis({
      ...options,
      keyPrefix: `latchkey:throttle:${options.keyPrefix}`,
      storeClient: client,
      // Nobody waits for a connection.
      rejectIfRedisNotReady: true,
    })
    const insuranceLimiter = new RateLimiterMemory(options)
    return new RLWrapperTimeouts({ limiter, insuranceLimiter, timeoutMs })
  }
}
