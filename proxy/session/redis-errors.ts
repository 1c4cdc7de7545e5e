/** What may be said of an error of the Redis client: the error itself carries what was sent, passwords and values. */

/** The operation was sent; nobody knows whether it was carried out. */
export class TimeIsUp extends Error {
  override readonly name = 'TimeIsUp'
  readonly code = 'ETIMEDOUT'
}

/** A word that says what went wrong and carries nothing of what was sent. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error
  // Of a Cluster without a node that answers: what the last one did.
  if ('lastNodeError' in error) return codeOf(error.lastNodeError)
  if ('code' in error && typeof error.code === 'string' && /^\w{1,40}$/.test(error.code))
    return error.code
  return wordIn(error.message) ?? error.name
}

/** Redis's errors begin with a word in capitals: `OOM command not allowed …`. */
export function wordIn(message: string): string | undefined {
  return /^-?([A-Z]{2,30})\b/.exec(message)?.[1]
}

/** The command that an error of the client is about. */
export function commandOf(error: Error): string | undefined {
  if (!('command' in error) || typeof error.command !== 'object' || error.command === null)
    return undefined
  return 'name' in error.command ? String(error.command.name) : undefined
}
