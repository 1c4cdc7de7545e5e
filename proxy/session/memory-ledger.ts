import type { Tokens } from '../../shared/oauth/tokens'
import { createTurns } from '../turns'
import type { Latest, Ledger, Seat } from './ledger'

/** Refresh tokens remembered as spent, per shared lineage. */
const mostSpent = 8
/** Entries kept before the stalest make room. */
const mostEntries = 100_000

interface Entry {
  latest?: Latest | undefined
  endedUpTo: number
  /** Seats of a shared lineage that are signed in, and until when. */
  seats: Map<string, number>
  /** Seats that are signed out, and until when that matters. */
  signedOut: Map<string, number>
  spent: string[]
  until: number
}

/** The ledger of one process. */
export function createMemoryLedger(now: () => number): Ledger {
  const entries = new Map<string, Entry>()
  const used = new Map<string, number>()
  const turns = createTurns()
  const born = now()

  function entryOf({ lineage, until }: Seat): Entry {
    const entry = entries.get(lineage) ?? emptyEntry()
    entry.until = Math.max(entry.until, until)
    // Writing moves an entry to the end, so that the first are the stalest.
    entries.delete(lineage)
    entries.set(lineage, entry)
    makeRoom()
    return entry
  }

  function makeRoom(): void {
    if (entries.size <= mostEntries) return
    const isExpired = ({ until }: Entry) => until < now()
    // What ended goes last: without its record a copied cookie would be good again.
    const isAlive = ({ signedOut, endedUpTo }: Entry) => signedOut.size === 0 && endedUpTo === 0
    for (const mayGo of [isExpired, isAlive, () => true])
      for (const [lineage, entry] of entries) {
        if (entries.size <= mostEntries) return
        if (mayGo(entry)) entries.delete(lineage)
      }
  }

  function renew(entry: Entry, after: number, tokens: Tokens): Latest {
    const spent = entry.latest?.tokens.refreshToken?.reveal()
    if (spent !== undefined && spent !== tokens.refreshToken?.reveal())
      entry.spent = [...entry.spent, spent].slice(-mostSpent)
    const generation = Math.max(
      after + 1,
      (entry.latest?.generation ?? 0) + 1,
      entry.endedUpTo + 1,
      now(),
    )
    entry.latest = { generation, tokens }
    return entry.latest
  }

  function leave(entry: Entry, seat: string, until: number): void {
    for (const [gone, over] of entry.signedOut) if (over < now()) entry.signedOut.delete(gone)
    entry.signedOut.set(seat, until)
    entry.seats.delete(seat)
  }

  function someLive({ seats }: Entry): boolean {
    return [...seats.values()].some((until) => until > now())
  }

  return {
    read: (seat) => {
      const isShared = seat.lineage !== seat.seat
      const entry = isShared ? entryOf(seat) : entries.get(seat.lineage)
      const signedOut = entry?.signedOut.has(seat.seat) ?? false
      const freshest = Math.max(seat.generation ?? 0, entry?.latest?.generation ?? 0)
      // A seat counts as soon as it is seen: after the ledger was lost nobody has joined yet.
      if (entry && isShared && !signedOut && freshest > entry.endedUpTo)
        entry.seats.set(seat.seat, seat.until)
      return Promise.resolve({
        latest: entry?.latest,
        endedUpTo: entry?.endedUpTo ?? 0,
        signedOut,
        deserted: signedOut && entry !== undefined && !someLive(entry),
      })
    },

    inTurn: (lineage, work) => turns.take(lineage, work),

    join: (seat, tokens, shared) => {
      if (!shared) return Promise.resolve({ generation: now(), tokens })
      const entry = entryOf(seat)
      entry.seats.set(seat.seat, seat.until)
      const brought = tokens.refreshToken?.reveal()
      const { latest } = entry
      const isLive = latest !== undefined && latest.generation > entry.endedUpTo
      const isKnown =
        brought !== undefined &&
        (entry.spent.includes(brought) || brought === latest?.tokens.refreshToken?.reveal())
      if (isLive && isKnown) return Promise.resolve(latest)
      return Promise.resolve(renew(entry, 0, tokens))
    },

    publish: (seat, after, tokens) => Promise.resolve(renew(entryOf(seat), after, tokens)),

    endGrant: (seat, generation) => {
      const entry = entryOf(seat)
      entry.endedUpTo = Math.max(entry.endedUpTo, generation)
      return Promise.resolve()
    },

    signOutAll: (seat, generation) => {
      const entry = entryOf(seat)
      entry.endedUpTo = Math.max(entry.endedUpTo, generation)
      for (const [other, until] of entry.seats) leave(entry, other, until)
      leave(entry, seat.seat, seat.until)
      return Promise.resolve()
    },

    signOut: (seat) => {
      const entry = entryOf(seat)
      leave(entry, seat.seat, seat.until)
      return Promise.resolve()
    },

    useOnce: (key, until) => {
      for (const [old, oldUntil] of used) {
        if (oldUntil >= now()) break
        used.delete(old)
      }
      if (used.has(key)) return Promise.resolve(false)
      used.set(key, until)
      const [oldest] = used.keys()
      if (used.size > mostEntries && oldest !== undefined) used.delete(oldest)
      return Promise.resolve(true)
    },

    isUnused: (key) => Promise.resolve((used.get(key) ?? 0) < now()),

    remembers: (generation) => generation >= born,
  }
}

function emptyEntry(): Entry {
  return { endedUpTo: 0, seats: new Map(), signedOut: new Map(), spent: [], until: 0 }
}
