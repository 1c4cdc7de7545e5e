/** Work that was begun and must end before the process does. */
export interface Underway {
  add: (work: Promise<unknown>) => void
  /** Resolves once nothing is under way, and neither is what that began. */
  ended(): Promise<void>
}

export function createUnderway(): Underway {
  const works = new Set<Promise<unknown>>()
  return {
    add(work) {
      const over = work
        .catch(() => undefined) // told to whoever awaits it
        .finally(() => works.delete(over))
      works.add(over)
    },
    async ended() {
      while (works.size > 0) await Promise.all(works)
    },
  }
}
