import * as oauth from 'oauth4webapi'
import { AppError } from '../failure'
import type { ErrorCode } from '../wire'

/**
 * A provider's answer that is not a success. It keeps the status and the error word and nothing
 * else: descriptions quote tokens and user names (onesait's do), so they are dropped where read.
 */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly status: number
  readonly word: string | undefined
  readonly retryAfter: number | undefined

  constructor(status: number, word?: string, retryAfter?: number) {
    super(word === undefined ? `status ${status}` : `status ${status}, ${word}`)
    this.status = status
    this.word = word
    this.retryAfter = retryAfter
  }
}

/**
 * The request has not left, so that nothing can have been spent: no connection could be made, or none
 * was tried because the provider is known to be down (`provider_unreachable`) or asked for a pause
 * (`provider_busy`). It is the `cause` of the `AppError` that comes of it.
 */
export class NotSent extends Error {
  override readonly name = 'NotSent'
  readonly code: 'provider_unreachable' | 'provider_busy'
  /** Seconds until another try makes sense, where that is known. */
  readonly retryAfter: number | undefined

  constructor(code: NotSent['code'], options: { cause?: unknown; retryAfter?: number } = {}) {
    super(code, { cause: options.cause })
    this.code = code
    this.retryAfter = options.retryAfter
  }
}

/** Seconds to wait for a provider that asks to slow down and does not say for how long. */
const pause = 30

/** What the provider's words mean at this step. */
export interface Meaning {
  words: readonly string[]
  code: ErrorCode
}

/**
 * The one border: whatever a call to a provider throws, as one of our codes. Only words listed in
 * `meaning` are about the person; all else is the provider's or the network's trouble.
 */
export function toAppError(error: unknown, meaning?: Meaning): AppError {
  if (error instanceof AppError) return error
  if (error instanceof NotSent)
    return new AppError(error.code, { cause: error, retryAfter: error.retryAfter })
  if (error instanceof Refusal) {
    if (error.status === 429)
      return new AppError('provider_busy', { cause: error, retryAfter: error.retryAfter ?? pause })
    // A server in trouble, or one that sends us elsewhere, says nothing about the person.
    const isSure = error.status < 300 || (error.status >= 400 && error.status < 500)
    if (meaning && isSure && error.word !== undefined && meaning.words.includes(error.word))
      return new AppError(meaning.code, { cause: error })
    return new AppError('provider_error', { cause: error })
  }
  if (isNamed(error, 'TimeoutError') || isNamed(error, 'AbortError'))
    return new AppError('provider_timeout', { cause: error })
  if (
    error instanceof oauth.OperationProcessingError ||
    error instanceof oauth.UnsupportedOperationError ||
    error instanceof oauth.ResponseBodyError ||
    error instanceof oauth.WWWAuthenticateChallengeError
  )
    return new AppError('provider_error', { cause: error })
  // fetch reports every failure to connect, and every cut connection, as a TypeError.
  if (error instanceof TypeError) return new AppError('provider_unreachable', { cause: error })
  return new AppError('internal', { cause: error })
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name
}
