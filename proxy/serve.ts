import { serve as listen } from '@hono/node-server'
import type { Http2Bindings, HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { createProxy } from './app'
import { readBuiltFiles } from './built-files'
import type { Config } from './config'
import { clientAddress } from './client-address'
import type { Log } from './log'
import { createNodeUpstream } from './node-upstream'
import { createPages } from './pages'
import { createRedisLimiter } from './redis-limiter'
import { openRedisStore } from './session/redis-store'
import { createUnderway } from './underway'

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
export async function serve(config: Config, webDirectory: URL, log: Log): Promise<Running> {
  const files = await readBuiltFiles(webDirectory)
  if (!files) log('warning', 'There is no built app beside the server: only the proxy is served.')
  let isClosing = false
  const underway = createUnderway()
  const store = config.ledgerUrl && (await openRedisStore(config.ledgerUrl, { log }))
  const upstream = createNodeUpstream()
  const app = createProxy(config, {
    upstream: upstream.call,
    missing: () => (isClosing ? ['open connections: the server is stopping'] : []),
    fetch: (input, init) => fetch(input, init),
    now: Date.now,
    log,
    ...(store ? { store, createLimiter: createRedisLimiter(store.client) } : {}),
    ...(files ? { pages: createPages(config, files) } : {}),
  })
  return await new Promise((resolve, reject) => {
    const server = listen(
      {
        fetch: async (request, env: HttpBindings | Http2Bindings) => {
          const address = clientAddress(
            env.incoming.socket.remoteAddress,
            request.headers.get('x-forwarded-for'),
            config.trustedProxies,
          )
          const answer = Promise.resolve(app.fetch(request, { address, keepAlive: underway.add }))
          // The browser may go before it is answered: a code or a token is being spent all the same.
          underway.add(answer)
          const response = await answer
          if (isClosing) env.outgoing.setHeader('connection', 'close')
          return upstream.deliver(response, env.outgoing) ? RESPONSE_ALREADY_SENT : response
        },
        port: config.port,
        hostname: config.host,
        // Five accounts at the bound of their cookies; Node's own limit is 16 kB.
        serverOptions: { maxHeaderSize: 160 * 1024, requestTimeout: 60_000 },
      },
      ({ port, address, family }) => {
        const host = family === 'IPv6' ? `[${address}]` : address
        resolve({
          url: `http://${host}:${port}`,
          async close() {
            isClosing = true
            const closed = new Promise((done) => server.close(done))
            // A connection that has just answered becomes idle after the first look.
            const idle = setInterval(() => {
              if ('closeIdleConnections' in server) server.closeIdleConnections()
            }, 100)
            await atMost(
              grace,
              closed.then(() => underway.ended()),
            )
            clearInterval(idle)
            if ('closeAllConnections' in server) server.closeAllConnections()
            // Last, for whatever ends tells the ledger.
            await atMost(farewell, Promise.all([store?.close(), upstream.close()]))
          },
        })
      },
    )
    server.once('error', (error: Error) => {
      void store?.close()
      void upstream.close()
      reject(error)
    })
  })
}

/** Waits until the work has ended or failed, but no longer than this many milliseconds. */
async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise((resolve) => (timer = setTimeout(resolve, ms)))
  await Promise.race([work.catch(() => undefined), late])
  clearTimeout(timer)
}
