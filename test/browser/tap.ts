/** A pipe between the browser and the server that keeps all that passes. */
import { once } from 'node:events'
import { createServer, request as ask, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { brotliDecompressSync } from 'node:zlib'

/** What a browser asked the server and what it was given, byte for byte. */
export interface Answer {
  method: string
  /** Path and query. */
  target: string
  asked: IncomingHttpHeaders
  /** 0 while the server has not answered. */
  status: number
  /** Name and value, in order, repeated names included. */
  headers: [string, string][]
  /** Undone of its compression. */
  body: Buffer
}

export interface Tap {
  /** Where browsers see the server. */
  origin: string
  answers: Answer[]
  /** Requests that go astray: the browser is shown an empty page, and the server never hears of them. */
  astray?: ((target: string) => boolean) | undefined
  /** Milliseconds by which the server's clock is ahead of ours, as its answers tell. */
  ahead: number
  /** Which server stands behind it from now on. */
  leadTo: (url: string) => void
  close(): Promise<void>
}

const empty = Buffer.alloc(0)

/** Opens a tap on a free port; it answers 502 until it leads somewhere. */
export async function openTap(): Promise<Tap> {
  const answers: Answer[] = []
  let server = ''
  const listener = createServer((incoming, outgoing) => {
    const { method = 'GET', url: target = '/', headers } = incoming
    if (tap.astray?.(target) === true) {
      outgoing.writeHead(200, { 'content-type': 'text/html' }).end()
      return
    }
    const kept: Buffer[] = []
    const noted: Answer = { method, target, asked: headers, status: 0, headers: [], body: empty }
    answers.push(noted)
    const outward = ask(new URL(server), { method, path: target, headers }, (answer) => {
      const status = answer.statusCode ?? 0
      outgoing.writeHead(status, dated(answer.rawHeaders, tap.ahead))
      answer.on('data', (chunk: Buffer) => {
        kept.push(chunk)
        outgoing.write(chunk)
      })
      answer.on('end', () => {
        const body = Buffer.concat(kept)
        const isSmall = answer.headers['content-encoding'] === 'br' && body.length > 0
        noted.status = status
        noted.headers = pairs(answer.rawHeaders)
        noted.body = isSmall ? brotliDecompressSync(body) : body
        outgoing.end()
      })
    })
    // As a gateway answers while the server behind it is away.
    outward.on('error', () => outgoing.headersSent || outgoing.writeHead(502).end())
    outgoing.on('close', () => outward.destroy())
    incoming.pipe(outward)
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo // a TCP socket's address is never a string
  const tap: Tap = {
    origin: `http://localhost:${port}`,
    answers,
    ahead: 0,
    leadTo: (url) => (server = url),
    close: async () => {
      listener.closeAllConnections()
      listener.close()
      await once(listener, 'close')
    },
  }
  return tap
}

/** The headers with their `Date` moved. */
function dated(raw: string[], ahead: number): string[] {
  return raw.map((text, i) =>
    /^date$/i.test(raw[i - 1] ?? '') && i % 2 === 1
      ? new Date(Date.parse(text) + ahead).toUTCString()
      : text,
  )
}

function pairs(raw: string[]): [string, string][] {
  return Array.from({ length: raw.length / 2 }, (_, i) => [raw[2 * i] ?? '', raw[2 * i + 1] ?? ''])
}
