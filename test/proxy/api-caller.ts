import { createProxy } from '../../proxy/app'
import { readConfig } from '../../proxy/config'
import type { Upstream } from '../../proxy/upstream'
import { createStage } from '../stage'

/** Where the API of a test is. */
export const apiOrigin = 'https://api.example'

/** A request as it arrived at the API, with its body read. */
export interface Arrived {
  method: string
  url: string
  headers: Headers
  body: string
}

/**
 * Somebody who is signed in, and a provider whose API is elsewhere and answers as the test says. Its
 * paths are `/v1` and what is documented. With an `upstream` the calls go there and nowhere else.
 */
export async function createCaller(
  provider: string,
  answer: (arrived: Arrived) => Response | Promise<Response>,
  variables: Record<string, string> = {},
  upstream?: Upstream,
) {
  const stage = createStage()
  const prefix = provider.toUpperCase()
  const arrived: Arrived[] = []
  /** Every address anything was sent to. */
  const addresses: string[] = []
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init)
    addresses.push(request.url)
    if (new URL(request.url).origin !== apiOrigin) return await stage.fetch(request)
    const { method, url, headers } = request
    const one = { method, url, headers, body: await request.text() }
    arrived.push(one)
    return await new Promise((resolve, reject) => {
      request.signal.addEventListener('abort', () => {
        reject(request.signal.reason as Error)
      })
      Promise.resolve(one).then(answer).then(resolve, reject)
    })
  }
  const env = {
    ...stage.env,
    [`${prefix}_API_URL`]: apiOrigin,
    [`${prefix}_API_PATHS`]: '/v1',
    ...variables,
  }
  stage.app = createProxy(readConfig(env), {
    fetch,
    now: () => stage.clock.now,
    log: (level, event, fields) => stage.lines.push(JSON.stringify({ level, event, ...fields })),
    timeLimit: 200,
    ...(upstream ? { upstream } : {}),
  })
  const browser = stage.browser()
  await browser.signIn(provider)
  addresses.length = 0
  const simulator = stage.simulators[provider as keyof typeof stage.simulators]
  return {
    stage,
    browser,
    simulator,
    arrived,
    addresses,
    /** A call below `/bff/api/<provider>`, with the text as its body. */
    ask: (path: string, init: RequestInit = {}) =>
      browser.send(`/bff/api/${provider}${path}`, {
        ...init,
        headers: { 'x-latchkey': '1', ...Object.fromEntries(new Headers(init.headers)) },
      }),
    /** How often the provider was asked for fresh tokens. */
    refreshes: () =>
      simulator.log.filter(({ body }) => /grant_type"?[=:]"?refresh_token/.test(body)).length,
  }
}
