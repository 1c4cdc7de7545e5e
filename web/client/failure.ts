import { AppError } from '../../shared/failure'
import type { ErrorCode } from '../../shared/wire'

/** `offline`: no answer of the proxy reached us, so nothing is known. */
export type FailureCode = ErrorCode | 'offline'

/** A failure as it is told. */
export interface Failure {
  code: FailureCode
  /** Seconds after which another try may succeed. */
  retryAfter?: number | undefined
}

/** A call that failed, by a code for which the app has a sentence. */
export class CallError extends Error {
  override readonly name = 'CallError'
  readonly code: FailureCode
  readonly retryAfter: number | undefined

  constructor(
    code: FailureCode,
    options: { retryAfter?: number | undefined; cause?: unknown } = {},
  ) {
    super(code, { cause: options.cause })
    this.code = code
    this.retryAfter = options.retryAfter
  }
}

/** What the person is told about an error of either custody. */
export function failureOf(error: unknown): Failure {
  if (error instanceof CallError || error instanceof AppError) {
    return { code: error.code, retryAfter: error.retryAfter }
  }
  // Ours: the console has it in full, the person a sentence.
  reportError(error)
  return { code: 'internal' }
}

/** Whether it may pass by itself or by another try, the account being what it was. */
export function isTrouble(code: FailureCode): boolean {
  switch (code) {
    case 'internal':
    case 'ledger_unavailable':
    case 'not_ready':
    case 'offline':
    case 'provider_busy':
    case 'provider_error':
    case 'provider_timeout':
    case 'provider_unreachable':
    case 'token_expired':
      return true
    default:
      return false
  }
}
