import { describe, expect } from 'vitest'
import { openProfile, startApp, test, type App } from './app'
import {
  expectError,
  expectState,
  isHome,
  leave,
  press,
  signIn,
  somebody,
  throughProvider,
  type ProviderId,
} from './person'
import { watch } from './watch'

/** Everyone who is visited by a redirect, in each custody there is. */
const visited: { provider: ProviderId; env: Record<string, string>; where: string }[] = [
  { provider: 'onet', env: {}, where: 'the proxy' },
  { provider: 'gearcode', env: {}, where: 'the proxy' },
  { provider: 'seznam', env: {}, where: 'the proxy' },
  { provider: 'konpro', env: {}, where: 'the browser' },
  { provider: 'konpro', env: { KONPRO_CUSTODY: 'proxy' }, where: 'the proxy' },
]

describe.for(visited)('$provider in the custody of $where', ({ provider, env }) => {
  const callback =
    Object.keys(env).length > 0 || provider !== 'konpro' ? '/bff/callback' : '/callback'

  test('denied, it says so at its card and starts again from there', async ({ browser }) => {
    const app = await startApp(env)
    const page = await (await openProfile(browser)).newPage()
    await page.goto(app.origin)

    await signIn(app, page, provider, { deny: true })

    await expectState(page, provider, 'signed-out')
    await expectError(page, provider, 'access_denied')
    expect(await page.locator('[data-error]').count()).toBe(1)
    expect(new URL(page.url()).search).toBe('')

    await signIn(app, page, provider)
    expect(await page.locator('[data-error]').count()).toBe(0)
  })

  test('a callback is good once: the second time it has expired, and nobody is signed out', async ({
    browser,
  }) => {
    const app = await startApp(env)
    const context = await openProfile(browser)
    const watched = watch(context)
    const page = await context.newPage()
    await page.goto(app.origin)
    await signIn(app, page, provider)
    const before = tokenRequests(app, provider)

    await page.goto(watched.callbacks()[0] ?? '')

    await expectError(page, provider, 'login_expired')
    await expectState(page, provider, 'signed-in')
    expect(tokenRequests(app, provider)).toBe(before)

    // The same after a sign-out, from where the person can start again.
    await press(page, provider, 'sign-out')
    await expectState(page, provider, 'signed-out')
    await page.goto(watched.callbacks()[0] ?? '')
    await expectError(page, provider, 'login_expired')
    await expectState(page, provider, 'signed-out')
  })

  test('a callback that was not asked for here is forged, and its code is not spent', async ({
    browser,
  }) => {
    const app = await startApp(env)
    const victim = await (await openProfile(browser)).newPage()
    const state = 'Zm9yZ2VkLXN0YXRlLW9mLXNvbWVib2R5LWVsc2Utb2s'
    for (const query of [
      `code=a-code&state=${state}`,
      'code=a-code',
      `error=access_denied&state=${state}`,
    ]) {
      await victim.goto(`${app.origin}${callback}/${provider}?${query}`)
      await expectError(victim, provider, 'login_forged')
      await expectState(victim, provider, 'signed-out')
      expect(isHome(app, victim)).toBe(true)
    }

    // Somebody's own callback, caught on its way and sent to another browser.
    const page = await (await openProfile(browser)).newPage()
    await page.goto(app.origin)
    let caught = ''
    app.leadAstray(
      (target) => caught === '' && target.includes('/callback/') && (caught = target) !== '',
    )
    await leave(page, () => press(page, provider, 'sign-in'))
    await throughProvider(app, page, somebody[provider])
    expect(caught).toContain('code=')
    await victim.goto(app.origin + caught)
    await expectError(victim, provider, 'login_forged')
    await expectState(victim, provider, 'signed-out')
    expect(tokenRequests(app, provider)).toBe(0)
  })
})

test('a wrong password at onesait says so, and the right one then works', async ({ browser }) => {
  const app = await startApp()
  const page = await (await openProfile(browser)).newPage()
  await page.goto(app.origin)

  await signIn(app, page, 'onesait', { password: 'not-her-password' })

  await expectError(page, 'onesait', 'invalid_credentials')
  await expectState(page, 'onesait', 'signed-out')
  expect(await page.inputValue('[data-provider="onesait"] [name="password"]')).toBe('')

  await signIn(app, page, 'onesait')
  expect(await page.locator('[data-error]').count()).toBe(0)
})

test('words in the address are not shown: only reasons that the app knows', async ({ browser }) => {
  const app = await startApp()
  const page = await (await openProfile(browser)).newPage()
  const words = '<img src=x onerror=alert(1)>call-0800-latchkey'
  await page.goto(`${app.origin}/?error=${encodeURIComponent(words)}&provider=onet`)
  await expectState(page, 'onet', 'signed-out')
  expect(await page.locator('[data-error]').count()).toBe(1)
  expect(await page.content()).not.toContain('0800-latchkey')
  expect(page.url()).toBe(`${app.origin}/`)

  // What the provider adds to its refusal is its own, too.
  await page.goto(
    `${app.origin}/bff/callback/onet?error=server_error&error_description=${encodeURIComponent(words)}&error_uri=javascript:alert(1)&state=none`,
  )
  await expectError(page, 'onet', 'login_forged')
  expect(await page.content()).not.toContain('0800-latchkey')
  expect(await page.content()).not.toContain('javascript:alert')
})

test('a sign-in in the browser that took more than ten minutes has expired', async ({
  browser,
}) => {
  const app = await startApp()
  const context = await openProfile(browser)
  const page = await context.newPage()
  await page.goto(app.origin)
  await leave(page, () => press(page, 'konpro', 'sign-in'))
  app.setAhead(10 * 60_000 + 2000)
  await throughProvider(app, page, 'ada')
  await expectError(page, 'konpro', 'login_expired')
  await expectState(page, 'konpro', 'signed-out')
  expect(tokenRequests(app, 'konpro')).toBe(0)
})

function tokenRequests(app: App, provider: ProviderId): number {
  return app.simulators[provider].log.filter(
    ({ method, path }) => method === 'POST' && path.endsWith('/token'),
  ).length
}
