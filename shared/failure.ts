import { statusOf, type ErrorCode } from './wire'

/** Everything that can go wrong, as a code with a status. The cause is for the log and stays here. */
export class AppError extends Error {
  override readonly name = 'AppError'
  readonly code: ErrorCode
  /** Seconds after which another try may succeed (RFC 9110 §10.2.3). */
  readonly retryAfter: number | undefined

  /** What a server that is not ready waits for. */
  readonly missing: readonly string[] | undefined

  constructor(
    code: ErrorCode,
    options: {
      cause?: unknown
      retryAfter?: number | undefined
      missing?: readonly string[] | undefined
    } = {},
  ) {
    super(code, { cause: options.cause })
    this.code = code
    this.retryAfter = options.retryAfter
    this.missing = options.missing
  }

  get status(): (typeof statusOf)[ErrorCode] {
    return statusOf[this.code]
  }
}

export function isAppError(error: unknown, code?: ErrorCode): error is AppError {
  return error instanceof AppError && (code === undefined || error.code === code)
}
