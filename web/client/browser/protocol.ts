/** Everything that speaks with a provider, in one chunk that is loaded on demand. */
import { AppError } from '../../../shared/failure'
import { revoke } from '../../../shared/oauth/revoke'
import type { Tokens } from '../../../shared/oauth/tokens'
import type { Registration } from '../../../shared/provider'
import type { SignOutAnswer } from '../../../shared/wire'
import type { Parts } from './parts'

export { check } from '../../../shared/oauth/check'
export { profile } from '../../../shared/oauth/profile'
export { begin, finish, take, useApiToken } from './login'
export { refreshAccount, withToken } from './refresh'
export { revoke }

/** Revokes what the provider can revoke, in the order it asks for. */
export async function revokeAll(
  registration: Registration,
  tokens: Tokens,
  parts: Parts,
): Promise<SignOutAnswer['effects']['tokens']> {
  const names = registration.provider.revoke?.tokens ?? []
  const held = names.filter((name) => name === 'access' || tokens.refreshToken !== undefined)
  if (held.length === 0 || tokens.scheme === 'api-token') return 'unsupported'
  try {
    for (const name of held) await revoke(registration, tokens, name, parts)
    return 'revoked'
  } catch (error) {
    if (error instanceof AppError) return 'failed'
    throw error
  }
}
