import { createMemoryStore } from '../proxy/session/memory-store'
import { StoreAway, type Store } from '../proxy/session/store'

/**
 * What an absent store does with what it is asked: nothing; or all of it, of which nobody hears; or
 * it tells what it has, and takes nothing any more.
 */
type Absence = 'refusing' | 'deaf' | 'full'

/** One process's way to the store. */
export interface Connection extends Store {
  /** Cuts this process off; it hears `StoreAway`. */
  leave(absence?: Absence): void
  /** Connects it again, and tells it so. */
  comeBack(): void
}

/** A database that several processes share, in this process; it can be lost, left and slowed. */
interface SharedStore {
  connect(): Connection
  /** Cuts every process off. */
  leave(absence?: Absence): void
  comeBack(): void
  /** Forgets everything, as a database that is started anew does. To those connected it was away for a moment. */
  lose(): void
  /** The same, but it does not say so: what it has is what was saved a while ago. */
  fallBack(): void
  /** Awaited before each operation is carried out. */
  before: ((operation: 'get' | 'swap', key: string) => Promise<void>) | undefined
  /** Awaited while the answer is on its way. */
  after: ((operation: 'get' | 'swap', key: string) => Promise<void>) | undefined
  /** Puts something else in place of what is kept of a lineage. */
  spoil(value: string): Promise<void>
  /** Every key that was ever written. */
  keys: Set<string>
}

export function createSharedStore(now: () => number): SharedStore {
  let memory = createMemoryStore({ now })
  let bornAt = memory.bornAt()
  const connections = new Set<Connection>()

  function connect(): Connection {
    const listeners: (() => void)[] = []
    let absence: Absence | 'closed' | undefined
    let returnedAt = 0

    async function carryOut<T>(
      operation: 'get' | 'swap',
      key: string,
      work: () => Promise<T>,
    ): Promise<T> {
      if (absence === 'refusing' || absence === 'closed') throw new StoreAway(absence)
      if (absence === 'full' && operation === 'swap') throw new StoreAway(absence)
      await store.before?.(operation, key)
      if (operation === 'swap') store.keys.add(key)
      const result = await work()
      await store.after?.(operation, key)
      // Whoever was cut off meanwhile does not hear of it.
      if (isAway() && absence !== 'full') throw new StoreAway(absence)
      return result
    }
    const isAway = () => absence !== undefined

    const connection: Connection = {
      get: (key) => carryOut('get', key, () => memory.get(key)),
      swap: (key, version, next) => carryOut('swap', key, () => memory.swap(key, version, next)),
      bornAt: () => (isAway() ? undefined : bornAt),
      returnedAt: () => returnedAt,
      now,
      onReturn: (listener) => {
        listeners.push(listener)
      },
      close() {
        absence = 'closed'
        connections.delete(connection)
        return Promise.resolve()
      },
      leave(how = 'refusing') {
        absence = how
      },
      comeBack() {
        absence = undefined
        returnedAt = now()
        for (const listener of listeners) listener()
      },
    }
    connections.add(connection)
    return connection
  }

  const store: SharedStore = {
    connect,
    before: undefined,
    after: undefined,
    keys: new Set(),
    leave(absence) {
      for (const connection of connections) connection.leave(absence)
    },
    comeBack() {
      for (const connection of connections) connection.comeBack()
    },
    lose() {
      bornAt = now()
      store.fallBack()
    },
    fallBack() {
      store.leave()
      memory = createMemoryStore({ now })
      store.comeBack()
    },
    async spoil(value) {
      for (const key of store.keys) {
        const { version } = await memory.get(key)
        await memory.swap(key, version, { value, until: Number.MAX_SAFE_INTEGER, worth: 'ended' })
      }
    },
  }
  return store
}
