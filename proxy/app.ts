import { Hono, type MiddlewareHandler } from 'hono'
import { apiMethods, methodsOf } from '../shared/api-call'
import { AppError } from '../shared/failure'
import { callLimit, sleep as byTimer, type Ports } from '../shared/oauth/ports'
import { isRedirect, type Capability, type Provider } from '../shared/provider'
import type { BodyWaits } from './body-limit'
import { createCircuits } from './circuit'
import type { Config } from './config'
import { corsForTheApp } from './cors'
import { byNavigation, fromTheApp, noWorkers, redeemed, towardsApi } from './gate'
import { headerLimits } from './header-limits'
import { dataHeaders } from './headers'
import type { Log } from './log'
import type { Arrival, Parts, ProxyEnv } from './parts'
import { answerProblem } from './problem'
import { requestLog, senderOf } from './request-log'
import { accountsRoute } from './routes/accounts'
import { apiRoute } from './routes/api'
import { callbackRoute } from './routes/callback'
import { cookiesRoute } from './routes/cookies'
import { healthRoutes } from './routes/health'
import { loginRoute } from './routes/login'
import { providersRoute } from './routes/providers'
import { sessionRoute } from './routes/session'
import { ticketsRoute } from './routes/tickets'
import { createJar } from './session/jar'
import { createLedger } from './session/ledger'
import { createMemoryStore } from './session/memory-store'
import { createRefresher } from './session/refresher'
import { createSeal } from './session/seal'
import { openSession } from './session/session'
import type { Store } from './session/store'
import { createThrottle, type CreateLimiter } from './throttle'
import { upstreamBy, type Upstream } from './upstream'

/** What the proxy needs from its runtime. */
export interface ProxyPorts extends Ports {
  log: Log
  /** How a provider's API is called; by `fetch` unless stated. */
  upstream?: Upstream
  /** Milliseconds that an API may pause in the middle of an answer; a minute unless stated. */
  pauseLimit?: number
  /** The app's pages, where the same server serves them; asked for all that is not ours. */
  pages?: (request: Request) => Promise<Response>
  /** What keeps the server from being sent people, such as its own end; nothing unless stated. */
  missing?: () => readonly string[]
  /** What several processes share their ledger in; this process's memory unless stated. */
  store?: Store
  /** How long bodies of requests may take; as usual unless stated. */
  bodyWaits?: BodyWaits | undefined
  /** Entries of the ledger that this process keeps at most; the stalest go. */
  mostEntries?: number
  /** Makes what counts the tries at passwords; in this process's memory unless stated. */
  createLimiter?: CreateLimiter
}

/** The one path whose callers cannot all send our header. */
const api = '/api/:provider/*'

/** The methods of an address, and which of them are left at a provider that does not have all. */
interface Methods {
  all: readonly string[]
  at?: (provider: Provider) => readonly string[]
}

const needing = (capability: Capability, all: readonly string[]): Methods => ({
  all,
  at: (provider) => (provider[capability] ? all : []),
})

/** Every path below `/bff`, with the methods it takes. */
const paths: Record<string, Methods> = {
  '/providers': { all: ['GET'] },
  '/login/:provider': {
    all: ['GET', 'POST'],
    at: (provider) =>
      isRedirect(provider) ? (provider.apiToken ? ['GET', 'POST'] : ['GET']) : ['POST'],
  },
  '/callback/:provider': { all: ['GET'] },
  '/session': { all: ['GET', 'DELETE'] },
  '/cookies': { all: ['DELETE'] },
  '/accounts/:provider': { all: ['GET', 'DELETE'] },
  '/accounts/:provider/profile': needing('profile', ['GET']),
  '/accounts/:provider/refresh': needing('refresh', ['POST']),
  '/accounts/:provider/check': needing('check', ['POST']),
  '/accounts/:provider/revoke': needing('revoke', ['POST']),
  '/tickets/:provider': needing('api', ['POST']),
  [api]: { all: apiMethods, at: methodsOf },
}

/** Answers that never write a cookie, so that one that lands late undoes nothing. */
const readings = ['/providers', '/session', '/accounts/:provider']

/** The navigations: they come from the address bar and from providers, so they cannot carry our header. */
const navigations = ['/login/:provider', '/callback/:provider']

/** This process's own part of a shared ledger: some 30 MB where tokens are large. */
const mostOwn = 20_000

/** Milliseconds that an API may pause in the middle of an answer. */
const pauseLimit = 60_000

/** The whole proxy as one fetch handler. */
export function createProxy(config: Config, given: ProxyPorts) {
  const { log, pages, store, sleep = byTimer } = given
  // One clock for all that is timed: that of the store, where several processes share one.
  const now = store ? () => store.now() : given.now
  const ports = { ...given, now, sleep, convey: createCircuits({ now, sleep, log }) }
  const seal = createSeal(config.sessionSecrets, now)
  const most = given.mostEntries ?? (store ? mostOwn : undefined)
  const own = createMemoryStore({ now, ...(most === undefined ? {} : { most }) })
  const ledger = createLedger({ own, shared: store, seal, log, sleep })
  const parts: Parts = {
    config,
    ports,
    log,
    ledger,
    seal,
    refresher: createRefresher({ config, ports, log, ledger }),
    throttle: createThrottle(config.sessionSecrets, given.createLimiter),
    upstream: given.upstream ?? upstreamBy(given.fetch),
    limits: {
      firstByte: given.timeLimit ?? callLimit,
      betweenBytes: given.pauseLimit ?? pauseLimit,
    },
    bodyWaits: given.bodyWaits,
  }
  const headers = Object.entries(dataHeaders(config))

  const app = new Hono<ProxyEnv>()
  app.onError((error, c) => answerProblem(c, error))
  app.notFound(async (c) =>
    pages && !isOurs(new URL(c.req.url).pathname)
      ? await pages(c.req.raw)
      : answerProblem(c, new AppError('not_found')),
  )
  app.use(async (c, next) => {
    c.set('requestId', crypto.randomUUID())
    // A runtime, or a test, may hand nothing in.
    c.set('arrival', (c.env as Arrival | undefined) ?? {})
    await next()
    for (const [name, value] of headers)
      if (!c.res.headers.has(name)) c.res.headers.set(name, value)
  })
  app.use(requestLog({ log, now: given.now, isOurs }))
  app.use(async (c, next) => {
    try {
      await next()
    } catch (thrown) {
      // Hono answers errors; anything can be thrown.
      c.res = answerProblem(c, thrown)
    }
  })
  app.use(headerLimits((path) => isOurs(path) && path !== '/bff/cookies'))
  const missing = () => [
    ...(given.missing?.() ?? []),
    ...(ledger.isAway() ? ['LEDGER_URL: the shared ledger cannot be reached'] : []),
  ]
  app.route('/', healthRoutes(missing))
  app.route('/bff', bff(parts))
  return app
}

function bff(parts: Parts) {
  const { config } = parts
  const app = new Hono<ProxyEnv>()
  app.use(corsForTheApp(config))
  app.use(noWorkers())
  const gate = fromTheApp(config)
  for (const [path, methods] of Object.entries(paths)) {
    if (navigations.includes(path)) app.use(path, orNavigation(gate))
    else app.use(path, path === api ? towardsApi(parts) : gate)
    app.use(path, namingMethods(methods))
    if (path.includes(':provider')) app.use(path, offered(config))
    app.use(path, onlyMethods(methods))
    // There may be more of them than anybody should open.
    if (path !== '/cookies') app.use(path, cookies(parts, path))
  }
  app.use(api, redeemed(parts))
  app.route('/providers', providersRoute(parts))
  app.route('/login/:provider', loginRoute(parts))
  app.route('/callback/:provider', callbackRoute(parts))
  app.route('/session', sessionRoute(parts))
  app.route('/cookies', cookiesRoute(parts))
  app.route('/accounts/:provider', accountsRoute(parts))
  app.route('/tickets/:provider', ticketsRoute(parts))
  app.route('/api/:provider', apiRoute(parts))
  return app
}

/** A person's navigation, or a call by the app: told apart before a cookie is even opened. */
function orNavigation(gate: MiddlewareHandler<ProxyEnv>): MiddlewareHandler<ProxyEnv> {
  const navigation = byNavigation()
  return (c, next) => (c.req.method === 'GET' ? navigation : gate)(c, next)
}

/** The provider that the path names, if this deployment offers it and keeps its tokens here. */
function offered({ offers }: Config): MiddlewareHandler<ProxyEnv> {
  return async (c, next) => {
    const offer = offers.get(c.req.param('provider') ?? '')
    if (!offer) throw new AppError('unknown_provider')
    if (!offer.registration) throw new AppError('provider_off')
    c.set('offer', offer)
    if (offer.custody === 'browser') throw new AppError('unsupported')
    await next()
  }
}

/** HEAD counts as a method of its own: Hono would run the GET, and a GET here can spend a code. */
function onlyMethods({ all }: Methods): MiddlewareHandler<ProxyEnv> {
  return async (c, next) => {
    if (!all.includes(c.req.method)) throw new AppError('method_not_allowed')
    await next()
  }
}

/** Says beside each 405 of ours what the address does take, which may be nothing (RFC 9110 §10.2.1). */
function namingMethods({ all, at }: Methods): MiddlewareHandler<ProxyEnv> {
  return async (c, next) => {
    await next()
    if (c.res.status !== 405 || !(c.error instanceof AppError)) return
    const offer = c.get('offer') as ProxyEnv['Variables']['offer'] | undefined
    const left = offer?.custody === 'browser' ? [] : offer && at ? at(offer.provider) : all
    c.res.headers.set('allow', left.join(', '))
  }
}

/** Opens the request's cookies, and writes what the answer changes in them. */
function cookies(
  { config, seal, ledger, refresher }: Parts,
  path: string,
): MiddlewareHandler<ProxyEnv> {
  const secure = config.publicOrigin.startsWith('https:')
  return async (c, next) => {
    const jar = createJar(c.req.header('cookie'), secure)
    const session = await openSession(jar, {
      config,
      seal,
      ledger,
      refresher,
      keepAlive: c.get('arrival').keepAlive,
      sender: senderOf(c),
    })
    c.set('jar', jar)
    c.set('session', session)
    await next()
    if (c.req.method === 'GET' && readings.includes(path)) return
    await session.settle()
    for (const line of jar.changes()) c.res.headers.append('set-cookie', line)
  }
}

function isOurs(pathname: string): boolean {
  return /^\/bff(\/|$)/.test(pathname)
}
