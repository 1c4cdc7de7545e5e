import { buildConnector, Pool } from 'undici'

/** The connections of one owner to one origin. */
export interface Held {
  pool: Pool
  /** The call has ended, whichever way. */
  release: () => void
}

/**
 * Connections that are kept and used again, but never by two owners: an API that sends one answer too
 * many sends it to whoever has a request out there.
 */
export interface Connections {
  /** For one call; nothing closes what is held. */
  hold(owner: string, origin: string): Held
  /** Ends them all, those with something under way too. */
  close(): Promise<void>
}

interface Kept {
  pool: Pool
  calls: number
  forgetting?: ReturnType<typeof setTimeout>
}

/** Milliseconds for which unused connections are kept, whatever the API offers. */
const keepAlive = 4_000

/**
 * How many pools wait for another call at most, when nobody says otherwise. Those in use have no limit
 * of their own: each is for a request that is here.
 */
const mostUnused = 1_000

export function createConnections(
  { connectLimit, maxHeaderSize }: { connectLimit: number; maxHeaderSize: number },
  most = mostUnused,
): Connections {
  // One for all, for it remembers TLS sessions; they tell nobody who somebody is.
  const connect = buildConnector({ allowH2: false, timeout: connectLimit })
  const used = new Map<string, Kept>()
  /** The one that has waited longest is the first. */
  const unused = new Map<string, Kept>()

  const open = (origin: string): Kept => ({
    calls: 0,
    pool: new Pool(origin, {
      allowH2: false,
      connect,
      keepAliveTimeout: keepAlive,
      keepAliveMaxTimeout: keepAlive,
      // Patience has the say until an answer begins: it waits for people who send slowly.
      headersTimeout: 0,
      maxHeaderSize,
      pipelining: 1,
    }),
  })
  function take(key: string): Kept | undefined {
    const kept = unused.get(key)
    unused.delete(key)
    clearTimeout(kept?.forgetting)
    return kept
  }
  function forget(key: string): void {
    // It fails where it is closed already, which is as well.
    void take(key)
      ?.pool.close()
      .catch(() => undefined)
  }
  function put(key: string, kept: Kept): void {
    unused.set(key, kept)
    kept.forgetting = setTimeout(() => {
      forget(key)
    }, keepAlive).unref()
    const [oldest] = unused.keys()
    if (unused.size > most && oldest !== undefined) forget(oldest)
  }
  return {
    hold(owner, origin) {
      const key = `${owner} ${origin}`
      const kept = used.get(key) ?? take(key) ?? open(origin)
      used.set(key, kept)
      kept.calls++
      let isReleased = false
      return {
        pool: kept.pool,
        release() {
          if (isReleased) return
          isReleased = true
          if (--kept.calls > 0) return
          used.delete(key)
          if (!kept.pool.destroyed) put(key, kept)
        },
      }
    },
    async close() {
      const all = [...used.values(), ...unused.values()]
      for (const { forgetting } of all) clearTimeout(forgetting)
      unused.clear()
      await Promise.all(all.map(({ pool }) => pool.destroy()))
    },
  }
}
