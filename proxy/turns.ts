/** Lets work of one key run one after the other. */
export interface Turns {
  take<T>(key: string, work: () => Promise<T>): Promise<T>
  /** How many have not ended yet. */
  pending(key: string): number
}

export function createTurns(): Turns {
  const last = new Map<string, { done: Promise<void>; count: number }>()
  return {
    pending: (key) => last.get(key)?.count ?? 0,
    async take(key, work) {
      const line = last.get(key) ?? { done: Promise.resolve(), count: 0 }
      last.set(key, line)
      line.count++
      const turn = line.done.then(work)
      // Whoever comes next waits for the end of it, whatever that is.
      line.done = turn.then(
        () => undefined,
        () => undefined,
      )
      try {
        return await turn
      } finally {
        line.count--
        if (line.count === 0) last.delete(key)
      }
    },
  }
}
