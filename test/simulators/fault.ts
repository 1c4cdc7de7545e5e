import { once } from 'node:events'

/** The operations that a fault can be set on. */
export type Operation = 'authorize' | 'token' | 'refresh' | 'profile' | 'check' | 'revoke'

/**
 * What goes wrong instead of an answer. `hang` never answers; `cut` drops the connection before
 * anything is done, `lost` after it was done; `stall` stops in the middle of the body; `huge` does
 * not end before 64 MiB; `redirect` is a 307, which a careless client follows with body and secrets.
 */
export type Fault =
  | 'hang'
  | 'cut'
  | 'lost'
  | 'stall'
  | 'html'
  | 'empty'
  | 'redirect'
  | 'huge'
  | { status: number; body?: string; headers?: Record<string, string> }

/** How `fetch` reports a connection that broke; a socket host destroys the socket when it sees it. */
export class ConnectionCut extends TypeError {
  constructor() {
    super('fetch failed', { cause: new Error('other side closed') })
  }
}

const json = { 'content-type': 'application/json' }
const encoder = new TextEncoder()

/** Never settles before the caller gives up. */
async function untilAborted(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort')
  throw signal.reason
}

function stalled(): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start: (controller) => controller.enqueue(encoder.encode('{"access_')),
  })
}

function huge(): ReadableStream<Uint8Array> {
  const chunk = encoder.encode(' '.repeat(65_536))
  let left = 1024
  return new ReadableStream({
    pull(controller) {
      if (left-- > 0) controller.enqueue(chunk)
      else controller.close()
    },
  })
}

/** Plays a fault; `carryOut` does what would have been done. */
export async function playFault(
  fault: Fault,
  request: Request,
  sentinel: string,
  carryOut: () => Promise<Response>,
): Promise<Response> {
  if (typeof fault === 'object') {
    return new Response(fault.body ?? null, { status: fault.status, headers: fault.headers ?? {} })
  }
  switch (fault) {
    case 'hang':
      return untilAborted(request.signal)
    case 'cut':
      throw new ConnectionCut()
    case 'lost':
      await carryOut()
      throw new ConnectionCut()
    case 'stall':
      return new Response(stalled(), { headers: json })
    case 'huge':
      return new Response(huge(), { headers: json })
    case 'html':
      return new Response('<!doctype html><title>Oops</title><h1>Something went wrong</h1>', {
        headers: { 'content-type': 'text/html; charset=utf-8' },
      })
    case 'empty':
      return new Response(null, { status: 200 })
    case 'redirect':
      return new Response(null, { status: 307, headers: { location: sentinel } })
  }
}
