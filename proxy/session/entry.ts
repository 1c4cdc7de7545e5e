/**
 * What the ledger keeps of one lineage, and how it changes: pure steps, which a store carries out by
 * compare-and-swap. But for lock and rest an entry only grows, so that two copies of it, one of which
 * was cut off for a while, merge by maximum and union.
 */
import type { ErrorCode } from '../../shared/wire'
import type { Worth } from './store'

/** The freshest pair of a lineage, sealed, and a hash of its refresh token to tell it by. */
export interface SealedLatest {
  generation: number
  pair: string
  /** Empty where there is no refresh token. */
  token: string
}

/** Who alone may ask the provider about the lineage. Only the owner, or time, clears it. */
export interface Lock {
  owner: string
  until: number
}

/** A refresh that failed: until when its token is not sent again, and what others are told meanwhile. */
export interface Rest {
  generation: number
  until: number
  tries: number
  code: ErrorCode
  /** Seconds, where the provider said so. */
  retryAfter?: number | undefined
  /** The turn in which it failed: whoever waited for that turn has this answer too. */
  owner: string
}

/** Times are milliseconds since the epoch on the store's clock. */
export interface Entry {
  latest?: SealedLatest | undefined
  /** Every generation up to this one was ended by the provider; 0 where none was. */
  endedUpTo: number
  /** When that was said last; 0 where it never was. */
  endedAt: number
  /** Every generation up to this one was revoked by us, or could not be and is of no use; 0 where none was. */
  revokedUpTo: number
  /** Signed-in seats of a shared lineage, and until when they count. */
  seats: Readonly<Record<string, number>>
  /** Signed-out seats, and until when that matters. */
  signedOut: Readonly<Record<string, number>>
  /** Hashes of the refresh tokens that a shared lineage spent last. */
  spent: readonly string[]
  lock?: Lock | undefined
  rest?: Rest | undefined
  /** When all of it may be forgotten. */
  until: number
}

/** What a step makes of an entry; without one, nothing changes. */
export interface Stepped<T> {
  entry?: Entry
  result: T
}

export type Step<T> = (entry: Entry, now: number) => Stepped<T>

/** Which sign-in is spoken of, and until when it can matter. */
export interface Seat {
  lineage: string
  seat: string
  until: number
}

/** What the entry says about one seat. */
export interface SeatStanding extends Pick<
  Entry,
  'latest' | 'endedUpTo' | 'endedAt' | 'revokedUpTo' | 'rest'
> {
  /** The person signed this seat out. */
  signedOut: boolean
  /** It is signed out, and no other seat is known to be signed in. */
  deserted: boolean
}

/** Refresh tokens remembered as spent, per lineage. */
const mostSpent = 8
/** Milliseconds for which a lock or a rest is remembered after its end. */
const afterwards = 60_000

export const emptyEntry: Entry = {
  endedUpTo: 0,
  endedAt: 0,
  revokedUpTo: 0,
  seats: {},
  signedOut: {},
  spent: [],
  until: 0,
}

/** Several sign-ins may live from one pair. */
export function isShared({ lineage, seat }: Seat): boolean {
  return lineage !== seat
}

function standingOf(entry: Entry, { seat }: Seat, now: number): SeatStanding {
  const { latest, endedUpTo, endedAt, revokedUpTo, rest } = entry
  const signedOut = seat in entry.signedOut
  return {
    latest,
    endedUpTo,
    endedAt,
    revokedUpTo,
    signedOut,
    deserted: signedOut && !isInhabited(entry, now),
    rest,
  }
}

/** A seat of a shared lineage counts as soon as it is seen: after a lost ledger nobody has joined yet. */
export function look(seat: Seat, generation: number): Step<SeatStanding> {
  return (entry, now) => {
    const result = standingOf(entry, seat, now)
    const freshest = Math.max(generation, entry.latest?.generation ?? 0)
    const isNews =
      isShared(seat) &&
      !result.signedOut &&
      freshest > entry.endedUpTo &&
      (entry.seats[seat.seat] ?? 0) < seat.until
    return isNews ? { entry: seated(entry, seat, now), result } : { result }
  }
}

export interface Asked {
  owner: string
  /** Milliseconds for which the lock is given. */
  lease: number
  /** The generation to be refreshed; without one, the lock is wanted whatever the entry says. */
  generation?: number | undefined
  /** The owner for whose end this one has waited. */
  waitedFor?: string | undefined
}

export type Answered =
  | { is: 'granted'; isTakeover: boolean; standing: SeatStanding }
  | { is: 'busy'; owner: string }
  /** The lock is not needed: somebody was first, or it is over, or at rest. */
  | { is: 'settled'; standing: SeatStanding }

export function acquire(seat: Seat, asked: Asked): Step<Answered> {
  const { owner, lease, generation, waitedFor } = asked
  return (entry, now) => {
    const standing = standingOf(entry, seat, now)
    if (generation !== undefined && isSettled(standing, generation, waitedFor, now))
      return { result: { is: 'settled', standing } }
    const { lock } = entry
    if (lock && lock.owner !== owner && lock.until > now)
      return { result: { is: 'busy', owner: lock.owner } }
    const until = now + lease
    return {
      entry: lasting({ ...entry, lock: { owner, until } }, until + afterwards),
      result: { is: 'granted', isTakeover: lock !== undefined && lock.owner !== owner, standing },
    }
  }
}

function isSettled(
  { latest, endedUpTo, deserted, rest }: SeatStanding,
  generation: number,
  waitedFor: string | undefined,
  now: number,
): boolean {
  if (deserted || (latest && latest.generation > generation) || generation <= endedUpTo) return true
  return rest?.generation === generation && (rest.until > now || rest.owner === waitedFor)
}

/** The owner needs more time; false where another one has the lock by now. */
export function extend(owner: string, lease: number): Step<boolean> {
  return (entry, now) => {
    if (entry.lock?.owner !== owner) return { result: false }
    const until = now + lease
    return {
      entry: lasting({ ...entry, lock: { owner, until } }, until + afterwards),
      result: true,
    }
  }
}

export function release(owner: string): Step<void> {
  return (entry) =>
    entry.lock?.owner === owner
      ? { entry: { ...entry, lock: undefined }, result: undefined }
      : { result: undefined }
}

export interface Published {
  latest: SealedLatest
  /** Nobody is left to use it. */
  deserted: boolean
}

/**
 * Tokens that came of generation `after` become the latest, whoever holds the lock: a leader that
 * overslept still has the good pair. They count from when the provider answered (`asOf`), so that what
 * is written late never undoes what came of it meanwhile. The owner's lock is given back, but for
 * tokens that nobody is left to use: those are its to revoke.
 */
export function publish(
  seat: Seat,
  after: number,
  pair: Pick<SealedLatest, 'pair' | 'token'>,
  asOf: number,
  owner?: string,
): Step<Published> {
  return (entry, now) => {
    const { endedUpTo, revokedUpTo } = entry
    const generation = Math.max(after + 1, endedUpTo + 1, revokedUpTo + 1, asOf)
    const isTie = entry.latest?.generation === generation && entry.latest.pair !== pair.pair
    const mine = { ...pair, generation: isTie ? generation + 1 : generation }
    const latest = newer(mine, entry.latest) ?? mine
    const { deserted } = standingOf(entry, seat, now)
    const keepsLock = deserted || entry.lock?.owner !== owner
    return {
      entry: lasting(
        {
          ...entry,
          latest,
          spent: isShared(seat) ? spentAfter(entry, latest) : entry.spent,
          lock: keepsLock ? entry.lock : undefined,
          rest: latest === mine ? undefined : entry.rest,
        },
        seat.until,
      ),
      result: { latest, deserted },
    }
  }
}

/**
 * A sign-in enters a shared lineage: with the pair that is known it takes that one's generation; with
 * a spent token it adopts the latest; with any other the provider has reissued the pair for all.
 */
export function join(seat: Seat, pair: Pick<SealedLatest, 'pair' | 'token'>): Step<SealedLatest> {
  return (entry, now) => {
    const { latest } = entry
    const isLive = latest !== undefined && latest.generation > entry.endedUpTo
    const isKnown = pair.token !== '' && [...entry.spent, latest?.token].includes(pair.token)
    if (isLive && isKnown) return { entry: seated(entry, seat, now), result: latest }
    const renewed = { ...pair, generation: nextGeneration(entry, 0, now) }
    return {
      entry: seated(
        { ...entry, latest: renewed, spent: spentAfter(entry, renewed), rest: undefined },
        seat,
        now,
      ),
      result: renewed,
    }
  }
}

/** What a refresh failed with, and how long its token rests; the owner's lock is given back. */
export function fail(
  failure: Omit<Rest, 'until' | 'tries'>,
  pauses: readonly number[],
): Step<void> {
  return (entry, now) => {
    const before = entry.rest?.generation === failure.generation ? entry.rest.tries : 0
    const tries = pauses.length > 0 ? before + 1 : before
    const pause = pauses[Math.min(before, pauses.length - 1)] ?? 0
    const until = now + pause
    return {
      entry: lasting(
        {
          ...entry,
          rest: { ...failure, until, tries },
          lock: entry.lock?.owner === failure.owner ? undefined : entry.lock,
        },
        until + afterwards,
      ),
      result: undefined,
    }
  }
}

/**
 * The provider refused a refresh token: a second look, which compares tokens. Whatever came after the
 * refused one is answered; otherwise every generation up to this one is dead.
 */
export function refuse(
  seat: Seat,
  generation: number,
  token: string,
): Step<SealedLatest | undefined> {
  return (entry, now) => {
    const { latest } = entry
    const isOther = latest && latest.token !== token && latest.generation >= generation
    if (isOther && latest.generation > entry.endedUpTo) return { result: latest }
    const endedUpTo = Math.max(entry.endedUpTo, generation)
    const ended = withoutDead({ ...entry, endedUpTo, endedAt: now })
    return { entry: lasting(ended, seat.until), result: undefined }
  }
}

/** The person ended this seat, for good. */
export function signOut(seat: Seat): Step<void> {
  return (entry, now) => ({ entry: left(entry, [seat], now), result: undefined })
}

/** The person ended the lineage: every seat known, and every generation up to this one. */
export function signOutAll(seat: Seat, generation: number): Step<void> {
  return (entry, now) => {
    const others = Object.entries(entry.seats).map(([other, until]) => ({ seat: other, until }))
    const endedUpTo = Math.max(entry.endedUpTo, generation)
    const entryLeft = { ...left(entry, [...others, seat], now), endedUpTo, endedAt: now }
    return { entry: withoutDead(entryLeft), result: undefined }
  }
}

/** The pair of this generation was revoked at the provider, or cannot be and has nobody left. */
export function revoked(seat: Seat, generation: number): Step<void> {
  return (entry) => {
    const revokedUpTo = Math.max(entry.revokedUpTo, generation)
    return { entry: lasting(withoutDead({ ...entry, revokedUpTo }), seat.until), result: undefined }
  }
}

/** Two copies of one lineage as one. Lock and rest are the first one's. */
export function merge(shared: Entry, own: Entry): Entry {
  const latest = newer(shared.latest, own.latest)
  const older = latest === shared.latest ? own.latest : shared.latest
  const signedOut = union(shared.signedOut, own.signedOut)
  const seats = union(shared.seats, own.seats)
  for (const seat of Object.keys(signedOut)) Reflect.deleteProperty(seats, seat)
  const spent = [...shared.spent, ...own.spent, ...(older ? [older.token] : [])]
  const isOfMany = shared.spent.length + own.spent.length + Object.keys(seats).length > 0
  return withoutDead({
    ...shared,
    latest,
    endedUpTo: Math.max(shared.endedUpTo, own.endedUpTo),
    endedAt: Math.max(shared.endedAt, own.endedAt),
    revokedUpTo: Math.max(shared.revokedUpTo, own.revokedUpTo),
    seats,
    signedOut,
    spent: isOfMany ? lastSpent(spent, latest) : [],
    until: Math.max(shared.until, own.until),
  })
}

/** Tokens that are of no use to anybody are not kept for as long as the record of their end. */
function withoutDead(entry: Entry): Entry {
  const deadUpTo = Math.max(entry.endedUpTo, entry.revokedUpTo)
  return (entry.latest?.generation ?? 0) > deadUpTo ? entry : { ...entry, latest: undefined }
}

/** Whether the second copy knows anything that the first does not. */
export function adds(shared: Entry, own: Entry, now: number): boolean {
  const isMissing =
    (known: readonly Readonly<Record<string, number>>[]) =>
    ([seat, until]: [string, number]) =>
      until > now && !known.some((seats) => seat in seats)
  return (
    (own.latest?.generation ?? 0) >
      Math.max(shared.latest?.generation ?? 0, shared.endedUpTo, shared.revokedUpTo) ||
    own.endedUpTo > shared.endedUpTo ||
    own.revokedUpTo > shared.revokedUpTo ||
    Object.entries(own.signedOut).some(isMissing([shared.signedOut])) ||
    Object.entries(own.seats).some(isMissing([shared.seats, shared.signedOut]))
  )
}

/** What a store may let go first; see `Worth`. */
export function worthOf({ signedOut, endedUpTo, latest }: Entry): Worth {
  if (endedUpTo > 0 || Object.keys(signedOut).length > 0) return 'ended'
  return latest ? 'fresh' : 'idle'
}

/** Grows with the clock: two counters would cross once a store was lost, and the spent pair would win. */
function nextGeneration(entry: Entry, after: number, now: number): number {
  const { latest, endedUpTo, revokedUpTo } = entry
  return Math.max(after + 1, (latest?.generation ?? 0) + 1, endedUpTo + 1, revokedUpTo + 1, now)
}

function isInhabited({ seats }: Entry, now: number): boolean {
  return Object.values(seats).some((until) => until > now)
}

function seated(entry: Entry, { seat, until }: Seat, now: number): Entry {
  return lasting({ ...entry, seats: { ...stillThere(entry.seats, now), [seat]: until } }, until)
}

/** Who left a browser behind for good counts no more. */
function stillThere(seats: Entry['seats'], now: number): Record<string, number> {
  return Object.fromEntries(Object.entries(seats).filter(([, until]) => until > now))
}

function left(entry: Entry, gone: readonly Pick<Seat, 'seat' | 'until'>[], now: number): Entry {
  const signedOut = stillThere(entry.signedOut, now)
  const seats = { ...entry.seats }
  for (const { seat, until } of gone) {
    signedOut[seat] = until
    Reflect.deleteProperty(seats, seat)
  }
  return lasting({ ...entry, seats, signedOut }, Math.max(0, ...gone.map(({ until }) => until)))
}

function lasting(entry: Entry, until: number): Entry {
  return { ...entry, until: Math.max(entry.until, until) }
}

function spentAfter({ spent, latest }: Entry, next: SealedLatest): readonly string[] {
  return latest ? lastSpent([...spent, latest.token], next) : spent
}

function lastSpent(spent: readonly string[], latest: SealedLatest | undefined): readonly string[] {
  return [...new Set(spent)]
    .filter((token) => token !== '' && token !== latest?.token)
    .slice(-mostSpent)
}

function newer(one: SealedLatest | undefined, other: SealedLatest | undefined) {
  return (other?.generation ?? 0) > (one?.generation ?? 0) ? other : one
}

/** The later time of each. */
function union(
  one: Readonly<Record<string, number>>,
  other: Readonly<Record<string, number>>,
): Record<string, number> {
  const all = { ...one }
  for (const [key, until] of Object.entries(other)) all[key] = Math.max(all[key] ?? 0, until)
  return all
}
