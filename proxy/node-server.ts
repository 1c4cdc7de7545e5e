import {
  createServer,
  STATUS_CODES,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { Duplex } from 'node:stream'
import type { ErrorCode } from '../shared/wire'
import { usualBodyWaits, type BodyWaits } from './body-limit'
import type { Log } from './log'
import { networkOf } from './network'
import type { BareProblem } from './problem'
import { isOfOneHost, readTarget } from './request-target'

/** Milliseconds that a client may take. None limits a request as a whole: an upload may be long. */
export interface Waits {
  /** For the head of a request, from the first byte of the connection on. */
  head: number
  /** Between two requests. */
  keepAlive: number
  /** While nothing moves in either direction: beyond the longest that an answer is waited for. */
  standstill: number
  /** For what is left of a body once it is answered, and of a head that is refused. */
  leftovers: number
  body: BodyWaits
}

export const usualWaits: Waits = {
  head: 10_000,
  keepAlive: 15_000,
  standstill: 120_000,
  leftovers: 500,
  body: usualBodyWaits,
}

/**
 * Bytes of a request's head that are read at all. A browser keeps some 180 cookies of 4 kB for a site,
 * and those must be read to be told, and cleared; see `header-limits.ts` for what is taken.
 */
const mostRead = 768 * 1024
/** Header fields that are read; Node drops those beyond, and no one knows which they were. */
const mostFields = 1000

interface Needs {
  /** The host that every request is taken to be for. */
  host: string
  problem: (code: ErrorCode) => BareProblem
  log: Log
  waits: Waits
}

/** A request that has passed the door. */
export type Listener = (incoming: IncomingMessage, outgoing: ServerResponse) => void

/**
 * An HTTP server whose every own answer is a problem of ours: what Node would answer by itself, or
 * cut off, without the application ever seeing it.
 */
export function createNodeServer(listener: Listener, { host, problem, log, waits }: Needs): Server {
  /** Answers that are owed, by the connection they go to. */
  const owed = new WeakMap<Duplex, Set<ServerResponse>>()
  const refused = new WeakSet<Duplex>()

  const server = createServer(
    {
      maxHeaderSize: mostRead,
      headersTimeout: waits.head,
      requestTimeout: 0,
      keepAliveTimeout: waits.keepAlive,
      connectionsCheckingInterval: Math.min(1000, waits.head / 4),
      // Ours to answer; Node's answer has no body.
      requireHostHeader: false,
    },
    admit,
  )
  server.timeout = waits.standstill
  server.maxHeadersCount = mostFields
  server.on('checkExpectation', (incoming: IncomingMessage, outgoing: ServerResponse) => {
    refuse(incoming, outgoing, 'invalid_request')
  })
  server.on('connect', (_: IncomingMessage, socket: Duplex) => {
    cutOff(socket, 'method_not_allowed')
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (error.code === 'HPE_HEADER_OVERFLOW') cutOff(socket, 'headers_too_large')
    else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') cutOff(socket, 'request_timeout')
    else if (error.code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') cutOff(socket, 'payload_too_large')
    else if (error.code?.startsWith('HPE_')) cutOff(socket, 'invalid_request')
    else socket.destroy()
  })
  return server

  function admit(incoming: IncomingMessage, outgoing: ServerResponse): void {
    owe(incoming.socket, outgoing)
    outgoing.once('finish', () => {
      leaveNoBody(incoming)
    })
    const path = readTarget(incoming.url ?? '')
    if (incoming.rawHeaders.length / 2 >= mostFields)
      refuse(incoming, outgoing, 'headers_too_large')
    else if (path === undefined || !isOfOneHost(incoming) || isEncodedTwice(incoming))
      refuse(incoming, outgoing, 'invalid_request')
    else {
      incoming.url = path
      incoming.headers.host = host
      listener(incoming, outgoing)
    }
  }

  function owe(socket: Duplex, outgoing: ServerResponse): void {
    const answers = owed.get(socket) ?? new Set()
    owed.set(socket, answers.add(outgoing))
    outgoing.once('close', () => answers.delete(outgoing))
  }

  /** Whatever is left of an answered request's body is not waited for. */
  function leaveNoBody(incoming: IncomingMessage): void {
    if (incoming.complete) return
    incoming.resume()
    const { socket } = incoming
    setTimeout(() => {
      if (!incoming.complete) socket.destroySoon()
    }, waits.leftovers).unref()
  }

  function refuse(incoming: IncomingMessage, outgoing: ServerResponse, code: ErrorCode): void {
    const { status, headers, body } = tell(incoming.socket, code)
    const length = Buffer.byteLength(body)
    outgoing.writeHead(status, { ...headers, 'content-length': length, connection: 'close' })
    outgoing.end(body)
  }

  /** Where there is no request to answer, or only a part of one. */
  function cutOff(socket: Duplex, code: ErrorCode): void {
    // What still comes in after a refusal is told of again.
    if (refused.has(socket)) return
    refused.add(socket)
    const pending = [...(owed.get(socket) ?? [])]
    // Half an answer is on its way: nothing can be said any more.
    if (!socket.writable || pending.some(({ headersSent }) => headersSent)) {
      socket.destroy()
      return
    }
    socket.on('error', () => undefined) // nobody is left to be told
    const text = textOf(tell(socket, code))
    if (pending.length > 0) {
      socket.write(text)
      socket.destroy()
      return
    }
    // A connection that is closed before all was read is reset, and the answer lost with it.
    socket.end(text)
    socket.resume()
    setTimeout(() => socket.destroy(), waits.leftovers).unref()
  }

  function tell(socket: Duplex, code: ErrorCode): BareProblem {
    const told = problem(code)
    const address = 'remoteAddress' in socket ? String(socket.remoteAddress) : undefined
    log('info', 'refused', {
      request: told.headers['x-request-id'],
      code,
      status: told.status,
      network: address === undefined ? undefined : networkOf(address),
    })
    return told
  }
}

/** Whether its body is more than cut into chunks, which Node undoes alone (RFC 9112 §6.1). */
function isEncodedTwice({ headers }: IncomingMessage): boolean {
  const coding = headers['transfer-encoding']
  return coding !== undefined && coding.trim().toLowerCase() !== 'chunked'
}

/** Every method that some address takes, for who asks for one that none does (RFC 9110 §15.5.6). */
const methods = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'

function textOf({ code, status, headers, body }: BareProblem): string {
  const lines = Object.entries({
    ...headers,
    ...(code === 'method_not_allowed' ? { allow: methods } : {}),
    date: new Date().toUTCString(),
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  }).map(([name, value]) => `${name}: ${value}`)
  return [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...lines, '', body].join('\r\n')
}
