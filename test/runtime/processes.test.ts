import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { builtServer, startServer } from '../browser/server'
import { isRefresh, startProcesses, type Processes } from '../processes'
import { startRedis, type StartedRedis } from '../redis'
import { sessionSecret } from '../stage'
import { freePort } from './runtimes'

const path = inject('redis')

describe('three processes with one Redis', () => {
  let redis: StartedRedis
  let processes: Processes

  beforeAll(async () => {
    redis = await startRedis({ path, password: 'canary-of-redis', tls: true })
    processes = await startProcesses({
      ledgerUrl: redis.url,
      env: { NODE_EXTRA_CA_CERTS: redis.caFile ?? '' },
      // Due as soon as they are there, and good for once.
      switches: { gearcode: { expiresIn: 30 }, onesait: { expiresIn: 30 } },
    })
  })
  afterAll(async () => {
    await processes.close()
    await redis.stop()
  })

  test('a login that began at one ends at another', async () => {
    const browser = processes.browser()
    const back = await browser.signIn(0, 'seznam', { backAt: 1 })
    expect(back.headers.get('location')).toBe('/')
    expect(await browser.signedIn(2)).toEqual(['seznam'])
  })

  test('a sign-out at one is final at all of them, for a copied cookie too', async () => {
    const browser = processes.browser()
    await browser.signIn(0, 'seznam')
    const thief = browser.copy()
    expect((await browser.call(1, 'DELETE', '/bff/accounts/seznam')).status).toBe(200)
    for (const at of [0, 1, 2]) expect(await thief.signedIn(at)).toEqual([])
  })

  test.each(['gearcode', 'onesait'] as const)(
    '%s sees one refresh of a token that is due at all of them at once',
    async (provider) => {
      const browser = processes.browser()
      await browser.signIn(0, provider)
      const before = processes.asked(provider, isRefresh)
      const tabs = Array.from({ length: 30 }, () => browser.copy())
      const answers = await Promise.all(
        tabs.map((tab, at) => tab.call(at % 3, 'POST', `/bff/accounts/${provider}/refresh`)),
      )
      expect(answers.map(({ status }) => status)).toEqual(tabs.map(() => 200))
      expect(processes.asked(provider, isRefresh) - before).toBe(1)
    },
  )

  test('one that is killed and comes back knows what the others know', async () => {
    const browser = processes.browser()
    await browser.signIn(1, 'gearcode')
    const thief = browser.copy()
    await browser.call(1, 'DELETE', '/bff/accounts/gearcode')
    await processes.kill9(1)
    await processes.restart(1)
    expect(await thief.signedIn(1)).toEqual([])
  })

  test('no line of theirs says where the ledger is or how it is opened', () => {
    expect(processes.output()).toContain('ledger connected')
    expect(processes.output()).not.toContain('canary-of-redis')
    expect(processes.output()).not.toContain(String(redis.port))
  })
})

describe('the built server with a ledger', () => {
  const start = (port: number, ledgerUrl: string) =>
    startServer(builtServer, {
      PORT: String(port),
      PUBLIC_ORIGIN: 'https://app.example',
      SESSION_SECRETS: sessionSecret,
      LEDGER_URL: ledgerUrl,
    })
  const readiness = async (url: string) => (await fetch(`${url}/readyz`)).status

  test('starts where the ledger is not there, is not ready, and gets ready with it', async () => {
    const [port, redisPort] = [await freePort(), await freePort()]
    const server = await start(port, `redis://localhost:${redisPort}`)
    expect(await readiness(server.url)).toBe(503)
    const redis = await startRedis({ path, port: redisPort })
    await expect.poll(() => readiness(server.url), { timeout: 5_000 }).toBe(200)
    await redis.kill()
    await expect.poll(() => readiness(server.url), { timeout: 5_000 }).toBe(503)
    await server.stop()
    await redis.stop()
  })

  test('ends with 0 where the ledger is there, and where it has fallen silent', async () => {
    const redis = await startRedis({ path })
    const [one, other] = await Promise.all([
      start(await freePort(), redis.url),
      start(await freePort(), redis.url),
    ])
    one.signal('SIGTERM')
    expect(await one.exit).toBe(0)
    redis.pause()
    const began = performance.now()
    other.signal('SIGTERM')
    expect(await other.exit).toBe(0)
    expect(performance.now() - began).toBeLessThan(10_000)
    await redis.stop()
  })

  test('ends at once, with the reason, where its port is taken', async () => {
    const redis = await startRedis({ path })
    const first = await start(await freePort(), redis.url)
    const second = start(Number(new URL(first.url).port), redis.url)
    await expect(second).rejects.toThrow('The port is in use')
    await first.stop()
    await redis.stop()
  })
})
