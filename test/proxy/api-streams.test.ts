/** The API proxy over real sockets, between a real server and a real client. */
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  Agent,
  createServer,
  request,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createRawServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { serve } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { afterEach, describe, expect, test } from 'vitest'
import { createProxy } from '../../proxy/app'
import { readConfig } from '../../proxy/config'
import { createNodeUpstream } from '../../proxy/node-upstream'
import { createStage, type Browser } from '../stage'

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

const megabytes = 1024 * 1024

/** What an API writes into a connection for each request, as it likes. */
type Writer = (request: string, socket: Socket) => unknown

/** An API of a kind that no HTTP server would let one write; its requests have no bodies. */
function rawApi(write: Writer) {
  const sockets = new Set<Socket>()
  const server = createRawServer((socket) => {
    let unread = ''
    sockets.add(socket.on('error', () => undefined))
    socket.on('data', (bytes) => {
      const requests = `${unread}${bytes.toString('latin1')}`.split('\r\n\r\n')
      unread = requests.pop() ?? ''
      for (const request of requests) void write(request, socket)
    })
  })
  closing.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return server
}

/** A whole answer, as text. */
function answerOf(body: string, status = '200 OK'): string {
  return `HTTP/1.1 ${status}\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`
}

function headersOf({ cookies }: Pick<Browser, 'cookies'>) {
  return {
    'x-latchkey': '1',
    cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
  }
}

/** An API that answers as `listener` does or is there already, and the proxy before it with somebody signed in. */
async function start(
  by: 'fetch' | 'undici',
  listener: RequestListener | ReturnType<typeof rawApi>,
  { timeLimit = 10_000, pauseLimit = 60_000 } = {},
) {
  const stage = createStage()
  const browser = stage.browser()
  await browser.signIn('seznam')

  const api = typeof listener === 'function' ? createServer(listener) : listener
  api.listen(0, '127.0.0.1')
  await once(api, 'listening')
  const apiUrl = `http://127.0.0.1:${(api.address() as AddressInfo).port}`

  const upstream = createNodeUpstream()
  closing.push(() => void upstream.close())
  const config = readConfig({ ...stage.env, SEZNAM_API_URL: apiUrl, SEZNAM_API_PATHS: '/v1' })
  const app = createProxy(config, {
    fetch: (input, init) =>
      (input instanceof URL && input.origin === apiUrl ? fetch : stage.fetch)(input, init),
    now: () => stage.clock.now,
    log: (level, event, fields) => stage.lines.push(JSON.stringify({ level, event, ...fields })),
    timeLimit,
    pauseLimit,
    ...(by === 'undici' ? { upstream: upstream.call } : {}),
  })
  const server = serve({
    fetch: async (request, { outgoing }) => {
      const answer = await app.fetch(request)
      return upstream.deliver(answer, outgoing) ? RESPONSE_ALREADY_SENT : answer
    },
    port: 0,
    hostname: '127.0.0.1',
  }) as Server
  await once(server, 'listening')
  for (const one of [api, server])
    closing.push(() => {
      one.close()
      if ('closeAllConnections' in one) one.closeAllConnections()
    })
  const { port } = server.address() as AddressInfo
  const headers = headersOf(browser)
  return {
    lines: stage.lines,
    port,
    headers,
    /** What one more person's requests carry. */
    another: async () => {
      const other = stage.browser()
      await other.signIn('seznam')
      return headersOf(other)
    },
    ask: (init: RequestInit = {}) =>
      fetch(`http://127.0.0.1:${port}/bff/api/seznam/v1`, {
        ...init,
        headers: { ...headers, ...Object.fromEntries(new Headers(init.headers)) },
        ...(init.body instanceof ReadableStream ? { duplex: 'half' } : {}),
      }),
  }
}

/** Chunks with which a test decides when each is sent. */
function byHand() {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined
  const stream = new ReadableStream<Uint8Array>({ start: (its) => (controller = its) })
  return {
    stream,
    say: (text: string) => controller?.enqueue(new TextEncoder().encode(text)),
    end: () => controller?.close(),
    fail: () => controller?.error(new Error('gone')),
  }
}

async function nextText(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  const { value } = await reader.read()
  return new TextDecoder().decode(value)
}

function readerOf({ body }: Response) {
  if (!body) throw new Error('there is no body')
  return body.getReader()
}

async function digestOf(chunks: AsyncIterable<unknown>): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of chunks) hash.update(chunk as Uint8Array)
  return hash.digest('hex')
}

async function* readerAsChunks(answer: Response): AsyncGenerator<Uint8Array> {
  const reader = readerOf(answer)
  for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value
}

describe.each(['fetch', 'undici'] as const)('by %s,', (by) => {
  const between = (
    listener: RequestListener | ReturnType<typeof rawApi>,
    limits?: { timeLimit?: number; pauseLimit?: number },
  ) => start(by, listener, limits)

  test('an answer arrives as it is sent, piece by piece', async () => {
    let answer: ServerResponse | undefined
    const { ask } = await between((_, response) => {
      answer = response
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write('one')
    })
    const reader = readerOf(await ask())
    for (const text of ['one', 'two', 'three']) {
      if (text !== 'one') answer?.write(text)
      expect(await nextText(reader)).toBe(text)
    }
    answer?.end()
    expect((await reader.read()).done).toBe(true)
  })

  test('an answer that pauses for longer than the time limit goes on', async () => {
    const { ask } = await between(
      (_, response) => {
        response.write('one')
        setTimeout(() => response.end('two'), 400)
      },
      { timeLimit: 150 },
    )
    expect(await (await ask()).text()).toBe('onetwo')
  })

  test('a request arrives as it is sent, piece by piece', async () => {
    const arrived: string[] = []
    const { stream, say, end } = byHand()
    const { ask } = await between((incoming, response) => {
      incoming.on('data', (chunk: Buffer) => {
        arrived.push(chunk.toString())
        if (arrived.length === 1) say('two')
        else if (arrived.length === 2) end()
      })
      incoming.on('end', () => response.end(arrived.join(' ')))
    })
    say('one')
    expect(await (await ask({ method: 'POST', body: stream })).text()).toBe('one two')
  })

  test('a person who sends slowly is waited for, an API that then says nothing is not', async () => {
    let mode: 'answers' | 'hangs' = 'answers'
    const { ask } = await between(
      (incoming, response) => {
        incoming.resume().on('end', () => mode === 'answers' && response.end('good'))
      },
      { timeLimit: 150 },
    )
    const slowly = async () => {
      const { stream, say, end } = byHand()
      const asked = ask({ method: 'PUT', body: stream })
      for (let count = 0; count < 4; count++) {
        say('x')
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
      end()
      return await asked
    }
    expect(await (await slowly()).text()).toBe('good')
    mode = 'hangs'
    const answer = await slowly()
    expect(answer.status).toBe(504)
    expect(await answer.json()).toMatchObject({ code: 'provider_timeout' })
  })

  test('20 MB pass both ways, unchanged and at once', async () => {
    const [there, back] = [randomBytes(20 * megabytes), randomBytes(20 * megabytes)]
    let arrived: Promise<string> | undefined
    const { ask } = await between((incoming, response) => {
      arrived = digestOf(incoming)
      void arrived.then(() => response.end(back))
    })
    const answer = await ask({ method: 'POST', body: there })
    expect(await digestOf(readerAsChunks(answer))).toBe(await digestOf([back] as never))
    expect(await arrived).toBe(await digestOf([there] as never))
  })

  test('nothing is piled up for a browser that does not read', async () => {
    let sent = 0
    const { port, headers } = await between((_, response) => {
      const piece = Buffer.alloc(megabytes)
      const pour = (): void => {
        for (;;) {
          sent++
          if (sent > 200) return void response.end()
          if (!response.write(piece)) return void response.once('drain', pour)
        }
      }
      pour()
    })
    const asked = request({ host: '127.0.0.1', port, path: '/bff/api/seznam/v1', headers }).end()
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    await new Promise((resolve) => setTimeout(resolve, 500))
    // What the sockets' own buffers hold, and no more.
    expect(sent).toBeLessThan(40)
    answer.destroy()
  })

  test.each(['before the answer', 'in the middle of it', 'in the middle of the request'])(
    'who leaves %s takes the call along, and nobody is blamed',
    async (when) => {
      let gone: Promise<unknown> | undefined
      let arrived: () => void = () => undefined
      const begun = new Promise<void>((resolve) => (arrived = resolve))
      const { ask, lines } = await between((incoming, response) => {
        incoming.resume()
        gone = once(response, 'close')
        if (when === 'in the middle of it') response.write('one')
        arrived()
      })
      const leaving = new AbortController()
      const { stream, say } = byHand()
      say('one')
      const asked = ask({
        signal: leaving.signal,
        ...(when === 'in the middle of the request' ? { method: 'POST', body: stream } : {}),
      })
      if (when === 'in the middle of it') await nextText(readerOf(await asked))
      await begun
      leaving.abort()
      await asked.catch(() => undefined)
      await gone
      await new Promise((resolve) => setTimeout(resolve, 50))
      expect(lines.filter((line) => line.includes('request failed'))).toEqual([])
    },
  )

  test('an answer that is cut off does not look like a whole one', async () => {
    const { ask } = await between((_, response) => {
      response.write('half')
      setTimeout(() => response.destroy(), 50)
    })
    const answer = await ask()
    await expect(answer.text()).rejects.toThrow()
  })

  test('a compressed answer arrives unpacked, and says nothing of how it was packed', async () => {
    const packed = gzipSync('hello '.repeat(1000))
    const { ask } = await between((_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': packed.length })
      response.end(packed)
    })
    const answer = await ask()
    expect(answer.headers.get('content-encoding')).toBeNull()
    expect(answer.headers.get('content-length')).toBeNull()
    expect(await answer.text()).toBe('hello '.repeat(1000))
  })

  test('a part of a compressed answer, whose range would be of other bytes, is none', async () => {
    const packed = gzipSync('hello '.repeat(1000))
    const { ask } = await between((_, response) => {
      response.writeHead(206, {
        'content-encoding': 'gzip',
        'content-range': `bytes 0-${packed.length - 1}/${packed.length}`,
      })
      response.end(packed)
    })
    const answer = await ask({ headers: { range: 'bytes=0-' } })
    expect(answer.status).toBe(502)
    expect(await answer.json()).toMatchObject({ code: 'provider_error' })
  })

  test('an answer of no bytes is empty, however it says they are packed', async () => {
    const { ask } = await between((_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': 0 }).end()
    })
    const answer = await ask()
    expect(answer.status).toBe(200)
    expect(await answer.text()).toBe('')
  })

  test('HEAD says nothing of a length that GET would not bring', async () => {
    const { ask } = await between((_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': 12345 }).end()
    })
    expect((await ask({ method: 'HEAD' })).headers.get('content-length')).toBeNull()
  })

  test('HEAD comes back with the length of what it is about', async () => {
    const { ask } = await between((incoming, response) => {
      response.writeHead(200, { 'content-length': 12345, 'x-was': incoming.method })
      response.end()
    })
    const answer = await ask({ method: 'HEAD' })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-length')).toBe('12345')
  })

  test.each([600, 999])('an answer with status %i is none', async (status) => {
    const { ask } = await between((_, response) => response.writeHead(status).end('x'))
    const answer = await ask()
    expect(answer.status).toBe(502)
    expect(await answer.json()).toMatchObject({ code: 'provider_error' })
  })

  test('a request without a body goes out without one', async () => {
    const { ask } = await between((incoming, response) => {
      const { 'transfer-encoding': chunked, 'content-length': length } = incoming.headers
      response.end(JSON.stringify({ method: incoming.method, chunked, length }))
    })
    for (const method of ['GET', 'DELETE', 'OPTIONS'])
      expect(await (await ask({ method })).json()).toEqual({ method })
    expect(await (await ask({ method: 'POST' })).json()).toEqual({ method: 'POST', length: '0' })
  })

  test('a request that turns out to have no body is sent again after a refusal', async () => {
    const tokens = new Set<string | undefined>()
    const { ask } = await between((incoming, response) => {
      tokens.add(incoming.headers.authorization)
      response.writeHead(tokens.size === 1 ? 401 : 200).end()
    })
    expect((await ask({ method: 'DELETE' })).status).toBe(200)
    expect(tokens.size).toBe(2)
  })

  test('what a server sees of a request is what was let through, and what its connection needs', async () => {
    const { port, headers } = await between((incoming, response) => {
      response.end(JSON.stringify(incoming.rawHeaders.filter((_, at) => at % 2 === 0)))
    })
    const smuggled = {
      te: 'trailers',
      'x-y': '1',
      'proxy-connection': 'x',
      'keep-alive': '1',
      expect: '100-continue',
      connection: 'close, x-latchkey, authorization, x-y',
    }
    const asked = request({
      host: '127.0.0.1',
      port,
      path: '/bff/api/seznam/v1',
      headers: { ...headers, ...smuggled },
    }).end()
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    const text = (await answer.toArray()).join('')
    expect(new Set((JSON.parse(text) as string[]).map((name) => name.toLowerCase()))).toEqual(
      new Set([
        ...['host', 'connection', 'accept', 'authorization'],
        ...['accept-encoding', 'user-agent'],
        // Of `fetch` itself.
        ...(by === 'fetch' ? ['accept-language', 'sec-fetch-mode'] : []),
      ]),
    )
  })

  test.each(['TRACE', 'PROPFIND', 'PURGE'])('%s is no method here', async (method) => {
    let calls = 0
    const { port, headers } = await between((_, response) => {
      calls++
      response.end()
    })
    const asked = request({ method, host: '127.0.0.1', port, path: '/bff/api/seznam/v1', headers })
    const [answer] = (await once(asked.end(), 'response')) as [IncomingMessage]
    answer.resume()
    expect(answer.statusCode).toBe(405)
    expect(calls).toBe(0)
  })

  test.each([301, 302, 303, 307, 308])('a redirect by %i is followed by nobody', async (status) => {
    let visitors = 0
    const sentinel = createServer((_, response) => {
      visitors++
      response.end()
    })
    sentinel.listen(0, '127.0.0.1')
    await once(sentinel, 'listening')
    closing.push(() => void sentinel.close())
    const location = `http://127.0.0.1:${(sentinel.address() as AddressInfo).port}/`
    const { ask } = await between((_, response) => response.writeHead(status, { location }).end())
    const answer = await ask({ method: 'POST', body: 'x', redirect: 'manual' })
    expect(answer.status).toBe(status)
    expect(answer.headers.get('location')).toBeNull()
    expect(visitors).toBe(0)
  })

  test.each([
    '/bff/api/seznam/v1/../../seznam/v10',
    '/bff/api/seznam/v1%2f..%2fx',
    '/bff/api/seznam/v1\\..\\v10',
    '/bff/api/seznam//v1',
    '//bff/api/seznam/v1',
    'http://evil.example/bff/api/seznam/v10',
    '/bff/api/seznam/v1/..;/x',
    '/bff/api/seznam/v1/%00',
    '*',
  ])('a raw request for %s is refused, and nothing is sent', async (path) => {
    let calls = 0
    const { port, headers } = await between((_, response) => {
      calls++
      response.end()
    })
    const asked = request({ host: '127.0.0.1', port, path, headers }).end()
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    answer.resume()
    expect([400, 404]).toContain(answer.statusCode)
    expect(calls).toBe(0)
  })

  test('an answer that pauses for too long is cut off, one that trickles is not', async () => {
    let mode: 'trickles' | 'stops' = 'trickles'
    const { ask } = await between(
      (_, response) => {
        response.write('x')
        if (mode === 'stops') return
        let left = 5
        const more = setInterval(() => {
          response.write('x')
          if (--left > 0) return
          clearInterval(more)
          response.end()
        }, 100)
      },
      { pauseLimit: 300 },
    )
    expect(await (await ask()).text()).toBe('xxxxxx')
    mode = 'stops'
    await expect((await ask()).text()).rejects.toThrow()
  })

  test('a token is covered however its answer is cut, and nothing else waits', async () => {
    let said = ''
    const { ask } = await between((incoming, response) => {
      const token = incoming.headers.authorization?.slice('Bearer '.length) ?? ''
      said = `${token.slice(0, -1)}x`
      void (async () => {
        for (const piece of [`data: ${token.slice(0, 5)}`, token.slice(5), '\n\n', said, '.']) {
          response.write(piece)
          await new Promise((resolve) => setTimeout(resolve, 30))
        }
        response.end()
      })()
    })
    const text = await (await ask()).text()
    expect(text).toMatch(/^data: \*{20,}\n\n/)
    expect(text.endsWith(`\n\n${said}.`)).toBe(true)
  })

  test('a token is covered in a compressed answer', async () => {
    const { ask } = await between((incoming, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' })
      response.end(gzipSync(String(incoming.headers.authorization)))
    })
    expect(await (await ask()).text()).toMatch(/^Bearer \*{20,}$/)
  })

  test.each(['br2', 'gzip, gzip', 'aes128gcm'])(
    'an answer encoded by %s, in which nobody would see the token, is none',
    async (encoding) => {
      const { ask } = await between((_, response) => {
        response.writeHead(200, { 'content-encoding': encoding })
        response.end(gzipSync(gzipSync('x')))
      })
      const answer = await ask()
      expect(answer.status).toBe(502)
      expect(await answer.json()).toMatchObject({ code: 'provider_error' })
    },
  )

  test('what an API says before its answer stays behind, and an empty answer is empty', async () => {
    const { ask } = await between((incoming, response) => {
      const raw = incoming.socket
      raw.write('HTTP/1.1 103 Early Hints\r\nLink: </x.js>; rel=preload\r\n\r\n')
      raw.write('HTTP/1.1 204 No Content\r\nX-Y: 1\r\n\r\nHTTP/1.1 200 OK\r\n\r\nsmuggled')
      response.destroy()
    })
    for (let count = 0; count < 3; count++) {
      const answer = await ask()
      expect(answer.status).toBe(204)
      expect(answer.headers.get('link')).toBeNull()
      expect(await answer.text()).toBe('')
    }
  })

  test.each([
    ['a word', 'hello\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    [
      'a length and chunks',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['a header of 100 kB', `HTTP/1.1 200 OK\r\nETag: ${'x'.repeat(100_000)}\r\n\r\n`],
    [
      'another protocol',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
    ],
    ['nothing', ''],
  ])('an API that answers %s is in trouble, and nobody is signed out', async (_, answered) => {
    const { ask } = await between(({ socket }) => socket.end(answered))
    const answer = await ask()
    expect(answer.status).toBe(502)
    const { code } = (await answer.json()) as { code: string }
    expect(['provider_error', 'provider_unreachable']).toContain(code)
  })

  test('a length that the browser stated is the length that arrives', async () => {
    const { ask } = await between((incoming, response) => {
      incoming.resume().on('end', () => response.end(incoming.headers['content-length'] ?? 'none'))
    })
    expect(await (await ask({ method: 'PUT', body: 'x'.repeat(1000) })).text()).toBe('1000')
    // `fetch` sends no stream with a length.
    expect(await (await ask({ method: 'PUT', body: 'x'.repeat(200_000) })).text()).toBe(
      by === 'undici' ? '200000' : 'none',
    )
  })

  test('an API that refuses a large request before it has read it is heard', async () => {
    const { ask } = await between((_, response) => {
      response.writeHead(413).end('too large')
    })
    const answer = await ask({ method: 'PUT', body: randomBytes(2 * megabytes) })
    expect(answer.status).toBe(413)
    expect(await answer.text()).toBe('too large')
  })

  test('nothing of the cookies is lost where an answer passes as it arrives', async () => {
    const tokens = new Set<string | undefined>()
    const { ask } = await between((incoming, response) => {
      tokens.add(incoming.headers.authorization)
      response.writeHead(tokens.size === 1 ? 401 : 200).end('ok')
    })
    const answer = await ask()
    expect(answer.headers.getSetCookie()).toHaveLength(1)
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    expect(await answer.text()).toBe('ok')
  })

  test.each([
    ['204 No Content', undefined],
    ['205 Reset Content', '0'],
  ])(
    'after a %s that states a length comes the next answer, whoever waits for it',
    async (status, length) => {
      const { port, headers } = await between(
        rawApi((request, socket) =>
          socket.write(
            request.startsWith('GET /v1/first')
              ? answerOf('x'.repeat(2000), status)
              : answerOf('second'),
          ),
        ),
      )
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      closing.push(() => {
        agent.destroy()
      })
      const get = async (path: string) => {
        const asked = request({
          agent,
          host: '127.0.0.1',
          port,
          path: `/bff/api/seznam/v1/${path}`,
          headers,
        }).end()
        const [answer] = (await once(asked, 'response')) as [IncomingMessage]
        expect(answer.headers['content-length']).toBe(path === 'first' ? length : '6')
        return { text: (await answer.toArray()).join(''), isReused: asked.reusedSocket }
      }
      expect(await get('first')).toEqual({ text: '', isReused: false })
      expect(await get('second')).toEqual({ text: 'second', isReused: true })
    },
  )
})

describe('an API that sends one answer too many', () => {
  test.each([
    ['an answer', answerOf('first')],
    ['an answer without a body', 'HTTP/1.1 204 No Content\r\n\r\n'],
  ])('after %s, has nobody else read it', async (_, first) => {
    let tokenOfFirst: string | undefined
    const { ask, another } = await start(
      'undici',
      rawApi(async (request, socket) => {
        const [token] = /Bearer \S+/i.exec(request) ?? []
        tokenOfFirst ??= token
        if (token === tokenOfFirst) {
          socket.write(first)
          await wait(15)
          socket.write(answerOf('too many'))
        } else {
          await wait(30)
          socket.write(answerOf('second'))
        }
      }),
    )
    const headers = await another()
    for (let round = 0; round < 20; round++) {
      await (await ask()).text()
      expect(await (await ask({ headers })).text()).toBe('second')
    }
  })
})
