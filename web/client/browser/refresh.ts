/** Refreshing an account of this browser: for one expiry, one refresh over all tabs. */
import { AppError } from '../../../shared/failure'
import { refresh } from '../../../shared/oauth/refresh'
import { revoke } from '../../../shared/oauth/revoke'
import type { Tokens } from '../../../shared/oauth/tokens'
import type { Registration } from '../../../shared/provider'
import { dropKept, isSame, readKept, storeNext, type Kept } from './account'
import type { Parts } from './parts'

/** So long before its end a token is refreshed, for the call it is meant for takes time too. */
const early = 60_000

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
    await revokeOrphan(registration, tokens, parts)
    if (!kept) throw new AppError('not_signed_in')
    return kept
  })
}

/** The account with a token that is good for a call, refreshed if that is due. */
async function ready(registration: Registration, parts: Parts): Promise<Ready> {
  const kept = await readKept(registration.provider.id, parts)
  if (!kept) throw new AppError('not_signed_in')
  const { expiresAt, refreshToken } = kept.tokens
  if (expiresAt === null || !refreshToken || parts.now() < expiresAt - early) return { kept }
  try {
    return { kept: await refreshAccount(registration, kept, parts) }
  } catch (error) {
    // The provider is in trouble, but the token at hand is still good for a moment.
    if (!(error instanceof AppError) || isFinal(error) || parts.now() >= expiresAt) throw error
    return { kept, unanswered: error }
  }
}

interface Ready {
  kept: Kept
  /** A refresh that failed just now: its token is not sent again by the same request (ledger). */
  unanswered?: AppError
}

/** Calls with a token that is good; one that the provider refuses all the same is refreshed once. */
export async function withToken<T>(
  registration: Registration,
  call: (tokens: Tokens) => Promise<T>,
  parts: Parts,
): Promise<T> {
  const { kept, unanswered } = await ready(registration, parts)
  try {
    return await call(kept.tokens)
  } catch (error) {
    const refused = error instanceof AppError && error.code === 'token_expired'
    if (!refused || !kept.tokens.refreshToken) throw error
    if (unanswered !== undefined) throw unanswered
    return call((await refreshAccount(registration, kept, parts)).tokens)
  }
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

/** Tokens that arrived after the account was signed out must not live on. */
async function revokeOrphan(registration: Registration, tokens: Tokens, parts: Parts) {
  for (const which of registration.provider.revoke?.tokens ?? []) {
    await revoke(registration, tokens, which, parts).catch((error: unknown) => {
      // Nobody waits for it, and nothing more can be done than was tried.
      if (!(error instanceof AppError)) throw error
    })
  }
}

function isFinal({ code }: AppError): boolean {
  return code === 'session_ended' || code === 'not_signed_in'
}
