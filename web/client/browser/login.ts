/** A sign-in that runs in this browser alone: code and PKCE by a redirect of the whole page. */
import * as v from 'valibot'
import { AppError } from '../../../shared/failure'
import { apiToken as provenApiToken } from '../../../shared/oauth/api-token'
import { authorize, loginLifetime, type Login } from '../../../shared/oauth/authorize'
import { readCallback } from '../../../shared/oauth/callback'
import { exchange } from '../../../shared/oauth/exchange'
import { labelOf, type Grant } from '../../../shared/oauth/tokens'
import type { Registration } from '../../../shared/provider'
import { Secret } from '../../../shared/secret'
import { storable, storeSignIn, type Kept } from './account'
import type { Name } from './keep'
import { inOneStep } from './locks'
import type { Parts } from './parts'

/** How many sign-ins may be under way at once; the oldest makes room. */
const most = 5
/** How many are remembered as over, to tell a sign-in that is used up from one that never was. */
const mostOver = 20

const pendingSchema = v.object({
  issuedAt: v.number(),
  returnTo: v.string(),
  /** Null once it was used or made room. */
  login: v.nullable(
    v.object({
      state: v.string(),
      verifier: v.optional(v.string()),
      redirectUri: v.string(),
      issuedAt: v.number(),
    }),
  ),
})
type Pending = v.InferOutput<typeof pendingSchema>

/** A sign-in taken out for its one use. */
export interface Taken {
  returnTo: string
  /** Null where it was used before or made room for others. */
  login: Login | null
}

/** Remembers a new sign-in and says where to go for it. */
export async function begin(
  registration: Registration,
  returnTo: string,
  parts: Parts,
): Promise<URL> {
  await parts.settle()
  const now = parts.now()
  const { url, login } = await authorize(registration, now)
  await counting(parts, async () => {
    await parts.keep.write(nameOf(registration, login.state), { issuedAt: now, returnTo, login })
    await makeRoom(parts)
  })
  return url
}

/**
 * Takes the sign-in that these parameters answer. It is used up before anything is done with it, so
 * that no second tab and no reload spends the code again. Null where this browser knows none.
 */
export async function take(
  registration: Registration,
  parameters: URLSearchParams,
  parts: Parts,
): Promise<Taken | null> {
  const state = parameters.get('state')
  if (!state) return null
  const name = nameOf(registration, state)
  return counting(parts, async () => {
    const pending = await readPending(name, parts)
    if (!pending) return null
    await parts.keep.write(name, { ...pending, login: null })
    const { returnTo, login } = pending
    return { returnTo, login: login && loginOf(login) }
  })
}

/**
 * Exchanges the code and keeps the account.
 * Throws `login_forged`, `login_expired`, `access_denied`, or a provider code.
 */
export async function finish(
  registration: Registration,
  taken: Taken | null,
  parameters: URLSearchParams,
  parts: Parts,
): Promise<Kept> {
  if (!taken) throw new AppError('login_forged')
  await parts.settle()
  const { login } = taken
  if (!login || Math.abs(parts.now() - login.issuedAt) > loginLifetime) {
    throw new AppError('login_expired')
  }
  const callback = readCallback(registration, login, parameters)
  return signIn(registration, await exchange(registration, login, callback, parts), parts)
}

/** Keeps an API token in place of a sign-in, once the provider has named its owner. */
export async function useApiToken(
  registration: Registration,
  apiToken: string,
  parts: Parts,
): Promise<Kept> {
  const grant = await provenApiToken(registration, new Secret(apiToken), parts)
  return signIn(registration, grant, parts)
}

async function signIn(registration: Registration, grant: Grant, parts: Parts): Promise<Kept> {
  const { tokens, person } = grant
  const kept: Kept = {
    signIn: crypto.randomUUID(),
    generation: 0,
    connectedAt: parts.now(),
    subject: person.subject,
    label: labelOf(person, registration),
    ...(person.authorities ? { authorities: person.authorities } : {}),
    tokens: storable(tokens),
  }
  await storeSignIn(registration.provider.id, kept, parts)
  return kept
}

async function makeRoom(parts: Parts): Promise<void> {
  const known: { name: Name; pending: Pending | null }[] = []
  for (const name of await parts.keep.names('login/')) {
    known.push({ name, pending: await readPending(name, parts) })
  }
  known.sort((a, b) => (b.pending?.issuedAt ?? 0) - (a.pending?.issuedAt ?? 0))
  let underWay = 0
  let over = 0
  for (const { name, pending } of known) {
    const alive = pending?.login && parts.now() - pending.issuedAt <= loginLifetime
    if (alive && ++underWay <= most) continue
    if (!pending || ++over > mostOver) await parts.keep.delete(name)
    // Its verifier is of no more use, and what is not kept cannot be taken.
    else if (pending.login) await parts.keep.write(name, { ...pending, login: null })
  }
}

async function readPending(name: Name, { keep }: Parts): Promise<Pending | null> {
  const parsed = v.safeParse(pendingSchema, await keep.read(name))
  return parsed.success ? parsed.output : null
}

function loginOf({ verifier, ...rest }: NonNullable<Pending['login']>): Login {
  return verifier === undefined ? rest : { ...rest, verifier }
}

function nameOf({ provider }: Registration, state: string): Name {
  return `login/${provider.id}/${state}`
}

function counting<T>({ locks }: Parts, run: () => Promise<T>): Promise<T> {
  return inOneStep(locks, 'latchkey-logins', run)
}
