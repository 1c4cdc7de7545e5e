/** The proxy's API as functions: each answer is validated, each failure is a `CallError`. */
import * as v from 'valibot'
import {
  accountAnswerSchema,
  checkSchema,
  clearedSchema,
  isErrorCode,
  problemSchema,
  profileSchema,
  providersSchema,
  revokeSchema,
  sessionSchema,
  signOutAllSchema,
  signOutSchema,
  ticketSchema,
} from '../../shared/wire'
import type { TokenName } from '../../shared/provider'
import { askedFor } from '../../shared/api-path'
import { answered, passing, sendCall, type ApiInit } from './api'
import type { Measurement } from './clock'
import { CallError } from './failure'

/** What a person signs in with where no redirect is needed. */
export type Credentials = { username: string; password: string } | { apiToken: string }

/** Longer than the longest the proxy waits for a provider and for another request's refresh. */
const patience = 30_000
/** What only asks for the time is not worth a longer wait. */
const glance = 5_000

/** Where the proxy is, and what calls it. */
export interface ProxyParts {
  /** Empty where the proxy is on the app's own origin. */
  origin: string
  fetch: typeof fetch
  /** Measures the time by a call; see `ServerClock`. */
  measure: () => Measurement
  /** Told of every answer that may have changed an account. */
  changed: () => void
}

export type ProxyClient = ReturnType<typeof createProxyClient>

/** One function per operation of the proxy. */
export function createProxyClient({ origin, fetch, measure, changed }: ProxyParts) {
  async function call<S extends v.GenericSchema>(
    schema: S,
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    { body, limit = patience }: { body?: object; limit?: number } = {},
  ): Promise<v.InferOutput<S>> {
    const measured = measure()
    const response = await send(method, path, limit, body)
    const answer = await readJson(response)
    if (!response.ok) throw refusal(response, answer)
    const parsed = v.safeParse(schema, answer)
    if (!parsed.success) throw new CallError('internal', { cause: parsed.issues })
    // What stands before the proxy may answer too: only the proxy itself tells the time.
    measured(response.headers.get('date'))
    return parsed.output
  }

  async function send(
    method: string,
    path: string,
    limit: number,
    body?: object,
  ): Promise<Response> {
    const headers: Record<string, string> = { accept: 'application/json', 'X-Latchkey': '1' }
    if (body) headers['content-type'] = 'application/json'
    try {
      return await fetch(origin + path, {
        method,
        headers,
        body: body ? JSON.stringify(body) : null,
        credentials: origin ? 'include' : 'same-origin',
        cache: 'no-store',
        redirect: 'error',
        signal: AbortSignal.timeout(limit),
      })
    } catch (cause) {
      throw new CallError('offline', { cause })
    }
  }

  /** The API's answer through the proxy; what the proxy itself says instead of it is thrown. */
  async function callApi(id: string, path: string, init: ApiInit): Promise<Response> {
    const { pathname, search } = askedFor({ id }, path, 'https://app.invalid')
    const { method = 'GET', body = null, signal = null } = init
    const headers = passing(init)
    headers.set('X-Latchkey', '1')
    const answer = await sendCall(
      fetch,
      origin + pathname + search,
      {
        method: method.toUpperCase(),
        headers,
        body,
        signal,
        credentials: origin ? 'include' : 'same-origin',
      },
      patience,
      (why, cause) => new CallError(why === 'redirect' ? 'provider_error' : 'offline', { cause }),
    )
    const refused = await refusalIn(answer)
    if (!refused) return answered(answer)
    if (refused.code === 'session_ended' || refused.code === 'not_signed_in') changed()
    throw refused
  }

  /** For calls by which an account may become another one: refreshed on the way, or ended. */
  async function changing<T>(answer: Promise<T>): Promise<T> {
    let isKnown = true
    try {
      return await answer
    } catch (error) {
      isKnown = !(error instanceof CallError && error.code === 'offline')
      throw error
    } finally {
      if (isKnown) changed()
    }
  }

  const account = (id: string) => `/bff/accounts/${encodeURIComponent(id)}`
  const login = (id: string) => `/bff/login/${encodeURIComponent(id)}`

  return {
    providers: () => call(providersSchema, 'GET', '/bff/providers'),
    session: () => call(sessionSchema, 'GET', '/bff/session'),
    /** The cheapest call, made for the `Date` of its answer. */
    time: () => call(providersSchema, 'GET', '/bff/providers', { limit: glance }),
    /** A navigation, not a call: the proxy redirects to the provider. */
    loginHref: (id: string, returnTo: string) =>
      `${origin}${login(id)}?${new URLSearchParams({ return_to: returnTo }).toString()}`,
    login: (id: string, credentials: Credentials) =>
      changing(call(accountAnswerSchema, 'POST', login(id), { body: credentials })),
    profile: (id: string) => changing(call(profileSchema, 'GET', `${account(id)}/profile`)),
    refresh: (id: string) => changing(call(accountAnswerSchema, 'POST', `${account(id)}/refresh`)),
    check: (id: string) => changing(call(checkSchema, 'POST', `${account(id)}/check`)),
    revoke: (id: string, token: TokenName) =>
      changing(call(revokeSchema, 'POST', `${account(id)}/revoke`, { body: { token } })),
    signOut: (id: string) => changing(call(signOutSchema, 'DELETE', account(id))),
    /** Makes room where others planted too many cookies; `more`: not enough yet. */
    clearCookies: () => call(clearedSchema, 'DELETE', '/bff/cookies'),
    api: (id: string, path: string, init: ApiInit = {}) => callApi(id, path, init),
    /** For a download: the browser follows it without our header. */
    apiLink: async (id: string, path: string) => {
      const { url } = await call(ticketSchema, 'POST', `/bff/tickets/${encodeURIComponent(id)}`, {
        body: { path },
      })
      return origin + url
    },
    signOutAll: () => changing(call(signOutAllSchema, 'DELETE', '/bff/session')),
  }
}

/** The proxy's own refusal of a call to an API, told from a problem that the API answers. */
async function refusalIn(answer: Response): Promise<CallError | undefined> {
  const type = answer.headers.get('content-type')
  if (answer.ok || type?.startsWith('application/problem+json') !== true) return undefined
  const said = await readJson(answer.clone())
  const problem = v.safeParse(problemSchema, said)
  const isOurs = problem.success && problem.output.type === `urn:latchkey:${problem.output.code}`
  return isOurs ? refusal(answer, said) : undefined
}

/** Undefined where the body is not JSON, such as a gateway's error page. */
async function readJson(response: Response): Promise<unknown> {
  let text: string
  try {
    text = await response.text()
  } catch (cause) {
    throw new CallError('offline', { cause })
  }
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

function refusal(response: Response, answer: unknown): CallError {
  const problem = v.safeParse(problemSchema, answer)
  if (problem.success && isErrorCode(problem.output.code)) {
    const seconds = Number(response.headers.get('retry-after') ?? NaN)
    const retryAfter = Number.isFinite(seconds) && seconds > 0 ? seconds : undefined
    return new CallError(problem.output.code, { retryAfter })
  }
  // Not the proxy's own words: whatever stands before it could not reach it.
  return new CallError(response.status >= 500 ? 'offline' : 'internal')
}
