import { once } from 'node:events'
import type { Simulator } from './simulator'

/** `fetch` over the handlers of these simulators, by origin: no sockets, and no redirect is ever followed. */
export function simulatorFetch(simulators: Simulator[]): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init)
    const { origin } = new URL(request.url)
    const answer = handlerAt(simulators, origin)
    if (!answer)
      throw new TypeError('fetch failed', { cause: new Error(`no simulator at ${origin}`) })
    request.signal.throwIfAborted()
    const response = await orAborted(answer(request), request.signal)
    const redirected =
      response.status >= 300 && response.status < 400 && response.headers.has('location')
    if (redirected && request.redirect === 'error')
      throw new TypeError('fetch failed', { cause: new Error('unexpected redirect') })
    return response
  }
}

/** The handler that serves an origin. */
export function handlerAt(
  simulators: Simulator[],
  origin: string,
): ((request: Request) => Promise<Response>) | undefined {
  for (const simulator of simulators) {
    const host = Object.entries(simulator.origins).find(([, address]) => address === origin)?.[0]
    if (host !== undefined) return simulator.hosts[host]
  }
  return undefined
}

/** The caller stops waiting at once, as with a socket, whatever the handler is doing. */
async function orAborted(answer: Promise<Response>, signal: AbortSignal): Promise<Response> {
  const settled = new AbortController()
  const aborted = once(signal, 'abort', { signal: settled.signal }).then(
    () => 'aborted' as const,
    () => 'settled' as const,
  )
  try {
    const first = await Promise.race([answer, aborted])
    if (first instanceof Response) return first
    throw signal.reason
  } finally {
    settled.abort()
  }
}
