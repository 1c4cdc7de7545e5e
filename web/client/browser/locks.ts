/** One holder of a name at a time over all tabs of this browser, and nobody who waits for ever. */

/** Web Locks, as far as we use them. */
export interface Locks {
  /** Waits for at most `limit` milliseconds, then throws a `TimeoutError`; `run` is not limited. */
  request: <T>(name: string, limit: number, run: () => Promise<T>) => Promise<T>
}

/** Milliseconds to wait for work that takes an instant. */
const instant = 5_000

/**
 * The browser's locks, which it frees when their page goes. Without them, whatever the types say (an
 * insecure context, or a browser from before 2022), each page takes turns with itself alone.
 */
export function openLocks(manager: LockManager | undefined): Locks {
  if (!manager) return pageLocks()
  return {
    request: (name, limit, run) =>
      manager.request(name, { signal: AbortSignal.timeout(limit) }, run),
  }
}

/** The same within one page, in the order in which the turns were asked for. */
export function pageLocks(): Locks {
  const last = new Map<string, Promise<unknown>>()
  return {
    request: async (name, limit, run) => {
      const before = last.get(name)
      let free = (): void => undefined
      const held = new Promise<void>((resolve) => (free = resolve))
      last.set(
        name,
        Promise.all([before, held]).then(() => undefined),
      )
      try {
        await within(limit, before)
        return await run()
      } finally {
        free()
      }
    },
  }
}

/**
 * Takes turns for a read and a write. Who holds the lock for longer was stopped in the middle, by a
 * debugger or the system: a sign-out and a fresh token must not wait for that.
 */
export async function inOneStep<T>(locks: Locks, name: string, run: () => Promise<T>): Promise<T> {
  try {
    return await locks.request(name, instant, run)
  } catch (error) {
    if (!isTimeout(error)) throw error
    return await run()
  }
}

export function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'TimeoutError'
}

async function within(limit: number, wait: Promise<unknown> | undefined): Promise<void> {
  let late: ReturnType<typeof setTimeout> | undefined
  const tooLong = new Promise<never>((_, reject) => {
    late = setTimeout(() => {
      reject(new DOMException('The lock was not free in time.', 'TimeoutError'))
    }, limit)
  })
  try {
    await Promise.race([wait, tooLong])
  } finally {
    clearTimeout(late)
  }
}
