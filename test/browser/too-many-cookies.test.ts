/** Other pages of the site have planted cookies until nothing gets through: the app says so, and clears them. */
import { expect, onTestFinished } from 'vitest'
import { freePort } from '../runtime/runtimes'
import { startSimulators } from '../simulators/start'
import { openProfile, sessionSecret, test } from './app'
import { expectState, press, soon } from './person'
import { builtServer, startServer } from './server'

test('a browser with 200 kB of foreign cookies comes up, clears them, and is still signed in', async ({
  browser,
}) => {
  const port = await freePort()
  // Two labels above it a neighbour could live, who may set cookies for both.
  const origin = `http://app.team.localhost:${port}`
  const providers = await startSimulators({ appOrigin: origin, ports: 0 })
  const server = await startServer(builtServer, {
    ...providers.env,
    PORT: String(port),
    PUBLIC_ORIGIN: origin,
    SESSION_SECRETS: sessionSecret,
  })
  onTestFinished(async () => {
    await Promise.all([server.stop(), providers.close()])
  })
  const context = await openProfile(browser)
  const page = await context.newPage()
  await page.goto(origin)
  await page.locator('[name="username"]').fill('developer')
  await page
    .locator('[name="password"]')
    .fill(providers.simulators.onesait.users.developer?.password ?? '')
  await press(page, 'onesait', 'sign-in')
  await expectState(page, 'onesait', 'signed-in')

  const places = [
    { domain: '.app.team.localhost', path: '/' },
    { domain: 'app.team.localhost', path: '/' },
    { domain: '.team.localhost', path: '/' },
    { domain: '.team.localhost', path: '/bff' },
  ]
  await context.addCookies(
    Array.from({ length: 52 }, (_, at) => {
      const place = places[at % places.length] ?? { domain: '', path: '/' }
      return { name: `planted${at}`, value: 'x'.repeat(4000), ...place }
    }),
  )

  const heard = page.waitForResponse((answer) => answer.url() === `${origin}/bff/session`)
  await page.reload()
  expect((await heard).status()).toBe(431)
  const problem = page.locator('[data-error="headers_too_large"]')
  await problem.waitFor()
  await problem.locator('[data-action="clear-cookies"]').click()

  await expectState(page, 'onesait', 'signed-in')
  await soon(() => page.locator('[data-error]').count()).toBe(0)
  const left = await context.cookies(`${origin}/bff/session`)
  expect(left.filter(({ name }) => name.startsWith('latchkey_onesait'))).not.toEqual([])
  // As many as it takes, and no more: they may be of use to whoever set them.
  const foreign = left.filter(({ name }) => name.startsWith('planted'))
  expect(foreign.length).toBeGreaterThan(0)
  expect(foreign.length).toBeLessThan(36)
}, 60_000)
