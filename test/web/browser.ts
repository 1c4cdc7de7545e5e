/** What a browser would give to browser custody, in memory: tabs share the store and the locks. */
import type { RedirectProvider, Registration } from '../../shared/provider'
import { Secret } from '../../shared/secret'
import type { Kept } from '../../web/client/browser/account'
import { Keep, type Store } from '../../web/client/browser/keep'
import { pageLocks } from '../../web/client/browser/locks'
import type { Parts } from '../../web/client/browser/parts'

const provider: RedirectProvider = {
  id: 'acme',
  name: 'Acme',
  source: 'RFC 6749',
  origin: 'https://auth.acme.test',
  custody: 'browser',
  pkce: true,
  authorize: { url: '/authorize' },
  exchange: { url: '/token', auth: 'public' },
  refresh: { url: '/token', auth: 'public' },
  profile: { url: '/me' },
  namedBy: 'profile',
  apiToken: { header: 'X-API-KEY' },
  person: ({ email }) => ({
    subject: null,
    label: typeof email === 'string' ? email : undefined,
  }),
}

export const registration: Registration = {
  provider,
  clientId: 'app',
  redirectUri: 'https://app.test/callback/acme',
  endpoints: {
    authorize: 'https://auth.acme.test/authorize',
    exchange: 'https://auth.acme.test/token',
    refresh: 'https://auth.acme.test/token',
    profile: 'https://auth.acme.test/me',
  },
  scope: [],
  essential: [],
  settings: {},
}

export function createStore(): Store & { entries: Map<string, unknown> } {
  const entries = new Map<string, unknown>()
  return {
    entries,
    get: (key) => Promise.resolve(entries.get(key)),
    set: (key, value) => {
      entries.set(key, value)
      return Promise.resolve()
    },
    delete: (key) => {
      entries.delete(key)
      return Promise.resolve()
    },
    keys: () => Promise.resolve([...entries.keys()]),
  }
}

type Answer = (request: Request) => Response | Promise<Response>

/** A browser whose network is `answer`; `tab()` opens a tab on the same store and locks. */
export function openBrowser(answer: Answer) {
  const store = createStore()
  // One page's locks, which all these tabs are in.
  const locks = pageLocks()
  const requests: Request[] = []
  /** How long somebody waited, each time; waiting takes no time but moves the clock. */
  const waits: number[] = []
  const clock = { now: Date.parse('2026-11-22T12:00:00Z') }
  /** What the accounts' other viewers were told. */
  const told = { changes: 0 }
  const network = { isOnline: true }
  const tab = (): Parts => ({
    keep: new Keep(store, locks),
    locks,
    now: () => clock.now,
    settle: () => Promise.resolve(),
    sleep: (ms) => {
      waits.push(ms)
      clock.now += ms
      return Promise.resolve()
    },
    changed: () => {
      told.changes += 1
    },
    isOnline: () => network.isOnline,
    fetch: async (input, init) => {
      const request = new Request(input, init)
      requests.push(request.clone())
      return answer(request)
    },
  })
  return { store, locks, requests, waits, clock, told, network, tab }
}

export function json(body: unknown, status = 200): Response {
  return Response.json(body, { status })
}

/** An account as it was a moment after its sign-in. */
export function signedIn(changes: Partial<Kept['tokens']> = {}): Kept {
  return {
    signIn: 'first',
    generation: 0,
    connectedAt: Date.parse('2026-11-22T12:00:00Z'),
    subject: null,
    label: 'ada@acme.test',
    tokens: {
      scheme: 'bearer',
      accessToken: new Secret('access-0'),
      refreshToken: new Secret('refresh-0'),
      expiresAt: Date.parse('2026-11-22T13:00:00Z'),
      scope: [],
      ...changes,
    },
  }
}

export async function thrownBy(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
  )
}
