import * as v from 'valibot'
import { AppError, isAppError } from '../../shared/failure'
import { statusOf, type ErrorCode } from '../../shared/wire'
import { traceOf, type Log } from '../log'
import { adds, emptyEntry, merge, worthOf, type Entry, type Step } from './entry'
import { StoreAway, type Next, type Store, type Stored } from './store'

/** Entries read from the shared store and remembered, so that a change that follows takes one trip. */
const mostSeen = 1000
/** Entries that are given back to a store at the same time. */
const atOnce = 16
/** Milliseconds after which a store that was there all the time is told what it did not take; doubling. */
const retold = 1000
const mostRetold = 30_000
/** Steps that a store is owed at most: turns that were not given back, which lapse by themselves. */
const mostOwed = 1000
/** Lineages this process stands for at most; the stalest go. */
const mostOurs = 20_000

export interface Changed<T> {
  result: T
  /** The shared store was away: nobody but this process knows of it. */
  isAlone: boolean
}

/**
 * The entries of all lineages. What this process decided itself is kept in its own store as well. So
 * a shared store that was away, or lost everything, gets it back: on its return, and before anything
 * else is done with the lineage.
 */
export interface Entries {
  /**
   * Carries a step out, atomically. `ours`: what it results in is a fact that this process stands for.
   * `owed`: a store that is away gets the step itself on its return.
   */
  change<T>(lineage: string, step: Step<T>, how?: 'ours' | 'owed'): Promise<Changed<T>>
  /** Carries a step out on this process's own copy alone. */
  changeOwn<T>(lineage: string, step: Step<T>): Promise<T>
  /** True once per key; keys are forgotten after `until`. */
  useOnce(key: string, until: number): Promise<boolean>
  isUsed(key: string): Promise<boolean>
  /** A browser has shown that it holds the latest pair of the lineage. */
  acknowledge(lineage: string): void
}

interface Needs {
  own: Store
  shared?: Store | undefined
  log: Log
}

export function createEntries({ own, shared, log }: Needs): Entries {
  const seen = new Map<string, Stored>()
  /** Lineages this process stands for. */
  const ours = new Set<string>()
  /** Lineages whose news the store did not take, though it is there. */
  const untold = new Set<string>()
  const owed: { lineage: string; step: Step<unknown> }[] = []

  function remember(lineage: string, stored: Stored): void {
    seen.delete(lineage)
    seen.set(lineage, stored)
    const [oldest] = seen.keys()
    if (seen.size > mostSeen && oldest !== undefined) seen.delete(oldest)
  }

  /** What cannot be read is looked at anew each time: somebody may have put it right. */
  function readOf(lineage: string, stored: Stored): Entry {
    try {
      return entryIn(stored)
    } catch (error) {
      seen.delete(lineage)
      throw error
    }
  }

  async function changeIn<T>(
    store: Store,
    lineage: string,
    step: Step<T>,
    known?: Stored,
    mine?: Entry,
  ): Promise<{ result: T; entry: Entry }> {
    const key = keyOf(lineage)
    const get = async () => {
      const got = await store.get(key)
      if (store === shared) remember(lineage, got)
      return got
    }
    let stored = known ?? (await get())
    for (let isKnown = known !== undefined; ; isKnown = false) {
      // What was seen a while ago was stamped a while ago.
      const now = isKnown ? store.now() : stored.now
      const there = readOf(lineage, stored)
      const hasMore = mine !== undefined && adds(there, mine, now)
      const before = hasMore ? merge(there, mine) : there
      const stepped = step(before, now)
      const entry = stepped.entry ?? (hasMore ? before : undefined)
      if (!entry) {
        if (!isKnown) return { result: stepped.result, entry: before }
        // It may have changed since it was seen: "nothing to do" must be known afresh.
        stored = await get()
        continue
      }
      const swapped = await store.swap(key, stored.version, nextOf(entry))
      if (store === shared) remember(lineage, swapped)
      if (swapped.done) return { result: stepped.result, entry }
      stored = swapped
    }
  }

  async function changeOwn<T>(lineage: string, step: Step<T>): Promise<T> {
    return (await changeIn(own, lineage, step)).result
  }

  async function mineOf(lineage: string): Promise<Entry | undefined> {
    if (!ours.has(lineage)) return undefined
    const stored = await own.get(keyOf(lineage))
    if (stored.value !== undefined) return entryIn(stored)
    ours.delete(lineage)
    return undefined
  }

  async function changeShared<T>(
    store: Store,
    lineage: string,
    step: Step<T>,
    isOurs: boolean,
  ): Promise<T> {
    const mine = await mineOf(lineage)
    const { result, entry } = await changeIn(store, lineage, step, seen.get(lineage), mine)
    if (isOurs || mine) await standFor(lineage, entry)
    return result
  }

  /** What the shared store said last of a lineage, where that was a moment ago and can be read. */
  function entryLast(lineage: string): Entry | undefined {
    const stored = seen.get(lineage)
    seen.delete(lineage)
    try {
      return stored && entryIn(stored)
    } catch {
      return undefined // the trouble that led here
    }
  }

  function claim(lineage: string): void {
    ours.delete(lineage)
    ours.add(lineage)
    const [stalest] = ours
    if (ours.size > mostOurs && stalest !== undefined) ours.delete(stalest)
  }

  async function standFor(lineage: string, entry: Entry): Promise<void> {
    claim(lineage)
    const facts = { ...entry, lock: undefined, rest: undefined }
    await changeOwn(lineage, (before) => ({ entry: merge(before, facts), result: undefined }))
  }

  /**
   * Tells the shared store all that this process stands for: it may have missed some, lost everything,
   * or come back as it was a while ago, from a replica or a file.
   */
  async function flush(store: Store): Promise<void> {
    seen.clear()
    for (const { lineage, step } of owed.splice(0)) await tell(store, lineage, step)
    const due = [...ours]
    if (due.length > 0) log('info', 'telling the ledger what it missed', { entries: due.length })
    const worker = async () => {
      for (let lineage = due.pop(); lineage !== undefined; lineage = due.pop())
        await tell(store, lineage, same)
    }
    await Promise.all(Array.from({ length: atOnce }, worker))
  }

  /** Where it fails, the lineage is told of on the store's next return, and whenever it is touched. */
  async function tell(store: Store, lineage: string, step: Step<unknown>): Promise<boolean> {
    try {
      await changeShared(store, lineage, step, false)
      return true
    } catch (error) {
      // Away again, or one entry that cannot be read: the others are told all the same.
      if (!(error instanceof StoreAway))
        log('error', 'the ledger could not be told', { cause: traceOf(error) })
      return !(error instanceof StoreAway)
    }
  }

  /** One operation that failed by itself is followed by no return: tried again, until one is. */
  function tellSoon(store: Store, lineage: string, after = retold): void {
    if (after === retold && untold.has(lineage)) return
    untold.add(lineage)
    setTimeout(() => {
      void tell(store, lineage, same).then((isTold) => {
        if (isTold || store.bornAt() === undefined) untold.delete(lineage)
        else tellSoon(store, lineage, Math.min(after * 2, mostRetold))
      })
    }, after)
  }

  shared?.onReturn(() => void flush(shared))

  return {
    changeOwn,

    acknowledge(lineage) {
      own.acknowledge?.(keyOf(lineage))
    },

    async change(lineage, step, how) {
      if (!shared) return { result: await changeOwn(lineage, step), isAlone: false }
      try {
        const result = await changeShared(shared, lineage, step, how === 'ours')
        return { result, isAlone: false }
      } catch (error) {
        // What cannot be read is trouble; but what this process has done must not be lost for it.
        const isUnread = how === 'ours' && isAppError(error, 'ledger_unavailable')
        if (!(error instanceof StoreAway) && !isUnread) throw error
        // What the store has said just now holds, also where it then refused to be written to.
        const said = entryLast(lineage)
        const result = await changeOwn(lineage, (own, now) =>
          step(said && adds(own, said, now) ? merge(own, said) : own, now),
        )
        // What it said may be lost by now: then this process is the one that knows.
        if (how === 'ours' || said) claim(lineage)
        if (how === 'owed' && owed.length < mostOwed) owed.push({ lineage, step })
        if (how !== undefined && shared.bornAt() !== undefined) tellSoon(shared, lineage)
        return { result, isAlone: true }
      }
    },

    async useOnce(key, until) {
      const next: Next = { value: '1', until, worth: 'once' }
      const here = await own.swap(onceKey(key), '', next)
      if (!here.done || !shared) return here.done
      try {
        return (await shared.swap(onceKey(key), '', next)).done
      } catch (error) {
        if (!(error instanceof StoreAway)) throw error
        return true // Once in this process; the provider takes a code once anyway.
      }
    },

    async isUsed(key) {
      if ((await own.get(onceKey(key))).value !== undefined) return true
      try {
        return (await shared?.get(onceKey(key)))?.value !== undefined
      } catch (error) {
        if (!(error instanceof StoreAway)) throw error
        return false
      }
    },
  }
}

/** Changes nothing; what this process stands for comes along. */
const same: Step<void> = () => ({ result: undefined })

function keyOf(lineage: string): string {
  return `lineage:${lineage}`
}

function onceKey(key: string): string {
  return `once:${key}`
}

/** Leaves out what is empty: most entries are a tombstone or a pair, and nothing else. */
function nextOf(entry: Entry): Next {
  const filled = Object.entries(entry).filter(
    ([, value]: [string, unknown]) =>
      value !== undefined &&
      value !== 0 &&
      !(typeof value === 'object' && value !== null && Object.keys(value).length === 0),
  )
  return {
    value: JSON.stringify(Object.fromEntries(filled)),
    until: entry.until,
    worth: worthOf(entry),
  }
}

const time = v.pipe(v.number(), v.integer(), v.minValue(0))
const seats = v.optional(v.record(v.string(), time), {})
const entrySchema = v.object({
  latest: v.optional(v.object({ generation: time, pair: v.string(), token: v.string() })),
  endedUpTo: v.optional(time, 0),
  endedAt: v.optional(time, 0),
  revokedUpTo: v.optional(time, 0),
  seats,
  signedOut: seats,
  spent: v.optional(v.array(v.string()), []),
  lock: v.optional(v.object({ owner: v.string(), until: time })),
  rest: v.optional(
    v.object({
      generation: time,
      until: time,
      tries: time,
      code: v.custom<ErrorCode>((code) => typeof code === 'string' && code in statusOf),
      retryAfter: v.optional(time),
      owner: v.string(),
    }),
  ),
  until: time,
})

/** What cannot be read is trouble, never "nothing": a signed-out account would be good again. */
function entryIn({ value }: Stored): Entry {
  if (value === undefined) return emptyEntry
  try {
    return v.parse(entrySchema, JSON.parse(value))
  } catch (cause) {
    throw new AppError('ledger_unavailable', { cause })
  }
}
