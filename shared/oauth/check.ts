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
    // Spring's older servers leave `active` out of a positive answer.
    const isStated = typeof answer.active === 'boolean'
    if (!isStated && answer.exp === undefined) throw new Refusal(200, 'not_conform')
    return {
      active: answer.active !== false,
      expiresAt: timeOf(answer.exp),
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

/** Epoch seconds as a time, up to the year 9999; undefined where there is none to read. */
function timeOf(exp: unknown): string | undefined {
  const seconds = Number(typeof exp === 'string' ? exp : (exp ?? NaN))
  const isTime = seconds >= 0 && seconds < 253_402_300_800
  return isTime ? new Date(seconds * 1000).toISOString() : undefined
}
