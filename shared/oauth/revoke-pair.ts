import { isAppError } from '../failure'
import { callLimit, type Ports } from './ports'
import { Refusal } from './refusal'
import { refresh } from './refresh'
import { revoke } from './revoke'
import type { Tokens } from './tokens'
import type { Registration } from '../provider'
import type { SignOutAnswer } from '../wire'

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
  // A bearer vouches for its own revocation, and a pair is found by its access token: where that one
  // has ended, it is refreshed merely to be revoked.
  const needsLife = call.auth === 'bearer' || call.endsPair === true
  // Or may end on its way.
  const isDead = tokens.expiresAt !== null && tokens.expiresAt - ports.now() <= callLimit
  const refreshed = async () => await refresh(registration, tokens, ports)
  const spend = async (pair: Tokens) => {
    let isGrantOver = false
    for (const which of call.tokens) {
      if (which === 'refresh' && !pair.refreshToken) continue
      try {
        await revoke(registration, pair, which, ports)
      } catch (error) {
        // RFC 7009 §2.1: with the refresh token the whole grant may end, the voucher included.
        if (!isGrantOver || !isUnknown(error)) throw error
      }
      isGrantOver = which === 'refresh'
    }
  }
  try {
    if (isDead && needsLife && tokens.refreshToken) await spend(await refreshed())
    else
      await spend(tokens).catch(async (error: unknown) => {
        // It died before its stated end.
        if (!isAppError(error, 'token_expired') || !tokens.refreshToken) throw error
        await spend(await refreshed())
      })
    return 'revoked'
  } catch (error) {
    // Neither token is known there any more.
    if (isAppError(error, 'session_ended')) return 'revoked'
    if (isAppError(error)) return 'failed'
    throw error
  }
}

/** Whether the provider says that it does not know the access token; any other no proves nothing. */
function isUnknown(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined
  return (
    isAppError(error, 'token_expired') ||
    (cause instanceof Refusal && cause.word === 'invalid_token')
  )
}
