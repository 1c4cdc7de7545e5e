import { AppError, isAppError } from '../failure'
import type { Tokens } from './tokens'

/** Milliseconds before its end at which an access token is refreshed: it is due. */
const margin = 60 * 1000

/**
 * Works with tokens that are alive: refreshed when due, and once more when the provider refuses them
 * all the same. A provider, or a ledger, in trouble is forgiven while the old access token lives; but
 * what was sent without an answer is not sent again, for it may have been spent. `freshen` is told
 * whether the provider refused the token that it is to replace.
 * Throws what `freshen` and `work` throw; `provider_error` for a fresh token that is refused.
 */
export async function withLiveTokens<A extends { tokens: Tokens }, T>(
  account: A,
  freshen: (account: A, refused: boolean) => Promise<A>,
  work: (account: A) => Promise<T>,
  now: () => number,
): Promise<T> {
  let live = account
  let unanswered: AppError | undefined
  if (isDue(account.tokens, now())) {
    try {
      live = await freshen(account, false)
    } catch (error) {
      if (!isForgivable(error, account.tokens, now())) throw error
      unanswered = error
    }
  }
  try {
    return await work(live)
  } catch (error) {
    if (!isAppError(error, 'token_expired') || !live.tokens.refreshToken) throw error
    // Where the ledger was in the way nothing was sent; a refused token may weigh more with it.
    if (unanswered?.code.startsWith('provider_')) throw unanswered
  }
  const fresh = await freshen(live, true)
  try {
    return await work(fresh)
  } catch (error) {
    // A fresh token is not an expired one: the provider contradicts itself.
    throw isAppError(error, 'token_expired')
      ? new AppError('provider_error', { cause: error })
      : error
  }
}

function isDue({ expiresAt, refreshToken }: Tokens, now: number): boolean {
  return expiresAt !== null && refreshToken !== undefined && expiresAt - now <= margin
}

function isForgivable(error: unknown, { expiresAt }: Tokens, now: number): error is AppError {
  const isTrouble =
    isAppError(error) && (error.code.startsWith('provider_') || error.code === 'ledger_unavailable')
  return isTrouble && (expiresAt ?? 0) > now
}
