import { NotSent } from '../shared/oauth/refusal'

/**
 * Milliseconds before the second and the third try. A random part of each is waited, so that those
 * who failed together do not come back together.
 */
const pauses = [100, 300]

/**
 * Sends, and sends again what cannot have left: no connection came about, so nothing can have been
 * spent. Throws `NotSent` when no try left, else what `send` throws: a cut connection, a time-out and
 * every answer are final, for the provider may have done what it was asked.
 */
export async function resend<T>(
  send: () => Promise<T>,
  { sleep, signal }: { sleep: (ms: number) => Promise<void>; signal: AbortSignal },
): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await send()
    } catch (error) {
      if (!hasNotLeft(error)) throw error
      const pause = pauses[tries]
      if (pause === undefined) throw new NotSent('provider_unreachable', { cause: error })
      await sleep(Math.random() * pause)
      if (signal.aborted) throw new NotSent('provider_unreachable', { cause: error })
    }
  }
}

/** Node's and undici's codes for a connection that did not come about. */
const unconnected = new Set([
  'EAI_AGAIN',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'UND_ERR_CONNECT_TIMEOUT',
])

/** What failed before anything was written; on a connection that stood, some codes come up as well. */
const beforehand = ['connect', 'getaddrinfo', undefined]

/** Whether the runtime says that the request never left. One that does not tell (workerd) is not believed to. */
function hasNotLeft(error: unknown): boolean {
  return error instanceof TypeError && isUnconnected(error.cause)
}

function isUnconnected(cause: unknown): boolean {
  // Each address of a name was tried, and each try counts.
  if (cause instanceof AggregateError)
    return cause.errors.length > 0 && cause.errors.every(isUnconnected)
  if (!(cause instanceof Error)) return false
  const { code, syscall } = cause as NodeJS.ErrnoException // read, and compared with what we know
  return code !== undefined && unconnected.has(code) && beforehand.includes(syscall)
}
