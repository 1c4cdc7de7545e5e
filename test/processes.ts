/** The built product as several processes with one ledger, and browsers that reach any of them. */
import { builtServer, startServer, type Server } from './browser/server'
import { freePort } from './runtime/runtimes'
import {
  signInThrough,
  startSimulators,
  type Choices,
  type Simulators,
  type StartOptions,
} from './simulators'
import { origin, sessionSecret, somebody } from './stage'

export interface ProcessesOptions {
  /** How many; three unless stated. */
  count?: number
  /** The Redis they share; without one each is on its own. */
  ledgerUrl?: string
  /** Beside what they need, or instead of it. */
  env?: Record<string, string>
  /** Such as `{ gearcode: { expiresIn: 30 } }`, with which a token is due as soon as it is there. */
  switches?: StartOptions['switches']
}

export type Processes = Awaited<ReturnType<typeof startProcesses>>

/** What of a request is stated; its cookies are the browser's unless stated. */
interface Sent {
  method?: string
  headers?: Record<string, string>
  body?: string
  signal?: AbortSignal
}

/**
 * Starts the five simulators and `count` servers on ports of their own, all for the origin
 * `https://app.example`, with one session secret. Close them when the test is over.
 */
export async function startProcesses(options: ProcessesOptions = {}) {
  const { count = 3, ledgerUrl, env = {}, switches = {} } = options
  const started = await startSimulators({ appOrigin: origin, ports: 0, switches })
  const common: Record<string, string> = {
    NODE_ENV: 'production',
    PUBLIC_ORIGIN: origin,
    SESSION_SECRETS: sessionSecret,
    KONPRO_CUSTODY: 'proxy',
    ...started.env,
    ...(ledgerUrl === undefined ? {} : { LEDGER_URL: ledgerUrl }),
    ...env,
  }
  const ports = await Promise.all(Array.from({ length: count }, freePort))
  const start = (port: number, changes: Record<string, string> = {}) =>
    startServer(builtServer, { ...common, PORT: String(port), ...changes })
  const running: (Server | undefined)[] = await Promise.all(ports.map((port) => start(port)))
  const every = [...running]

  function urlOf(at: number): string {
    const port = ports[at]
    if (port === undefined) throw new Error(`there is no process ${at}`)
    return `http://127.0.0.1:${port}`
  }

  async function end(at: number, signal: NodeJS.Signals): Promise<number | null> {
    const server = running[at]
    running[at] = undefined
    server?.signal(signal)
    return (await server?.exit) ?? null
  }

  return {
    /** The origin that all of them answer for. */
    origin,
    simulators: started.simulators,
    count,
    urlOf,
    isRunning: (at: number) => running[at] !== undefined,
    /** Undefined once it has ended. */
    pidOf: (at: number) => running[at]?.pid,
    /** Ends one in the middle of whatever it does; done when it is gone. */
    kill9: (at: number) => end(at, 'SIGKILL'),
    /** Ends one as an orchestrator does; answers its exit code. */
    stop: (at: number) => end(at, 'SIGTERM'),
    /** Starts one anew on its port, after its end if it still runs. */
    async restart(at: number, changes: Record<string, string> = {}): Promise<void> {
      await end(at, 'SIGKILL')
      const server = await start(Number(new URL(urlOf(at)).port), changes)
      running[at] = server
      every.push(server)
    },
    /** Everything that all of them wrote so far, those that are gone too. */
    output: () => every.map((server) => server?.output() ?? '').join('\n'),
    /** How many requests of a provider's log are of this kind. */
    asked: (provider: keyof Simulators, what: (body: string, path: string) => boolean): number =>
      started.simulators[provider].log.filter(({ body, path }) => what(body, path)).length,
    browser: () => createBrowser(urlOf, started.simulators),
    async close(): Promise<void> {
      await Promise.all(ports.map((_, at) => end(at, 'SIGKILL')))
      await started.close()
    },
  }
}

/** What a refresh looks like at most providers, for `asked`. */
export const isRefresh = (body: string): boolean => /grant_type"?[=:]"?refresh_token/.test(body)

/**
 * One browser: its cookies, and requests to whichever process. A request says at which process it
 * arrives; all of them take it for one to the origin.
 */
function createBrowser(
  urlOf: (at: number) => string,
  simulators: Simulators,
  cookies = new Map<string, string>(),
) {
  /** Sends, and keeps the cookies that come back. */
  async function send(at: number, path: string, sent: Sent = {}): Promise<Response> {
    const response = await fetch(urlOf(at) + path, {
      ...sent,
      redirect: 'manual',
      headers: { ...(cookies.size > 0 ? { cookie: browser.header() } : {}), ...sent.headers },
    })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (/max-age=0/i.test(line)) cookies.delete(name)
      else cookies.set(name, value)
    }
    return response
  }

  const browser = {
    cookies,
    /** The Cookie header as it would be sent now; pass it on later to be stale. */
    header: () => [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
    /** Another browser with a copy of these cookies: a tab that saw no answer since, or a thief. */
    copy: () => createBrowser(urlOf, simulators, new Map(cookies)),
    send,
    /** A navigation, as the address bar and links do it. */
    visit: (at: number, path: string) =>
      send(at, path, {
        headers: { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
      }),
    /** A call as the app makes it. */
    call: (at: number, method: string, path: string, body?: unknown, sent: Sent = {}) =>
      send(at, path, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...sent,
        headers: {
          'x-latchkey': '1',
          origin,
          'sec-fetch-site': 'same-origin',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...sent.headers,
        },
      }),
    /** Signs in all the way: begins at one process and comes back to another, or to the same. */
    async signIn(
      at: number,
      provider: keyof Simulators,
      { backAt = at, ...choices }: Partial<Choices> & { backAt?: number } = {},
    ): Promise<Response> {
      const user = choices.user ?? somebody[provider] ?? ''
      if (provider === 'onesait') {
        const password = simulators.onesait.users[user]?.password
        return await browser.call(at, 'POST', '/bff/login/onesait', { username: user, password })
      }
      const away = await browser.visit(at, `/bff/login/${provider}`)
      const to = away.headers.get('location') ?? ''
      const back = await signInThrough(simulators[provider], to, { ...choices, user })
      return await browser.visit(backAt, back.slice(origin.length))
    },
    /** The providers at which somebody is signed in, as one process sees it. */
    async signedIn(at: number): Promise<string[]> {
      const response = await browser.call(at, 'GET', '/bff/session')
      const { accounts } = (await response.json()) as { accounts: { provider: string }[] } // the product's own answer
      return accounts.map(({ provider }) => provider)
    },
  }
  return browser
}
