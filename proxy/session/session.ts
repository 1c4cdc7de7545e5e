import { AppError, isAppError } from '../../shared/failure'
import type { Config } from '../config'
import type { Jar } from './jar'
import type { Ledger } from './ledger'
import type { Refresher } from './refresher'
import type { Seal } from './seal'
import { fromSealed, toSealed, type SignIn } from './sign-in'

/** The accounts of one request, and what its answer does to their cookies. */
export interface Session {
  /** The newest sign-in at each provider that has not ended, with the freshest tokens known. */
  accounts(): SignIn[]
  find(provider: string): SignIn | undefined
  /** Every live sign-in at a provider, superseded ones included. */
  every(provider: string): SignIn[]
  /** Whether the ledger knew fresher tokens than the request's cookie carried. */
  isNewerThanCookie(signIn: SignIn): boolean
  /** Refreshes now. */
  freshen(signIn: SignIn): Promise<SignIn>
  /** Writes the sign-in's cookie where it is newer than the one the browser showed. */
  keep(signIn: SignIn): Promise<void>
  /** The sign-in is over: its cookie goes. */
  drop(signIn: SignIn): void
  /** Ends what a newer sign-in superseded and clears what is dead; for answers that may write. */
  settle(): Promise<void>
}

interface Needs {
  config: Config
  seal: Seal
  ledger: Ledger
  refresher: Refresher
  now: () => number
  keepAlive?: ((work: Promise<unknown>) => void) | undefined
}

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
  const { config, seal, ledger, refresher, now, keepAlive } = needs
  const seen: Seen[] = []
  /** Cookies that will never be good again. */
  const dead = new Set<string>()

  async function readCookie(provider: string, name: string): Promise<void> {
    const opened = fromSealed(provider, await seal.open('account', provider, jar.get(name) ?? ''))
    if (!opened || cookieOf(opened) !== name || opened.until <= now()) {
      dead.add(name)
      return
    }
    const { latest, endedUpTo, signedOut } = await ledger.read(opened)
    const signIn =
      latest && latest.generation > opened.generation ? { ...opened, ...latest } : opened
    if (signedOut) dead.add(name)
    else if (signIn.generation > endedUpTo) seen.push({ signIn, written: opened.generation })
    // After a lost ledger the browser may hold a newer cookie of this name than the one it sent.
    else if (ledger.remembers(opened.generation)) dead.add(name)
  }

  const open = [...config.offers.values()].filter(
    ({ registration, custody }) => registration && custody === 'proxy',
  )
  await Promise.all(
    open.flatMap(({ provider }) =>
      [...jar.names]
        .filter((name) => name.startsWith(`latchkey_${provider.id}_`))
        .map((name) => readCookie(provider.id, name)),
    ),
  )
  seen.sort((a, b) => b.signIn.connectedAt - a.signIn.connectedAt)

  const every = (provider: string) =>
    seen.map(({ signIn }) => signIn).filter((signIn) => signIn.provider === provider)
  const find = (provider: string) => every(provider)[0]

  const session: Session = {
    accounts: () => open.flatMap(({ provider }) => find(provider.id) ?? []),
    find,
    every,

    isNewerThanCookie: ({ seat, generation }) =>
      seen.some((one) => one.signIn.seat === seat && one.written < generation),

    async freshen(signIn) {
      try {
        const fresh = await refresher.freshen(signIn, keepAlive)
        await session.keep(fresh)
        return fresh
      } catch (error) {
        const isOver = isAppError(error, 'session_ended') || isAppError(error, 'not_signed_in')
        if (isOver && ledger.remembers(signIn.generation)) session.drop(signIn)
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

    async settle() {
      for (const name of dead) jar.delete(name)
      for (const signIn of session.accounts()) {
        for (const superseded of every(signIn.provider).slice(1)) {
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
