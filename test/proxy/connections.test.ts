/** Which connections to an API are kept, and for whom. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createConnections, type Connections } from '../../proxy/connections'

let api: Server
let origin: string
let connections: Connections
let sockets: Socket[]
/** Each answers one request that is open at the API. */
let answers: (() => void)[]
beforeEach(async () => {
  sockets = []
  answers = []
  api = createServer((incoming, response) => {
    const answer = () => response.end('ok')
    if (incoming.url === '/slow') answers.push(answer)
    else answer()
  })
  // Longer than ours, so that it is we who close.
  api.keepAliveTimeout = 60_000
  api.on('connection', (socket: Socket) => sockets.push(socket))
  api.listen(0, '127.0.0.1')
  await once(api, 'listening')
  origin = `http://127.0.0.1:${(api.address() as AddressInfo).port}` // it listens at a port
  connections = createConnections({ connectLimit: 5_000, maxHeaderSize: 16_384 }, 2)
})
afterEach(async () => {
  await connections.close()
  api.close()
  api.closeAllConnections()
})

async function call(owner: string, path = '/'): Promise<string> {
  const { pool, release } = connections.hold(owner, origin)
  try {
    const { body } = await pool.request({ path, method: 'GET' })
    return await body.text()
  } finally {
    release()
  }
}

const open = () => sockets.filter((socket) => !socket.destroyed).length
const pause = 50

test('one owner’s next call goes over the same connection, another’s does not', async () => {
  for (const owner of ['a', 'a', 'b', 'a', 'b']) {
    await call(owner)
    await wait(pause)
  }
  expect(sockets).toHaveLength(2)
})

test('beyond the bound, the connections that have waited longest are closed', async () => {
  for (const owner of ['a', 'b', 'a', 'c']) {
    await call(owner)
    await wait(pause)
  }
  expect(open()).toBe(2)
  await call('a')
  expect(sockets).toHaveLength(3)
})

test('what is in use is never closed for others', async () => {
  const slow = ['a', 'b', 'c'].map((owner) => call(owner, '/slow'))
  for (const owner of ['d', 'e', 'f', 'g']) await call(owner)
  while (answers.length < 3) await wait(pause)
  for (const answer of answers) answer()
  expect(await Promise.all(slow)).toEqual(['ok', 'ok', 'ok'])
  await wait(pause)
  expect(open()).toBe(2)
})

test('after four seconds nothing is kept, and the next call finds its way', async () => {
  await call('a')
  await wait(4_200)
  expect(open()).toBe(0)
  expect(await call('a')).toBe('ok')
})

test('the end takes along what is under way', async () => {
  const slow = call('a', '/slow').catch((error: unknown) => error)
  while (answers.length === 0) await wait(pause)
  await connections.close()
  expect(await slow).toBeInstanceOf(Error)
  await wait(pause)
  expect(open()).toBe(0)
})
