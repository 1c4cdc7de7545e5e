import * as oauth from 'oauth4webapi'
import { AppError } from '../failure'
import type { Registration, TokenName } from '../provider'
import type { Ports } from './ports'
import { Refusal, toAppError } from './refusal'
import type { Tokens } from './tokens'
import { optionsFor, serverOf, vouch } from './vouch'

/**
 * Revokes one token (RFC 7009). A token the provider no longer knows counts as revoked where it says
 * so with 200. Throws `token_expired` when the access token that vouches is refused, `unsupported` for a token it does not take, `not_refreshable` when the account
 * has no refresh token, or a provider code.
 */
export async function revoke(
  registration: Registration,
  tokens: Tokens,
  which: TokenName,
  ports: Ports,
): Promise<void> {
  const { provider, clientId, endpoints } = registration
  const call = provider.revoke
  if (!call?.tokens.includes(which) || endpoints.revoke === undefined)
    throw new AppError('unsupported')
  const token = which === 'access' ? tokens.accessToken : tokens.refreshToken
  if (!token) throw new AppError('not_refreshable')
  try {
    const response = await oauth.revocationRequest(
      serverOf(registration),
      { client_id: clientId },
      vouch(call, registration, tokens),
      token.reveal(),
      {
        ...optionsFor(endpoints.revoke, call, registration, ports),
        additionalParameters: { token_type_hint: `${which}_token` },
      },
    )
    await oauth.processRevocationResponse(response)
  } catch (error) {
    const refused = provider.profile?.expired ?? 401
    if (call.auth === 'bearer' && error instanceof Refusal && error.status === refused)
      throw new AppError('token_expired', { cause: error })
    throw toAppError(error)
  }
}
