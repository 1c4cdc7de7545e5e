/** Refreshing an account of this browser: for one expiry, one refresh over all tabs. */
import { AppError, isAppError } from '../../../shared/failure'
import { withLiveTokens } from '../../../shared/oauth/live'
import { sleep } from '../../../shared/oauth/ports'
import { refresh } from '../../../shared/oauth/refresh'
import { revokePair } from '../../../shared/oauth/revoke-pair'
import { Refusal } from '../../../shared/oauth/refusal'
import type { Tokens } from '../../../shared/oauth/tokens'
import type { Registration } from '../../../shared/provider'
import { dropKept, isSame, readKept, storeNext, storeRest, type Kept, type Rest } from './account'
import { isTimeout } from './locks'
import type { Parts } from './parts'

/** Milliseconds to wait for another tab's refresh: a call to the provider, and what is stored of it. */
const patience = 13_000
/** The first rest after a refresh that nothing is known of, and the longest; in milliseconds. */
const shortest = 3_000
const longest = 60_000

/**
 * Spends the refresh token of the account as it was seen, or takes what another tab made of it: its
 * tokens, or its failure. Only the provider's word that the token is dead (`session_ended`) ends the
 * account. A failure without an answer may have spent the token, so that it rests before it is sent
 * again: for three seconds, which are waited for, and longer each time, which is refused with the
 * same code and `retryAfter`.
 * Whoever has a token that lives does not wait, unless it is `urgent`.
 * Throws what `refresh` throws, `not_signed_in`, and `provider_timeout` where another tab does not
 * come to an end.
 */
export async function refreshAccount(
  registration: Registration,
  seen: Kept,
  parts: Parts,
  urgent = true,
): Promise<Kept> {
  const { id } = registration.provider
  await parts.settle()
  await sleepThrough(seen, urgent || !isAlive(seen, parts), parts)
  try {
    // The browser frees the lock when the page goes, whatever it was doing.
    return await parts.locks.request(`latchkey:${id}`, patience, async () => {
      const current = await mustHave(id, parts)
      if (!isSame(current, seen)) return current
      const failed = failedSince(seen, current)
      if (failed) throw failure(failed, parts)
      return await renew(registration, current, parts)
    })
  } catch (error) {
    throw isTimeout(error) ? new AppError('provider_timeout', { cause: error }) : error
  }
}

/** Calls with a token that is good; see `withLiveTokens`. */
export async function withToken<T>(
  registration: Registration,
  call: (tokens: Tokens) => Promise<T>,
  parts: Parts,
): Promise<T> {
  await parts.settle()
  return await withLiveTokens(
    await mustHave(registration.provider.id, parts),
    (due, refused) => refreshAccount(registration, due, parts, refused),
    ({ tokens }) => call(tokens),
    parts.now,
  )
}

async function mustHave(id: string, parts: Parts): Promise<Kept> {
  const kept = await readKept(id, parts)
  if (!kept) throw new AppError('not_signed_in')
  return kept
}

/** One refresh, with the lock held. */
async function renew(registration: Registration, current: Kept, parts: Parts): Promise<Kept> {
  const { id } = registration.provider
  // A machine may fall asleep before it reads the answer: what it says counts from before it was asked.
  const asked = parts.now()
  let tokens: Tokens
  try {
    tokens = await refresh(registration, current.tokens, { ...parts, now: () => asked })
  } catch (error) {
    return await afterFailure(id, current, error, parts)
  }
  const kept = await storeNext(id, current, tokens, parts)
  if (kept?.signIn === current.signIn) return kept
  // Tokens that arrived after the account was signed out must not live on.
  await revokePair(registration, tokens, parts)
  if (!kept) throw new AppError('not_signed_in')
  return kept
}

/** Ends the account or lets it rest, and throws; unless it is another one by now. */
async function afterFailure(
  id: string,
  current: Kept,
  error: unknown,
  parts: Parts,
): Promise<Kept> {
  if (isAppError(error, 'session_ended')) {
    // A second look: a newer sign-in, or tokens that another tab got, are not meant.
    await dropKept(id, current, parts)
    const other = await readKept(id, parts)
    if (other) return other
  } else if (isAppError(error) && error.code.startsWith('provider_')) {
    await storeRest(id, current, restAfter(error, current.rest, parts), parts)
  }
  throw error
}

function restAfter(error: AppError, before: Rest | undefined, parts: Parts): Rest {
  const length = Math.min(lengthAfter(error, before, parts), longest)
  const failures = (before?.failures ?? 0) + 1
  return { failures, code: error.code, length, until: parts.now() + length }
}

function lengthAfter(
  { code, cause }: AppError,
  before: Rest | undefined,
  { isOnline }: Parts,
): number {
  const doubled = Math.max(2 * (before?.length ?? 0), shortest)
  switch (code) {
    case 'provider_busy': {
      // Across origins the header is hidden, unless the provider exposes it.
      const told = cause instanceof Refusal ? cause.retryAfter : undefined
      return told === undefined ? doubled : told * 1000
    }
    case 'provider_timeout':
    case 'provider_unreachable':
      // Without a network nothing has been sent.
      return isOnline() ? doubled : 0
    default:
      return 0
  }
}

/** Waits for the end of a short rest, and throws the failure again while a longer one lasts. */
async function sleepThrough({ rest }: Kept, waits: boolean, parts: Parts): Promise<void> {
  const left = restLeft(rest, parts)
  if (rest && left > (waits ? shortest : 0)) throw failure(rest, parts)
  if (left > 0) await (parts.sleep ?? sleep)(left)
}

function isAlive({ tokens }: Kept, { now }: Parts): boolean {
  return (tokens.expiresAt ?? 0) > now()
}

/** What failed in another tab while this one waited for it. */
function failedSince(seen: Kept, current: Kept): Rest | undefined {
  const { rest } = current
  return rest && rest.failures > (seen.rest?.failures ?? 0) ? rest : undefined
}

function failure(rest: Rest, parts: Parts): AppError {
  const left = restLeft(rest, parts)
  return new AppError(rest.code, left > 0 ? { retryAfter: Math.ceil(left / 1000) } : {})
}

/** Milliseconds; none where the clock was set meanwhile, since no rest is that long. */
function restLeft(rest: Rest | undefined, { now }: Parts): number {
  const left = rest ? rest.until - now() : 0
  return rest && left <= rest.length ? Math.max(left, 0) : 0
}
