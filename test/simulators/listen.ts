import { createAdaptorServer, type Http2Bindings, type HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ConnectionCut } from './fault'

/** A handler on a port of its own. */
export interface Listening {
  origin: string
  close(): Promise<void>
}

/** Serves a handler on this port, or on a free one when it is taken. */
export async function listen(
  handler: (request: Request) => Promise<Response>,
  hostname: string,
  port: number,
): Promise<Listening> {
  const server = createAdaptorServer({
    hostname,
    async fetch(request: Request, { incoming }: HttpBindings | Http2Bindings) {
      try {
        return await handler(request)
      } catch (error) {
        if (!(error instanceof ConnectionCut) && !request.signal.aborted) throw error
        incoming.socket.destroy()
        return RESPONSE_ALREADY_SENT
      }
    },
  }) as Server // createAdaptorServer makes a plain HTTP server unless it is told otherwise
  const bound = await bind(server, hostname, port)
  return {
    origin: `http://${hostname}:${String(bound.port)}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function bind(server: Server, hostname: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' && port !== 0) resolve(bind(server, hostname, 0))
      else reject(error)
    })
    server.listen(port, hostname, () => resolve(server.address() as AddressInfo)) // a TCP socket's address is never a string
  })
}
