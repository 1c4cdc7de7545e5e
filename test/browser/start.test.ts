import { createServer } from 'node:net'
import { once } from 'node:events'
import { expect, onTestFinished } from 'vitest'
import { openProfile, sessionSecret, test } from './app'
import { card, everyProvider, expectState, leave, press } from './person'
import { builtServer, runToEnd, startServer } from './server'

/** What `npm start` runs. */
const start = 'test/start.js'

test('npm start without any provider starts simulated ones, and says so everywhere', async ({
  browser,
}) => {
  const port = await freePort()
  const origin = `http://localhost:${port}`
  const server = await startServer(start, { PORT: String(port) })
  onTestFinished(() => server.stop())
  expect(server.output()).toMatch(/simulated/i)
  expect(server.output()).toContain(origin)

  const page = await (await openProfile(browser)).newPage()
  for (const path of ['/', '/accounts/onet', '/accounts/konpro', '/nowhere']) {
    await page.goto(origin + path)
    await page.locator('[data-simulated]').waitFor({ state: 'attached', timeout: 8000 })
    expect(await page.innerText('body'), path).toMatch(/simulated/i)
  }

  await page.goto(origin)
  for (const provider of everyProvider) await expectState(page, provider, 'signed-out')
  await leave(page, () => press(page, 'seznam', 'sign-in'))
  expect(new URL(page.url()).hostname).toBe('127.0.0.1')
  await leave(page, () => page.locator('[data-user="krasty"]').click())
  await leave(page, () => page.locator('[data-action="allow"]').click())
  await expectState(page, 'seznam', 'signed-in')
})

test('in production nothing is simulated: without secrets it does not start', async ({
  browser,
}) => {
  for (const entry of [start, builtServer]) {
    const { status, output } = await runToEnd(entry, { NODE_ENV: 'production', PORT: '0' })
    expect(status).toBe(1)
    expect(output).toContain('SESSION_SECRETS')
    expect(output).not.toMatch(/simulated/i)
  }

  const port = await freePort()
  const server = await startServer(start, {
    NODE_ENV: 'production',
    PORT: String(port),
    SESSION_SECRETS: sessionSecret,
  })
  onTestFinished(() => server.stop())
  const page = await (await openProfile(browser)).newPage()
  await page.goto(`http://localhost:${port}`)
  for (const provider of everyProvider) await expectState(page, provider, 'off')
  expect(await page.locator('[data-simulated]').count()).toBe(0)
  expect(await card(page, 'onet').locator('[data-action="sign-in"]').count()).toBe(0)
  expect(server.output()).not.toMatch(/simulated/i)
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('not a TCP port')
  return address.port
}
