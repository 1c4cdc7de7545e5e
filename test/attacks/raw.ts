/** Requests byte by byte, as no client library would send them, and what comes back. */
import { connect } from 'node:net'

/** An answer as it stood on the wire. */
export interface RawAnswer {
  status: number
  /** Names in lower case, in the order of the wire, each as often as it came. */
  headers: [name: string, value: string][]
  /** The values of one header, joined by a comma as recipients may do (RFC 9110 §5.3). */
  header(name: string): string | undefined
  cookies: string[]
  body: string
}

export interface RawOptions {
  /** Milliseconds without a byte after which nothing more is expected. */
  patience?: number
  /** Answers after which it hangs up; until the other side closes unless stated. */
  answers?: number
}

/**
 * Sends these bytes over one connection to `url`, and answers what came back until the other side
 * closed, said nothing for `patience`, or has given `answers`. An answer that breaks off counts.
 */
export async function sendRaw(
  url: string,
  bytes: string | Uint8Array | readonly (string | Uint8Array)[],
  { patience = 3000, answers = Infinity }: RawOptions = {},
): Promise<RawAnswer[]> {
  const { hostname, port } = new URL(url)
  return await new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port) })
    let received = Buffer.alloc(0)
    const finish = () => {
      socket.destroy()
      resolve(readAnswers(received))
    }
    socket.setTimeout(patience, finish)
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      if (answers < Infinity && readAnswers(received, true).length >= answers) finish()
    })
    // A server that refuses may close, or reset, while we still send.
    socket.on('error', finish)
    socket.on('close', finish)
    const parts = Array.isArray(bytes) ? (bytes as (string | Uint8Array)[]) : [bytes]
    for (const part of parts as (string | Uint8Array)[])
      socket.write(typeof part === 'string' ? Buffer.from(part, 'latin1') : part)
  })
}

/** The answers in what a server sent; `whole`: only those that are there to their end. */
function readAnswers(received: Buffer, whole = false): RawAnswer[] {
  const answers: RawAnswer[] = []
  let rest = received.toString('latin1')
  for (;;) {
    const end = rest.indexOf('\r\n\r\n')
    const [, status] = /^HTTP\/1\.[01] (\d{3})/.exec(rest) ?? []
    if (status === undefined || end < 0) return answers
    const headers = rest
      .slice(0, end)
      .split('\r\n')
      .slice(1)
      .map((line): [string, string] => {
        const colon = line.indexOf(':')
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
      })
    const { body, length, isWhole } = readBody(rest.slice(end + 4), headers, Number(status))
    if (whole && !isWhole) return answers
    answers.push({
      status: Number(status),
      headers,
      header: (name) => {
        const values = headers.filter(([one]) => one === name.toLowerCase()).map(([, v]) => v)
        return values.length > 0 ? values.join(', ') : undefined
      },
      cookies: headers.filter(([name]) => name === 'set-cookie').map(([, value]) => value),
      body: Buffer.from(body, 'latin1').toString('utf8'),
    })
    rest = rest.slice(end + 4 + length)
  }
}

function readBody(text: string, headers: [string, string][], status: number) {
  const valueOf = (name: string) => headers.find(([one]) => one === name)?.[1]
  if (status < 200 || status === 204 || status === 304)
    return { body: '', length: 0, isWhole: true }
  if (/chunked/i.test(valueOf('transfer-encoding') ?? '')) return readChunks(text)
  const size = valueOf('content-length')
  const length = size === undefined ? text.length : Math.min(Number(size), text.length)
  return {
    body: text.slice(0, length),
    length,
    isWhole: size === undefined || length === Number(size),
  }
}

function readChunks(text: string) {
  let at = 0
  let body = ''
  for (;;) {
    const line = text.indexOf('\r\n', at)
    const size = parseInt(text.slice(at, line), 16)
    if (line < 0 || Number.isNaN(size) || text.length < line + 2 + size + 2)
      return { body: body + text.slice(line + 2), length: text.length, isWhole: false }
    body += text.slice(line + 2, line + 2 + size)
    at = line + 2 + size + 2
    if (size === 0) return { body, length: at, isWhole: true }
  }
}
