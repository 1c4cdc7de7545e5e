import { createProxy } from '../proxy/app'
import { readConfig, type ReadOptions } from '../proxy/config'
import type { Log } from '../proxy/log'
import { createSharedStore, type Connection } from './shared-store'
import {
  createGearcode,
  createKonpro,
  createOnesait,
  createOnet,
  createSeznam,
  signInThrough,
  simulatorFetch,
  type CookieJar,
} from './simulators'

/** The origin at which the browsers of a test see the app. */
export const origin = 'https://app.example'

/** 43 characters of base64url: 32 bytes. */
export const sessionSecret = 'q4GJTd3nmO8sQ2xLr0bK7Vw9zYpUeHcA1iFhXoN5Z6M'

/** Milliseconds at which every stage's clock starts. */
export const morning = Date.UTC(2026, 10, 21, 8)

/** One process of a deployment, with a memory of its own. */
export interface Process {
  app: ReturnType<typeof createProxy>
  /** Its way to the shared store; of no use where it shares none. */
  connection: Connection
  /** The process ends and another one starts: its memory is gone. */
  restart(changes?: Record<string, string | undefined>): void
}

interface StageOptions extends ReadOptions {
  /** Milliseconds a provider may take, in real time. */
  timeLimit?: number
  /** The ledger is in a store that processes share; see `another`. */
  shared?: true
}

/** The proxy, the five simulators and a clock, in this process: no sockets, no waiting. */
export function createStage(
  variables: Record<string, string | undefined> = {},
  options: StageOptions = {},
) {
  const clock = { now: morning }
  const now = () => clock.now
  const simulators = {
    onet: createOnet({ now }),
    konpro: createKonpro({ now }),
    onesait: createOnesait({ now }),
    gearcode: createGearcode({ now }),
    seznam: createSeznam({ now }),
  }
  for (const simulator of Object.values(simulators))
    simulator.client.redirectUris = [`${origin}/bff/callback/${simulator.id}`]
  const { onet, konpro, onesait, gearcode, seznam } = simulators
  const env = {
    PUBLIC_ORIGIN: origin,
    SESSION_SECRETS: sessionSecret,
    ONET_CLIENT_ID: onet.client.id,
    ONET_CLIENT_SECRET: onet.client.secret,
    ONET_SSO_REDIRECT_URI: '/bff/callback/onet',
    KONPRO_CLIENT_ID: konpro.client.id,
    KONPRO_CUSTODY: 'proxy',
    ONESAIT_CLIENT_ID: onesait.client.id,
    ONESAIT_CLIENT_SECRET: onesait.client.secret,
    GEARCODE_CLIENT_ID: gearcode.client.id,
    GEARCODE_CLIENT_SECRET: gearcode.client.secret,
    SEZNAM_CLIENT_ID: seznam.client.id,
    SEZNAM_CLIENT_SECRET: seznam.client.secret,
    SEZNAM_SCOPE: 'identity,avatar,birthday',
    SEZNAM_ESSENTIAL: 'birthday',
    ...variables,
  }
  const lines: string[] = []
  const log: Log = (level, event, fields) => {
    lines.push(JSON.stringify({ level, event, ...fields }))
  }
  const simulated = simulatorFetch(Object.values(simulators))
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const answer = await (stage.network ?? simulated)(input, init)
    await stage.onTheWay?.(answer, new Request(input).url.replace(/\?.*/, ''))
    return answer
  }
  const sleep = async (ms: number) => {
    if (stage.sleepPassesTime) clock.now += ms
    await new Promise((resolve) => setTimeout(resolve, Math.min(ms, 5)))
  }
  const store = createSharedStore(now)

  /** `skew`: milliseconds by which its own clock runs ahead. */
  function createProcess(skew = 0): Process {
    const start = (connection: Connection, changes: Record<string, string | undefined> = {}) =>
      createProxy(readConfig({ ...env, ...changes }, options), {
        fetch,
        now: () => now() + skew,
        sleep,
        log,
        timeLimit: options.timeLimit ?? 200,
        ...(options.shared ? { store: connection } : {}),
      })
    const first = store.connect()
    const process: Process = {
      connection: first,
      app: start(first),
      restart(changes) {
        void process.connection.close()
        process.connection = store.connect()
        process.app = start(process.connection, changes)
      },
    }
    return process
  }

  const stage = Object.assign(createProcess(), {
    clock,
    simulators,
    env,
    fetch,
    lines,
    /** Whether the clock goes on while the proxy waits; a wait takes no more than 5 ms either way. */
    sleepPassesTime: false,
    /** What the proxy's calls reach in place of the simulators. */
    network: undefined as typeof globalThis.fetch | undefined,
    /** Awaited while a provider's answer is on its way to us. */
    onTheWay: undefined as ((answer: Response, url: string) => Promise<void>) | undefined,
    /** What the processes share, where they share anything. */
    store,
    /** One more process, with the same store; `skew`: milliseconds by which its own clock runs ahead. */
    another: (skew?: number) => createProcess(skew),
    browser: () => createBrowser(stage),
  })
  return stage
}

export type Stage = ReturnType<typeof createStage>

/** Who signs in where nobody else is named. */
export const somebody: Record<string, string> = {
  onet: 'anna',
  konpro: 'ada',
  onesait: 'developer',
  gearcode: 'jan',
  seznam: 'krasty',
}

/** One browser: cookies as it keeps them, and a person who clicks. */
function createBrowser(stage: Pick<Stage, 'app' | 'simulators'>) {
  const cookies = new Map<string, string>()
  const providerCookies: CookieJar = new Map()
  const at = (process: Pick<Process, 'app'>) =>
    visiting(process, stage.simulators, cookies, providerCookies)
  return {
    ...at(stage),
    /** The same browser, whose requests go to another process. */
    at,
  }
}

function visiting(
  process: Pick<Process, 'app'>,
  simulators: Stage['simulators'],
  cookies: Map<string, string>,
  providerCookies: CookieJar,
) {
  /** One request with this browser's cookies, which keeps what comes back. */
  async function send(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers)
    if (cookies.size > 0 && !headers.has('cookie')) headers.set('cookie', header(cookies))
    const response = await process.app.request(new Request(origin + path, { ...init, headers }))
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (/max-age=0/i.test(line)) cookies.delete(name)
      else cookies.set(name, value)
    }
    return response
  }

  return {
    cookies,
    providerCookies,
    /** A navigation, as the address bar and links do it. */
    visit: (path: string, headers: Record<string, string> = {}) =>
      send(path, {
        headers: { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', ...headers },
      }),
    /** A call as the app makes it. */
    call: (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
      send(path, {
        method,
        headers: {
          'x-latchkey': '1',
          origin,
          'sec-fetch-site': 'same-origin',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    send,
    /** Goes to the provider and back; the path and query with which the person returns. */
    async away(
      provider: 'onet' | 'konpro' | 'gearcode' | 'seznam',
      choices: Partial<Parameters<typeof signInThrough>[2]> = {},
      returnTo?: string,
    ): Promise<string> {
      const query = returnTo === undefined ? '' : `?return_to=${encodeURIComponent(returnTo)}`
      const away = await this.visit(`/bff/login/${provider}${query}`)
      const back = await signInThrough(simulators[provider], away.headers.get('location') ?? '', {
        user: somebody[provider] ?? '',
        cookies: providerCookies,
        ...choices,
      })
      return back.slice(origin.length)
    },
    /** Signs in all the way; the answer that sends the person into the app. */
    async signIn(
      provider: string,
      choices: Partial<Parameters<typeof signInThrough>[2]> = {},
    ): Promise<Response> {
      if (provider === 'onesait') {
        const username = choices.user ?? 'developer'
        const password = simulators.onesait.users[username]?.password
        return await this.call('POST', '/bff/login/onesait', { username, password })
      }
      const id = provider as 'onet' | 'konpro' | 'gearcode' | 'seznam'
      return await this.visit(await this.away(id, choices))
    },
  }
}

export type Browser = ReturnType<typeof visiting>

function header(cookies: ReadonlyMap<string, string>): string {
  return [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
}
