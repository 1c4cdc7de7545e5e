/** Milliseconds. */
const shortest = 1_000
const longest = 30_000
/** Milliseconds after the end of a cooldown, without another, after which the next is the shortest again. */
const memory = 60_000

/**
 * How long the store stays away after operations that timed out, whatever else it answers: in a
 * Cluster one node may hang while another one says that all is well. 1 s after the first, doubling to
 * 30 s with each time-out that follows a return.
 */
export function createCooldown(elapsed: () => number = () => performance.now()) {
  let length = 0
  let endsAt = -Infinity
  let hasReturned = true

  return {
    timedOut(): void {
      const at = elapsed()
      if (at - endsAt > memory) length = shortest
      else if (hasReturned) length = Math.min(2 * length, longest)
      hasReturned = false
      endsAt = at + length
    },
    returned: () => void (hasReturned = true),
    /** Milliseconds that it lasts yet. */
    left: () => Math.max(0, endsAt - elapsed()),
  }
}
