import { text, texts } from '../answer'
import { AppError } from '../failure'
import type { Answer, Call, Params, Registration } from '../provider'
import { callLimit, type Endpoint, type Ports } from './ports'
import { readAnswer } from './read'
import { Refusal } from './refusal'

const formType = 'application/x-www-form-urlencoded'

/** A request as the RFC has it: parameters, and headers that already carry who vouches. */
interface Outgoing {
  url: string
  call: Omit<Call, 'auth'>
  parameters: Params
  headers: Headers
}

/**
 * Sends one request in a provider's dialect and returns its answer as a JSON object. Every call to a
 * provider goes through here: redirects are never followed (a 307 would post our secret to whoever
 * it names), time and size are limited, and anything but JSON is refused.
 * Throws `Refusal`, `NotSent`, a TimeoutError, or fetch's TypeError; see `toAppError`.
 */
export async function send(
  { url, call, parameters, headers }: Outgoing,
  registration: Registration,
  ports: Ports,
): Promise<Answer> {
  const target = new URL(url)
  const entries = Object.entries({ ...parameters, ...call.params?.(registration) }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  )
  const method = call.method ?? 'POST'
  const init: RequestInit = { method, headers, redirect: 'manual' }
  if (method === 'GET' || call.body === 'query') {
    for (const [name, value] of entries) target.searchParams.set(name, value)
  } else if (call.body === 'json') {
    init.body = JSON.stringify(Object.fromEntries(entries))
  } else {
    init.body = new URLSearchParams(entries).toString()
  }
  headers.set('accept', 'application/json')
  if (method === 'GET') headers.delete('content-type')
  else headers.set('content-type', call.body === 'json' ? 'application/json' : formType)

  // Not AbortSignal.timeout, which fires after the call as well: undici 6 (Node 20) then throws where
  // nobody can catch it, if the answer had been one of too many content encodings.
  const limit = new AbortController()
  const { signal } = limit
  const timer = setTimeout(() => {
    limit.abort(new DOMException('The provider did not answer in time', 'TimeoutError'))
  }, ports.timeLimit ?? callLimit)
  const sendOnce = () =>
    beforeAbort(signal, async () =>
      readAnswer(await ports.fetch(target, { ...init, signal }), ports.now(), {
        bodiless: call.bodiless,
        sent: entries.map(([, value]) => value),
      }),
    )
  try {
    return await (ports.convey
      ? ports.convey(endpointOf(url, parameters, headers), sendOnce, signal)
      : sendOnce())
  } finally {
    clearTimeout(timer)
  }
}

/** By grant as well: who guesses passwords until the provider asks for a pause must not stop refreshes. */
function endpointOf(url: string, { grant_type }: Params, headers: Headers): Endpoint {
  return {
    name: grant_type === undefined ? url : `${url} ${grant_type}`,
    isPersonal: !isOurs(headers) && grant_type === undefined,
  }
}

/** Whether our client vouches, by its header; in a body it does so for token requests only. */
function isOurs(headers: Headers): boolean {
  return headers.get('authorization')?.startsWith('Basic ') === true
}

/** Rejects with the signal's reason even where the work does not listen to the signal itself. */
async function beforeAbort<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    signal.addEventListener('abort', () => {
      reject(signal.reason as Error)
    })
    work().then(resolve, (error: unknown) => {
      reject(signal.aborted ? (signal.reason as Error) : asFetchThrows(error))
    })
  })
}

/** A broken connection is a TypeError by fetch's standard, and a plain Error in workerd. */
function asFetchThrows(error: unknown): Error {
  const isKnown = [AppError, Refusal, TypeError].some((known) => error instanceof known)
  return isKnown ? (error as Error) : new TypeError('fetch failed', { cause: error })
}

/**
 * The fetch that oauth4webapi calls: its standard request goes out in the provider's dialect, and
 * the provider's token answer comes back as RFC 6749 §5.1 has it.
 */
export function dialect(url: string, call: Call, registration: Registration, ports: Ports) {
  return async (_url: string, { body, headers }: { body?: unknown; headers: HeadersInit }) => {
    const parameters =
      body instanceof URLSearchParams ? Object.fromEntries(body) : ({} satisfies Params)
    const outgoing = { url, call, parameters, headers: new Headers(headers) }
    return Response.json(standard(await send(outgoing, registration, ports), registration))
  }
}

/** A token is what a header can carry: visible ASCII (RFC 6750 §2.1), within a cookie's reach. */
const token = /^[\x21-\x7e]{1,32768}$/

/**
 * The answer with its token fields as the RFC has them. A field that makes no sense is dropped, not
 * the answer: it may carry a rotated refresh token that comes only once.
 */
function standard(answer: Answer, { provider }: Registration): Answer {
  const { expires_in, refresh_token, scope, scopes, id_token: _unused, ...rest } = answer
  const expiresIn = secondsOf(expires_in)
  const granted = texts(scopes) ?? texts(scope) ?? text(scope)?.split(/[\s,]+/)
  return {
    ...rest,
    token_type: text(answer.token_type) ?? 'bearer',
    ...(isToken(answer.access_token) ? {} : { access_token: undefined }),
    ...(expiresIn === undefined ? {} : { expires_in: expiresIn }),
    ...(isToken(refresh_token) ? { refresh_token } : {}),
    ...(provider.scope && granted ? { scope: granted.join(' ') } : {}),
  }
}

function isToken(value: unknown): value is string {
  return typeof value === 'string' && token.test(value)
}

/** A lifetime in whole seconds between 0 and a year, or undefined where none can be read. */
function secondsOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value
  if (typeof number !== 'number' || Number.isNaN(number)) return undefined
  return Math.floor(Math.min(Math.max(number, 0), 365 * 24 * 3600))
}
