/** A request written by hand: clients resolve and encode what they are given, attackers do not. */
import { connect } from 'node:net'

export interface RawAnswer {
  /** 0 where the connection was closed without an answer. */
  status: number
  body: string
}

/** Sends these bytes and reads the whole answer. */
export async function sendRaw(
  port: number,
  method: string,
  target: string,
  headers: readonly (readonly [string, string])[] = [],
): Promise<RawAnswer> {
  const lines = [['Host', `localhost:${port}`], ['Connection', 'close'], ...headers]
  const text = lines.map(([name = '', value = '']) => `${name}: ${value}\r\n`).join('')
  const answer = await new Promise<string>((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const pieces: Buffer[] = []
    socket.on('data', (piece) => {
      pieces.push(piece)
      // Not every server closes when it is asked to.
      if (isWhole(Buffer.concat(pieces).toString('latin1'))) socket.destroy()
    })
    // What is refused half-way may end in a reset: what was said until then counts.
    socket.on('error', () => undefined)
    socket.on('close', () => {
      resolve(Buffer.concat(pieces).toString('latin1'))
    })
    socket.write(`${method} ${target} HTTP/1.1\r\n${text}\r\n`, 'latin1')
  })
  const [head = '', ...rest] = answer.split('\r\n\r\n')
  return {
    status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0),
    body: rest.join('\r\n\r\n'),
  }
}

/** Whether nothing more of the answer is to come, as far as it says (RFC 9112 §6.3). */
function isWhole(answer: string): boolean {
  const at = answer.indexOf('\r\n\r\n')
  if (at < 0) return false
  const [head, body] = [answer.slice(0, at), answer.slice(at + 4)]
  if (/^transfer-encoding: chunked/im.test(head)) return body.endsWith('0\r\n\r\n')
  const length = /^content-length: (\d+)/im.exec(head)?.[1]
  return length !== undefined && body.length >= Number(length)
}
