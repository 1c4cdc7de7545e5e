/** A host that nobody was told to ask, and one that is asked and writes it all down. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import {
  createServer as createSocketServer,
  type AddressInfo,
  type Server,
  type Socket,
} from 'node:net'

/** A server that must never be asked: a connection alone is too much. */
export interface Sentinel {
  url: string
  /** `127.0.0.1:<port>`. */
  host: string
  /** Every connection so far, with what it brought. */
  connections: string[]
  close(): Promise<void>
}

export async function openSentinel(): Promise<Sentinel> {
  const connections: string[] = []
  const server = createSocketServer((socket) => {
    const at = connections.push('') - 1
    socket.on('error', () => undefined) // whoever comes may leave as it likes
    socket.on('data', (bytes) => {
      connections[at] = `${connections[at] ?? ''}${bytes.toString('latin1')}`
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\ncaught')
    })
  })
  const port = await listening(server)
  return {
    url: `http://127.0.0.1:${port}`,
    host: `127.0.0.1:${port}`,
    connections,
    close: () => closed(server),
  }
}

/** A request as an API got it. */
export interface Received {
  method: string
  /** As on the request line. */
  target: string
  /** Names in lower case, as often as they came. */
  headers: [name: string, value: string][]
  header(name: string): string | undefined
  body: string
}

/** The API of a provider, which answers whatever a test wants. */
export interface ApiServer {
  url: string
  /** Every request whose headers arrived, in order; the body is added as it comes. */
  requests: Received[]
  /** What it answers; `{"ok":true}` as JSON unless a test says otherwise. */
  answer: (request: IncomingMessage, response: ServerResponse) => void
  close(): Promise<void>
}

export async function openApiServer(): Promise<ApiServer> {
  const requests: Received[] = []
  const server = createServer((request, response) => {
    const headers = pairs(request.rawHeaders)
    const received: Received = {
      method: request.method ?? '',
      target: request.url ?? '',
      headers,
      header: (name) => headers.find(([one]) => one === name.toLowerCase())?.[1],
      body: '',
    }
    requests.push(received)
    request.on('data', (bytes: Buffer) => (received.body += bytes.toString('latin1')))
    request.on('error', () => undefined) // a call that is given up
    api.answer(request, response)
  })
  const port = await listening(server)
  const api: ApiServer = {
    url: `http://127.0.0.1:${port}`,
    requests,
    answer: plainly,
    close() {
      server.closeAllConnections()
      return closed(server)
    },
  }
  return api
}

/** What an API answers that means no harm. */
export function plainly(_: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}')
}

function pairs(raw: readonly string[]): [string, string][] {
  return raw.flatMap((name, at): [string, string][] =>
    at % 2 === 0 ? [[name.toLowerCase(), raw[at + 1] ?? '']] : [],
  )
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  // Whoever left a connection open shall not hold the test's end.
  server.on('connection', (socket: Socket) => socket.unref())
  return (server.address() as AddressInfo).port // a TCP socket's address is never a string
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve()
    })
  })
}
