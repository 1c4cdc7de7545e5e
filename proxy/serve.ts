import { serve as listen } from '@hono/node-server'
import type { Http2Bindings, HttpBindings } from '@hono/node-server'
import { createProxy } from './app'
import { readBuiltFiles } from './built-files'
import type { Config } from './config'
import type { Log } from './log'
import { createPages } from './pages'

/** Longest a shutdown waits for requests in flight; an orchestrator kills after ten seconds. */
const grace = 9_000

export interface Running {
  url: string
  /** No new connections; those with a request in flight finish, within ten seconds. */
  close(): Promise<void>
}

/** Starts the whole server on Node: the app's pages and the proxy on one port. */
export async function serve(config: Config, webDirectory: URL, log: Log): Promise<Running> {
  const files = await readBuiltFiles(webDirectory)
  if (!files) log('warning', 'There is no built app beside the server: only the proxy is served.')
  let isClosing = false
  const app = createProxy(config, {
    missing: () => (isClosing ? ['open connections: the server is stopping'] : []),
    fetch: (input, init) => fetch(input, init),
    now: Date.now,
    log,
    ...(files ? { pages: createPages(config, files) } : {}),
  })
  return await new Promise((resolve, reject) => {
    const server = listen(
      {
        fetch: (request, env: HttpBindings | Http2Bindings) =>
          app.fetch(request, { address: env.incoming.socket.remoteAddress }),
        port: config.port,
        hostname: config.host,
        // Five accounts at the bound of their cookies; Node's own limit is 16 kB.
        serverOptions: { maxHeaderSize: 160 * 1024, requestTimeout: 60_000 },
      },
      ({ port, address, family }) => {
        const host = family === 'IPv6' ? `[${address}]` : address
        resolve({
          url: `http://${host}:${port}`,
          close: () =>
            new Promise((done) => {
              isClosing = true
              const late = setTimeout(() => {
                if ('closeAllConnections' in server) server.closeAllConnections()
              }, grace)
              server.close(() => {
                clearTimeout(late)
                clearInterval(idle)
                done()
              })
              // A connection that has just answered becomes idle after the first look.
              const idle = setInterval(() => {
                if ('closeIdleConnections' in server) server.closeIdleConnections()
              }, 100)
            }),
        })
      },
    )
    server.once('error', reject)
  })
}
