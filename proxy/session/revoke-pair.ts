import { isAppError } from '../../shared/failure'
import type { Ports } from '../../shared/oauth/ports'
import { refresh } from '../../shared/oauth/refresh'
import { revoke } from '../../shared/oauth/revoke'
import type { Tokens } from '../../shared/oauth/tokens'
import type { Registration } from '../../shared/provider'
import type { SignOutAnswer } from '../../shared/wire'

/**
 * Revokes all that a provider can revoke of a pair, in the order it needs. It tells what came of it
 * and never throws for the provider: a sign-out does not fail because a provider is down.
 */
export async function revokePair(
  registration: Registration,
  tokens: Tokens,
  ports: Ports,
): Promise<SignOutAnswer['effects']['tokens']> {
  const call = registration.provider.revoke
  if (!call || tokens.scheme !== 'bearer') return 'unsupported'
  try {
    let pair = tokens
    // A bearer vouches for its own revocation, and a pair is found by its access token: where that
    // one has ended, it is refreshed merely to be revoked.
    const isDead = tokens.expiresAt !== null && tokens.expiresAt <= ports.now()
    if (isDead && tokens.refreshToken && (call.auth === 'bearer' || call.endsPair))
      pair = await refresh(registration, tokens, ports)
    for (const which of call.tokens)
      if (which === 'access' || pair.refreshToken) await revoke(registration, pair, which, ports)
    return 'revoked'
  } catch (error) {
    if (isAppError(error)) return 'failed'
    throw error
  }
}
