import { base64url } from 'jose'
import { AppError } from '../../shared/failure'
import { callLimit, type Ports } from '../../shared/oauth/ports'
import { NotSent } from '../../shared/oauth/refusal'
import type { Tokens } from '../../shared/oauth/tokens'
import type { Secret } from '../../shared/secret'
import type { ErrorCode } from '../../shared/wire'
import type { Log } from '../log'
import { createTurns } from '../turns'
import * as entry from './entry'
import { isShared, type SealedLatest, type Seat, type SeatStanding } from './entry'
import { createEntries } from './entries'
import type { Seal } from './seal'
import { readTokens, tokensToSealed } from './sealed-tokens'
import type { Store } from './store'

export type { Seat } from './entry'

/** Milliseconds for which a turn is given, from when it was asked for. */
const lease = 15_000
/** Milliseconds that a turn must still last before a call: what came of it is to be told in time as well. */
const cover = callLimit + 4_500
/** Milliseconds for which it is given where asking took too long for that. */
const longLease = 20_000
/** Milliseconds that one waits for a turn. */
const patience = 13_000
/** A rest of at most this many milliseconds is waited for. */
const shortRest = 3_000
/** Milliseconds for which a token is not sent again, by how often in a row its refresh failed so. */
const pausesAfter = {
  unanswered: [3_000, 6_000, 12_000, 24_000, 48_000, 60_000],
  doubted: [30_000],
  answered: [],
} as const
/** Milliseconds after a store's return in which another process may not have told it yet what it knows. */
const settling = 35_000

/**
 * Milliseconds for which a sealed pair can be opened. Its entry's life is what bounds it: others may
 * live from the pair long after the seat that brought it.
 */
const pairLife = 10 * 365 * 24 * 3600 * 1000

/** The freshest tokens of a lineage. */
export interface Latest {
  /** Milliseconds on the ledger's clock, growing with every refresh: the greater is the fresher. */
  generation: number
  tokens: Tokens
}

/** What the ledger knows of a seat in its lineage. */
export interface Standing extends Omit<SeatStanding, 'latest'> {
  /** Absent where the ledger knows nothing newer than what it was asked with. */
  latest?: Latest | undefined
}

/** The right to ask the provider about a lineage, alone, for a while. */
export interface Turn {
  readonly owner: string
  /** Another owner's turn lapsed before it was given back: it may have sent what we are about to send. */
  readonly isTakeover: boolean
  /** The shared store is away: only this process keeps to the turn. */
  readonly isAlone: boolean
  /** A refusal may be the echo of what another process has done and could not tell: it ends nothing. */
  isDoubtful(generation: number): boolean
  /** The ports, whose calls go out only while the turn still covers a whole call. */
  guard<P extends Ports>(ports: P): P
}

/** A wish for a turn that others may fulfil: a refresh of this generation. */
export interface Wish<T> {
  generation: number
  /** Somebody was first, it is over, or at rest: what to make of that. */
  settled: (standing: Standing) => T | Promise<T>
}

/**
 * Where a refresh or an end is decided. The cookie is the durable copy of an account's tokens, the
 * ledger the fresher one. Operations are atomic, over all processes that share a store; while that
 * one is away they hold for this process, and are told on its return. They throw
 * `ledger_unavailable` for what is kept but cannot be read.
 */
export interface Ledger {
  /** The ledger's clock, milliseconds since the epoch: everything in the proxy is timed by it. */
  now(): number
  /** What is known of this seat. Read on every request, so that a copied cookie dies with its sign-out. */
  read(seat: Seat & { generation?: number }): Promise<Standing>
  /**
   * Runs work alone on its lineage: what asks the provider about one pair never overlaps, so that no
   * refresh token is sent twice and no revocation meets a refresh or a sign-in half-way.
   * Throws `provider_timeout` where the turn does not come in time.
   */
  inTurn<T>(seat: Seat, work: (turn: Turn) => Promise<T>, wish?: Wish<T>): Promise<T>
  /**
   * A new sign-in enters. Where the lineage shares its tokens with other seats, the fresher pair wins:
   * the one it brings, or the one that replaced it meanwhile.
   */
  join(seat: Seat, tokens: Tokens): Promise<Latest>
  /**
   * Makes tokens that have just come the lineage's latest, as a generation above `after`, unless later
   * ones are known, which it answers then. A seat that was signed out stays so.
   */
  publish(seat: Seat, after: number, tokens: Tokens, turn?: Turn): Promise<Latest & Published>
  /** A refresh failed: its token rests where it may be spent, and whoever waits for the turn is told. */
  fail(seat: Seat, generation: number, failure: Failure, turn: Turn): Promise<void>
  /**
   * The provider refused this generation's refresh token. Answers the tokens that came after it, if
   * there are any; ends every generation up to it for all seats otherwise. A newer publish lives.
   */
  refuse(seat: Seat, generation: number, refused: Secret | undefined): Promise<Latest | undefined>
  /** The person ended the lineage: every seat known, for good. A later sign-in takes a new seat. */
  signOutAll(seat: Seat, generation: number): Promise<void>
  /** The person ended this seat, for good. */
  signOut(seat: Seat): Promise<void>
  /** The pair of this generation was revoked at the provider, or cannot be and has nobody left: it is forgotten. */
  revoked(seat: Seat, generation: number): Promise<void>
  /** True once per key: for what may be used a single time. Keys are forgotten after `until`. */
  useOnce(key: string, until: number): Promise<boolean>
  /** Whether a key is not known to be used; changes nothing. */
  isUnused(key: string): Promise<boolean>
  /** Whether anything newer than this generation would be known here: false after the ledger was lost. */
  remembers(generation: number): boolean
  /** Whether other processes use it as well. */
  readonly isShared: boolean
  /** Whether the shared store, if there is one, cannot be asked. */
  isAway(): boolean
}

export interface Published {
  /** Every seat has signed out meanwhile: the tokens are the caller's to revoke. */
  deserted: boolean
}

/** What a refresh failed with. */
export interface Failure {
  code: ErrorCode
  /** Without an answer, with a refusal that is doubted, or with any other answer. */
  how: 'unanswered' | 'doubted' | 'answered'
  /** Seconds after which another try may succeed, where the provider said so. */
  retryAfter?: number | undefined
}

interface Needs {
  /** This process's own store, whose clock is `now`. */
  own: Store
  /** The store that several processes share. */
  shared?: Store | undefined
  seal: Seal
  log: Log
  sleep: (ms: number) => Promise<void>
}

export function createLedger({ own, shared, seal, log, sleep }: Needs): Ledger {
  const entries = createEntries({ own, shared, log })
  const line = createTurns()
  /** Turns that were given back together with what came of them. */
  const over = new WeakSet<Turn>()
  const store = shared ?? own
  const now = () => store.now()

  async function sealed(seat: Seat, tokens: Tokens): Promise<Omit<SealedLatest, 'generation'>> {
    return {
      pair: await seal.seal('ledger', seat.lineage, tokensToSealed(tokens), now() + pairLife),
      token: await hashOf(tokens.refreshToken),
    }
  }

  async function opened({ lineage }: Seat, latest: SealedLatest): Promise<Latest> {
    const tokens = readTokens(await seal.open('ledger', lineage, latest.pair))
    // Sealed by a secret that this process does not have: trouble, never "nothing".
    if (!tokens) throw new AppError('ledger_unavailable')
    return { generation: latest.generation, tokens }
  }

  /** The standing, with what is newer than `generation` opened. */
  async function standing(seat: Seat, found: SeatStanding, generation: number): Promise<Standing> {
    const { latest } = found
    const isNews = latest !== undefined && latest.generation > generation
    return { ...found, latest: isNews ? await opened(seat, latest) : undefined }
  }

  /** Asks until the turn is granted, or nobody needs it any more. */
  async function acquired(
    seat: Seat,
    owner: string,
    generation: number | undefined,
    began: number,
  ) {
    let waitedFor: string | undefined
    let waited = 0
    let hasRested = false
    for (let pause = 20; ; pause = Math.min(pause * 2, 250)) {
      const askedAt = now()
      const asked = { owner, lease, generation, waitedFor }
      const { result, isAlone } = await entries.change(seat.lineage, entry.acquire(seat, asked))
      if (result.is === 'busy') {
        if (Math.max(waited, now() - began) >= patience) throw tooLate()
        waitedFor = result.owner
        await sleep(pause)
        waited += pause
        continue
      }
      const rest = result.is === 'settled' ? restOf(result.standing, generation) : undefined
      const left = rest ? rest.until - now() : 0
      // Who did not wait for the failed turn does so for a short rest, once, and then tries again.
      if (left <= 0 || left > shortRest || waitedFor !== undefined || hasRested)
        return { ...result, isAlone, askedAt }
      hasRested = true
      await sleep(left + 1)
    }
  }

  function createTurn(
    seat: Seat,
    owner: string,
    { isTakeover, isAlone, askedAt }: { isTakeover: boolean; isAlone: boolean; askedAt: number },
  ): Turn {
    // The lock may be as old as the question: its answer can have taken a while.
    let coveredUntil = askedAt + lease
    /** Before a call, the turn must last longer than the call can take. */
    async function last(): Promise<void> {
      if (coveredUntil - now() >= cover) return
      const asked = now()
      const extended = await entries.change(seat.lineage, entry.extend(owner, longLease))
      if (!extended.result || (extended.isAlone && !isAlone)) throw tooLate()
      coveredUntil = asked + longLease
    }
    return {
      owner,
      isTakeover,
      isAlone,
      isDoubtful: (generation) => isTakeover || isAlone || isUnsettled(generation),
      guard: <P extends Ports>(ports: P): P => ({
        ...ports,
        fetch: async (input: string | URL | Request, init?: RequestInit) => {
          await last()
          return await ports.fetch(input, init)
        },
      }),
    }
  }

  function isAway(): boolean {
    return shared !== undefined && shared.bornAt() === undefined
  }

  /** Whether another process may know what followed this generation, and not have told it yet. */
  function isUnsettled(generation: number): boolean {
    if (!shared) return false
    const born = shared.bornAt()
    if (born === undefined || now() - shared.returnedAt() < settling) return true
    return born > generation && now() - born < settling
  }

  async function giveBack(seat: Seat, turn: Turn): Promise<void> {
    if (!over.has(turn)) await entries.change(seat.lineage, entry.release(turn.owner), 'owed')
    // Where the store came back in between, a turn that was taken alone is still here.
    if (turn.isAlone) await entries.changeOwn(seat.lineage, entry.release(turn.owner))
  }

  async function publish(seat: Seat, after: number, tokens: Tokens, turn?: Turn) {
    const asOf = now()
    const pair = await sealed(seat, tokens)
    const step = entry.publish(seat, after, pair, asOf, turn?.owner)
    const { result, isAlone } = await entries.change(seat.lineage, step, 'ours')
    if (turn && !result.deserted && !isAlone) over.add(turn)
    const deserted = result.deserted && !(isAlone && isShared(seat))
    return { ...(await opened(seat, result.latest)), deserted }
  }

  return {
    now,

    async read(seat) {
      const generation = seat.generation ?? 0
      const look = entry.look(seat, generation)
      const { result, isAlone } = await entries.change(seat.lineage, look)
      // Another browser that shares the tokens may not have them yet.
      if (result.latest?.generation === generation && !isShared(seat))
        entries.acknowledge(seat.lineage)
      // Who else sits there is known to the store that is away.
      const deserted = result.deserted && !(isAlone && isShared(seat))
      return { ...(await standing(seat, result, generation)), deserted }
    },

    async inTurn(seat, work, wish) {
      const began = now()
      return await line.take(
        seat.lineage,
        async () => {
          const owner = base64url.encode(crypto.getRandomValues(new Uint8Array(9)))
          const got = await acquired(seat, owner, wish?.generation, began)
          if (got.is === 'settled') {
            if (!wish) throw new Error('a turn that nobody wished away was settled')
            return await wish.settled(await standing(seat, got.standing, wish.generation))
          }
          const turn = createTurn(seat, owner, got)
          try {
            return await work(turn)
          } finally {
            await giveBack(seat, turn)
          }
        },
        { within: patience, late: tooLate },
      )
    },

    async join(seat, tokens) {
      if (!isShared(seat)) return { generation: now(), tokens }
      const step = entry.join(seat, await sealed(seat, tokens))
      const known = await opened(seat, (await entries.change(seat.lineage, step, 'ours')).result)
      return replaces(tokens, known.tokens) ? await publish(seat, known.generation, tokens) : known
    },

    publish,

    async fail(seat, generation, { code, how, retryAfter }, turn) {
      const step = entry.fail({ generation, code, retryAfter, owner: turn.owner }, pausesAfter[how])
      const { isAlone } = await entries.change(seat.lineage, step)
      if (!isAlone) over.add(turn)
    },

    async refuse(seat, generation, refused) {
      const step = entry.refuse(seat, generation, await hashOf(refused))
      const { result } = await entries.change(seat.lineage, step, 'ours')
      return result && (await opened(seat, result))
    },

    signOut: async (seat) => {
      await entries.change(seat.lineage, entry.signOut(seat), 'ours')
    },
    signOutAll: async (seat, generation) => {
      await entries.change(seat.lineage, entry.signOutAll(seat, generation), 'ours')
    },
    revoked: async (seat, generation) => {
      await entries.change(seat.lineage, entry.revoked(seat, generation), 'ours')
    },

    useOnce: (key, until) => entries.useOnce(key, until),
    isUnused: async (key) => !(await entries.isUsed(key)),
    remembers: (generation) => {
      const born = store.bornAt()
      return born !== undefined && generation >= born
    },
    isShared: shared !== undefined,
    isAway,
  }
}

function restOf({ rest, latest, endedUpTo, deserted }: SeatStanding, generation = 0) {
  const isOver = deserted || generation <= endedUpTo || (latest?.generation ?? 0) > generation
  return isOver ? undefined : rest
}

function tooLate(): AppError {
  return new AppError('provider_timeout', { cause: new NotSent('provider_unreachable') })
}

/**
 * Whether the provider gave a sign-in a new access token beside the refresh token that is known: it
 * does so once the old one has ended.
 */
function replaces(brought: Tokens, known: Tokens): boolean {
  return (
    brought.refreshToken !== undefined &&
    brought.refreshToken.reveal() === known.refreshToken?.reveal() &&
    brought.accessToken.reveal() !== known.accessToken.reveal() &&
    (brought.expiresAt ?? Infinity) > (known.expiresAt ?? 0)
  )
}

/** Tells refresh tokens apart without keeping them; they are random, so that no key is needed. */
async function hashOf(token: Secret | undefined): Promise<string> {
  if (!token) return ''
  const bytes = new TextEncoder().encode(token.reveal())
  return base64url.encode(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)).slice(0, 16))
}
