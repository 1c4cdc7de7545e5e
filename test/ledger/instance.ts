import type { Hono } from 'hono'
import type { ProxyEnv, Parts } from '../../proxy/parts'
import type { Seal } from '../../proxy/session/seal'
import type { Store } from '../../proxy/session/store'
import { upstreamBy } from '../../proxy/upstream'
import type { Judge, Sending } from './judge'
import {
  configs,
  offerOf,
  type Answer,
  type ModelProvider,
  type Request as Asked,
} from './provider'
import type { Link } from './stores'
import type { System } from './system'
import { never, type Party, type World } from './world'

/** Milliseconds after which our code gives a call up, and in which a healthy provider answers. */
const limit = 10_000
const healthy = limit - 100

/** What goes wrong with one request to the provider. */
export const harmless = ['an error', 'too many', 'cut before', 'silent before'] as const
/** The provider has done it, and its answer is lost. */
export const harmful = ['cut after', 'silent after'] as const
export type Fault = (typeof harmless)[number] | (typeof harmful)[number]

interface Needs {
  system: System
  world: World
  provider: ModelProvider
  judge: Judge
  /** Absent where there is one process, whose memory is the ledger. */
  link?: Link | undefined
  /** Values its own store keeps; as many as there are unless stated. */
  most?: number | undefined
  /** What happens to the next request to the provider. */
  fault: () => Fault | undefined
}

/** One process: our real code from the request down to the ledger, on stand-ins for what it stands on. */
export class Instance implements Party {
  isAlive = true
  isStalled = false
  readonly #app: Hono<ProxyEnv>
  /** When the calls under way began, by the signals that end them. */
  readonly #began = new WeakMap<AbortSignal, number>()

  constructor(
    readonly name: string,
    readonly needs: Needs,
  ) {
    this.#app = this.#appOf(this.#parts())
  }

  /** Never settles where the process dies meanwhile. */
  async handle(request: Request): Promise<Response> {
    const response = await this.#app.fetch(request, {})
    if (!this.isAlive) await never()
    return response
  }

  kill(): void {
    this.isAlive = false
    this.needs.world.bury(this)
  }

  get link(): Link | undefined {
    return this.needs.link
  }

  #parts(): Parts {
    const { system, world, provider, link, most } = this.needs
    const shared = link?.store
    const now = () => world.now
    const log = () => undefined
    const sleep = (ms: number) => world.sleep(ms, this)
    const own = this.#watched(system.createMemoryStore({ now, ...(most ? { most } : {}) }))
    const seal = sealFor(now)
    const config = configs[provider.kind]
    const ledger = system.createLedger({ own, shared, seal, log, sleep })
    const circuits = system.createCircuits({ now, sleep, log })
    const convey: typeof circuits = async (endpoint, send, signal) => {
      this.#began.set(signal, world.now)
      return await circuits(endpoint, send, signal)
    }
    const ports = { fetch: this.#fetch, now, sleep, convey, timeLimit: limit }
    const refresher = system.createRefresher({ config, ports, log, ledger })
    // Counts wrong passwords by the real clock, and there are none here.
    const throttle: Parts['throttle'] = { attempt: (_name, _address, work) => work() }
    const upstream = upstreamBy(this.#fetch)
    const limits = { firstByte: limit, betweenBytes: limit }
    return { config, ports, log, ledger, seal, refresher, throttle, upstream, limits }
  }

  #watched(own: Store): Store {
    return {
      ...own,
      swap: async (key, version, next) => {
        const answer = await own.swap(key, version, next)
        if (answer.done) this.needs.judge.wrote(this, key, next.value)
        return answer
      },
    }
  }

  /** The routes as proxy/app.ts puts them together. */
  #appOf(parts: Parts): Hono<ProxyEnv> {
    const { system, provider } = this.needs
    const { config, seal, ledger, refresher } = parts
    const app = new system.Hono<ProxyEnv>()
    app.onError((error, c) => system.answerProblem(c, error))
    app.use(async (c, next) => {
      const jar = system.createJar(c.req.header('cookie'), true)
      const session = await system.openSession(jar, { config, seal, ledger, refresher })
      c.set('arrival', {})
      c.set('offer', offerOf(provider.kind))
      c.set('jar', jar)
      c.set('session', session)
      await next()
      if (c.req.method === 'GET' && c.req.path === '/bff/session') return
      await session.settle()
      for (const line of jar.changes()) c.res.headers.append('set-cookie', line)
    })
    app.route('/bff/login/:provider', system.loginRoute(parts))
    app.route('/bff/callback/:provider', system.callbackRoute(parts))
    app.route('/bff/session', system.sessionRoute(parts))
    app.route('/bff/accounts/:provider', system.accountsRoute(parts))
    return app
  }

  readonly #fetch = async (input: string | URL | Request, init: RequestInit = {}) => {
    const { judge, fault } = this.needs
    if (!this.isAlive) return await never<Response>()
    const asked = read(input, init)
    const sending = judge.sends(this, asked)
    const signal = init.signal ?? undefined
    signal?.addEventListener('abort', () => sending.end('lost'))
    return await this.#conveyed(asked, sending, fault(), signal)
  }

  async #conveyed(
    asked: Asked,
    sending: Sending,
    fault: Fault | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Response> {
    const { judge, provider, world } = this.needs
    const what = nameOf(asked)
    const began = (signal && this.#began.get(signal)) ?? world.now
    const deadline = began + healthy
    const broken = fault === undefined ? '' : ` (${fault})`
    // On the wire: it arrives whether its sender lives or not.
    await world.gate(`${this.name} → provider: ${what}${broken}`, undefined, deadline)
    if (fault === 'silent before') await never()
    let answer = faulty[fault ?? '']
    if (!answer && fault !== 'cut before') {
      const done = provider.answer(asked)
      sending.committed(done)
      world.tell(() => `        ${outcomeOf(done)}`)
      answer = done
    }
    if (fault === 'silent after') await never()
    await world.gate(`provider → ${this.name}: ${what}`, this, deadline)
    if (!answer || fault === 'cut after') {
      sending.end('lost')
      throw new TypeError('fetch failed', { cause: new Error('the connection was cut') })
    }
    sending.end(signal?.aborted ? 'lost' : 'delivered')
    judge.counts.answers++
    return Response.json(answer.body, answer)
  }
}

const faulty: Partial<Record<string, Answer & { headers?: HeadersInit }>> = {
  'an error': { status: 500, body: { error: 'server_error' } },
  'too many': {
    status: 429,
    body: { error: 'slow_down' },
    headers: { 'retry-after': '2' },
  },
}

function read(input: string | URL | Request, init: RequestInit): Asked {
  const url = new URL(input instanceof Request ? input.url : input)
  const body = typeof init.body === 'string' ? new URLSearchParams(init.body) : url.searchParams
  const authorization = new Headers(init.headers).get('authorization')
  return {
    path: url.pathname,
    fields: Object.fromEntries(body),
    bearer: /^Bearer (.+)$/.exec(authorization ?? '')?.[1],
  }
}

function nameOf({ path, fields, bearer }: Asked): string {
  return `${path} ${fields.refresh_token ?? fields.token ?? bearer ?? fields.grant_type ?? ''}`
}

function outcomeOf({ status, body }: Answer): string {
  const { access_token, refresh_token, error } = body
  return [status, error, access_token, refresh_token].filter(Boolean).join(' ')
}

/** What is sealed can be read by anybody here, and by the judge. */
export interface Sealed {
  purpose: string
  provider: string
  until: number
  content: Record<string, unknown>
}

export function unsealed(text: string): Sealed {
  return JSON.parse(Buffer.from(text, 'base64url').toString()) as Sealed // written below
}

function sealFor(now: () => number): Seal {
  return {
    seal: (purpose, provider, content, until) =>
      Promise.resolve(
        Buffer.from(JSON.stringify({ purpose, provider, until, content })).toString('base64url'),
      ),
    open: (purpose, provider, text) => {
      if (text === '') return Promise.resolve(undefined)
      const found = unsealed(text)
      const isIt = found.purpose === purpose && found.provider === provider && found.until > now()
      return Promise.resolve(isIt ? found.content : undefined)
    },
  }
}
