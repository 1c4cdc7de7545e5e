import * as oauth from 'oauth4webapi'
import { AppError } from '../failure'
import { isRedirect, type Registration } from '../provider'
import type { Login } from './authorize'
import { serverOf } from './vouch'

/** A callback that belongs to its login; oauth4webapi exchanges nothing else. */
export type Callback = URLSearchParams

const code = /^[\x20-\x7e]{1,4096}$/

/** Words with which a person, or the provider on their behalf, says no (RFC 6749 §4.1.2.1, OIDC Core §3.1.2.6). */
const denials = [
  'access_denied',
  'login_required',
  'consent_required',
  'interaction_required',
  'account_selection_required',
]

/**
 * Proves that a callback answers this login: the state before anything else, each parameter once.
 * Throws `login_forged`, `access_denied`, or `provider_error`.
 */
export function readCallback(
  registration: Registration,
  login: Login,
  parameters: URLSearchParams,
): Callback {
  const { provider } = registration
  const names = [...parameters.keys()]
  if (new Set(names).size !== names.length) throw new AppError('login_forged')
  // A missing state must never equal a missing memory of one.
  const echoed = parameters.has('state')
  const mayBeSilent = isRedirect(provider) && provider.dropsState === true
  if (login.state === '' || (!echoed && !mayBeSilent)) throw new AppError('login_forged')
  // RFC 9207 §2.4: an issuer that is there must be the one; oauth4webapi takes an empty one for none.
  if (parameters.get('iss') === '') throw new AppError('login_forged')

  let callback: Callback
  try {
    callback = oauth.validateAuthResponse(
      serverOf(registration),
      { client_id: registration.clientId },
      parameters,
      echoed ? login.state : oauth.expectNoState,
    )
  } catch (error) {
    if (!(error instanceof oauth.AuthorizationResponseError))
      throw new AppError('login_forged', { cause: error })
    const denied = denials.includes(error.error)
    throw new AppError(denied ? 'access_denied' : 'provider_error', { cause: error })
  }
  if (!code.test(callback.get('code') ?? '')) throw new AppError('provider_error')
  return callback
}
