import { AppError, isAppError } from '../failure'
import type { Registration } from '../provider'
import type { Secret } from '../secret'
import type { Ports } from './ports'
import { profile } from './profile'
import type { Grant, Tokens } from './tokens'

/**
 * Signs in with an API token in place of OAuth: it is proven by asking whose it is.
 * Throws `invalid_credentials`, `unsupported`, or a provider code.
 */
export async function apiToken(
  registration: Registration,
  accessToken: Secret,
  ports: Ports,
): Promise<Grant> {
  if (!registration.provider.apiToken) throw new AppError('unsupported')
  const tokens: Tokens = { scheme: 'api-token', accessToken, expiresAt: null, scope: [] }
  try {
    return { tokens, person: (await profile(registration, tokens, ports)).person }
  } catch (error) {
    throw isAppError(error, 'token_expired')
      ? new AppError('invalid_credentials', { cause: error })
      : error
  }
}
