/** By size and by slowness: bodies that are too large or never end, and connections that only wait. */
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { growthOf } from './memory'
import { rawCall } from './raw-call'
import { openStand, type Browser, type Stand } from './stand'

let stand: Stand
let victim: Browser
const open = new Set<Socket>()

beforeAll(async () => {
  stand = await openStand()
  victim = stand.browser()
  await victim.signIn('gearcode')
})
afterAll(async () => {
  for (const socket of open) socket.destroy()
  await stand.close()
})

/** Milliseconds in which a connection must be over that would wait for longer by Node's own limits. */
const atLast = 40_000
const login = '/bff/login/onesait'
const lines = ['Content-Type: application/json']
const big = 10 * 1024 * 1024
const head = (more: string[], target = login) =>
  rawCall(victim, target, { method: 'POST', lines: [...lines, ...more] })

/** A connection that goes on as it likes; what came back, once it is over, or undefined where it never is. */
async function trickle(begin: string, more: (socket: Socket) => void, every = 1000) {
  const { hostname, port } = new URL(stand.url)
  const socket = connect({ host: hostname, port: Number(port) })
  open.add(socket)
  let received = ''
  socket.on('data', (bytes) => (received += bytes.toString('latin1')))
  socket.on('error', () => undefined) // a reset is an end
  socket.write(begin, 'latin1')
  const drip = setInterval(() => {
    if (socket.writable) more(socket)
  }, every)
  const isOver = await new Promise<boolean>((resolve) => {
    const late = setTimeout(() => {
      resolve(false)
    }, atLast)
    socket.on('close', () => {
      clearTimeout(late)
      resolve(true)
    })
  })
  clearInterval(drip)
  open.delete(socket)
  socket.destroy()
  return isOver ? received : undefined
}

test('A60 request body: ten megabytes are refused, with a length, without one, and with a lie', async () => {
  const body = `{"username":"${'x'.repeat(big)}`
  const megabyte = `100000\r\n${'x'.repeat(0x100000)}\r\n`
  const growth = await growthOf(stand.pid() ?? 0, async () => {
    for (const target of [login, '/bff/accounts/gearcode/revoke', '/bff/tickets/gearcode'])
      for (const bytes of [
        head([`Content-Length: ${body.length}`], target) + body,
        head(['Transfer-Encoding: chunked'], target) + megabyte.repeat(10) + '0\r\n\r\n',
        // Never ends.
        head(['Transfer-Encoding: chunked'], target) + megabyte.repeat(10),
        head(['Content-Length: 999999999999'], target),
        head([`Content-Length: ${big}`, 'Expect: 100-continue'], target),
      ]) {
        const answers = await stand.raw(bytes, { patience: 2000 })
        const final = answers.find(({ status }) => status >= 200)
        // Whoever does not read it all may have to close before the answer is read.
        if (final) expect([404, 405, 408, 413, 417], target).toContain(final.status)
      }
  })
  process.stdout.write(`Peak over bodies of ten megabytes: +${growth} MiB\n`)
  expect(growth).toBeLessThan(64)
  expect(stand.arrived('onesait').token).toBe(0)
  expect(await victim.signedIn()).toEqual(['gearcode'])
}, 60_000)

test('A60 request body: a length that is too small or too large is no way to a second request', async () => {
  const small = await stand.raw(
    head(['Content-Length: 2']) + '{}GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n',
    {
      patience: 1000,
    },
  )
  expect(small.map(({ status }) => status)).toEqual([400])
})

test.concurrent(
  'A60 request body: one that stops is given up',
  async () => {
    const received = await trickle(head(['Content-Length: 100']) + '{', () => undefined)
    expect(received).toMatch(/^(HTTP\/1\.1 408 |$)/)
  },
  60_000,
)

test.concurrent(
  'A60 request body: one that comes a byte a second is given up',
  async () => {
    const received = await trickle(head(['Content-Length: 10000']) + '{', (socket) => {
      socket.write('x')
    })
    expect(received).toMatch(/^(HTTP\/1\.1 408 |$)/)
  },
  60_000,
)

test.concurrent(
  'A60 request body: one that comes a chunk a second is given up',
  async () => {
    const received = await trickle(
      head(['Transfer-Encoding: chunked']) + '1\r\n{\r\n',
      (socket) => {
        socket.write('1\r\nx\r\n')
      },
    )
    expect(received).toMatch(/^(HTTP\/1\.1 408 |$)/)
  },
  60_000,
)

test.concurrent(
  'A61 slowloris: headers that never end are cut off',
  async () => {
    const starts = [
      '',
      'G',
      'GET / HTTP/1.1\r\nHost: x\r\n',
      rawCall(victim, '/bff/session').slice(0, -2),
    ]
    const ends = await Promise.all(
      starts.map((start) =>
        trickle(start, (socket) => {
          if (start !== '') socket.write('X-A: b\r\n')
        }),
      ),
    )
    for (const received of ends) expect(received).toMatch(/^(HTTP\/1\.1 (408|400) |$)/)
  },
  60_000,
)

test.concurrent(
  'A61 slowloris: a connection that was answered and says nothing more is closed',
  async () => {
    const received = await trickle('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n', () => undefined)
    expect(received).toMatch(/^HTTP\/1\.1 200 /)
  },
  60_000,
)

test.concurrent(
  'A61 slowloris: five hundred waiting connections keep nobody from being served',
  async () => {
    const begun = [
      '',
      'GET /bff/session HTTP/1.1\r\nHost: x\r\nX-A: ',
      head(['Content-Length: 100']) + '{',
    ]
    const { hostname, port } = new URL(stand.url)
    const sockets = await Promise.all(
      Array.from({ length: 500 }, async (_, at) => {
        const socket = connect({ host: hostname, port: Number(port) })
        open.add(socket)
        socket.on('error', () => undefined) // it may be told to go
        await new Promise((resolve) => socket.once('connect', resolve))
        socket.write(begun[at % 3] ?? '')
        return socket
      }),
    )
    for (let times = 0; times < 20; times++) expect(await victim.signedIn()).toEqual(['gearcode'])
    expect((await stand.browser().signIn('seznam')).status).toBe(303)
    for (const socket of sockets) socket.destroy()
  },
  60_000,
)
