/**
 * What an attack needs: the built server as a process of its own with production settings, the five
 * simulated providers, an API that writes down what it is asked, and a host that must never be asked.
 * All on real sockets. The oracle is what arrives there, not what a page says.
 *
 * ```ts
 * const stand = await openStand()              // once per file, closed in afterAll
 * const victim = stand.browser()               // cookies; speaks as browsers and the app do
 * await victim.signIn('seznam')
 * stand.forget()                               // from here on is counted
 * await victim.ask('POST', '/bff/accounts/seznam/refresh', { headers: { origin: 'https://evil.example' } })
 * expect(stand.arrived('seznam').refresh).toBe(0)
 * expect(stand.sentinel.connections).toEqual([])
 * ```
 */
import { request } from 'node:http'
import { startProcesses } from '../processes'
import { signInThrough, type Choices, type Simulators, type StartOptions } from '../simulators'
import { origin, somebody } from '../stage'
import { sendRaw, type RawAnswer, type RawOptions } from './raw'
import { openApiServer, openSentinel, plainly, type ApiServer, type Sentinel } from './sentinel'

export type ProviderId = keyof Simulators

export interface StandOptions {
  /** Beside the usual settings, or instead of them; the addresses are there to be pointed at. */
  env?:
    | Record<string, string>
    | ((at: { api: ApiServer; sentinel: Sentinel }) => Record<string, string>)
  switches?: StartOptions['switches']
}

/** Header names to values; a list gives one name several times. */
export type HeaderList = Record<string, string | readonly string[] | undefined>

export interface Sent {
  /** Laid over what is sent by itself; `undefined` leaves one of those out. */
  headers?: HeaderList
  /** Sent as it is; without a Content-Type unless one is stated. */
  body?: string | Uint8Array
}

/** An answer, with its body read. */
export interface Answered {
  status: number
  headers: Record<string, string>
  /** The Set-Cookie lines. */
  cookies: string[]
  body: string
  /** The problem's code, or that of the redirect's `error`. */
  code: string | undefined
  location: string | undefined
}

/** How many requests of a kind a provider got. */
export interface Arrived {
  /** Any grant at the token endpoint: `exchange`, `refresh` and passwords. */
  token: number
  exchange: number
  refresh: number
  revoke: number
  /** Userinfo, and what provider's call it. */
  profile: number
  check: number
  /** All, people's visits to its pages too. */
  total: number
}

export type Stand = Awaited<ReturnType<typeof openStand>>
export type Browser = ReturnType<typeof createBrowser>

/** Starts everything; close it when the tests are over. */
export async function openStand({ env = {}, switches = {} }: StandOptions = {}) {
  const api = await openApiServer()
  const sentinel = await openSentinel()
  const processes = await startProcesses({
    count: 1,
    switches,
    env: {
      // The one provider without an API host of its own.
      GEARCODE_API_URL: api.url,
      GEARCODE_API_PATHS: '/v1',
      ...(typeof env === 'function' ? env({ api, sentinel }) : env),
    },
  })
  const { simulators } = processes
  const providers = Object.values(simulators) as Simulators[ProviderId][]
  for (const simulator of providers) simulator.sentinel = `${sentinel.url}/elsewhere`
  const url = processes.urlOf(0)

  return {
    /** Where browsers see the app; the server itself listens at `url`. */
    origin,
    url,
    simulators,
    /** GearCode's API, `/v1`. */
    api,
    sentinel,
    /** A browser of its own, without cookies. */
    browser: () => createBrowser(url, simulators),
    /** One request exactly as stated: no header but Host is added, nothing is normalised. */
    ask: (method: string, target: string, sent: Sent = {}) => send(url, method, target, sent),
    /** Bytes over one connection; see `sendRaw`. */
    raw: (bytes: Parameters<typeof sendRaw>[1], options?: RawOptions): Promise<RawAnswer[]> =>
      sendRaw(url, bytes, options),
    /** What a provider was asked since the start, or since `forget`. */
    arrived: (provider: ProviderId): Arrived => count(simulators[provider]),
    /** Token calls of all providers together. */
    tokenCalls: () => providers.reduce((sum, one) => sum + count(one).token, 0),
    /** Counts and records begin anew, faults and prepared answers are gone. */
    forget(): void {
      for (const simulator of providers) {
        simulator.log.length = 0
        simulator.faults = {}
        delete simulator.tokenAnswer
      }
      api.requests.length = 0
      api.answer = plainly
      sentinel.connections.length = 0
    },
    /** Everything the server wrote so far. */
    log: () => processes.output(),
    /** Ends the server and starts it again at the same address, with other settings. */
    restart: (changes?: Record<string, string>) => processes.restart(0, changes),
    isRunning: () => processes.isRunning(0),
    /** Undefined once it has ended. */
    pid: () => processes.pidOf(0),
    async close(): Promise<void> {
      await processes.close()
      await api.close()
      await sentinel.close()
    },
  }
}

function count({ log }: Simulators[ProviderId]): Arrived {
  const having = (what: RegExp) => log.filter(({ path }) => what.test(path)).length
  const granting = (what: RegExp) => log.filter(({ body }) => what.test(body)).length
  return {
    token: granting(/grant_type"?[=:]/),
    exchange: granting(/grant_type"?[=:]"?authorization_code/),
    refresh: granting(/grant_type"?[=:]"?refresh_token/),
    revoke: having(/revoke/),
    profile: having(/\/(?:userinfo|user|account\.get)$/),
    check: having(/check_token$/),
    total: log.length,
  }
}

/**
 * One browser: its cookies, and requests as a page of the app, a person or a foreign page makes them.
 * Unlike `fetch` it sends Fetch Metadata as stated.
 */
function createBrowser(
  url: string,
  simulators: Simulators,
  before?: { cookies: ReadonlyMap<string, string>; strict: ReadonlySet<string> },
) {
  const jar = new Map(before?.cookies)
  /** Of these cookies, the ones that no other site's page makes a browser send (RFC 6265bis §5.6.7.1). */
  const strict = new Set(before?.strict)

  async function exchange(method: string, target: string, sent: Sent): Promise<Answered> {
    const cookie = browser.header()
    return keep(
      await send(url, method, target, {
        ...sent,
        headers: { ...(cookie === '' ? {} : { cookie }), ...sent.headers },
      }),
    )
  }

  function keep(answer: Answered): Answered {
    for (const line of answer.cookies) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      const isGone = /max-age=0/i.test(line)
      if (isGone) jar.delete(name)
      else jar.set(name, value)
      if (!isGone && /samesite=strict/i.test(line)) strict.add(name)
      else strict.delete(name)
    }
    return answer
  }

  function laxOnly(): string | undefined {
    const lax = [...jar].filter(([name]) => !strict.has(name))
    return lax.length === 0 ? undefined : lax.map(([name, value]) => `${name}=${value}`).join('; ')
  }

  const browser = {
    /** By name; write to it to plant one, which goes along with every request. */
    cookies: jar,
    /** The Cookie header as it would be sent now. */
    header: () => [...jar].map(([name, value]) => `${name}=${value}`).join('; '),
    /** Another browser with a copy of the cookies: what a thief has. */
    copy: () => createBrowser(url, simulators, { cookies: jar, strict }),
    /** A call as the app makes it; `sent.headers` are laid over. */
    ask: (method: string, target: string, sent: Sent = {}) =>
      exchange(method, target, {
        ...sent,
        headers: {
          'x-latchkey': '1',
          ...(method === 'GET' || method === 'HEAD' ? {} : { origin }),
          'sec-fetch-site': 'same-origin',
          'sec-fetch-mode': 'cors',
          'sec-fetch-dest': 'empty',
          ...(sent.body === undefined ? {} : { 'content-type': 'application/json' }),
          ...sent.headers,
        },
      }),
    /**
     * A person's navigation, by a link on our own page unless stated; where it comes from another site
     * the Strict cookies stay behind.
     */
    visit: (target: string, headers: HeaderList = {}) =>
      exchange('GET', target, {
        headers: {
          ...(headers['sec-fetch-site'] === 'cross-site' ? { cookie: laxOnly() } : {}),
          'sec-fetch-site': 'same-origin',
          'sec-fetch-mode': 'navigate',
          'sec-fetch-dest': 'document',
          'sec-fetch-user': '?1',
          'upgrade-insecure-requests': '1',
          ...headers,
        },
      }),
    /** Whatever another page makes this browser send: with the cookies, and nothing of ours. */
    send: exchange,
    /** Begins a login: where it leads, at the provider. */
    async leave(provider: ProviderId, query = ''): Promise<string> {
      const { location = '' } = await browser.visit(`/bff/login/${provider}${query}`)
      return location
    },
    /** Begins a login and goes through the provider's pages; the path with which one comes back. */
    async away(
      provider: ProviderId,
      choices: Partial<Choices> & { query?: string } = {},
    ): Promise<string> {
      const to = await browser.leave(provider, choices.query)
      const user = choices.user ?? somebody[provider] ?? ''
      const back = await signInThrough(simulators[provider], to, { ...choices, user })
      return back.slice(origin.length)
    },
    /** Signs in all the way, as `somebody` unless stated. */
    async signIn(provider: ProviderId, choices: Partial<Choices> = {}): Promise<Answered> {
      if (provider === 'onesait') {
        const username = choices.user ?? somebody.onesait ?? ''
        const password = choices.password ?? simulators.onesait.users[username]?.password
        const body = JSON.stringify({ username, password })
        return await browser.ask('POST', '/bff/login/onesait', { body })
      }
      return await browser.visit(await browser.away(provider, choices), {
        'sec-fetch-site': 'cross-site',
      })
    },
    /** The providers at which somebody is signed in, in the server's own words. */
    async signedIn(): Promise<string[]> {
      const { body } = await browser.ask('GET', '/bff/session')
      const { accounts } = JSON.parse(body) as { accounts: { provider: string }[] } // the product's own answer
      return accounts.map(({ provider }) => provider)
    },
  }
  return browser
}

/** One request on a connection of its own. */
function send(
  url: string,
  method: string,
  target: string,
  { headers = {}, body }: Sent,
): Promise<Answered> {
  const { hostname, port } = new URL(url)
  const stated = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().flatMap((one) => [name, one]),
  )
  const isStated = (name: string) => Object.keys(headers).some((one) => one.toLowerCase() === name)
  return new Promise((resolve, reject) => {
    const outgoing = request({
      hostname,
      port,
      method,
      path: target,
      agent: false,
      headers: [
        ...(isStated('host') ? [] : ['Host', new URL(origin).host]),
        ...stated,
        ...(body === undefined || isStated('content-length') || isStated('transfer-encoding')
          ? []
          : ['Content-Length', String(Buffer.byteLength(body))]),
        ...(isStated('connection') ? [] : ['Connection', 'close']),
      ],
    })
    outgoing.on('error', reject)
    outgoing.on('response', (response) => {
      const parts: Buffer[] = []
      response.on('data', (bytes: Buffer) => parts.push(bytes))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(parts).toString('utf8')
        const { 'set-cookie': cookies = [], ...others } = response.headers
        const { location } = response.headers
        resolve({
          status: response.statusCode ?? 0,
          headers: Object.fromEntries(
            Object.entries(others).map(([name, value]) => [name, String(value)]),
          ),
          cookies,
          body: text,
          code: /"code":"(\w+)"/.exec(text)?.[1] ?? /[?&]error=(\w+)/.exec(location ?? '')?.[1],
          location,
        })
      })
    })
    outgoing.end(body)
  })
}
