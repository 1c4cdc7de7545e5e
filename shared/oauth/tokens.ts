import type * as oauth from 'oauth4webapi'
import { Secret } from '../secret'
import { Refusal } from './refusal'
import type { Person, Registration } from '../provider'

/** What a provider gave us to act for a person. */
export interface Tokens {
  /** How the access token is presented: OAuth's bearer, or the provider's own API token header. */
  scheme: 'bearer' | 'api-token'
  accessToken: Secret
  refreshToken?: Secret | undefined
  /** Milliseconds since the epoch; null where the provider does not say. */
  expiresAt: number | null
  /** What was granted, which may be less than what was asked (RFC 6749 §5.1). */
  scope: readonly string[]
}

/** The outcome of a sign-in: tokens, and the person they stand for. */
export interface Grant {
  tokens: Tokens
  person: Person
}

/** The tokens of a validated token answer. A missing scope means "as asked" (RFC 6749 §5.1). */
export function tokensOf(
  answer: oauth.TokenEndpointResponse,
  asked: readonly string[],
  now: number,
): Tokens {
  // oauth4webapi passes a DPoP-bound token too, which nobody here could present.
  if (answer.token_type !== 'bearer') throw new Refusal(200, 'token_type')
  return {
    scheme: 'bearer',
    accessToken: new Secret(answer.access_token),
    refreshToken: answer.refresh_token === undefined ? undefined : new Secret(answer.refresh_token),
    expiresAt: answer.expires_in === undefined ? null : now + answer.expires_in * 1000,
    scope: answer.scope?.split(' ').filter(Boolean) ?? asked,
  }
}

/** What to call the account on screen. */
export function labelOf(person: Person, { provider }: Registration): string {
  return person.label ?? person.name ?? person.email ?? person.subject ?? provider.name
}
