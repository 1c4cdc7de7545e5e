import * as oauth from 'oauth4webapi'
import { text, texts } from '../answer'
import { AppError } from '../failure'
import type { Registration } from '../provider'
import type { CheckAnswer } from '../wire'
import type { Ports } from './ports'
import { Refusal, toAppError } from './refusal'
import type { Tokens } from './tokens'
import { optionsFor, serverOf, vouch } from './vouch'

/**
 * Asks the provider what the access token is worth (RFC 7662). A token it does not know, or says is
 * no longer good, is `active: false` and no error. Throws `unsupported` or a provider code.
 */
export async function check(
  registration: Registration,
  tokens: Tokens,
  ports: Ports,
): Promise<CheckAnswer> {
  const { provider, clientId, endpoints } = registration
  if (!provider.check || endpoints.check === undefined) throw new AppError('unsupported')
  const as = serverOf(registration)
  try {
    const response = await oauth.introspectionRequest(
      as,
      { client_id: clientId },
      vouch(provider.check, registration, tokens),
      tokens.accessToken.reveal(),
      optionsFor(endpoints.check, provider.check, registration, ports),
    )
    const answer = (await response.json()) as Record<string, unknown>
    const expiry = typeof answer.exp === 'number' ? new Date(answer.exp * 1000) : undefined
    return {
      // Spring's older servers leave `active` out of a positive answer.
      active: answer.active === true || (answer.active === undefined && answer.exp !== undefined),
      expiresAt: expiry && !Number.isNaN(expiry.valueOf()) ? expiry.toISOString() : undefined,
      clientId: text(answer.client_id),
      subject: text(answer.sub) ?? text(answer.user_name),
      scope: texts(answer.scope) ?? text(answer.scope)?.split(' '),
      authorities: texts(answer.authorities),
    }
  } catch (error) {
    if (error instanceof Refusal && error.word === 'invalid_token') return { active: false }
    throw toAppError(error)
  }
}
