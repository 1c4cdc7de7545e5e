import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { openProfile, startApp, test } from './app'
import {
  card,
  control,
  everyProvider,
  expectError,
  expectState,
  press,
  signInEverywhere,
  soon,
} from './person'

test('an unknown address is 404 with the app’s own page, which leads home', async ({ browser }) => {
  const app = await startApp()
  const context = await openProfile(browser)
  const page = await context.newPage()
  for (const path of [
    '/nowhere',
    '/accounts',
    '/accounts/nobody',
    '/callback/onet',
    '/accounts/onet/more',
    '/index.htm',
  ]) {
    const answer = await page.goto(app.origin + path)
    expect(answer?.status(), path).toBe(404)
    await soon(() => page.locator('main a[href="/"]').count(), path).toBeGreaterThan(0)
    expect(await page.locator('[data-provider]').count(), path).toBe(0)
  }
  await page.locator('main a[href="/"]').first().click()
  await expectState(page, 'onet', 'signed-out')

  const answer = await page.goto(`${app.origin}/bff/nowhere`)
  expect(answer?.status()).toBe(404)
  expect(answer?.headers()['content-type']).toContain('application/problem+json')
})

test('a keyboard is enough to sign in, to renew and to sign out, and shows where it is', async ({
  browser,
}) => {
  const app = await startApp()
  const page = await (await openProfile(browser)).newPage()
  await page.goto(app.origin)
  await expectState(page, 'seznam', 'signed-out')

  await tabTo(page, await control(page, 'seznam', 'sign-in'))
  await page.keyboard.press('Enter')
  await page.locator('[data-user="krasty"]').waitFor()
  await page.locator('[data-user="krasty"]').press('Enter')
  await page.locator('[data-action="allow"]').press('Enter')
  await expectState(page, 'seznam', 'signed-in')

  await tabTo(page, card(page, 'onesait').locator('[name="username"]'))
  await page.keyboard.type('developer')
  await page.keyboard.press('Tab')
  await page.keyboard.type('faro-developer')
  await page.keyboard.press('Enter')
  await expectState(page, 'onesait', 'signed-in')

  const menu = card(page, 'onesait').locator('[data-action="menu"]')
  if (await menu.isVisible()) {
    await tabTo(page, menu)
    await page.keyboard.press('Enter')
  }
  await tabTo(page, await control(page, 'onesait', 'check'))
  await page.keyboard.press('Space')
  await soon(() => page.textContent('body')).toContain('ROLE_TEST')

  await tabTo(page, await control(page, 'seznam', 'sign-out'))
  await page.keyboard.press('Enter')
  await expectState(page, 'seznam', 'signed-out')
})

test('nothing needs scrolling sideways from 320 to 1280 pixels, in any state', async ({
  browser,
}) => {
  const app = await startApp()
  const page = await (await openProfile(browser)).newPage()
  await page.goto(app.origin)
  for (const provider of everyProvider) await expectState(page, provider, 'signed-out')
  await expectToFit(page)
  await page.goto(`${app.origin}/?error=provider_unreachable&provider=gearcode`)
  await expectError(page, 'gearcode', 'provider_unreachable')
  await expectToFit(page)
  await signInEverywhere(app, page)
  await expectToFit(page)
  await press(page, 'onesait', 'check')
  await soon(() => page.textContent('body')).toContain('ROLE_TEST')
  await expectToFit(page)
  for (const provider of everyProvider) {
    await page.goto(`${app.origin}/accounts/${provider}`)
    await expectState(page, provider, 'signed-in')
    for (const summary of await page.locator('summary').all()) await summary.click()
    await expectToFit(page)
  }
  await page.goto(`${app.origin}/nowhere`)
  await expectToFit(page)
})

async function expectToFit(page: Page): Promise<void> {
  for (const width of [320, 360, 768, 1280]) {
    await page.setViewportSize({ width, height: 800 })
    const wide = await page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.documentElement
      return scrollWidth > clientWidth ? scrollWidth : 0
    })
    expect(wide, `${page.url()} at ${width} pixels`).toBe(0)
  }
}

/** Goes on with the Tab key until something has the focus, and expects to see that it has. */
async function tabTo(page: Page, target: ReturnType<Page['locator']>): Promise<void> {
  for (let presses = 0; presses < 80; presses += 1) {
    await page.keyboard.press('Tab')
    const seen = await target.evaluate((element) => {
      if (document.activeElement !== element) return undefined
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element)
      const marked =
        (outlineStyle !== 'none' && parseFloat(outlineWidth) > 0) || boxShadow !== 'none'
      return element.matches(':focus-visible') && marked
    })
    if (seen !== undefined) {
      expect(seen, 'the focus is visible').toBe(true)
      return
    }
  }
  throw new Error('the Tab key never comes there')
}
