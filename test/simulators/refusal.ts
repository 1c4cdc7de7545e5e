/** What a simulator throws to say no; the route decides what that looks like on the wire. */
export class Refusal extends Error {
  override name = 'Refusal'

  constructor(
    /** A departure is not in the document; a failure is one that the document foresees. */
    readonly kind: 'departure' | 'failure',
    /** Goes to the log, so it never quotes a secret. */
    reason: string,
    /** The `error` of RFC 6749 that fits. */
    readonly error: string,
    readonly details: RefusalDetails = {},
  ) {
    super(reason)
  }
}

export interface RefusalDetails {
  status?: number
  /** What the provider itself would say; may quote tokens, as onesait does. */
  description?: string
  headers?: Record<string, string>
  /** More members for a JSON answer. */
  more?: Record<string, unknown>
}

/** The request is not what the document describes. */
export function departs(
  reason: string,
  error = 'invalid_request',
  details?: RefusalDetails,
): Refusal {
  return new Refusal('departure', reason, error, details)
}

/** The request is as documented, and fails as documented. */
export function fails(reason: string, error: string, details?: RefusalDetails): Refusal {
  return new Refusal('failure', reason, error, details)
}
