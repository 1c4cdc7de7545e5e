/** What no HTTP library would send, to the built server over real sockets. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { builtServer, startServer, type Server } from '../browser/server'
import { sessionSecret } from '../stage'
import { openSocket, speak } from './socket'

const origin = 'https://app.example'
let server: Server

beforeAll(async () => {
  server = await startServer(builtServer, {
    PORT: '0',
    NODE_ENV: 'production',
    PUBLIC_ORIGIN: origin,
    SESSION_SECRETS: sessionSecret,
  })
})
afterAll(() => server.stop())

const host = 'Host: app.example\r\n'
const ours = `${host}X-Latchkey: 1\r\n`
const kilobytes = (count: number) => 'a'.repeat(count * 1024)

/** RFC 9112 unless stated; every one of them gets a problem, and no more than that. */
const refused: Record<string, [status: number, code: string, request: string]> = {
  'no request line': [400, 'invalid_request', 'hello\r\n\r\n'],
  'HTTP/0.9': [400, 'invalid_request', 'GET /\r\n\r\n'],
  'HTTP/2 in an HTTP/1 line': [400, 'invalid_request', `GET / HTTP/2.0\r\n${host}\r\n`],
  'the preface of HTTP/2': [400, 'invalid_request', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  'a method that is none': [400, 'invalid_request', `TRACK / HTTP/1.1\r\n${host}\r\n`],
  'TRACE of a route': [405, 'method_not_allowed', `TRACE /bff/session HTTP/1.1\r\n${ours}\r\n`],
  CONNECT: [
    405,
    'method_not_allowed',
    'CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n',
  ],
  'the asterisk': [400, 'invalid_request', `OPTIONS * HTTP/1.1\r\n${host}\r\n`],
  'an authority as target': [400, 'invalid_request', `GET evil.example HTTP/1.1\r\n${host}\r\n`],
  'a user in an absolute target': [
    400,
    'invalid_request',
    `GET http://a@evil.example/ HTTP/1.1\r\n${host}\r\n`,
  ],
  'an absolute target of FTP': [
    400,
    'invalid_request',
    `GET ftp://evil.example/ HTTP/1.1\r\n${host}\r\n`,
  ],
  'a byte beyond ASCII in the target': [
    400,
    'invalid_request',
    `GET /\xe9 HTTP/1.1\r\n${host}\r\n`,
  ],
  'NUL in the target': [400, 'invalid_request', `GET /\0 HTTP/1.1\r\n${host}\r\n`],
  'no Host': [400, 'invalid_request', 'GET /healthz HTTP/1.1\r\n\r\n'],
  'an empty Host': [400, 'invalid_request', 'GET /healthz HTTP/1.1\r\nHost:\r\n\r\n'],
  'two Hosts': [
    400,
    'invalid_request',
    `GET /healthz HTTP/1.1\r\n${host}Host: evil.example\r\n\r\n`,
  ],
  'a Host twice': [400, 'invalid_request', `GET /healthz HTTP/1.1\r\n${host}${host}\r\n`],
  'a user in Host': [
    400,
    'invalid_request',
    'GET /healthz HTTP/1.1\r\nHost: a@evil.example\r\n\r\n',
  ],
  'a path in Host': [
    400,
    'invalid_request',
    'GET /healthz HTTP/1.1\r\nHost: evil.example/a\r\n\r\n',
  ],
  'a bare line feed': [400, 'invalid_request', 'GET /healthz HTTP/1.1\nHost: app.example\n\n'],
  'length and chunks': [
    400,
    'invalid_request',
    `POST /healthz HTTP/1.1\r\n${host}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ],
  'two lengths': [
    400,
    'invalid_request',
    `POST /healthz HTTP/1.1\r\n${host}Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd`,
  ],
  'a length that is none': [
    400,
    'invalid_request',
    `POST /healthz HTTP/1.1\r\n${host}Content-Length: -1\r\n\r\n`,
  ],
  'an unknown transfer encoding': [
    400,
    'invalid_request',
    `POST /healthz HTTP/1.1\r\n${host}Transfer-Encoding: xchunked\r\n\r\n`,
  ],
  'a transfer encoding beside the chunks': [
    400,
    'invalid_request',
    `POST /healthz HTTP/1.1\r\n${host}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
  ],
  'a chunk size that is none': [
    400,
    'invalid_request',
    `POST /healthz HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\nzz\r\n`,
  ],
  'an endless chunk extension': [
    413,
    'payload_too_large',
    `POST /healthz HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n1;${kilobytes(20)}\r\na\r\n0\r\n\r\n`,
  ],
  'a folded header': [400, 'invalid_request', `GET /healthz HTTP/1.1\r\n${host}A: b\r\n c\r\n\r\n`],
  'a blank before the colon': [
    400,
    'invalid_request',
    `GET /healthz HTTP/1.1\r\n${host}A : b\r\n\r\n`,
  ],
  'an expectation we do not know': [
    400,
    'invalid_request',
    `GET /healthz HTTP/1.1\r\n${host}Expect: tea\r\n\r\n`,
  ],
  'a head beyond what is read': [
    431,
    'headers_too_large',
    `GET /healthz HTTP/1.1\r\n${host}A: ${kilobytes(1500)}\r\n\r\n`,
  ],
  'more header fields than are read': [
    431,
    'headers_too_large',
    `GET /healthz HTTP/1.1\r\n${host}${'a: b\r\n'.repeat(2500)}\r\n`,
  ],
  'a header of 66 kB': [
    431,
    'headers_too_large',
    `GET /healthz HTTP/1.1\r\n${host}A: ${kilobytes(66)}\r\n\r\n`,
  ],
  'an address of 66 kB': [
    431,
    'headers_too_large',
    `GET /?${kilobytes(66)} HTTP/1.1\r\n${host}\r\n`,
  ],
  'cookies of 145 kB': [
    431,
    'headers_too_large',
    `GET /bff/session HTTP/1.1\r\n${ours}Cookie: a=${kilobytes(145)}\r\n\r\n`,
  ],
}

describe('what Node would answer, or cut off, by itself', () => {
  test.each(Object.entries(refused))(
    '%s is a problem of ours',
    async (_, [status, code, request]) => {
      const before = server.output().length
      const answer = await speak(server.url, request)
      expect(answer.status).toBe(status)
      expect(JSON.parse(answer.body)).toMatchObject({ status, code, type: `urn:latchkey:${code}` })
      expect(Object.fromEntries(answer.headers)).toMatchObject({
        'content-type': 'application/problem+json',
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'content-security-policy': expect.stringContaining("default-src 'none'") as string,
        'strict-transport-security': expect.stringContaining('max-age=') as string,
      })
      for (const text of [
        answer.body,
        JSON.stringify([...answer.headers]),
        server.output().slice(before),
      ])
        expect(text).not.toContain('evil')
    },
  )

  test.each(Object.entries(refused).filter(([, [, , request]]) => !request.includes('X-Latchkey')))(
    '%s ends the connection',
    async (what, [, , request]) => {
      // The application's own: the request was whole, and the next one may be better.
      if (/of 66 kB/.test(what)) return
      const socket = openSocket(server.url)
      socket.write(request)
      expect((await socket.answer()).headers.get('connection')).toBe('close')
      await socket.closed
    },
  )

  test('a refusal is one line of the log, with the id that the answer bears', async () => {
    const answer = await speak(server.url, 'nonsense\r\n\r\n')
    const id = answer.headers.get('x-request-id') ?? ''
    expect(id).toMatch(/^[\da-f-]{36}$/)
    const find = () =>
      server
        .output()
        .split('\n')
        .filter((line) => line.includes(id))
    // The log comes through a pipe of its own.
    await expect.poll(() => find().length, { timeout: 8000 }).toBe(1)
    const lines = find()
    expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
      {
        message: 'refused',
        properties: { code: 'invalid_request', status: 400, network: '127.0.0.1' },
      },
    ])
  })

  test('junk behind a request that is still being answered is no part of its answer', async () => {
    const socket = openSocket(server.url)
    socket.write(`GET /healthz HTTP/1.1\r\n${host}\r\njunk\r\n\r\n`)
    await socket.closed
    expect(socket.text().match(/HTTP\/1\.1 \d+/g)).toHaveLength(1)
  })
})

describe('what is unusual and yet a request', () => {
  const accepted: Record<string, [request: string, body: RegExp]> = {
    'an absolute target': [`GET http://evil.example/healthz HTTP/1.1\r\n${host}\r\n`, /ok/],
    'an absolute target of https with a port': [
      `GET https://evil.example:99/healthz HTTP/1.1\r\n${host}\r\n`,
      /ok/,
    ],
    'an absolute target, of a route': [
      `GET http://evil.example/bff/session HTTP/1.1\r\n${ours}\r\n`,
      /accounts/,
    ],
    'a foreign Host': ['GET /healthz HTTP/1.1\r\nHost: evil.example:99\r\n\r\n', /ok/],
    'an IPv6 Host': ['GET /healthz HTTP/1.1\r\nHost: [::1]:80\r\n\r\n', /ok/],
    'HTTP/1.0 without Host': ['GET /healthz HTTP/1.0\r\n\r\n', /ok/],
    'an upgrade to WebSocket': [
      `GET /healthz HTTP/1.1\r\n${host}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
      /ok/,
    ],
    'an upgrade to HTTP/2': [
      `GET /healthz HTTP/1.1\r\n${host}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n`,
      /ok/,
    ],
    'backslashes, which are slashes': [`GET /bff\\session HTTP/1.1\r\n${ours}\r\n`, /accounts/],
    'backslashes that make dot segments': [
      `GET /bff/x\\..\\session HTTP/1.1\r\n${ours}\r\n`,
      /accounts/,
    ],
    'a backslash in the query, which stays one': [
      `GET /bff/session?a=\\..\\b HTTP/1.1\r\n${ours}\r\n`,
      /accounts/,
    ],
    '100-continue': [
      `POST /bff/login/onesait HTTP/1.1\r\n${ours}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}`,
      /provider_off/,
    ],
    'a body where none is taken': [
      `GET /healthz HTTP/1.1\r\n${host}Content-Length: 2\r\n\r\nab`,
      /ok/,
    ],
  }

  test.each(Object.entries(accepted))('%s', async (_, [request, body]) => {
    const before = server.output().length
    const answer = await speak(server.url, request)
    expect(answer.body).toMatch(body)
    for (const text of [JSON.stringify([...answer.headers]), server.output().slice(before)])
      expect(text).not.toContain('evil')
  })

  test('no answer names a host of the request, whatever comes of it', async () => {
    for (const target of [
      '/',
      '/bff/login/onet',
      '/bff/callback/onet?code=a&state=b',
      '//evil.example/',
      '/nowhere',
    ])
      for (const form of [`http://evil.example${target}`, target]) {
        const answer = await speak(
          server.url,
          `GET ${form} HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: evil.example\r\n\r\n`,
        )
        expect(`${JSON.stringify([...answer.headers])}${answer.body}`, form).not.toContain('evil')
      }
  })

  test('what follows an unread body is no request', async () => {
    const socket = openSocket(server.url)
    const inside = `GET /bff/session HTTP/1.1\r\n${ours}\r\n`
    socket.write(
      `POST /bff/session HTTP/1.1\r\n${ours}Content-Length: ${inside.length}\r\n\r\n${inside}`,
    )
    expect((await socket.answer()).status).toBe(405)
    socket.write(`GET /healthz HTTP/1.1\r\n${host}\r\n`)
    expect((await socket.answer()).body).toContain('ok')
    socket.leave()
  })
})
