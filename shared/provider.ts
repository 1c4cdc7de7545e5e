/**
 * The vocabulary in which a provider is described: a record of protocol steps that names only its
 * departures from the RFCs. Every default is the RFC; shared code reads these fields and never asks
 * which provider it talks to.
 */
import type { Secret } from './secret'

/** Request parameters a description adds; `undefined` drops a standard parameter. */
export type Params = Record<string, string | undefined>

/** One request of the protocol. */
export interface Call {
  /** Path below the provider's origin. */
  url: string
  /** Whether the path is below the host that people's browsers visit, where that is another one. */
  front?: true
  /** POST unless stated; the profile is read by GET. */
  method?: 'GET' | 'POST'
  /** Who vouches: our client (raw `basic`, `post`, `public`) or the user's token (`bearer`). */
  auth: 'basic' | 'post' | 'public' | 'bearer'
  /** Where the parameters travel. Form unless stated, query for GET. */
  body?: 'form' | 'json' | 'query'
  /** Success is the status alone; what the body then says is not documented. */
  bodiless?: true
  /** What this provider adds to the standard parameters, or drops from them. */
  params?: (registration: Registration) => Params
}

/** A redirect of the browser: the sign-in, or the sign-out at the provider. */
export type Redirect = Pick<Call, 'url' | 'front' | 'params'>

export interface RefreshCall extends Call {
  /** The provider's words for "this refresh token is dead". Only `invalid_grant` unless stated. */
  dead?: readonly string[]
  /**
   * A refresh token that comes a second time is refused, and nothing else happens. A server may also
   * end the whole grant then (RFC 9700 §4.14.2): that is expected unless stated.
   */
  forgivesReplay?: true
}

/** The person's token vouches for it, as a bearer or as the provider's own API token. */
export interface ProfileCall extends Omit<Call, 'auth'> {
  /** The status that means "the access token is no longer good". 401 unless stated (RFC 6750 §3.1). */
  expired?: number
  /** The answer may be wrapped as `{code, data}`; any other code is a failure. */
  envelope?: { ok: number }
}

/** The API that may be called on the person's behalf. `params` and `expired` hold for documented paths. */
export interface Api extends Pick<ProfileCall, 'params' | 'expired'> {
  /** Documented path prefixes below the origin, by segment. */
  paths: readonly string[]
  /** Methods it takes; all that we pass on unless stated. */
  methods?: readonly string[]
  /** It has no host that everybody shares: without `<ID>_API_URL` nothing can be called. */
  elsewhere?: true
}

export interface RevokeCall extends Call {
  /** The tokens it takes, in the order in which a sign-out must spend them. */
  tokens: readonly TokenName[]
  /** Revoking either token ends both, for every sign-in that shares them. */
  endsPair?: true
}

export type TokenName = 'access' | 'refresh'

export interface Scope {
  names: readonly string[]
  /** Between scope names. A space unless stated (RFC 6749 §3.3). */
  separator?: ','
  /** Names may be marked essential through the OpenID `claims` parameter. */
  essential?: true
}

/** What kind of value a provider's own environment variable takes. */
export type SettingKind = 'redirect' | 'word'

/** A person as the provider names them; read from a token answer or a profile answer. */
export interface Person {
  /** The provider's stable identifier, or null where it names nobody. */
  subject: string | null
  /** What to call them on screen. Never an identifier. */
  label?: string | undefined
  name?: string | undefined
  email?: string | undefined
  picture?: string | undefined
  authorities?: string[] | undefined
}

/** Foreign JSON, proven to be an object and nothing more. */
export type Answer = Readonly<Record<string, unknown>>

interface Common {
  id: string
  name: string
  /** The documents the description was written from. */
  source: string
  /** Where tokens and data live; `<ID>_URL` overrides it. */
  origin: string
  /** The host that browsers visit, where it is another one, and the variable that overrides it. */
  front?: { origin: string; variable: string }
  scope?: Scope
  refresh?: RefreshCall
  profile?: ProfileCall
  check?: Call
  revoke?: RevokeCall
  logout?: Redirect
  api?: Api
  /** Header that carries an API token in place of OAuth's bearer. */
  apiToken?: { header: string }
  /** Without a secret the browser may keep the tokens itself; `<ID>_CUSTODY` moves them. */
  custody?: 'browser'
  /** Every sign-in of one user and client holds the same live pair. */
  sharedTokens?: true
  /** Which answer names the person at sign-in. The token answer unless stated. */
  namedBy?: 'profile'
  /** Variables of its own, `<ID>_<KEY>`. */
  settings?: Record<string, SettingKind>
  /** Choices its documents leave open: `<ID>_<KEY>=1` lays the change over the description. */
  switches?: Record<string, Change>
  /** Who the answer is about. */
  person: (answer: Answer, registration: Registration) => Person
}

export interface RedirectProvider extends Common {
  authorize: Redirect
  exchange: Call
  /** The provider knows PKCE (RFC 7636); S256 is sent. */
  pkce?: true
  /** The provider may return without `state`. */
  dropsState?: true
}

export interface PasswordProvider extends Common {
  /** RFC 6749 §4.3, for a provider that documents nothing else. */
  password: Call
}

export type Provider = RedirectProvider | PasswordProvider

/** What a switch changes: any part of a description but what identifies it. */
export type Change = Partial<
  Omit<RedirectProvider & PasswordProvider, 'id' | 'name' | 'origin' | 'switches' | 'settings'>
>

/** The steps of a description that are requests or redirects. */
export const steps = [
  'authorize',
  'exchange',
  'password',
  'refresh',
  'profile',
  'check',
  'revoke',
  'logout',
] as const
export type Step = (typeof steps)[number]

/** A provider as this deployment is registered with it. */
export interface Registration {
  provider: Provider
  clientId: string
  /** Absent for a public client. */
  clientSecret?: Secret | undefined
  /** Our callback, absolute. */
  redirectUri: string
  /** Absolute URL of every step the provider has. */
  endpoints: Partial<Record<Step, string>>
  /** The scope asked for; empty where the provider knows none. */
  scope: readonly string[]
  /** Scope names the person may not refuse. */
  essential: readonly string[]
  /** Values of the provider's own variables. */
  settings: Readonly<Record<string, string>>
}

export const capabilities = ['profile', 'refresh', 'check', 'revoke', 'logout', 'api'] as const
export type Capability = (typeof capabilities)[number]

/** What can be done with an account at this provider, in the contract's order. */
export function capabilitiesOf(provider: Provider): Capability[] {
  return capabilities.filter((capability) => provider[capability] !== undefined)
}

export function isRedirect(provider: Provider): provider is RedirectProvider {
  return 'authorize' in provider
}

/** The description with the chosen switches laid over it. */
export function withSwitches<P extends Provider>(provider: P, chosen: readonly string[]): P {
  return chosen.reduce<P>((laid, key) => ({ ...laid, ...provider.switches?.[key] }), provider)
}

/** Absolute URL of each step, below the origins this deployment uses. */
export function endpointsOf(
  provider: Provider,
  origin: string,
  frontOrigin: string,
): Partial<Record<Step, string>> {
  const entries = steps.flatMap((step) => {
    const call = (provider as Partial<Record<Step, Redirect>>)[step]
    return call ? [[step, (call.front ? frontOrigin : origin) + call.url] as const] : []
  })
  return Object.fromEntries(entries)
}
