/** Refreshing an account of this browser: for one expiry, one refresh over all tabs. */
import { AppError } from '../../../shared/failure'
import { withLiveTokens } from '../../../shared/oauth/live'
import { refresh } from '../../../shared/oauth/refresh'
import { revokePair } from '../../../shared/oauth/revoke-pair'
import type { Tokens } from '../../../shared/oauth/tokens'
import type { Registration } from '../../../shared/provider'
import { dropKept, isSame, readKept, storeNext, type Kept } from './account'
import type { Parts } from './parts'

/**
 * Spends the refresh token of the account as it was seen, or takes what another tab made of it.
 * Only the provider's word that the token is dead (`session_ended`) ends the account; after a
 * failure without an answer the token is not sent again by this request.
 */
export async function refreshAccount(
  registration: Registration,
  seen: Kept,
  parts: Parts,
): Promise<Kept> {
  const { id } = registration.provider
  return parts.locks.request(`latchkey:${id}`, async () => {
    const current = await readKept(id, parts)
    if (!current) throw new AppError('not_signed_in')
    if (!isSame(current, seen)) return current

    const tokens = await spend(registration, current, parts)
    const kept = await storeNext(id, current, tokens, parts)
    if (kept?.signIn === current.signIn) return kept
    // Tokens that arrived after the account was signed out must not live on.
    await revokePair(registration, tokens, parts)
    if (!kept) throw new AppError('not_signed_in')
    return kept
  })
}

/** Calls with a token that is good; see `withLiveTokens`. */
export async function withToken<T>(
  registration: Registration,
  call: (tokens: Tokens) => Promise<T>,
  parts: Parts,
): Promise<T> {
  const kept = await readKept(registration.provider.id, parts)
  if (!kept) throw new AppError('not_signed_in')
  return await withLiveTokens(
    kept,
    (due) => refreshAccount(registration, due, parts),
    ({ tokens }) => call(tokens),
    parts.now,
  )
}

async function spend(registration: Registration, current: Kept, parts: Parts): Promise<Tokens> {
  try {
    return await refresh(registration, current.tokens, parts)
  } catch (error) {
    if (error instanceof AppError && error.code === 'session_ended') {
      await dropKept(registration.provider.id, current, parts)
    }
    throw error
  }
}
