/** A call to a provider's API as the app makes it, whoever keeps the tokens. */
import { headersOfAnswers, headersOfRequests } from '../../shared/api-call'

/** What a call says. Of the headers only those that pass in either custody go out. */
export type ApiInit = Pick<RequestInit, 'method' | 'headers' | 'body' | 'signal'>

/** The request's headers that pass. */
export function passing({ headers }: ApiInit): Headers {
  return picked(new Headers(headers), headersOfRequests)
}

/** Characters of a body that are sent in no time; of a longer one no page sees when it has gone out. */
const shortBody = 16 * 1024

/**
 * Sends a call, and waits for the first byte of its answer as long as `limit` says, unless it has a body
 * that may take longer to send: then the caller's signal alone ends it. What follows may take any time.
 * `refuse` names the failure of a call without an answer, or whose answer leads elsewhere.
 */
export async function sendCall(
  fetch: typeof globalThis.fetch,
  url: string,
  { signal, ...init }: RequestInit,
  limit: number,
  refuse: (why: 'unreachable' | 'timeout' | 'redirect', cause?: unknown) => Error,
): Promise<Response> {
  const ended = new AbortController()
  const late = isShort(init.body) && setTimeout(() => ended.abort(), limit)
  let answer: Response
  try {
    answer = await fetch(url, {
      ...init,
      // No cache of the browser's keeps what is somebody's.
      cache: 'no-store',
      redirect: 'manual',
      signal: signal ? AbortSignal.any([signal, ended.signal]) : ended.signal,
      ...(init.body instanceof ReadableStream ? { duplex: 'half' } : {}),
    })
  } catch (cause) {
    // The caller gave up, and knows.
    if (signal?.aborted) throw cause
    throw refuse(ended.signal.aborted ? 'timeout' : 'unreachable', cause)
  } finally {
    if (late !== false) clearTimeout(late)
  }
  if (answer.type === 'opaqueredirect' || [301, 302, 303, 307, 308].includes(answer.status)) {
    await answer.body?.cancel()
    throw refuse('redirect')
  }
  return answer
}

function isShort(body: RequestInit['body']): boolean {
  return !body || (typeof body === 'string' && body.length <= shortBody)
}

/** What of an answer passes to the caller: the same in either custody. */
export function answered({ body, status, headers }: Response): Response {
  const isEmpty = [204, 205, 304].includes(status)
  return new Response(isEmpty ? null : body, { status, headers: picked(headers, headersOfAnswers) })
}

function picked(headers: Headers, names: readonly string[]): Headers {
  const kept = new Headers()
  for (const name of names) {
    const value = headers.get(name)
    if (value !== null) kept.set(name, value)
  }
  return kept
}
