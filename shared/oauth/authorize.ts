import * as oauth from 'oauth4webapi'
import { isRedirect, type Registration } from '../provider'

/** A login under way: what must be known again when the browser comes back. Plain data, to be sealed. */
export interface Login {
  state: string
  /** PKCE code verifier (RFC 7636 §4.1), where the provider knows PKCE. */
  verifier?: string
  redirectUri: string
  /** Milliseconds since the epoch. */
  issuedAt: number
}

/** How long a login may take (RFC 6749 §4.1.2 recommends ten minutes for its code). */
export const loginLifetime = 10 * 60 * 1000

/** Where to send the browser to sign in, and what to remember until it is back. RFC 6749 §4.1.1. */
export async function authorize(
  registration: Registration,
  now: number,
): Promise<{ url: URL; login: Login }> {
  const { provider, clientId, redirectUri, endpoints, scope, essential } = registration
  if (!isRedirect(provider) || endpoints.authorize === undefined)
    throw new Error('this provider has no authorization endpoint')

  const login: Login = {
    state: oauth.generateRandomState(),
    redirectUri,
    issuedAt: now,
    ...(provider.pkce ? { verifier: oauth.generateRandomCodeVerifier() } : {}),
  }
  const parameters = {
    client_id: clientId,
    response_type: 'code',
    redirect_uri: redirectUri,
    state: login.state,
    scope: scope.length > 0 ? scope.join(provider.scope?.separator ?? ' ') : undefined,
    claims: essential.length > 0 ? claimsFor(essential) : undefined,
    ...(login.verifier === undefined ? {} : await challengeFor(login.verifier)),
    ...provider.authorize.params?.(registration),
  }
  const url = new URL(endpoints.authorize)
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined) url.searchParams.set(name, value)
  return { url, login }
}

async function challengeFor(verifier: string) {
  return {
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  }
}

/** The `claims` parameter of OpenID Connect Core §5.5, for scopes the person may not refuse. */
function claimsFor(essential: readonly string[]): string {
  return JSON.stringify({
    userinfo: Object.fromEntries(essential.map((name) => [name, { essential: true }])),
  })
}
