import * as v from 'valibot'
import { loginLifetime, type Login } from '../../shared/oauth/authorize'
import type { Jar } from './jar'
import type { Seal } from './seal'

/** Logins one browser may have under way; the oldest gives way to the next. */
const mostLogins = 5
/** How long a cookie outlives its login, so that a late callback is told from a forged one. */
const lateness = 50 * 60 * 1000

/** A login under way, as its cookie carries it. */
export interface PendingLogin extends Login {
  provider: string
  returnTo: string
  /** The sign-in this one follows: the callback comes from another site and cannot see its cookie. */
  previous?: { seat: string; lineage: string; until: number } | undefined
}

const pendingSchema = v.object({
  state: v.pipe(v.string(), v.minLength(32)),
  verifier: v.exactOptional(v.pipe(v.string(), v.minLength(43))),
  redirectUri: v.string(),
  issuedAt: v.number(),
  provider: v.string(),
  returnTo: v.string(),
  previous: v.optional(v.object({ seat: v.string(), lineage: v.string(), until: v.number() })),
})

/** Under which the ledger knows that a login was used. */
export function usedKey(state: string): string {
  return `login ${state}`
}

function nameOf(state: string): string {
  return `latchkey_login_${state.slice(0, 8)}`
}

function namesIn(jar: Jar): string[] {
  return [...jar.names].filter((name) => name.startsWith('latchkey_login_'))
}

async function readLogin(
  jar: Jar,
  name: string,
  providers: readonly string[],
  seal: Seal,
): Promise<PendingLogin | undefined> {
  const sealed = jar.get(name)
  if (sealed === undefined) return undefined
  for (const provider of providers) {
    const result = v.safeParse(pendingSchema, await seal.open('login', provider, sealed))
    if (
      result.success &&
      result.output.provider === provider &&
      nameOf(result.output.state) === name
    )
      return result.output
  }
  return undefined
}

/**
 * Keeps a login in a cookie of its own, so that tabs and providers never collide. `alone`: at this
 * provider no other may be under way, since its callback may not say which one it answers.
 */
export async function keepLogin(
  jar: Jar,
  login: PendingLogin,
  providers: readonly string[],
  seal: Seal,
  alone: boolean,
): Promise<PendingLogin[]> {
  const under = await Promise.all(
    namesIn(jar).map(async (name) => ({
      name,
      login: await readLogin(jar, name, providers, seal),
    })),
  )
  under.sort((a, b) => (b.login?.issuedAt ?? 0) - (a.login?.issuedAt ?? 0))
  const gone = under.filter(
    ({ login: old }, index) =>
      !old || index >= mostLogins - 1 || (alone && old.provider === login.provider),
  )
  for (const { name } of gone) jar.delete(name)
  const life = loginLifetime + lateness
  const sealed = await seal.seal('login', login.provider, { ...login }, login.issuedAt + life)
  // Lax: the callback arrives from the provider's site, where a Strict cookie would be withheld.
  jar.set(nameOf(login.state), sealed, { sameSite: 'Lax', maxAge: life / 1000 })
  return gone.flatMap((one) => one.login ?? [])
}

/** The login a callback's state names, taken out of the browser; undefined where this browser has none for this provider. */
export async function takeLogin(
  jar: Jar,
  provider: string,
  state: string,
  seal: Seal,
): Promise<PendingLogin | undefined> {
  const login = await readLogin(jar, nameOf(state), [provider], seal)
  if (login?.state !== state) return undefined
  jar.delete(nameOf(state))
  return login
}

/** The one login under way at a provider that may come back without state. */
export async function takeOnlyLogin(
  jar: Jar,
  provider: string,
  seal: Seal,
): Promise<PendingLogin | undefined> {
  const found = await Promise.all(
    namesIn(jar).map((name) => readLogin(jar, name, [provider], seal)),
  )
  const logins = found.filter((login) => login !== undefined)
  for (const { state } of logins) jar.delete(nameOf(state))
  return logins.length === 1 ? logins[0] : undefined
}

/** How long a provider's logout may take to come back. */
const logoutLifetime = 10 * 60 * 1000

/** Marks that a provider's logout was offered, so that its landing without code is known for what it is. */
export async function rememberLogout(
  jar: Jar,
  provider: string,
  seal: Seal,
  now: number,
): Promise<void> {
  const sealed = await seal.seal('logout', provider, {}, now + logoutLifetime)
  // Lax: set by our own answer, read when the provider's site sends the browser back.
  jar.set(logoutName(provider), sealed, { sameSite: 'Lax', maxAge: logoutLifetime / 1000 })
}

/** Whether a provider's logout is pending in this browser; asked once. */
export async function takeLogout(jar: Jar, provider: string, seal: Seal): Promise<boolean> {
  const sealed = jar.get(logoutName(provider))
  if (sealed === undefined) return false
  if (!(await seal.open('logout', provider, sealed))) return false
  jar.delete(logoutName(provider))
  return true
}

function logoutName(provider: string): string {
  return `latchkey_logout_${provider}`
}
