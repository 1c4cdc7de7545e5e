import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { chromium, type BrowserContext, type Page } from 'playwright-core'
import { expect, onTestFinished } from 'vitest'
import { browserOptions, openProfile, startApp, test, type App } from './app'
import {
  card,
  control,
  everyProvider,
  expectError,
  expectState,
  press,
  signIn,
  signInEverywhere,
  soon,
} from './person'

test('every page carries the policy that keeps foreign code and frames out', async ({
  browser,
}) => {
  const app = await startApp()
  const page = await (await openProfile(browser)).newPage()
  for (const path of ['/', '/accounts/onet', '/callback/konpro', '/nowhere']) {
    const answer = await page.goto(app.origin + path)
    const headers = (await answer?.allHeaders()) ?? {}
    expect(policyOf(headers['content-security-policy']), path).toEqual({
      'default-src': "'none'",
      'script-src': "'self'",
      'style-src': "'self'",
      'img-src': "'self' https:",
      'connect-src': `'self' ${app.simulators.konpro.origins.app ?? ''} ${app.simulators.konpro.origins.api ?? ''}`,
      'form-action': "'self'",
      'base-uri': "'none'",
      'frame-ancestors': "'none'",
      'require-trusted-types-for': "'script'",
      'trusted-types': 'svelte-trusted-html',
    })
    expect(headers).toMatchObject({
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
    })
  }
  // The browser holds to it: markup from a string is refused, and so is code from one.
  const refused = await page.evaluate(async () => {
    // What the debugger calls may do more than what the page runs by itself.
    await new Promise((later) => setTimeout(later))
    const attempt = (act: () => unknown) => {
      try {
        act()
        return 'done'
      } catch (error) {
        return error instanceof Error ? error.name : 'refused'
      }
    }
    return [
      attempt(() => (document.body.innerHTML = '<b>markup</b>')),
      // eslint-disable-next-line @typescript-eslint/no-implied-eval -- to see it refused
      attempt(() => new Function('return 1')),
    ]
  })
  expect(refused).toEqual(['TypeError', 'EvalError'])
})

test('no other page can frame the app', async ({ browser }) => {
  const app = await startApp()
  const page = await (await openProfile(browser)).newPage()
  const paths = ['/', '/accounts/onet', '/callback/konpro', '/nowhere']
  const frames = paths.map((path) => `<iframe src="${app.origin}${path}"></iframe>`).join('')
  // Another site, as 127.0.0.1 is to localhost, and a neighbour on the app's own host.
  for (const host of ['127.0.0.1', 'localhost']) {
    await page.goto(`http://${host}:${await servePage(frames)}/`)
    const seen = () => page.frames().map((frame) => new URL(frame.url()).protocol)
    await soon(() => seen().slice(1)).toEqual(paths.map(() => 'chrome-error:'))
  }
})

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

test('after a sign-out elsewhere "back" shows nothing of the account', async ({ browser }) => {
  const app = await startApp()
  const context = await openProfile(browser)
  const page = await leaveProfile(app, context)
  await signOutElsewhere(app, context)

  await page.goBack()
  await expectState(page, 'onet', 'signed-out')
  expect(await page.content()).not.toContain('anna.nowak')
  await page.goBack()
  await expectState(page, 'onet', 'signed-out')
  expect(await page.content()).not.toContain('anna.nowak')
})

test('nor does a page that the browser kept as it was', async () => {
  const app = await startApp()
  // Playwright starts browsers without the cache that people's browsers have.
  const options = { ...browserOptions(), ignoreDefaultArgs: ['--disable-back-forward-cache'] }
  const browser = await chromium.launch(options)
  onTestFinished(() => browser.close())
  const context = await openProfile(browser)
  // Playwright cannot look into such a page, so that it says itself what it shows, first and then.
  await context.addInitScript(() => {
    addEventListener('pageshow', ({ persisted }) => {
      if (!persisted) return
      const say = (when: string) => localStorage.setItem(when, document.body.innerText)
      requestAnimationFrame(() => say('first'))
      setTimeout(() => say('then'), 1000)
    })
  })
  const page = await leaveProfile(app, context)
  await signOutElsewhere(app, context)

  await page.evaluate(() => {
    setTimeout(() => history.back())
  })
  const other = await context.newPage()
  await other.goto(app.origin)
  const said = (when: string) => other.evaluate((name) => localStorage.getItem(name), when)
  await page.bringToFront()
  await soon(() => said('then')).not.toBe(null)
  for (const when of ['first', 'then']) {
    expect(await said(when)).toContain('Latchkey')
    expect(await said(when)).not.toContain('anna.nowak')
  }
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

/** A page that showed who the person is, and then went elsewhere. */
async function leaveProfile(app: App, context: BrowserContext): Promise<Page> {
  const page = await context.newPage()
  await page.goto(app.origin)
  await signIn(app, page, 'onet')
  await page.goto(`${app.origin}/accounts/onet`)
  await soon(() => page.textContent('body')).toContain('anna.nowak@konto.onet.pl')
  await page.goto(`${app.simulators.onesait.origins.main ?? ''}/oauth-server`)
  return page
}

/** By no tab of the app, which would tell the others. */
async function signOutElsewhere(app: App, context: BrowserContext): Promise<void> {
  const headers = { 'X-Latchkey': '1' }
  const answer = await context.request.delete(`${app.origin}/bff/session`, { headers })
  expect(answer.status()).toBe(200)
}

/** Serves one page until the test ends; answers its port. */
async function servePage(body: string): Promise<number> {
  const server = createServer((_, answer) => {
    answer.setHeader('content-type', 'text/html').end(body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port // a TCP socket's address is never a string
}

function policyOf(header = ''): Record<string, string> {
  return Object.fromEntries(
    header.split('; ').map((directive) => {
      const [name = '', ...values] = directive.split(' ')
      return [name, values.join(' ')]
    }),
  )
}
