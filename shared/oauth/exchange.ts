import * as oauth from 'oauth4webapi'
import { AppError, isAppError } from '../failure'
import { isRedirect, type Registration } from '../provider'
import type { Login } from './authorize'
import type { Callback } from './callback'
import type { Ports } from './ports'
import { profile } from './profile'
import { toAppError } from './refusal'
import { tokensOf, type Grant } from './tokens'
import { optionsFor, serverOf, vouch } from './vouch'

/**
 * Spends the code (RFC 6749 §4.1.3) and learns who signed in.
 * Throws `login_expired` when the provider no longer knows the code, or a provider code.
 */
export async function exchange(
  registration: Registration,
  login: Login,
  callback: Callback,
  ports: Ports,
): Promise<Grant> {
  const { provider, clientId, endpoints, scope } = registration
  if (!isRedirect(provider) || endpoints.exchange === undefined)
    throw new Error('this provider has no code to exchange')
  const as = serverOf(registration)
  const client = { client_id: clientId }
  try {
    const response = await oauth.authorizationCodeGrantRequest(
      as,
      client,
      vouch(provider.exchange, registration),
      callback,
      login.redirectUri,
      login.verifier ?? oauth.nopkce,
      optionsFor(endpoints.exchange, provider.exchange, registration, ports),
    )
    const answer = await oauth.processAuthorizationCodeResponse(as, client, response)
    const tokens = tokensOf(answer, scope, ports.now())
    if (provider.namedBy !== 'profile')
      return { tokens, person: provider.person(answer, registration) }
    return { tokens, person: (await profile(registration, tokens, ports)).person }
  } catch (error) {
    // A token refused right after it was given: the provider contradicts itself.
    if (isAppError(error, 'token_expired')) throw new AppError('provider_error', { cause: error })
    throw toAppError(error, { words: ['invalid_grant'], code: 'login_expired' })
  }
}
