import { AppError, isAppError } from '../../shared/failure'
import type { Config } from '../config'
import type { Sender } from '../log'
import type { Jar } from './jar'
import type { Ledger } from './ledger'
import type { Refresher } from './refresher'
import type { Seal } from './seal'
import { fromSealed, toSealed, type SignIn } from './sign-in'

/**
 * The accounts of one request, and what its answer does to their cookies. Asking for an account of
 * which the ledger cannot say what it knows throws `ledger_unavailable`; the others go on.
 */
export interface Session {
  /** The newest sign-in at each provider that has not ended, with the freshest tokens known. */
  accounts(): SignIn[]
  find(provider: string): SignIn | undefined
  /** The same, where it is enough to know what can be known: a sign-in that is about to be followed. */
  followed(provider: string): SignIn | undefined
  /** Every sign-in at a provider that may be alive, the newest known one first: for who wants to end them all. */
  leaving(provider: string): SignIn[]
  /** Whether the ledger knew fresher tokens than the request's cookie carried. */
  isNewerThanCookie(signIn: SignIn): boolean
  /** Refreshes now. `refused`: the provider takes the access token for ended. */
  freshen(signIn: SignIn, refused?: boolean): Promise<SignIn>
  /** Writes the sign-in's cookie where it is newer than the one the browser showed. */
  keep(signIn: SignIn): Promise<void>
  /** The sign-in is over: its cookie goes. */
  drop(signIn: SignIn): void
  /** The person leaves a provider: every cookie of it goes, also of what has ended. */
  clear(provider: string): void
  /** Ends what a newer sign-in superseded and clears what is dead; for answers that may write. */
  settle(): Promise<void>
}

interface Needs {
  config: Config
  seal: Seal
  ledger: Ledger
  refresher: Refresher
  keepAlive?: ((work: Promise<unknown>) => void) | undefined
  /** For the log. */
  sender?: Sender | undefined
}

/** Milliseconds that a request may have been on its way. */
const onItsWay = 60_000

/** A sign-in beside the generation its cookie carried. */
interface Seen {
  signIn: SignIn
  written: number
}

function cookieOf({ provider, seat }: Pick<SignIn, 'provider' | 'seat'>): string {
  return `latchkey_${provider}_${seat.slice(0, 8)}`
}

/** Opens the request's cookies and asks the ledger about each, always: a copied cookie must not outlive a sign-out. */
export async function openSession(jar: Jar, needs: Needs): Promise<Session> {
  const { config, seal, ledger, refresher, keepAlive, sender } = needs
  const now = () => ledger.now()
  const seen: Seen[] = []
  /** Cookies that will never be good again. */
  const dead = new Set<string>()
  /** Sign-ins of which the ledger cannot say what it knows. */
  const unknown: { signIn: SignIn; error: AppError }[] = []

  async function readCookie(provider: string, name: string): Promise<void> {
    const opened = fromSealed(provider, await seal.open('account', provider, jar.get(name) ?? ''))
    if (!opened || cookieOf(opened) !== name || opened.until <= now()) {
      dead.add(name)
      return
    }
    let standing
    try {
      standing = await ledger.read(opened)
    } catch (error) {
      if (!isAppError(error)) throw error
      unknown.push({ signIn: opened, error })
      return
    }
    const { latest, endedUpTo, endedAt, signedOut } = standing
    const signIn = latest ? { ...opened, ...latest } : opened
    if (signedOut) dead.add(name)
    else if (signIn.generation > endedUpTo) seen.push({ signIn, written: opened.generation })
    // After a lost ledger the browser may hold a newer cookie of this name than the one it sent; but
    // not where it still sends this one a while later.
    else if (ledger.remembers(opened.generation) || now() - endedAt > onItsWay) dead.add(name)
  }

  const open = [...config.offers.values()].filter(
    ({ registration, custody }) => registration && custody === 'proxy',
  )
  const cookiesOf = (provider: string) =>
    [...jar.names].filter((name) => name.startsWith(`latchkey_${provider}_`))
  await Promise.all(
    open.flatMap(({ provider }) =>
      cookiesOf(provider.id).map((name) => readCookie(provider.id, name)),
    ),
  )
  seen.sort((a, b) => b.signIn.connectedAt - a.signIn.connectedAt)

  const known = (provider: string) =>
    seen.map(({ signIn }) => signIn).filter((signIn) => signIn.provider === provider)
  const newest = () => open.flatMap(({ provider }) => known(provider.id).slice(0, 1))

  /** What cannot be known is trouble, never "nobody": that would look like a sign-out. */
  function mustKnow(provider?: string): void {
    for (const { signIn, error } of unknown)
      if (provider === undefined || provider === signIn.provider) throw error
  }

  /**
   * Whether a process that is cut off may have refreshed alone, so that the browser has a newer cookie
   * of this name. Where it has not, its next request shows an ended one, which goes then.
   */
  function mayBeBehind({ provider }: SignIn): boolean {
    return ledger.isShared && config.offers.get(provider)?.provider.refresh?.forgivesReplay === true
  }

  const session: Session = {
    accounts: () => {
      mustKnow()
      return newest()
    },
    find: (provider) => {
      mustKnow(provider)
      return known(provider)[0]
    },
    followed: (provider) => known(provider)[0],
    leaving: (provider) => [
      ...known(provider),
      ...unknown.map(({ signIn }) => signIn).filter((signIn) => signIn.provider === provider),
    ],

    isNewerThanCookie: ({ seat, generation }) =>
      seen.some((one) => one.signIn.seat === seat && one.written < generation),

    async freshen(signIn, refused) {
      try {
        const fresh = await refresher.freshen(signIn, { refused, keepAlive, sender })
        await session.keep(fresh)
        return fresh
      } catch (error) {
        const isOver = isAppError(error, 'session_ended') || isAppError(error, 'not_signed_in')
        if (isOver && ledger.remembers(signIn.generation) && !mayBeBehind(signIn))
          session.drop(signIn)
        throw error
      }
    },

    async keep(signIn) {
      const before = seen.find((one) => one.signIn.seat === signIn.seat)
      if (before && before.written >= signIn.generation) return
      const sealed = await seal.seal('account', signIn.provider, toSealed(signIn), signIn.until)
      const maxAge = Math.floor((signIn.until - now()) / 1000)
      if (!jar.set(cookieOf(signIn), sealed, { sameSite: 'Strict', maxAge }))
        throw new AppError('account_too_large')
      if (before) Object.assign(before, { signIn, written: signIn.generation })
      else seen.unshift({ signIn, written: signIn.generation })
    },

    drop(signIn) {
      jar.delete(cookieOf(signIn))
      const at = seen.findIndex((one) => one.signIn.seat === signIn.seat)
      if (at >= 0) seen.splice(at, 1)
    },

    clear(provider) {
      for (const name of cookiesOf(provider)) jar.delete(name)
      for (const signIn of known(provider)) session.drop(signIn)
    },

    async settle() {
      for (const name of dead) jar.delete(name)
      for (const signIn of newest()) {
        for (const superseded of known(signIn.provider).slice(1)) {
          await ledger.signOut(superseded)
          session.drop(superseded)
        }
        // One account that has outgrown its cookies must not fail what others ask.
        await session.keep(signIn).catch((error: unknown) => {
          if (!isAppError(error, 'account_too_large')) throw error
        })
      }
    },
  }
  return session
}
