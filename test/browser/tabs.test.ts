import type { Page } from 'playwright-core'
import { describe, expect } from 'vitest'
import { openProfile, startApp, test, type App } from './app'
import {
  everyProvider,
  expectError,
  expectState,
  leave,
  press,
  signIn,
  signInEverywhere,
  soon,
  throughProvider,
  type ProviderId,
} from './person'

/** Headless pages are always visible, so the person who comes back to a tab is told of by hand. */
function comeBackTo(page: Page): Promise<unknown> {
  return page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))
}

test('what happens in one tab is seen in the other', async ({ browser }) => {
  const app = await startApp()
  const context = await openProfile(browser)
  const [one, two] = [await context.newPage(), await context.newPage()]
  await one.goto(app.origin)
  await two.goto(app.origin)
  for (const provider of everyProvider) await expectState(two, provider, 'signed-out')

  // What the browser keeps is known to all its tabs at once, as is what a tab did without leaving.
  for (const provider of ['konpro', 'onesait'] as const) {
    await signIn(app, one, provider)
    await expectState(two, provider, 'signed-in')
  }
  for (const provider of ['onet', 'gearcode', 'seznam'] as const) await signIn(app, one, provider)
  await comeBackTo(two)
  for (const provider of everyProvider) await expectState(two, provider, 'signed-in')

  await press(two, 'konpro', 'sign-out')
  await expectState(one, 'konpro', 'signed-out')
  await press(two, 'onet', 'sign-out')
  await expectState(one, 'onet', 'signed-out')
  await one.bringToFront()
  await one.locator('[data-action="sign-out-all"]').click()
  for (const provider of everyProvider) await expectState(two, provider, 'signed-out')
})

test('two sign-ins in two tabs do not mix', async ({ browser }) => {
  const app = await startApp()
  const context = await openProfile(browser)
  const [one, two] = [await context.newPage(), await context.newPage()]
  await one.goto(app.origin)
  await two.goto(app.origin)
  // Both are away before either comes back.
  await leave(one, () => press(one, 'seznam', 'sign-in'))
  await leave(two, () => press(two, 'konpro', 'sign-in'))
  await throughProvider(app, one, 'krasty')
  await throughProvider(app, two, 'ada')
  await leave(one, () => press(one, 'gearcode', 'sign-in'))
  await leave(two, () => press(two, 'onet', 'sign-in'))
  await throughProvider(app, two, 'anna')
  await throughProvider(app, one, 'jan')
  // Seen to be back before it is asked for anew: coming home, a page may change its process.
  await expectState(one, 'gearcode', 'signed-in')
  await one.reload()
  for (const provider of ['seznam', 'konpro', 'gearcode', 'onet'] as const)
    await expectState(one, provider, 'signed-in')
})

describe.for([
  { where: 'the browser', env: {} },
  { where: 'the proxy', env: { KONPRO_CUSTODY: 'proxy' } },
])('KonPro in the custody of $where', ({ env }) => {
  test('a refresh in five tabs at once spends one refresh token once, and all stay signed in', async ({
    browser,
  }) => {
    const app = await startApp(env, { konpro: { rotate: true, reuseDetection: true } })
    const { tabs, refreshes } = await openTabs(app, await openProfile(browser), 'konpro')

    await refreshAtOnce(app, tabs, 'konpro')

    for (const tab of tabs) await expectState(tab, 'konpro', 'signed-in')
    expect(refreshes()).toHaveLength(1)
    expect(await tabs[0]?.locator('[data-error]').count()).toBe(0)

    // The family lives: whoever is asked next spends the newest token.
    await press(tabs[4] ?? raise(), 'konpro', 'refresh')
    await soon(() => refreshes().length).toBe(2)
    for (const tab of tabs) await expectState(tab, 'konpro', 'signed-in')
    expect(new Set(refreshes()).size).toBe(2)
  })

  test('a sign-out in one tab wins over a refresh that is under way in another', async ({
    browser,
  }) => {
    const app = await startApp(env)
    const { tabs, refreshes } = await openTabs(app, await openProfile(browser), 'konpro', 2)
    const [one, two] = [tabs[0] ?? raise(), tabs[1] ?? raise()]
    let answer = (): void => undefined
    app.simulators.konpro.before = (operation) =>
      operation === 'refresh' ? new Promise<void>((go) => (answer = go)) : undefined
    await press(one, 'konpro', 'refresh')
    await soon(() => refreshes().length).toBe(1)

    await press(two, 'konpro', 'sign-out')
    await expectState(two, 'konpro', 'signed-out')
    answer()

    await expectState(one, 'konpro', 'signed-out')
    await one.reload()
    await expectState(one, 'konpro', 'signed-out')
    await two.reload()
    await expectState(two, 'konpro', 'signed-out')
  })

  test('an end that the provider declares in one tab is not hidden in the other', async ({
    browser,
  }) => {
    const app = await startApp(env)
    const { tabs } = await openTabs(app, await openProfile(browser), 'konpro', 2)
    const [one, two] = [tabs[0] ?? raise(), tabs[1] ?? raise()]
    app.simulators.konpro.revokeEverything()

    await press(one, 'konpro', 'refresh')

    await expectState(one, 'konpro', 'ended')
    await expectError(one, 'konpro', 'session_ended')
    await soon(() => two.locator('[data-provider="konpro"]').getAttribute('data-state')).toMatch(
      /^(?:signed-out|ended)$/,
    )
  })
})

test('all five refreshed in three tabs at once are refreshed once each', async ({ browser }) => {
  const strict = { rotate: true, reuseDetection: true }
  const app = await startApp({}, { onet: strict, konpro: strict, gearcode: strict, seznam: strict })
  const context = await openProfile(browser)
  const first = await context.newPage()
  await first.goto(app.origin)
  await signInEverywhere(app, first)
  const tabs = [first, await context.newPage(), await context.newPage()]
  for (const tab of tabs.slice(1)) {
    await tab.goto(app.origin)
    for (const provider of everyProvider) await expectState(tab, provider, 'signed-in')
  }
  for (const provider of everyProvider) {
    await refreshAtOnce(app, tabs, provider)
    for (const tab of tabs) await expectState(tab, provider, 'signed-in')
    expect(refreshesOf(app, provider), provider).toHaveLength(1)
  }
  for (const tab of tabs) {
    await tab.reload()
    for (const provider of everyProvider) await expectState(tab, provider, 'signed-in')
  }
})

/** Presses refresh in every tab, and lets the provider answer once all of them wait for it. */
async function refreshAtOnce(app: App, tabs: Page[], provider: ProviderId): Promise<void> {
  let answer = (): void => undefined
  const held = new Promise<void>((go) => (answer = go))
  app.simulators[provider].before = (operation) => (operation === 'refresh' ? held : undefined)
  for (const tab of tabs) await press(tab, provider, 'refresh')
  await soon(async () => (await locksOf(tabs[0] ?? raise())) + callsUnderWay(app)).toBe(tabs.length)
  answer()
}

/** What the browser's custody is doing: all its tabs, holding or waiting. */
function locksOf(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const { held = [], pending = [] } = await navigator.locks.query()
    return held.length + pending.length
  })
}

function callsUnderWay(app: App): number {
  return app.answers.filter(({ status, target }) => status === 0 && target.endsWith('/refresh'))
    .length
}

async function openTabs(
  app: App,
  context: Awaited<ReturnType<typeof openProfile>>,
  provider: ProviderId,
  count = 5,
) {
  const first = await context.newPage()
  await first.goto(app.origin)
  await signIn(app, first, provider)
  const others = await Promise.all(
    Array.from({ length: count - 1 }, async () => {
      const page = await context.newPage()
      await page.goto(app.origin)
      await expectState(page, provider, 'signed-in')
      return page
    }),
  )
  return { tabs: [first, ...others], refreshes: () => refreshesOf(app, provider) }
}

/** The bodies in which a refresh token was sent to the provider. */
function refreshesOf(app: App, provider: ProviderId): string[] {
  return app.simulators[provider].log
    .map(({ method, body }) => (method === 'POST' ? body : ''))
    .filter((body) => /grant_type["=:]+refresh_token/.test(body))
}

function raise(): never {
  throw new Error('there is no such tab')
}
