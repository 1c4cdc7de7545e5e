import type { Next, Store, Worth } from './store'

/** Values kept before some make room. */
const mostValues = 100_000
/** Milliseconds for which a value never goes: whoever took a lock with it is at work. */
const youth = 25_000

interface Kept {
  value: string
  until: number
  worth: Worth
  writtenAt: number
}

/** The store of one process: bounded, forgetting what is over. */
export function createMemoryStore({
  now,
  most = mostValues,
}: {
  /** Milliseconds since the epoch. */
  now: () => number
  most?: number
}): Store {
  let born = now()
  /** When room was looked for last: where all are young, each write would look again. */
  let lookedAt = -Infinity
  /** In the order of writing, so that the first are the stalest. */
  const kept = new Map<string, Kept>()

  function valueOf(key: string): string | undefined {
    const found = kept.get(key)
    return found && found.until >= now() ? found.value : undefined
  }

  function put(key: string, { value, until, worth }: Next): void {
    kept.delete(key)
    kept.set(key, { value, until, worth, writtenAt: now() })
    if (kept.size > most && Math.abs(now() - lookedAt) >= 1000) makeRoom()
  }

  /** Down to a little below the bound, so that the next writes need not look again. */
  function makeRoom(): void {
    lookedAt = now()
    const enough = Math.floor(most * 0.99)
    const isOld = ({ writtenAt }: Kept) => writtenAt + youth <= now()
    const isWorth = (worth: Worth) => (one: Kept) => one.worth === worth && isOld(one)
    const isOver = ({ until }: Kept) => until < now()
    const isOnce = ({ worth }: Kept) => worth === 'once'
    for (const mayGo of [isOver, isOnce, isWorth('idle'), isWorth('fresh'), isWorth('ended')])
      for (const [key, one] of kept) {
        if (kept.size <= enough) return
        if (!mayGo(one)) continue
        kept.delete(key)
        // From here on, an account that is not found may have been known.
        if (!isOver(one) && !isOnce(one)) born = Math.max(born, one.writtenAt + 1)
      }
  }

  return {
    get: (key) => {
      const value = valueOf(key)
      return Promise.resolve({ value, version: value ?? '', now: now() })
    },
    swap: (key, version, next) => {
      const done = (valueOf(key) ?? '') === version
      if (done) put(key, next)
      const value = valueOf(key)
      return Promise.resolve({ value, version: value ?? '', now: now(), done })
    },
    acknowledge: (key) => {
      const found = kept.get(key)
      if (found?.worth === 'fresh') found.worth = 'idle'
    },
    bornAt: () => born,
    returnedAt: () => 0,
    now,
    onReturn: () => undefined,
    close: () => Promise.resolve(),
  }
}
