import * as oauth from 'oauth4webapi'
import type { Registration } from '../provider'
import { AppError } from '../failure'
import type { Ports } from './ports'
import { toAppError } from './refusal'
import { tokensOf, type Tokens } from './tokens'
import { optionsFor, serverOf, vouch } from './vouch'

/**
 * Spends the refresh token once (RFC 6749 §6). An answer without a refresh token keeps the old one.
 * Throws `session_ended` on the provider's word that the token is dead, `not_refreshable` when there
 * is none, or a provider code; it never sends a second time.
 */
export async function refresh(
  registration: Registration,
  tokens: Tokens,
  ports: Ports,
): Promise<Tokens> {
  const { provider, clientId, endpoints } = registration
  const call = provider.refresh
  if (!call || !tokens.refreshToken || endpoints.refresh === undefined)
    throw new AppError('not_refreshable')
  const as = { ...serverOf(registration), token_endpoint: endpoints.refresh }
  const client = { client_id: clientId }
  try {
    const response = await oauth.refreshTokenGrantRequest(
      as,
      client,
      vouch(call, registration),
      tokens.refreshToken.reveal(),
      optionsFor(endpoints.refresh, call, registration, ports),
    )
    const answer = await oauth.processRefreshTokenResponse(as, client, response)
    const fresh = tokensOf(answer, tokens.scope, ports.now())
    return { ...fresh, refreshToken: fresh.refreshToken ?? tokens.refreshToken }
  } catch (error) {
    throw toAppError(error, { words: call.dead ?? ['invalid_grant'], code: 'session_ended' })
  }
}
