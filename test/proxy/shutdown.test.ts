/** How the built server ends: a real process, real signals, real sockets. */
import { Agent, request } from 'node:http'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { builtServer, startServer, type Server } from '../browser/server'
import { freePort } from '../runtime/runtimes'
import type { Operation } from '../simulators/fault'
import { startSimulators, type StartedSimulators } from '../simulators/start'

let providers: StartedSimulators
let server: Server
let cookie: string
let env: Record<string, string>

beforeAll(async () => {
  const PORT = String(await freePort())
  const PUBLIC_ORIGIN = `http://localhost:${PORT}`
  providers = await startSimulators({ appOrigin: PUBLIC_ORIGIN, ports: 0 })
  env = { ...providers.env, PORT, PUBLIC_ORIGIN }
})
afterAll(() => providers.close())

beforeEach(async () => {
  server = await startServer(builtServer, env)
  cookie = ''
  const answer = await ask('POST', '/bff/login/onesait', { body: developer() }).answer
  cookie = answer.cookies.map((line) => line.replace(/;.*/, '')).join('; ')
})
afterEach(async () => {
  delete providers.simulators.onesait.before
  delete providers.simulators.onesait.faults.refresh
  await server.stop()
})

function developer() {
  const username = 'developer'
  return { username, password: providers.simulators.onesait.users[username]?.password }
}

/** One request of the app, over a connection that it would keep open. */
function ask(method: string, path: string, { body, agent }: { body?: object; agent?: Agent } = {}) {
  const headers = {
    'x-latchkey': '1',
    'content-type': 'application/json',
    ...(cookie === '' ? {} : { cookie }),
  }
  const asked = request(server.url + path, {
    method,
    headers,
    agent: agent ?? new Agent({ keepAlive: true }),
  })
  const answer = new Promise<{ status: number; connection: string; cookies: string[] }>(
    (resolve, reject) => {
      asked.on('error', reject)
      asked.on('response', (response) => {
        response.resume().on('end', () => {
          resolve({
            status: response.statusCode ?? 0,
            connection: response.headers.connection ?? '',
            cookies: response.headers['set-cookie'] ?? [],
          })
        })
      })
    },
  )
  answer.catch(() => undefined) // a test may have no more use for it
  asked.end(body === undefined ? undefined : JSON.stringify(body))
  return { answer, leave: () => asked.destroy() }
}

const soon = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** What the provider has been asked for and answers when it is told to. */
async function held(wanted: Operation, path: string, body?: object) {
  let release = () => {}
  const reached = new Promise<void>((resolve) => {
    providers.simulators.onesait.before = (operation) => {
      if (operation !== wanted) return
      resolve()
      return new Promise<void>((done) => (release = done))
    }
  })
  const asked = ask('POST', path, body && { body })
  await reached
  return {
    ...asked,
    release: () => {
      release()
    },
  }
}

const heldRefresh = () => held('refresh', '/bff/accounts/onesait/refresh')

test('a request in flight is answered, a new connection is refused, and it ends with 0', async () => {
  const refresh = await heldRefresh()
  server.signal('SIGTERM')
  await soon(300)
  await expect(ask('GET', '/healthz').answer).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  refresh.release()
  expect(await refresh.answer).toMatchObject({ status: 200, connection: 'close' })
  expect(await server.exit).toBe(0)
})

test.each([
  ['refresh', '"refreshed"', () => heldRefresh()],
  ['sign-in', '"signed in"', () => held('token', '/bff/login/onesait', developer())],
])('a %s whose browser has gone reaches the ledger', async (_what, line, begin) => {
  const logged = () => server.output().split(line).length - 1
  const before = logged()
  const { leave, release } = await begin()
  leave()
  await soon(100)
  server.signal('SIGTERM')
  await soon(500)
  expect(logged()).toBe(before)
  release()
  expect(await server.exit).toBe(0)
  expect(logged()).toBe(before + 1)
})

test('a connection that nobody uses does not keep it', async () => {
  const agent = new Agent({ keepAlive: true })
  expect(await ask('GET', '/healthz', { agent }).answer).toMatchObject({ status: 200 })
  const begun = performance.now()
  server.signal('SIGTERM')
  expect(await server.exit).toBe(0)
  expect(performance.now() - begun).toBeLessThan(2000)
})

test('a provider that hangs does not keep it beyond ten seconds', async () => {
  providers.simulators.onesait.faults.refresh = 'hang'
  const refresh = ask('POST', '/bff/accounts/onesait/refresh')
  await soon(300)
  const begun = performance.now()
  server.signal('SIGTERM')
  expect(await server.exit).toBe(0)
  expect(performance.now() - begun).toBeGreaterThan(5000)
  expect(performance.now() - begun).toBeLessThan(10_000)
  await expect(refresh.answer).rejects.toThrow()
})

test('a second signal ends it at once', async () => {
  await heldRefresh()
  server.signal('SIGTERM')
  await soon(500)
  const begun = performance.now()
  server.signal('SIGTERM')
  expect(await server.exit).toBe(1)
  expect(performance.now() - begun).toBeLessThan(1000)
})

test('a Ctrl-C that comes twice, from the terminal and through npm, is one', async () => {
  const refresh = await heldRefresh()
  server.signal('SIGINT')
  await soon(20)
  server.signal('SIGINT')
  await soon(300)
  refresh.release()
  expect(await refresh.answer).toMatchObject({ status: 200 })
  expect(await server.exit).toBe(0)
})
