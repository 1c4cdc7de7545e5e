import type { Next, Store } from '../../proxy/session/store'
import { never, type Party, type World } from './world'
import type { System } from './system'

/** Milliseconds one operation may take; proxy/session/redis-store.ts has the same. */
const limit = 5_000
/** Milliseconds in which a healthy store answers at the latest. */
const healthy = 4_900
/** Milliseconds after which a store that did not answer is asked again. */
const pause = 500

/** What all processes of a world share: a database that can be lost. */
export interface Database {
  /** Carries operations out at once, or in its own time. */
  store: Pick<Store, 'get' | 'swap'>
  bornAt: number
  /** All is forgotten. */
  lose(): Promise<void>
}

export function memoryDatabase({ createMemoryStore }: System, world: World): Database {
  const now = () => world.now
  const database: Database = {
    store: createMemoryStore({ now }),
    bornAt: world.now,
    lose() {
      database.store = createMemoryStore({ now })
      database.bornAt = Math.max(world.now, database.bornAt + 1)
      return Promise.resolve()
    },
  }
  return database
}

interface Needs {
  world: World
  database: Database
  party: Party
  StoreAway: System['StoreAway']
  /** Told what was carried out, and what the database holds now if that is news. */
  done: (key: string, value?: string) => void
}

/** One process's way to the database, of which each operation passes two gates. */
export class Link {
  isCut = false
  /** Answers take any time. */
  isSlow = false
  returnedAt = 0
  /** When it was away last. */
  awayAt = -Infinity
  readonly #listeners: (() => void)[] = []
  readonly #open = new Set<(why: string) => void>()

  constructor(readonly needs: Needs) {}

  get isAway(): boolean {
    return this.isCut || this.#isSilent
  }

  #isSilent = false

  /** The connection breaks; what was on its way may or may not arrive. */
  cut(): void {
    this.isCut = true
    this.awayAt = this.needs.world.now
    for (const fail of this.#open) fail('cut')
  }

  mend(): void {
    this.isCut = false
    this.isSlow = false
    this.#comeBack()
  }

  #comeBack(): void {
    this.#isSilent = false
    if (this.isAway) return
    this.awayAt = this.needs.world.now
    this.returnedAt = this.needs.world.now
    for (const listener of this.#listeners) listener()
  }

  /** After an operation without an answer nobody waits again: it is away until it answers. */
  #fallSilent(): void {
    const { world, party } = this.needs
    if (this.isAway) return
    this.#isSilent = true
    this.awayAt = world.now
    for (const fail of this.#open) fail('silent')
    const look = () => {
      if (!this.isSlow && !this.isCut) this.#comeBack()
    }
    world.timer(pause, look, party)
  }

  async #operate<T>(what: string, work: () => Promise<T>): Promise<T> {
    const { world, party, StoreAway } = this.needs
    if (!party.isAlive) return await never()
    if (this.isAway) throw new StoreAway('away')
    const deadline = this.isSlow ? Infinity : world.now + healthy
    return await new Promise<T>((resolve, reject) => {
      const close = () => {
        this.#open.delete(fail)
        cancel()
      }
      const fail = (why: string) => {
        close()
        world.tell(() => `${party.name}: ${what} failed, ${why}`)
        reject(new StoreAway(why))
      }
      const cancel = world.timer(
        limit,
        () => {
          fail('no answer')
          this.#fallSilent()
        },
        party,
      )
      this.#open.add(fail)
      const carryOut = async () => {
        // On the wire: it arrives whether its sender lives or not.
        await world.gate(`${party.name} → store: ${what}`, undefined, deadline)
        const answer = await world.real(work)
        await world.gate(`store → ${party.name}: ${what}`, party, deadline)
        close()
        resolve(answer)
      }
      void carryOut()
    })
  }

  /** The link as the store that the ledger knows. */
  get store(): Store {
    const { world, database, done } = this.needs
    return {
      get: (key) =>
        this.#operate(`get ${short(key)}`, async () => {
          const answer = await database.store.get(key)
          done(key)
          return { ...answer, now: world.now }
        }),
      swap: (key, version, next: Next) =>
        this.#operate(`swap ${short(key)}`, async () => {
          const answer = await database.store.swap(key, version, next)
          done(key, answer.done ? next.value : undefined)
          return { ...answer, now: world.now }
        }),
      bornAt: () => (this.isAway ? undefined : database.bornAt),
      returnedAt: () => this.returnedAt,
      now: () => world.now,
      onReturn: (listener) => {
        this.#listeners.push(listener)
      },
      close: () => Promise.resolve(),
    }
  }
}

function short(key: string): string {
  return key.slice(0, 16)
}
