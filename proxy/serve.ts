import { getRequestListener, type Http2Bindings, type HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { AddressInfo } from 'node:net'
import { createProxy } from './app'
import { readBuiltFiles } from './built-files'
import { clientAddress } from './client-address'
import type { Config } from './config'
import { countHeaders } from './header-limits'
import { traceOf, type Log } from './log'
import { createNodeServer, usualWaits, type Waits } from './node-server'
import { createNodeUpstream } from './node-upstream'
import { createPages } from './pages'
import { bareProblem } from './problem'
import { createRedisLimiter } from './redis-limiter'
import { openRedisStore } from './session/redis-store'
import { createUnderway } from './underway'
import { unsharedFetch } from './unshared-fetch'

/** Milliseconds that a shutdown waits for what is under way; an orchestrator kills after ten seconds. */
const grace = 9_000
/** Milliseconds that it then waits for the store to take leave. */
const farewell = 500

export interface Running {
  url: string
  /**
   * No new connections. Requests in flight are answered, refreshes and what else they began reach the
   * ledger, also where nobody waits for them any more; all within ten seconds.
   */
  close(): Promise<void>
}

/** Starts the whole server on Node: the app's pages and the proxy on one port. */
export async function serve(
  config: Config,
  webDirectory: URL,
  log: Log,
  waits: Waits = usualWaits,
): Promise<Running> {
  const files = await readBuiltFiles(webDirectory)
  if (!files) log('warning', 'There is no built app beside the server: only the proxy is served.')
  let isClosing = false
  const underway = createUnderway()
  const store = config.ledgerUrl && (await openRedisStore(config.ledgerUrl, { log }))
  const upstream = createNodeUpstream()
  const app = createProxy(config, {
    upstream: upstream.call,
    missing: () => (isClosing ? ['open connections: the server is stopping'] : []),
    fetch: unsharedFetch,
    now: Date.now,
    log,
    bodyWaits: waits.body,
    ...(store ? { store, createLimiter: createRedisLimiter(store.client) } : {}),
    ...(files ? { pages: createPages(config, files) } : {}),
  })

  const answer = async (request: Request, env: HttpBindings | Http2Bindings): Promise<Response> => {
    const { incoming, outgoing } = env
    const arrival = {
      address: clientAddress(
        incoming.socket.remoteAddress,
        request.headers.get('x-forwarded-for'),
        config.trustedProxies,
      ),
      size: countHeaders(incoming.rawHeaders),
      keepAlive: underway.add,
    }
    const answered = Promise.resolve(app.fetch(request, arrival))
    // The browser may go before it is answered: a code or a token is being spent all the same.
    underway.add(answered)
    const response = await answered
    // Who is too slow has nothing more to say.
    if (isClosing || response.status === 408) outgoing.setHeader('connection', 'close')
    return upstream.deliver(response, outgoing) ? RESPONSE_ALREADY_SENT : response
  }
  const listener = getRequestListener(answer, {
    errorHandler(error) {
      log('error', 'request failed', { code: 'internal', status: 500, cause: traceOf(error) })
      const { status, headers, body } = bareProblem('internal', config)
      return new Response(body, { status, headers })
    },
  })
  const server = createNodeServer((...arrived) => void listener(...arrived), {
    host: new URL(config.publicOrigin).host,
    problem: (code) => bareProblem(code, config),
    log,
    waits,
  })
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(config.port, config.host, resolve)
    })
  } catch (error) {
    void store?.close()
    void upstream.close()
    throw error
  }
  const { port, address, family } = server.address() as AddressInfo // it listens at a port
  const host = family === 'IPv6' ? `[${address}]` : address
  return {
    url: `http://${host}:${port}`,
    async close() {
      isClosing = true
      const closed = new Promise((done) => server.close(done))
      // A connection that has just answered becomes idle after the first look.
      const idle = setInterval(() => {
        server.closeIdleConnections()
      }, 100)
      await atMost(
        grace,
        closed.then(() => underway.ended()),
      )
      clearInterval(idle)
      server.closeAllConnections()
      // Last, for whatever ends tells the ledger.
      await atMost(farewell, Promise.all([store?.close(), upstream.close()]))
    },
  }
}

/** Waits until the work has ended or failed, but no longer than this many milliseconds. */
async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise((resolve) => (timer = setTimeout(resolve, ms)))
  await Promise.race([work.catch(() => undefined), late])
  clearTimeout(timer)
}
