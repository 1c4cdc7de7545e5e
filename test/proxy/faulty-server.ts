import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'

/** Answers one request, badly. */
export type Play = (response: ServerResponse, elsewhere: string) => void

const json = { 'content-type': 'application/json' }
const html = { 'content-type': 'text/html' }
const page = '<!doctype html><title>Oops</title><h1>Something went wrong</h1>'

/** A mebibyte of blanks, two hundred times over: 200 kB that unfold to 200 MiB. */
const bomb = Buffer.concat(Array<Buffer>(200).fill(gzipSync(Buffer.alloc(1024 * 1024, ' '))))
const nestedBomb = gzipSync(bomb)

export const answering =
  (status: number, headers: Record<string, string> = {}, body = ''): Play =>
  (response) =>
    response.writeHead(status, headers).end(body)

export const plays = {
  errorWithJson: answering(500, json, '{"error":"server_error"}'),
  // What a rash client takes for the end of the account.
  errorWithGrant: answering(500, json, '{"error":"invalid_grant"}'),
  errorWithoutBody: answering(500),
  outOfService: answering(503, html, page),
  page: answering(200, html, page),
  list: answering(200, json, '[]'),
  truncated: (response) => {
    response.writeHead(200, { ...json, 'content-length': '1000' })
    response.write('{"access_token":"half', () => response.socket?.destroy())
  },
  bomb: (response) => {
    response.writeHead(200, { ...json, 'content-encoding': 'gzip' }).end(bomb)
  },
  nestedBomb: (response) => {
    response.writeHead(200, { ...json, 'content-encoding': 'gzip, gzip' }).end(nestedBomb)
  },
  manyEncodings: (response) => {
    const encodings = Array<string>(2000).fill('gzip').join(', ')
    response.writeHead(200, { ...json, 'content-encoding': encodings }).end(bomb)
  },
  endless: (response) => {
    response.writeHead(200, json)
    const chunk = Buffer.alloc(65_536, ' ')
    const more = () => {
      while (!response.destroyed && response.write(chunk));
    }
    response.on('drain', more)
    more()
  },
  elsewhere: (response, elsewhere) => response.writeHead(307, { location: elsewhere }).end(),
  silent: () => undefined,
  stalled: (response) => {
    response.writeHead(200, json).write('{"access_')
  },
  trickling: (response) => {
    response.writeHead(200, json)
    const drip = setInterval(() => response.write(' '), 10)
    response.on('close', () => {
      clearInterval(drip)
    })
  },
  cut: (response) => response.socket?.destroy(),
  reset: (response) => response.socket?.resetAndDestroy(),
} satisfies Record<string, Play>

/** A server in trouble, on a real socket, and another one to which nobody must be led. */
export async function startFaultyServer() {
  const open = new Set<ServerResponse>()
  const seen = { requests: 0, elsewhere: 0 }
  const state: { play: Play } = { play: plays.errorWithJson }
  const sentinel = createServer((_request, response) => {
    seen.elsewhere++
    response.end()
  })
  const elsewhere = await listening(sentinel)
  const server = createServer((request, response) => {
    seen.requests++
    open.add(response)
    response.on('close', () => open.delete(response))
    request.resume().on('end', () => {
      state.play(response, elsewhere)
    })
  })
  const origin = await listening(server)
  return {
    seen,
    /** Brings any request here, by the real `fetch`. */
    fetch: (play: Play): typeof fetch => {
      state.play = play
      return (input, init) => {
        const { pathname, search } = new URL(input instanceof Request ? input.url : input)
        return fetch(origin + pathname + search, init)
      }
    },
    /** Whether every answer was taken or given up: what is not lets connections pile up. */
    async isLetGo(): Promise<boolean> {
      for (let tries = 0; tries < 100 && open.size > 0; tries++)
        await new Promise((resolve) => setTimeout(resolve, 10))
      return open.size === 0
    },
    close() {
      for (const each of [server, sentinel]) {
        each.close()
        each.closeAllConnections()
      }
    },
  }
}

function listening(server: ReturnType<typeof createServer>): Promise<string> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      // A TCP socket's address is never a string.
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    })
  })
}
