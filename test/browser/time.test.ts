import type { BrowserContext, Page } from 'playwright-core'
import { expect } from 'vitest'
import { openProfile, startApp, test, type App } from './app'
import { expectError, expectState, leave, press, signIn, soon } from './person'
import { comeBackTo, expiryOf, holdRefreshes, locksOf, openTabs, refreshesOf } from './several'

const hour = 3_600_000
const hours = [
  ['an hour fast', hour],
  ['an hour slow', -hour],
] as const

/** Makes the clock of every machine that opens these pages wrong, by what `setClock` says later. */
async function loseTime(pages: Page | BrowserContext, error = 0): Promise<void> {
  await pages.addInitScript((wrong) => {
    const machine = { wrong }
    const RealDate = Date
    class WrongDate extends RealDate {
      constructor(...given: [] | [number]) {
        if (given.length === 0) super(WrongDate.now())
        else super(...given)
      }
      static override now = () => RealDate.now() + machine.wrong
    }
    Object.assign(globalThis, { Date: WrongDate, machine })
  }, error)
}

/** Sets the machine's clock, or lets it go on alone, as it does while the machine sleeps. */
async function setClock(page: Page, error: number): Promise<void> {
  await page.evaluate((wrong) => {
    Object.assign((globalThis as unknown as { machine: object }).machine, { wrong })
  }, error)
}

/** Opens the account, which reads its profile at the provider. */
async function readProfile(page: Page): Promise<void> {
  await press(page, 'konpro', 'open')
  await soon(() => page.textContent('body')).toContain('Studio yearly')
  await expectState(page, 'konpro', 'signed-in')
}

async function goHome(app: App, page: Page): Promise<void> {
  await leave(page, () => page.goto(app.origin))
  await expectState(page, 'konpro', 'signed-in')
}

test.for(hours)(
  'a machine that is %s shows and does what one with the right time does',
  async ([, error], { browser }) => {
    const app = await startApp({}, { konpro: { rotate: true, expiresIn: 3600 } })
    const context = await openProfile(browser)
    const right = await context.newPage()
    const wrong = await context.newPage()
    await loseTime(wrong, error)
    await wrong.goto(app.origin)
    await signIn(app, wrong, 'konpro')
    await signIn(app, wrong, 'seznam')
    await right.goto(app.origin)
    await expectState(right, 'konpro', 'signed-in')

    for (const provider of ['konpro', 'seznam'] as const) {
      const { at, told } = await expiryOf(right, provider)
      await soon(async () => (await expiryOf(wrong, provider)).told).toBe(told)
      expect((await expiryOf(wrong, provider)).at).toBe(at)
    }
    const { at } = await expiryOf(wrong, 'konpro')
    expect(Math.abs(at - Date.now() - hour)).toBeLessThan(60_000)

    await readProfile(wrong)
    expect(refreshesOf(app, 'konpro')).toHaveLength(0)
    await goHome(app, wrong)
    await press(wrong, 'konpro', 'refresh')
    await soon(() => refreshesOf(app, 'konpro').length).toBe(1)
    await expectState(wrong, 'konpro', 'signed-in')
    expect(Math.abs((await expiryOf(wrong, 'konpro')).at - Date.now() - hour)).toBeLessThan(60_000)
  },
)

test.for(hours)(
  'a clock that is set %s while somebody is signed in refreshes nothing',
  async ([, error], { browser }) => {
    const app = await startApp({}, { konpro: { rotate: true, expiresIn: 3600 } })
    const context = await openProfile(browser)
    await loseTime(context)
    const page = await context.newPage()
    await page.goto(app.origin)
    await signIn(app, page, 'konpro')
    const { told } = await expiryOf(page, 'konpro')

    await setClock(page, error)
    await comeBackTo(page)
    await soon(async () => (await expiryOf(page, 'konpro')).told).toBe(told)
    await readProfile(page)
    expect(refreshesOf(app, 'konpro')).toHaveLength(0)
    // Nor does the time at which the account was opened count from the wrong clock.
    await goHome(app, page)
    expect((await expiryOf(page, 'konpro')).told).toBe(told)
  },
)

test.for(hours)(
  'a token that ended is refreshed once, with a clock that was set %s',
  async ([, error], { browser }) => {
    const app = await startApp({}, { konpro: { rotate: true, expiresIn: 1 } })
    const context = await openProfile(browser)
    await loseTime(context)
    const page = await context.newPage()
    await page.goto(app.origin)
    await signIn(app, page, 'konpro')
    app.simulators.konpro.switches.expiresIn = 3600
    app.simulators.konpro.expireAccessTokens()

    await setClock(page, error)
    await readProfile(page)
    expect(refreshesOf(app, 'konpro')).toHaveLength(1)
    // It was due by the right time, so that the dead token was never sent.
    const asked = app.simulators.konpro.log.filter(({ path }) => path.endsWith('account.get'))
    expect(asked.at(-1)?.refused).toBeUndefined()
    await soon(async () => (await expiryOf(page, 'konpro')).at - Date.now()).toBeGreaterThan(
      hour - 60_000,
    )
    expect((await expiryOf(page, 'konpro')).at - Date.now()).toBeLessThan(hour + 60_000)
  },
)

test('five tabs of a machine that slept for eight hours refresh once, and are all signed in', async ({
  browser,
}) => {
  const app = await startApp(
    {},
    { konpro: { rotate: true, reuseDetection: true, expiresIn: 3600 } },
  )
  const context = await openProfile(browser)
  await loseTime(context)
  const { tabs, refreshes } = await openTabs(app, context, 'konpro')

  // The steady clock of the pages stands still in sleep, everybody else's goes on.
  app.setAhead(8 * hour)
  app.simulators.konpro.expireAccessTokens()
  for (const tab of tabs) await setClock(tab, 8 * hour)
  await Promise.all(tabs.map(comeBackTo))
  const answer = holdRefreshes(app, 'konpro')
  for (const tab of tabs) await press(tab, 'konpro', 'open')
  await soon(() => locksOf(tabs[0] ?? raise())).toBe(tabs.length)
  answer()

  for (const tab of tabs) {
    await soon(() => tab.textContent('body')).toContain('Studio yearly')
    await expectState(tab, 'konpro', 'signed-in')
  }
  expect(refreshes()).toHaveLength(1)
  const ends = (await expiryOf(tabs[4] ?? raise(), 'konpro')).at
  expect(Math.abs(ends - Date.now() - 9 * hour)).toBeLessThan(60_000)
})

test('who wakes without a network stays signed in, and goes on when it is back', async ({
  browser,
}) => {
  const app = await startApp(
    {},
    { konpro: { rotate: true, reuseDetection: true, expiresIn: 3600 } },
  )
  const context = await openProfile(browser)
  await loseTime(context)
  const { tabs, refreshes } = await openTabs(app, context, 'konpro', 2)
  const [one, two] = [tabs[0] ?? raise(), tabs[1] ?? raise()]

  await context.setOffline(true)
  app.setAhead(8 * hour)
  app.simulators.konpro.expireAccessTokens()
  for (const tab of tabs) await setClock(tab, 8 * hour)
  await Promise.all(tabs.map(comeBackTo))
  for (const tab of tabs) await press(tab, 'konpro', 'open')
  for (const tab of tabs) {
    await expectError(tab, 'konpro', 'provider_unreachable')
    await expectState(tab, 'konpro', 'trouble')
  }
  expect(refreshes()).toHaveLength(0)

  await context.setOffline(false)
  for (const tab of [one, two]) {
    await tab.locator('[data-action="retry"]').click()
    await soon(() => tab.textContent('body')).toContain('Studio yearly')
    await expectState(tab, 'konpro', 'signed-in')
  }
  expect(refreshes()).toHaveLength(1)
})

function raise(): never {
  throw new Error('there is no such tab')
}
