import type { BrowserContext, Page } from 'playwright-core'
import { describe, expect } from 'vitest'
import { openProfile, startApp, test, type App } from './app'
import {
  comeBackTo,
  holdRefreshes,
  locksOf,
  openTabs,
  refreshesOf,
  stateOf,
  expiryOf,
  withinASecond,
} from './several'
import {
  card,
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
async function refreshAtOnce(
  app: App,
  tabs: Page[],
  provider: ProviderId,
  action = 'refresh',
): Promise<void> {
  const answer = holdRefreshes(app, provider)
  for (const tab of tabs) await press(tab, provider, action)
  await soon(async () => (await locksOf(tabs[0] ?? raise())) + callsUnderWay(app)).toBe(tabs.length)
  answer()
}

function callsUnderWay(app: App): number {
  return app.answers.filter(({ status, target }) => status === 0 && target.endsWith('/refresh'))
    .length
}

function raise(): never {
  throw new Error('there is no such tab')
}

describe('five tabs that wake with a token of KonPro that has ended', () => {
  const strict = { konpro: { rotate: true, reuseDetection: true, expiresIn: 1 } }

  async function openAsleep(app: App, context: BrowserContext) {
    const opened = await openTabs(app, context, 'konpro')
    app.simulators.konpro.expireAccessTokens()
    app.simulators.konpro.switches.expiresIn = 3600
    return opened
  }

  test('refresh it once, and are all signed in', async ({ browser }) => {
    const app = await startApp({}, strict)
    const { tabs, refreshes } = await openAsleep(app, await openProfile(browser))

    await refreshAtOnce(app, tabs, 'konpro', 'open')

    for (const tab of tabs) {
      await soon(() => tab.textContent('body')).toContain('Studio yearly')
      await expectState(tab, 'konpro', 'signed-in')
      expect(await tab.locator('[data-error]').count()).toBe(0)
    }
    expect(refreshes()).toHaveLength(1)
  })

  test('wait for a provider that hangs only once, and send the token once more', async ({
    browser,
  }) => {
    const app = await startApp({}, strict)
    const { tabs, refreshes } = await openAsleep(app, await openProfile(browser))
    app.simulators.konpro.faults.refresh = 'hang'
    for (const tab of tabs) await press(tab, 'konpro', 'open')
    await soon(() => locksOf(tabs[0] ?? raise())).toBe(tabs.length)

    // The limit is ten seconds, of all of them together.
    await Promise.all(
      tabs.map((tab) =>
        card(tab, 'konpro').locator('[data-error="provider_timeout"]').waitFor({ timeout: 12_000 }),
      ),
    )
    expect(refreshes()).toHaveLength(1)

    app.simulators.konpro.faults = {}
    await Promise.all(tabs.map((tab) => tab.locator('[data-action="retry"]').click()))
    for (const tab of tabs) {
      await soon(() => tab.textContent('body')).toContain('Studio yearly')
      await expectState(tab, 'konpro', 'signed-in')
    }
    expect(refreshes()).toHaveLength(2)
    expect(new Set(refreshes()).size).toBe(1)
  }, 60_000)
})

test('a tab that is closed during its refresh keeps no other one waiting', async ({ browser }) => {
  const app = await startApp({}, { konpro: { rotate: true, reuseDetection: true } })
  const { tabs, refreshes } = await openTabs(app, await openProfile(browser), 'konpro', 3)
  const [one, two, three] = [tabs[0] ?? raise(), tabs[1] ?? raise(), tabs[2] ?? raise()]
  app.simulators.konpro.faults.refresh = 'hang'
  await press(one, 'konpro', 'refresh')
  await soon(() => refreshes().length).toBe(1)
  await press(two, 'konpro', 'refresh')
  await press(three, 'konpro', 'refresh')

  app.simulators.konpro.faults = {}
  await one.close()

  for (const tab of [two, three]) await expectState(tab, 'konpro', 'signed-in')
  expect(refreshes()).toHaveLength(2)
  expect(await two.locator('[data-error]').count()).toBe(0)
})

test('a tab that stands still during its refresh is waited for no longer than a refresh may take', async ({
  browser,
}) => {
  const app = await startApp({}, { konpro: { rotate: true, reuseDetection: true } })
  const context = await openProfile(browser)
  const { tabs, refreshes } = await openTabs(app, context, 'konpro', 2)
  const [one, two] = [tabs[0] ?? raise(), tabs[1] ?? raise()]
  app.simulators.konpro.faults.refresh = 'hang'
  await press(one, 'konpro', 'refresh')
  await soon(() => refreshes().length).toBe(1)
  const devTools = await context.newCDPSession(one)
  await devTools.send('Debugger.enable')
  const still = new Promise((resolve) => devTools.once('Debugger.paused', resolve))
  await devTools.send('Debugger.pause')
  void comeBackTo(one)
  await still

  await press(two, 'konpro', 'refresh')
  const pressed = performance.now()
  await card(two, 'konpro').locator('[data-error="provider_timeout"]').waitFor({ timeout: 15_000 })
  // By its own patience, since the other one does not even get to its time limit.
  expect(performance.now() - pressed).toBeGreaterThan(12_000)
  expect(refreshes()).toHaveLength(1)

  app.simulators.konpro.faults = {}
  await devTools.send('Debugger.resume')
  await expectState(one, 'konpro', 'trouble')
  await press(two, 'konpro', 'refresh')
  for (const tab of tabs.toReversed()) await expectState(tab, 'konpro', 'signed-in')
  expect(refreshes()).toHaveLength(2)
  expect(new Set(refreshes()).size).toBe(1)
}, 60_000)

describe.for([
  { where: 'the browser', env: {} },
  { where: 'the proxy', env: { KONPRO_CUSTODY: 'proxy' } },
])('within a second all tabs see, with KonPro in the custody of $where,', ({ env }) => {
  test('a refresh, one that happens by itself, and a sign-out', async ({ browser }) => {
    const app = await startApp(env, { konpro: { rotate: true } })
    const { tabs, refreshes } = await openTabs(app, await openProfile(browser), 'konpro')
    const [one, two] = [tabs[0] ?? raise(), tabs[1] ?? raise()]
    const renewed = async (during: () => Promise<unknown>) => {
      const { at } = await expiryOf(two, 'konpro')
      const before = refreshes().length
      await during()
      await soon(() => refreshes().length).toBe(before + 1)
      await withinASecond(tabs, async (tab) => (await expiryOf(tab, 'konpro')).at > at)
    }

    await renewed(() => press(one, 'konpro', 'refresh'))
    await expectState(one, 'konpro', 'signed-in')
    await renewed(async () => {
      app.simulators.konpro.expireAccessTokens()
      await press(one, 'konpro', 'open')
    })
    await soon(() => one.textContent('body')).toContain('Studio yearly')

    await press(two, 'konpro', 'sign-out')
    await expectState(two, 'konpro', 'signed-out')
    await withinASecond(tabs, async (tab) => (await stateOf(tab, 'konpro')) === 'signed-out')
  })

  test('an API token that stands in for a sign-in', async ({ browser }) => {
    const app = await startApp(env)
    const context = await openProfile(browser)
    const tabs = [await context.newPage(), await context.newPage()]
    for (const tab of tabs) {
      await tab.goto(app.origin)
      await expectState(tab, 'konpro', 'signed-out')
    }
    const one = tabs[0] ?? raise()
    await one.bringToFront()
    await card(one, 'konpro').locator('summary').last().click()
    const field = card(one, 'konpro').locator('[name="api-token"]')
    await field.fill(app.simulators.konpro.users.ada?.apiToken ?? '')
    await field.press('Enter')
    await expectState(one, 'konpro', 'signed-in')
    await withinASecond(tabs, async (tab) => (await stateOf(tab, 'konpro')) === 'signed-in')
  })
})

test('a revocation in one tab is seen in the other within a second', async ({ browser }) => {
  const app = await startApp()
  const { tabs } = await openTabs(app, await openProfile(browser), 'onesait', 2)
  const one = tabs[0] ?? raise()
  await press(one, 'onesait', 'revoke')
  await expectState(one, 'onesait', 'signed-out')
  await withinASecond(tabs, async (tab) => (await stateOf(tab, 'onesait')) === 'signed-out')
})

test('a sign-out without a network is seen by all tabs within a second', async ({ browser }) => {
  const app = await startApp()
  const context = await openProfile(browser)
  const { tabs } = await openTabs(app, context, 'konpro')
  await context.setOffline(true)
  await press(tabs[3] ?? raise(), 'konpro', 'sign-out')
  await withinASecond(tabs, async (tab) => (await stateOf(tab, 'konpro')) === 'signed-out')
  await context.setOffline(false)
  for (const tab of tabs) await comeBackTo(tab)
  for (const tab of tabs) await expectState(tab, 'konpro', 'signed-out')
})
