/** A client that says byte for byte what it is told to, as no HTTP library would. */
import { connect, type Socket } from 'node:net'

/** What came back on a connection, as far as it is an answer. */
export interface Heard {
  status: number
  headers: Headers
  body: string
}

/** Opens a connection; what it is written never passes through an HTTP library. */
export function openSocket(url: string) {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  let heard = ''
  let look = () => {}
  socket.setEncoding('latin1')
  socket.on('data', (text: string) => {
    heard += text
    look()
  })
  socket.on('error', () => undefined) // it closes as well
  const closed = new Promise<void>((resolve) =>
    socket.on('close', () => {
      resolve()
      look()
    }),
  )
  return {
    write: (text: string) => void socket.write(text, 'latin1'),
    /** Done when it has been passed on, or nobody takes it any more. */
    writeAll: (text: string) =>
      new Promise<void>((resolve) => {
        socket.write(text, 'latin1', () => {
          resolve()
        })
      }),
    /** From now on reads nothing. */
    deafen: () => void socket.pause(),
    /** What came so far. */
    text: () => heard,
    /** Done when the server, or we, ended it. */
    closed,
    isOpen: () => !socket.destroyed,
    leave: () => void socket.destroy(),
    /** The next whole answer; interim ones are passed over. Throws where the connection ends without. */
    answer: () =>
      new Promise<Heard>((resolve, reject) => {
        look = () => {
          const read = readAnswer(heard, socket)
          if (read) {
            heard = read.rest
            resolve(read.answer)
          } else if (socket.destroyed) reject(new Error(`closed after: ${heard.slice(0, 200)}`))
        }
        look()
      }),
  }
}

function readAnswer(text: string, socket: Socket): { answer: Heard; rest: string } | undefined {
  const [head = ''] = text.split('\r\n\r\n', 1)
  let rest = text.slice(head.length + 4)
  if (rest === '' && !text.endsWith('\r\n\r\n')) return undefined
  const [first = '', ...lines] = head.split('\r\n')
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1])
  if (status === 100) return readAnswer(rest, socket)
  const headers = new Headers(
    lines.map((line): [string, string] => {
      const [, name = '', value = ''] = /^([^:]+): ?(.*)$/.exec(line) ?? []
      return [name, value] as [string, string]
    }),
  )
  const length = headers.get('content-length')
  let body = ''
  if (length !== null) {
    if (rest.length < Number(length) && !socket.destroyed) return undefined
    body = rest.slice(0, Number(length))
    rest = rest.slice(body.length)
  } else if (headers.get('transfer-encoding') === 'chunked') {
    const end = rest.indexOf('\r\n0\r\n\r\n')
    if (end < 0) return undefined
    body = rest.slice(0, end).replace(/(^|\r\n)[\da-f]+\r\n/g, '')
    rest = rest.slice(end + 7)
  }
  return { answer: { status, headers, body }, rest }
}

/** One request as it is given, and the answer. */
export async function speak(url: string, request: string): Promise<Heard> {
  const socket = openSocket(url)
  socket.write(request)
  try {
    return await socket.answer()
  } finally {
    socket.leave()
  }
}
