import type { ApiOffer } from '../../../shared/api-path'
import { AppError } from '../../../shared/failure'
import { logoutUrl } from '../../../shared/oauth/logout'
import { steps, type Registration, type Step, type TokenName } from '../../../shared/provider'
import { browserProviders } from '../../../shared/providers/browser'
import type {
  Client,
  ProfileAnswer,
  ProviderView,
  RevokeAnswer,
  SignOutAnswer,
} from '../../../shared/wire'
import type { Custody, Finished } from '../custody'
import { CallError, failureOf } from '../failure'
import type { Credentials } from '../proxy'
import { dropKept, readKept, viewOf, type Kept } from './account'
import type { Futile } from './api'
import type { Parts } from './parts'
import type * as protocol from './protocol'

/** What browser custody stands on, the protocol included. */
export interface BrowserParts extends Parts {
  /** The protocol, loaded when something is done: reading what is kept must not wait for it. */
  protocol: () => Promise<Protocol>
}
type Protocol = typeof protocol

/** This browser keeps the tokens and speaks with the provider itself. */
export function browserCustody(view: ProviderView, given: BrowserParts): Custody {
  const parts: BrowserParts = { ...given, protocol: () => loaded(given) }
  const { id } = view
  const registration = () => registrationOf(view)
  const shown = (kept: Kept) => viewOf(id, kept)
  const futile: Futile = {}

  return {
    account: async () => {
      const kept = await readKept(id, parts)
      // Loaded ahead of its use, which may be offline.
      if (kept) parts.protocol().catch(() => undefined)
      return kept && shown(kept)
    },
    loginHref: () => null,
    begin: async (returnTo) => {
      const { begin } = await parts.protocol()
      return (await begin(registration(), returnTo, parts)).href
    },
    finish: (parameters) => finished(view, parameters, parts),
    signInWith: async (credentials: Credentials) => {
      if (!('apiToken' in credentials)) throw new AppError('unsupported')
      const { useApiToken } = await parts.protocol()
      return shown(await useApiToken(registration(), credentials.apiToken, parts))
    },
    profile: async () => {
      const { profile, withToken } = await parts.protocol()
      const call = withToken(
        registration(),
        (tokens) => profile(registration(), tokens, parts),
        parts,
      )
      return profileAnswer(await call)
    },
    refresh: async () => {
      const { refreshAccount } = await parts.protocol()
      return shown(await refreshAccount(registration(), await mustHave(id, parts), parts))
    },
    check: async () => {
      const { check } = await parts.protocol()
      return check(registration(), (await mustHave(id, parts)).tokens, parts)
    },
    revoke: (token) => revoked(view, token, parts),
    signOut: () => signedOut(view, parts),
    api: async (path, init = {}) => {
      const { callApi } = await parts.protocol()
      return callApi(apiOf(view), path, init, parts, futile)
    },
    apiLink: null,
  }
}

/** The protocol; without a network it may be out of reach. */
async function loaded({ protocol }: BrowserParts): Promise<Protocol> {
  try {
    return await protocol()
  } catch (cause) {
    throw new CallError('offline', { cause })
  }
}

async function finished(
  view: ProviderView,
  parameters: URLSearchParams,
  parts: BrowserParts,
): Promise<Finished> {
  const { take, finish } = await parts.protocol()
  const registration = registrationOf(view)
  let returnTo = '/'
  try {
    const taken = await take(registration, parameters, parts)
    returnTo = taken?.returnTo ?? returnTo
    const kept = await finish(registration, taken, parameters, parts)
    return { returnTo, account: viewOf(view.id, kept), failure: null }
  } catch (error) {
    return { returnTo, account: null, failure: failureOf(error) }
  }
}

async function revoked(
  view: ProviderView,
  token: TokenName,
  parts: BrowserParts,
): Promise<RevokeAnswer> {
  const { revoke } = await parts.protocol()
  const registration = registrationOf(view)
  const kept = await mustHave(view.id, parts)
  await revoke(registration, kept.tokens, token, parts)
  // Without its refresh token, or with both gone, the account has nothing left to stand on.
  const over = token === 'refresh' || registration.provider.revoke?.endsPair === true
  if (over || !kept.tokens.refreshToken) await dropKept(view.id, kept, parts)
  const left = await readKept(view.id, parts)
  return { account: left && viewOf(view.id, left), revoked: true }
}

/** Clears first, so that it holds whatever becomes of the calls to the provider. */
async function signedOut(view: ProviderView, parts: BrowserParts): Promise<SignOutAnswer> {
  const dropped = await dropKept(view.id, null, parts)
  const registration = registrationOf(view)
  const url = logoutUrl(registration)
  return {
    effects: {
      local: 'cleared',
      tokens: dropped ? await revokedAll(registration, dropped, parts) : 'unsupported',
      provider: url === undefined ? 'unsupported' : 'redirect',
    },
    ...(url === undefined ? {} : { logoutUrl: url }),
  }
}

async function revokedAll(registration: Registration, { tokens }: Kept, parts: BrowserParts) {
  // A sign-out must work offline, where the protocol cannot be loaded.
  if (!registration.provider.revoke) return 'unsupported'
  const { revokePair } = await parts.protocol()
  return revokePair(registration, tokens, parts)
}

async function mustHave(id: string, parts: Parts): Promise<Kept> {
  const kept = await readKept(id, parts)
  if (!kept) throw new AppError('not_signed_in')
  return kept
}

type Profile = Awaited<ReturnType<Protocol['profile']>>

function profileAnswer({ person, raw }: Profile): ProfileAnswer {
  const { subject, name, email, picture, authorities } = person
  return { profile: { subject, name, email, picture, authorities }, raw: { ...raw } }
}

/** The provider's description as this deployment is registered; the proxy names the deployment's part. */
function registrationOf({ id, client }: ProviderView): Registration {
  const provider = browserProviders[id]
  if (!provider || !client) throw new AppError('provider_off')
  return {
    provider,
    clientId: client.id,
    redirectUri: client.redirectUri,
    endpoints: endpointsIn(client),
    scope: client.scope,
    essential: [],
    settings: {},
  }
}

/** The API as the proxy would call it. */
function apiOf(view: ProviderView): ApiOffer & { registration: Registration } {
  const registration = registrationOf(view)
  const { provider } = registration
  if (!provider.api) throw new AppError('unsupported')
  return {
    provider,
    registration,
    apiOrigin: view.client?.endpoints.api,
    apiPaths: view.client?.apiPaths ?? [],
  }
}

function endpointsIn({ endpoints }: Client): Partial<Record<Step, string>> {
  return Object.fromEntries(
    steps.flatMap((step) => {
      const url = endpoints[step]
      return url === undefined ? [] : [[step, url]]
    }),
  )
}
