/** A thousand clients that dawdle, and what ends them; over real sockets. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { readConfig } from '../../proxy/config'
import { usualWaits, type Waits } from '../../proxy/node-server'
import { serve, type Running } from '../../proxy/serve'
import { sessionSecret } from '../stage'
import { freePort } from '../runtime/runtimes'
import { openSocket, speak } from './socket'

const host = 'Host: app.example\r\nX-Latchkey: 1\r\n'
const get = (path: string) => `GET ${path} HTTP/1.1\r\n${host}\r\n`
const login = `POST /bff/login/onesait HTTP/1.1\r\n${host}Content-Type: application/json\r\n`
const soon = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** The server in this process, with waits of its own; it is the built one's code. */
async function serveWith(waits: Partial<Waits>): Promise<Running> {
  const config = readConfig({
    PORT: String(await freePort()),
    PUBLIC_ORIGIN: 'https://app.example',
    SESSION_SECRETS: sessionSecret,
    ONESAIT_CLIENT_ID: 'realm',
    ONESAIT_CLIENT_SECRET: 'a-credential',
    // Nobody is ever asked: the bodies never arrive whole.
    ONESAIT_URL: 'http://127.0.0.1:9',
  })
  const running = await serve(config, new URL('file:///nowhere/'), () => undefined, {
    ...usualWaits,
    ...waits,
  })
  open.push(running)
  return running
}
const open: Running[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((running) => running.close()))
})

describe('whoever is too slow is told, and shown out:', () => {
  const quick = { pause: 300, whole: 900 }

  test.each([
    ['says nothing', ''],
    ['stops in the middle of the request line', 'GET /he'],
    ['stops in the middle of the head', `GET /healthz HTTP/1.1\r\n${host}`],
  ])('a client that %s', async (_, text) => {
    const { url } = await serveWith({ head: 400 })
    const socket = openSocket(url)
    socket.write(text)
    const answer = await socket.answer()
    expect(answer.status).toBe(408)
    expect(answer.headers.get('connection')).toBe('close')
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'request_timeout' })
    await socket.closed
  })

  test('a client that drips its head, byte by byte', async () => {
    const { url } = await serveWith({ head: 400 })
    const socket = openSocket(url)
    const answered = socket.answer()
    const dripping = setInterval(() => socket.write('a'), 20)
    socket.write(`GET /healthz HTTP/1.1\r\n${host}A: `)
    expect((await answered).status).toBe(408)
    await socket.closed
    clearInterval(dripping)
  })

  test.each(['Content-Length: 100\r\n\r\n{', 'Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n'])(
    'a client that stops in the middle of a body (%j)',
    async (rest) => {
      const { url } = await serveWith({ body: quick })
      const socket = openSocket(url)
      socket.write(login + rest)
      const answer = await socket.answer()
      expect(answer.status).toBe(408)
      expect(answer.headers.get('connection')).toBe('close')
      expect(JSON.parse(answer.body)).toMatchObject({ code: 'request_timeout' })
      await socket.closed
    },
  )

  test('a client that drips a body, and so never stops', async () => {
    const { url } = await serveWith({ body: quick })
    const socket = openSocket(url)
    const answered = socket.answer()
    socket.write(`${login}Content-Length: 1000\r\n\r\n{`)
    const dripping = setInterval(() => socket.write(' '), 50)
    expect((await answered).status).toBe(408)
    await socket.closed
    clearInterval(dripping)
  })

  test.each(['GET /healthz', 'GET /bff/session', 'DELETE /bff/session', 'POST /bff/session'])(
    'a client that drips a body at %s, which takes none, after its answer',
    async (line) => {
      const { url } = await serveWith({})
      const socket = openSocket(url)
      socket.write(`${line} HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n`)
      const dripping = setInterval(() => socket.write('1\r\na\r\n'), 50)
      expect((await socket.answer()).status).not.toBe(408)
      await socket.closed
      clearInterval(dripping)
    },
  )

  test('a client that does not come back after its answer', async () => {
    const { url } = await serveWith({ keepAlive: 200 })
    const socket = openSocket(url)
    socket.write(get('/healthz'))
    expect((await socket.answer()).status).toBe(200)
    await socket.closed
  })

  test('a client that reads nothing of what it asks for, and asks on', async () => {
    const { url } = await serveWith({ standstill: 500 })
    const socket = openSocket(url)
    socket.deafen()
    // What is written to a connection that the other side has left comes back as an error.
    const asking = setInterval(() => socket.write(get('/bff/providers').repeat(1000)), 50)
    await socket.closed
    clearInterval(asking)
  })
})

describe('a body', () => {
  test('is counted by its bytes, whatever was announced', async () => {
    const { url } = await serveWith({})
    const socket = openSocket(url)
    socket.write(`${login}Transfer-Encoding: chunked\r\n\r\n`)
    const chunk = `400\r\n${'a'.repeat(1024)}\r\n`
    // Without an end: the answer does not wait for it.
    for (let count = 0; count < 17; count++) socket.write(chunk)
    const answer = await socket.answer()
    expect([answer.status, JSON.parse(answer.body)]).toMatchObject([
      413,
      { code: 'payload_too_large' },
    ])
    await socket.closed
  })

  test('that announces too much is not waited for', async () => {
    const { url } = await serveWith({})
    const answer = await speak(url, `${login}Content-Length: 10000000\r\n\r\n`)
    expect(answer.status).toBe(413)
  })

  test('that nobody reads does not swell the server', async () => {
    const { url } = await serveWith({})
    const socket = openSocket(url)
    socket.write(`${login}Transfer-Encoding: chunked\r\n\r\n`)
    const before = process.memoryUsage().rss
    const chunk = `100000\r\n${'a'.repeat(1024 * 1024)}\r\n`
    let sent = 0
    while (socket.isOpen() && sent < 300) {
      await socket.writeAll(chunk)
      sent++
    }
    await socket.closed
    const grown = Math.round((process.memoryUsage().rss - before) / 1024 / 1024)
    print(`${sent} MB were pushed at a route that takes 16 kB; the process grew by ${grown} MB`)
    expect(socket.text()).toContain('HTTP/1.1 413')
    expect(sent).toBeLessThan(300)
  })
})

describe('while a thousand clients dawdle', () => {
  let running: Running
  const fleet: ReturnType<typeof openSocket>[] = []
  let dripping: ReturnType<typeof setInterval>

  beforeAll(async () => {
    running = await serveWith({ head: 4000, body: { pause: 2000, whole: 4000 } })
    open.length = 0
    const before = memory()
    for (let count = 0; count < 1000; count++) {
      const socket = openSocket(running.url)
      socket.write(
        count % 2 === 0
          ? `GET /bff/session HTTP/1.1\r\n${host}A: `
          : `${login}Content-Length: 5000\r\n\r\n{`,
      )
      fleet.push(socket)
      if (count % 50 === 49) await soon(10)
    }
    dripping = setInterval(() => {
      for (const socket of fleet) if (socket.isOpen()) socket.write(' ')
    }, 500)
    print(`a thousand slow clients: ${memory() - before} MB, theirs and the server's`)
  }, 30_000)
  afterAll(async () => {
    clearInterval(dripping)
    for (const socket of fleet) socket.leave()
    await running.close()
  })

  test('one who does not is served as ever', async () => {
    const taken: number[] = []
    for (let count = 0; count < 200; count++) {
      const begun = performance.now()
      const answer = await speak(running.url, get('/bff/session'))
      taken.push(performance.now() - begun)
      expect([answer.status, answer.body]).toEqual([200, '{"accounts":[]}'])
    }
    expect(taken).toHaveLength(200)
    taken.sort((one, other) => one - other)
    const at = (share: number) => (taken[Math.floor(share * 199)] ?? 0).toFixed(1)
    const still = fleet.filter((socket) => socket.isOpen()).length
    print(`200 answers beside ${still} slow clients: ${at(0.5)} ms, 99 %: ${at(0.99)} ms`)
  }, 30_000)

  test('and all thousand are shown out, each with 408', async () => {
    await Promise.all(fleet.map(({ closed }) => closed))
    const told = fleet.filter((socket) => socket.text().startsWith('HTTP/1.1 408')).length
    print(`${told} of them were told 408`)
    expect(told).toBe(1000)
  }, 30_000)
})

test('a thousand idle connections block nobody', async () => {
  const { url } = await serveWith({})
  const idle = Array.from({ length: 1000 }, () => openSocket(url))
  const kept = openSocket(url)
  for (let count = 0; count < 50; count++) {
    kept.write(get('/bff/session'))
    expect((await kept.answer()).status).toBe(200)
    expect((await speak(url, get('/healthz'))).status).toBe(200)
  }
  for (const socket of [...idle, kept]) socket.leave()
})

test('a server that waits as usual has a limit for each wait', () => {
  expect(usualWaits).toEqual({
    head: 10_000,
    keepAlive: 15_000,
    standstill: 120_000,
    leftovers: 500,
    body: { pause: 15_000, whole: 20_000 },
  })
})

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** Megabytes that this process holds. */
function memory(): number {
  return Math.round(process.memoryUsage().rss / 1024 / 1024)
}
