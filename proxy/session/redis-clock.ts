/** Milliseconds for which a good reading of the store's clock is kept. */
const offsetLife = 10_000

export interface RedisClockOptions {
  /** This machine's clock, milliseconds since the epoch. */
  now: () => number
  /** Milliseconds by which the store's clock runs ahead of Redis's own. */
  ahead: () => number
  /** Milliseconds that an answer may be under way. */
  limit: number
}

/** The clock of the store, which is Redis's, told from here: this machine's until an answer has shown more. */
export function createRedisClock({ now, ahead, limit }: RedisClockOptions) {
  /** Redis's clock minus this machine's. */
  let offset = 0
  let offsetAt = -Infinity

  /** As whole milliseconds, for Redis. */
  const shift = () => Math.floor(ahead())

  return {
    shift,
    now: () => now() + offset + shift(),
    /**
     * Takes a reading of Redis's own clock. An answer under way makes that look late, never early. So
     * the latest look is believed, for a while; and any that shows that a clock was set.
     */
    note(time: number): void {
      const arrival = now()
      const shown = time - arrival
      const wasSet = Math.abs(shown - offset) > limit
      if (shown < offset && !wasSet && arrival - offsetAt < offsetLife) return
      offset = shown
      offsetAt = arrival
    },
  }
}
