import type { Answered, Browser, Call, Cookie } from './browser'
import { unsealed, type Instance } from './instance'
import type { Answer, Family, ModelProvider, Request } from './provider'
import { numberOf } from './provider'
import type { Link } from './stores'
import type { World } from './world'

/** The windows that cannot be closed; docs/ledger.md explains each. */
export const windows = {
  W1: 'killed between the provider’s answer and the ledger',
  W2: 'the provider’s answer was lost',
  W3: 'the ledger was lost',
  W4: 'the ledger was away',
  W5: 'a process stalled past its lease',
  W6: 'an entry was evicted',
  W7: 'a sibling signed out after the ledger was lost',
} as const
export type Window = keyof typeof windows

/** What a window cost: an account, or a sign-out that is forgotten. */
export type Loss = Window | `${Window}, signed out`

/** Milliseconds a request may be open in a process that does not stall. */
const longest = 90_000

/** One sign-in, as the person who made it would tell it. */
interface SignIn {
  seat: string
  cookie: string
  browser: Browser
  family: Family
  label: string
  connectedAt: number
  /** Its cookie has been in the browser. */
  hasLanded: boolean
  /** The person has begun to end it, or to sign in anew in its place. */
  isLeaving: boolean
  /** The person was told that it is over. */
  isOut: boolean
  /** What became of its tokens then. */
  effect: string
  /** It was lost without the person's doing, and has been counted. */
  isLost: boolean
  /** Its sign-out was lost with a ledger, and has been counted. */
  isForgotten: boolean
  /** The greatest generation that has landed in its browser, and its refresh token. */
  newest: number
  token: string
}

/** What is known of one request for tokens. */
interface Spending {
  /** The refresh token; empty for a sign-in, which can renew a shared pair too. */
  token: string
  by: Instance
  at: number
  /** By then it was known to be over, or nobody waited any more. */
  overAt: number
  fate: 'under way' | 'delivered' | 'lost' | 'died'
  /** The refresh token that followed, where there is one. */
  next: string | undefined
}

export interface Sending {
  committed(answer: Answer): void
  end(fate: 'delivered' | 'lost'): void
}

interface Open {
  arrivedAt: number
  /** Sign-ins whose cookies it carries. */
  seats: SignIn[]
  live: SignIn[]
  /** Those that are over, and whether the process could know that when the request arrived. */
  out: Map<SignIn, boolean>
  /** The harm that had been done by then. */
  harms: number
  /** Sign-ins that it may end. */
  touched: SignIn[]
  /** Nobody else did anything meanwhile. */
  isAlone: boolean
  /** A sign-in that met the same person’s `everywhere`: what comes of it may be over at once. */
  isDoomed: boolean
}

/** Where something can be remembered: the shared database, or one process. */
type Place = 'database' | Instance

/** What a place holds of a lineage. */
interface Known {
  generation: number
  token: string
  endedUpTo: number
  revokedUpTo: number
  signedOut: Set<string>
}

/** Thrown for what must not happen. */
export class Violation extends Error {
  override readonly name = 'Violation'
}

/** Watches a world, and knows who ought to be signed in. */
export class Judge {
  readonly counts = { requests: 0, answers: 0, refreshes: 0, longest: 0 }
  readonly found: Partial<Record<Loss, number>> = {}
  /** Something was injected that may cost an account: kill, loss, outage, a stall, a lost answer. */
  isHarmed = false
  /** The ledger has been lost, in whole or, where it is one process's memory, with that process. */
  ledgerLostAt = -Infinity
  /** Counts what happened to processes and to the ledger. */
  harms = 0
  providerFailed = false
  isSmall = false
  readonly #signIns = new Map<string, SignIn>()
  readonly #open = new Map<Call, Open>()
  readonly #spendings: Spending[] = []
  readonly #places = new Map<Place, Map<string, Known>>()
  /** Refresh tokens that were ever written down in a place that still is, and after which look. */
  readonly #recorded = new Map<Place, Map<string, number>>()
  /** Counts the looks at the database; the last that each process took at each lineage. */
  #looks = 0
  readonly #lastLook = new Map<Link, Map<string, number>>()
  /** Refresh tokens that were ever written down anywhere. */
  readonly #everRecorded = new Set<string>()
  readonly #lineages = new Map<string, string>()
  readonly #stalls = new Map<Instance, number>()
  readonly #kills = new Set<Instance>()
  #violation: Violation | undefined

  constructor(
    readonly world: World,
    readonly provider: ModelProvider,
  ) {}

  /** Throws the first violation, if there was one: in the schedule, where it stops the world. */
  check(): void {
    if (this.#violation) throw this.#violation
    for (const [call, { arrivedAt }] of this.#open)
      if (this.world.now - arrivedAt > longest && !this.#stalls.has(call.via))
        throw new Violation(`${call.browser.name}’s ${call.deed} has no answer after ${longest} ms`)
  }

  violates(what: string): void {
    this.world.tell(() => `!!      ${what}`)
    this.#violation ??= new Violation(what)
  }

  // What happens to processes and to the ledger

  dies(instance: Instance): void {
    this.#kills.add(instance)
    this.#places.delete(instance)
    this.#recorded.delete(instance)
    for (const spending of this.#spendings)
      if (spending.by === instance && spending.fate === 'under way')
        Object.assign(spending, { fate: 'died', overAt: this.world.now })
    for (const [call, open] of this.#open)
      if (call.via === instance && open.arrivedAt < Infinity) this.fails(call)
    if (!instance.link) this.ledgerLostAt = this.world.now
  }

  stalls(instance: Instance): void {
    this.#stalls.set(instance, this.world.now)
  }

  loses(): void {
    this.ledgerLostAt = this.world.now
    this.#places.delete('database')
    this.#recorded.delete('database')
  }

  /** A process learns what the database holds of a lineage. */
  looked(link: Link, key: string): void {
    placed(this.#lastLook, link, () => new Map<string, number>()).set(key, ++this.#looks)
  }

  /** A place holds something now. */
  wrote(place: Place, key: string, value: string): void {
    if (!key.startsWith('lineage:')) return
    const lineage = key.slice('lineage:'.length)
    const entry = JSON.parse(value) as {
      latest?: { generation: number; pair: string }
      endedUpTo?: number
      revokedUpTo?: number
      signedOut?: Record<string, number>
    }
    const token = entry.latest ? refreshIn(unsealed(entry.latest.pair).content) : ''
    const known: Known = {
      generation: entry.latest?.generation ?? 0,
      token,
      endedUpTo: entry.endedUpTo ?? 0,
      revokedUpTo: entry.revokedUpTo ?? 0,
      signedOut: new Set(Object.keys(entry.signedOut ?? {})),
    }
    placed(this.#places, place, () => new Map<string, Known>()).set(lineage, known)
    if (token === '') return
    const recorded = placed(this.#recorded, place, () => new Map<string, number>())
    if (!recorded.has(token)) recorded.set(token, this.#looks)
    this.#everRecorded.add(token)
    const owner = this.#ownerOf(token)
    if ((this.#lineages.get(lineage) ?? owner) !== owner)
      this.violates(`${lineage} holds tokens of ${owner}, not of ${this.#lineages.get(lineage)}`)
    this.#lineages.set(lineage, owner)
  }

  #ownerOf(token: string): string {
    const family = this.provider.familyOf(token)
    return this.provider.kind === 'shared pair'
      ? (family?.user ?? '')
      : `${family?.user}’s family ${family?.id}`
  }

  // What is sent to the provider

  sends(by: Instance, { fields }: Request): Sending {
    if (fields.grant_type === undefined) return { committed: nothing, end: nothing }
    const token = fields.refresh_token ?? ''
    if (token !== '') this.counts.refreshes++
    if (token !== '' && this.provider.kind !== 'not rotating') this.#mayBeSent(token, by)
    const spending: Spending = {
      token,
      by,
      at: this.world.now,
      overAt: Infinity,
      fate: 'under way',
      next: undefined,
    }
    this.#spendings.push(spending)
    return {
      committed: ({ body }) => {
        spending.next = typeof body.refresh_token === 'string' ? body.refresh_token : undefined
      },
      end: (fate) => {
        if (spending.fate !== 'under way') return
        Object.assign(spending, { fate, overAt: this.world.now })
      },
    }
  }

  /** A refresh token is sent a second time only where nobody could know what became of the first. */
  #mayBeSent(token: string, by: Instance): void {
    // Nothing can come of it any more, neither good nor bad.
    if (this.provider.familyOf(token)?.over) return
    for (const earlier of this.#spendings) {
      if (earlier.token !== token) continue
      const isExcused = this.isHarmed && this.#isExcused(earlier, by)
      if (earlier.next !== undefined && earlier.fate !== 'lost' && !isExcused)
        this.violates(`${by.name} sends ${token} again, and ${earlier.by.name} knew the answer`)
      if (earlier.fate === 'under way' && !isExcused)
        this.violates(`${by.name} sends ${token} while ${earlier.by.name} awaits the answer`)
      if (earlier.next !== undefined && this.#reaches(by, earlier.next))
        this.violates(`${by.name} sends ${token} again, and what followed was written down`)
    }
  }

  /** Whatever may keep one process from knowing what another does. */
  #isExcused(earlier: Spending, by: Instance): boolean {
    const { at, by: first } = earlier
    const wasAway = [by, first].some(({ link }) => link && (link.isAway || link.awayAt >= at))
    const hasStalled = (this.#stalls.get(first) ?? -Infinity) >= at || first.isStalled
    return (
      wasAway || hasStalled || this.#kills.has(first) || this.ledgerLostAt >= at || this.isSmall
    )
  }

  /** Whether a process has what followed, or had it when it last looked. */
  #reaches(instance: Instance, token: string): boolean {
    if (this.isSmall) return false
    if (this.#recordedAt(instance, token) < Infinity) return true
    const { link } = instance
    if (!link || link.isAway) return false
    const owner = this.#ownerOf(token)
    const [lineage] = [...this.#lineages].find(([, one]) => one === owner) ?? []
    const lastLook = this.#lastLook.get(link)?.get(`lineage:${lineage}`) ?? 0
    return this.#recordedAt('database', token) < lastLook
  }

  /** The first look after which a place held the token, or a later one of its family. */
  #recordedAt(place: Place, token: string): number {
    const family = this.provider.familyOf(token)
    const looks = [...(this.#recorded.get(place) ?? [])].flatMap(([one, look]) =>
      this.provider.familyOf(one) === family && numberOf(one) >= numberOf(token) ? [look] : [],
    )
    return Math.min(Infinity, ...looks)
  }

  // What the browsers do

  leaves(call: Call, previous: readonly Cookie[] = []): void {
    this.counts.requests++
    const seats = this.#seatsOf(call.cookies)
    const touched = this.#touchedBy(call, this.#seatsOf([...call.cookies, ...previous]))
    const live = seats.filter((signIn) => this.#isLive(signIn))
    const others = [...this.#open].filter(([{ browser }]) => isSameUser(browser, call.browser))
    for (const [, open] of others) {
      open.isAlone = false
      if (call.deed === 'everywhere') open.isDoomed = true
    }
    this.#open.set(call, {
      arrivedAt: Infinity,
      seats,
      live,
      out: new Map(seats.flatMap((one) => (one.isOut ? [[one, true]] : []))),
      harms: 0,
      touched,
      isAlone: others.length === 0,
      isDoomed: others.some(([{ deed }]) => deed === 'everywhere'),
    })
    for (const signIn of touched) signIn.isLeaving = true
  }

  /** The sign-ins that a deed may end. */
  #touchedBy({ deed, browser }: Call, seats: SignIn[]): SignIn[] {
    if (deed === 'sign out' || deed === 'sign in') return seats
    if (deed !== 'everywhere') return []
    return [...this.#signIns.values()].filter((one) => isSameUser(one.browser, browser))
  }

  arrives(call: Call): void {
    const open = this.#open.get(call)
    if (!open) return
    open.arrivedAt = this.world.now
    open.harms = this.harms
    for (const signIn of open.out.keys()) open.out.set(signIn, this.#hasTombstone(signIn, call.via))
  }

  /** No answer, and no connection. */
  fails(call: Call): void {
    this.#open.delete(call)
  }

  get isQuiet(): boolean {
    return this.#open.size === 0
  }

  answers(call: Call, answer: Answered): void {
    const open = this.#open.get(call)
    if (!open) return
    this.#open.delete(call)
    this.counts.longest = Math.max(this.counts.longest, this.world.now - open.arrivedAt)
    if (answer.status === 500) this.violates(`${call.deed} is answered with ${answer.status}`)
    this.#holdToOwner(call, answer)
    this.#mustNotShow(call, open, answer)
    for (const signIn of open.live)
      if (this.#isLive(signIn) && isLostIn(signIn, call, answer)) this.#lost(signIn, call, answer)
    this.#learn(call, open, answer)
  }

  lands(browser: Browser, cookies: Answered['setCookies']): void {
    for (const { name, value, isDeletion } of cookies) {
      if (isDeletion) continue
      const signIn = this.#signIns.get(seatIn(value) ?? '')
      if (signIn?.browser !== browser || signIn.cookie !== name) continue
      signIn.hasLanded = true
      const { content } = unsealed(value)
      if (Number(content.g) <= signIn.newest) continue
      Object.assign(signIn, { newest: Number(content.g), token: refreshIn(content) })
    }
  }

  #seatsOf(cookies: readonly Cookie[]): SignIn[] {
    return cookies.flatMap(({ value }) => this.#signIns.get(seatIn(value) ?? '') ?? [])
  }

  /** Nothing that the person did, and nothing that the provider did, ends it; and it is the newest. */
  #isLive(signIn: SignIn): boolean {
    const { isLeaving, isOut, isLost, hasLanded, family, browser, connectedAt } = signIn
    if (isLeaving || isOut || isLost || !hasLanded || family.over === 'by the provider')
      return false
    return ![...this.#signIns.values()].some(
      (other) => other !== signIn && other.browser === browser && other.connectedAt >= connectedAt,
    )
  }

  /** No token and no name of one account in the answer to another. */
  #holdToOwner({ browser, deed }: Call, { body, setCookies }: Answered): void {
    for (const { value, isDeletion } of setCookies) {
      const seat = isDeletion ? undefined : seatIn(value)
      if (seat === undefined) continue
      const { a, n } = unsealed(value).content
      const family = this.provider.familyOf(String(a))
      const known = this.#signIns.get(seat)
      const isOwn =
        family?.user === browser.user &&
        n === browser.user &&
        (!known || (known.browser === browser && this.#isOf(known, family)))
      if (!isOwn) this.violates(`${browser.name} is given ${String(a)} of ${family?.user}`)
    }
    for (const label of namesIn(body))
      if (label !== browser.user) this.violates(`${browser.name} is told of ${label} (${deed})`)
  }

  #isOf(signIn: SignIn, family: Family): boolean {
    return this.provider.kind === 'shared pair' || signIn.family === family
  }

  /** What was signed out before the request left is not in its answer. */
  #mustNotShow(call: Call, open: Open, answer: Answered): void {
    const { link } = call.via
    const isCalm = open.harms === this.harms && !(link && link.awayAt >= open.arrivedAt)
    // Which of several is shown cannot be told.
    const areAllKnown = [...open.out.values()].every(Boolean)
    const isShown = open.seats.length === open.out.size && isShownIn(call, answer)
    for (const [signIn, isKnown] of open.out) {
      const isWritten = answer.setCookies.some(
        ({ name, isDeletion }) => name === signIn.cookie && !isDeletion,
      )
      if (!isWritten && !isShown) continue
      if (!this.isHarmed || (isCalm && (isWritten ? isKnown : areAllKnown)))
        this.violates(`${call.deed} brings ${signIn.cookie} of ${call.browser.name} back`)
      else if (!isKnown || !isCalm) this.#forgotten(signIn, call.via)
    }
  }

  #hasTombstone({ seat }: SignIn, via: Instance): boolean {
    const isIn = (place: Place) =>
      [...(this.#places.get(place)?.values() ?? [])].some(({ signedOut }) => signedOut.has(seat))
    if (this.isSmall) return false
    return isIn(via) || (via.link !== undefined && !via.link.isAway && isIn('database'))
  }

  /** Its sign-out is known no more where it is asked for. */
  #forgotten(signIn: SignIn, { link }: Instance): void {
    if (signIn.isForgotten) return
    signIn.isForgotten = true
    const isLost = !link || this.ledgerLostAt > -Infinity
    this.#count(`${this.isSmall ? 'W6' : isLost ? 'W3' : 'W4'}, signed out`)
  }

  /** An account is gone without the person's doing: allowed in a window only. */
  #lost(signIn: SignIn, { deed, cookies }: Call, { setCookies }: Answered): void {
    // Whoever has the good pair in a cookie has lost nothing, if only that cookie stays.
    const isSafe = this.isHarmed && this.provider.isCurrent(signIn.token)
    const shown = cookies.find(({ name }) => name === signIn.cookie)
    const isOld = shown !== undefined && Number(unsealed(shown.value).content.g) < signIn.newest
    if (isSafe && isOld && !setCookies.some(({ name }) => name === signIn.cookie)) return
    signIn.isLost = true
    const window = this.isHarmed ? this.#windowOf(signIn, isSafe) : undefined
    const what = `${signIn.browser.name} is signed out of ${signIn.cookie} by ${deed}`
    if (window) this.#count(window)
    else this.violates(what)
    this.world.tell(() => `!!      ${what}: ${window ?? 'no window'}`)
  }

  #count(loss: Loss): void {
    this.found[loss] = (this.found[loss] ?? 0) + 1
  }

  /** Which of the windows it fell through, by what became of the token that would be good now. */
  #windowOf({ family }: SignIn, isSafe: boolean): Window | undefined {
    if (family.over === 'revoked') return this.ledgerLostAt > -Infinity ? 'W7' : this.#eviction()
    const spendings = this.#spendings.filter(
      ({ token, next }) => this.provider.familyOf(next ?? token) === family,
    )
    const twice = spendings.find(
      (one, index) =>
        spendings.findIndex(({ token }) => token === one.token) !== index && !one.next,
    )
    const lost =
      family.over === 'spent twice'
        ? spendings.find((one) => one.next !== undefined && one.token === twice?.token)
        : spendings.find((one) => one.next !== undefined && numberOf(one.next) === family.current)
    if (!lost?.next) return undefined
    const { by, fate, next, at } = lost
    const wasAway = by.link !== undefined && (by.link.isAway || by.link.awayAt >= at)
    if (wasAway && this.#recordedAt('database', next) === Infinity) return 'W4'
    if (isSafe) return undefined
    if (fate === 'lost') return (this.#stalls.get(by) ?? -Infinity) >= at ? 'W5' : 'W2'
    if (this.#kills.has(by) && !this.#everRecorded.has(next)) return 'W1'
    if (this.#eviction()) return 'W6'
    if (this.ledgerLostAt >= at) return 'W3'
    // Whoever merely refuses a spent token lets the good one, which comes late, win.
    if (family.over !== 'spent twice') return undefined
    if ((this.#stalls.get(by) ?? -Infinity) >= at) return 'W5'
    return wasAway ? 'W4' : undefined
  }

  #eviction(): Window | undefined {
    return this.isSmall ? 'W6' : undefined
  }

  #learn(call: Call, open: Open, answer: Answered): void {
    const { deed, browser } = call
    if (deed === 'sign out' && answer.status === 200) this.#signedOut(call, open, answer)
    if (deed === 'everywhere' && answer.status === 200)
      for (const signIn of open.touched) signIn.isOut = true
    if (deed !== 'sign in') return
    for (const { name, value, isDeletion } of answer.setCookies) {
      const seat = isDeletion ? undefined : seatIn(value)
      if (seat === undefined || this.#signIns.has(seat)) continue
      const { a, n, c } = unsealed(value).content
      const family = this.provider.familyOf(String(a))
      if (!family) throw new Error('a sign-in without tokens of the provider')
      this.#signIns.set(seat, {
        seat,
        cookie: name,
        browser,
        family,
        label: String(n),
        connectedAt: Number(c),
        hasLanded: false,
        isLeaving: open.isDoomed,
        isOut: false,
        effect: '',
        isLost: false,
        isForgotten: false,
        newest: 0,
        token: '',
      })
      // The one before it, which the new one names, is over.
      const [previous, ...more] = open.touched
      if (previous && !previous.isLost && !previous.family.over && more.length === 0)
        previous.isOut = true
    }
  }

  #signedOut({ browser }: Call, { seats, live, isAlone }: Open, { body }: Answered): void {
    const { tokens } = body.effects as { tokens: string }
    for (const signIn of seats) signIn.isOut = true
    // Of several in one browser the newest is the account; the others only leave.
    const [newest, next] = [...seats].sort((a, b) => b.connectedAt - a.connectedAt)
    if (newest && newest.connectedAt !== next?.connectedAt) newest.effect = tokens
    const [signIn] = live
    if (!signIn || !isAlone || this.isHarmed || this.providerFailed) return
    const isEnded = ({ user, over }: Family) => user === browser.user && over === 'by the provider'
    if (this.provider.families.some(isEnded)) return
    const others = [...this.#signIns.values()].filter(
      (one) => one.family === signIn.family && one !== signIn && !one.isOut,
    )
    if (others.some(({ isLeaving, isLost }) => isLeaving || isLost)) return
    const expected = others.length > 0 ? 'kept' : 'revoked'
    if (tokens !== expected)
      this.violates(`${browser.name}’s sign-out says ${tokens}, and ought to say ${expected}`)
    if ((signIn.family.over !== undefined) !== (expected === 'revoked'))
      this.violates(`${browser.name}’s sign-out says ${tokens}, and the provider knows otherwise`)
  }

  // At the end

  /** The sign-in that a browser's person has every right to. */
  liveIn(browser: Browser): { newest: number; cookie: string } | undefined {
    return [...this.#signIns.values()].find(
      (signIn) => signIn.browser === browser && this.#isLive(signIn),
    )
  }

  /** When all is calm, the database knows what each process knows, and no orphan lives. */
  closes(instances: readonly Instance[]): void {
    const shared = this.#places.get('database')
    for (const instance of instances) {
      if (!instance.link) continue
      for (const [lineage, mine] of this.#places.get(instance) ?? []) {
        const there = shared?.get(lineage)
        // A pair that is dead need not be kept.
        const knownUpTo = there ? Math.max(there.generation, there.endedUpTo, there.revokedUpTo) : 0
        const isTold =
          mine.generation <= knownUpTo &&
          mine.endedUpTo <= (there?.endedUpTo ?? 0) &&
          [...mine.signedOut].every((seat) => there?.signedOut.has(seat))
        if (!isTold && !this.isSmall)
          this.violates(`${instance.name} has not told the ledger what it knows of ${lineage}`)
      }
    }
    if (this.isHarmed || this.providerFailed) return
    for (const family of this.provider.families) {
      const all = [...this.#signIns.values()].filter((one) => one.family === family)
      const isSaid = all.some(({ effect }) => effect === 'revoked' || effect === 'failed')
      if (isSaid && all.every(({ isOut }) => isOut) && !family.over)
        this.violates(`all have signed out, and ${family.user}’s family ${family.id} lives`)
    }
  }
}

function nothing(): void {
  // What is no refresh is not watched.
}

function placed<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const value = map.get(key) ?? make()
  map.set(key, value)
  return value
}

function isSameUser(one: Browser, other: Browser): boolean {
  return one.user === other.user
}

function refreshIn({ r }: Record<string, unknown>): string {
  return typeof r === 'string' ? r : ''
}

/** The seat of an account's cookie; undefined for any other cookie. */
function seatIn(value: string): string | undefined {
  const { purpose, content } = unsealed(value)
  return purpose === 'account' ? String(content.s) : undefined
}

function namesIn({ account, accounts, profile }: Answered['body']): string[] {
  const all = [account, profile, ...(Array.isArray(accounts) ? (accounts as unknown[]) : [])]
  return all.flatMap((one) =>
    typeof one === 'object' && one !== null && 'subject' in one ? [String(one.subject)] : [],
  )
}

function isShownIn({ deed }: Call, { status, body }: Answered): boolean {
  if (deed === 'look') return namesIn(body).length > 0
  return status === 200 && deed !== 'sign out' && deed !== 'sign in'
}

/** Whether an answer tells the person, or the browser, that the sign-in is over. */
function isLostIn({ cookie }: SignIn, call: Call, answer: Answered): boolean {
  const { status, body, setCookies } = answer
  if (setCookies.some(({ name, isDeletion }) => name === cookie && isDeletion)) return true
  if (call.deed === 'look') return status === 200 && namesIn(body).length === 0
  return status === 401 && (body.code === 'session_ended' || body.code === 'not_signed_in')
}
