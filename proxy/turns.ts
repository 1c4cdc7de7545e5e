/** Lets work of one key run one after the other. */
export interface Turns {
  /** Runs work when all before it are done; where that takes too long, it never runs. */
  take<T>(key: string, work: () => Promise<T>, limit?: Limit): Promise<T>
  /** How many have not ended yet. */
  pending(key: string): number
}

/** How long to wait for a turn, in milliseconds, and what to throw then. */
export interface Limit {
  within: number
  late: () => Error
}

export function createTurns(): Turns {
  const lines = new Map<string, { last: Promise<void>; count: number }>()
  return {
    pending: (key) => lines.get(key)?.count ?? 0,
    async take(key, work, limit) {
      const line = lines.get(key) ?? { last: Promise.resolve(), count: 0 }
      lines.set(key, line)
      line.count++
      const before = line.last
      const { promise, resolve } = withResolvers()
      line.last = promise
      try {
        await (limit ? inTime(before, limit) : before)
        return await work()
      } finally {
        // Who gives up waiting leaves those behind to wait for those before.
        void before.then(resolve)
        line.count--
        if (line.count === 0) lines.delete(key)
      }
    },
  }
}

async function inTime(before: Promise<void>, { within, late }: Limit): Promise<void> {
  const { promise, reject } = withResolvers()
  const timer = setTimeout(() => {
    reject(late())
  }, within)
  try {
    await Promise.race([before, promise])
  } finally {
    clearTimeout(timer)
  }
}

/** Promise.withResolvers, which Node 20 does not have. */
function withResolvers() {
  let resolve!: () => void
  let reject!: (reason: Error) => void
  const promise = new Promise<void>((onDone, onFailed) => {
    resolve = onDone
    reject = onFailed
  })
  return { promise, resolve, reject }
}
