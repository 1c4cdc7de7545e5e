import type { BrowserContext, Page } from 'playwright-core'
import { describe, expect } from 'vitest'
import { openProfile, startApp, test } from './app'
import { findLeaks } from './leaks'
import {
  card,
  expectError,
  expectState,
  leave,
  press,
  signIn,
  soon,
  textOf,
  throughProvider,
} from './person'
import { watch } from './watch'

describe.for([
  { where: 'the browser', env: {} },
  { where: 'the proxy', env: { KONPRO_CUSTODY: 'proxy' } },
])('KonPro in the custody of $where', ({ env }) => {
  test('a fault at a refresh is trouble that passes, and signs nobody out', async ({ browser }) => {
    const app = await startApp(env)
    const page = await (await openProfile(browser)).newPage()
    await page.goto(app.origin)
    await signIn(app, page, 'konpro')

    for (const fault of [
      { status: 500, body: '{"error":"server_error"}' },
      { status: 429, headers: { 'retry-after': '1' } },
      'cut',
      'html',
    ] as const) {
      app.simulators.konpro.faults.refresh = fault
      await press(page, 'konpro', 'refresh')
      await expectState(page, 'konpro', 'trouble')
      expect(await page.locator('[data-error]').count()).toBe(1)
      expect(await textOf(page, 'konpro')).toContain('ada@studio.example')

      await page.reload()
      await expectState(page, 'konpro', 'signed-in')
    }

    app.simulators.konpro.faults = {}
    // Some of the faults are followed by a rest, while which nothing is sent.
    const refreshed = async () => {
      await press(page, 'konpro', 'refresh')
      await soon(() => card(page, 'konpro').getAttribute('data-state')).not.toBe('refreshing')
      return page.locator('[data-error]').count()
    }
    await expect.poll(refreshed, { timeout: 20_000, interval: 1000 }).toBe(0)
    await expectState(page, 'konpro', 'signed-in')
  }, 60_000)

  test('a dead refresh token ends the account, and the card says to sign in again', async ({
    browser,
  }) => {
    const app = await startApp(env)
    const page = await (await openProfile(browser)).newPage()
    await page.goto(app.origin)
    await signIn(app, page, 'konpro')

    app.simulators.konpro.expireRefreshTokens()
    await press(page, 'konpro', 'refresh')

    await expectState(page, 'konpro', 'ended')
    await expectError(page, 'konpro', 'session_ended')
    await page.reload()
    await expectState(page, 'konpro', 'signed-out')
    await signIn(app, page, 'konpro')
  })

  test('an access token that ended is renewed when it is needed', async ({ browser }) => {
    const app = await startApp(env)
    const page = await (await openProfile(browser)).newPage()
    await page.goto(app.origin)
    await signIn(app, page, 'konpro')
    app.simulators.konpro.expireAccessTokens()

    await press(page, 'konpro', 'open')

    await soon(() => page.textContent('body')).toContain('Studio yearly')
    await expectState(page, 'konpro', 'signed-in')
    expect(
      app.simulators.konpro.log.filter(({ path }) => path.endsWith('/refresh_token')),
    ).toHaveLength(1)
  })

  test('an API token stands in for a sign-in, and a wrong one is told', async ({ browser }) => {
    const app = await startApp(env)
    const page = await (await openProfile(browser)).newPage()
    await page.goto(app.origin)
    const field = card(page, 'konpro').locator('[name="api-token"]')
    const give = async (token: string) => {
      if (!(await field.isVisible())) await card(page, 'konpro').locator('summary').last().click()
      await field.fill(token)
      await field.press('Enter')
    }

    await give('not-an-api-token')
    await expectError(page, 'konpro', 'invalid_credentials')
    await expectState(page, 'konpro', 'signed-out')

    await give(app.simulators.konpro.users.ada?.apiToken ?? '')
    await expectState(page, 'konpro', 'signed-in')
    expect(await textOf(page, 'konpro')).toContain('ada@studio.example')
    await press(page, 'konpro', 'open')
    await soon(() => page.textContent('body')).toContain('Studio yearly')

    const asked = app.simulators.konpro.log.filter(
      ({ path, method }) => path.endsWith('account.get') && method === 'GET',
    )
    expect(
      asked.every(({ headers }) => 'x-api-key' in headers && !('authorization' in headers)),
    ).toBe(true)
    await page.reload()
    await expectState(page, 'konpro', 'signed-in')
    await press(page, 'konpro', 'sign-out')
    await expectState(page, 'konpro', 'signed-out')
  })
})

test('nothing that is not an answer ends the account: offline it stays, and signing out works', async ({
  browser,
}) => {
  const app = await startApp()
  const context = await openProfile(browser)
  const page = await context.newPage()
  await page.goto(app.origin)
  await signIn(app, page, 'konpro')
  await signIn(app, page, 'onet')

  await context.setOffline(true)
  for (const provider of ['konpro', 'onet'] as const) {
    await press(page, provider, 'refresh')
    await expectState(page, provider, 'trouble')
  }
  await context.setOffline(false)
  for (const provider of ['konpro', 'onet'] as const) {
    await press(page, provider, 'refresh')
    await expectState(page, provider, 'signed-in')
  }

  // A page that has not yet loaded what it needs to speak with KonPro.
  await page.reload()
  await expectState(page, 'konpro', 'signed-in')
  await context.setOffline(true)
  await press(page, 'konpro', 'sign-out')
  await expectState(page, 'konpro', 'signed-out')
  await context.setOffline(false)
  await page.reload()
  await expectState(page, 'konpro', 'signed-out')
  await expectState(page, 'onet', 'signed-in')
})

test('KonPro that never answers a refresh is trouble after its time limit', async ({ browser }) => {
  const app = await startApp()
  const page = await (await openProfile(browser)).newPage()
  await page.goto(app.origin)
  await signIn(app, page, 'konpro')
  app.simulators.konpro.faults.refresh = 'hang'
  await press(page, 'konpro', 'refresh')
  await expectState(page, 'konpro', 'refreshing')
  // The limit is ten seconds.
  await page.locator('[data-provider="konpro"][data-state="trouble"]').waitFor({ timeout: 15_000 })
  await expectError(page, 'konpro', 'provider_timeout')
  app.simulators.konpro.faults = {}
  await press(page, 'konpro', 'refresh')
  await expectState(page, 'konpro', 'signed-in')
})

test('code and state are out of the address before anything else is asked for', async ({
  browser,
}) => {
  const app = await startApp()
  const context = await openProfile(browser)
  const page = await context.newPage()
  await page.goto(app.origin)
  await leave(page, () => press(page, 'konpro', 'sign-in'))
  const here = app.answers.length
  /** What was fetched, and the address of the page at that moment. */
  const asked: { url: string; from: string }[] = []
  page.on('request', (request) => {
    if (!request.isNavigationRequest()) asked.push({ url: request.url(), from: page.url() })
  })
  await throughProvider(app, page, 'ada')
  await expectState(page, 'konpro', 'signed-in')
  expect(page.url()).toBe(`${app.origin}/`)
  expect(await page.evaluate(() => document.referrer)).not.toContain('code=')

  const [callback, ...rest] = app.answers.slice(here)
  expect(callback?.target).toMatch(/^\/callback\/konpro\?.*code=/)
  expect(rest.filter(({ target }) => /[?&](?:code|state)=/.test(target))).toEqual([])
  // The page that carries the code names one script, and that alone is fetched while it does.
  const named = [...(callback?.body.toString() ?? '').matchAll(/(?:src|href)="([^"]+)"/g)]
    .map(([, path = '']) => path)
    .filter((path) => !path.includes('favicon'))
  expect(named).toHaveLength(1)
  const [entry, ...others] = asked.filter(({ from }) => from.startsWith(`${app.origin}/`))
  expect(entry?.url).toBe(app.origin + (named[0] ?? ''))
  expect(others.length).toBeGreaterThan(4)
  expect(others.filter(({ from, url }) => /[?&](?:code|state)=/.test(from + url))).toEqual([])

  // Nobody was told by a Referer either.
  const referers = [
    ...rest.map(({ asked: { referer } }) => referer),
    ...app.simulators.konpro.log.map(({ headers: { referer } }) => referer),
  ]
  expect(referers.filter((referer) => referer?.includes('code='))).toEqual([])

  // Nor does "back" lead to it.
  await page.goBack()
  expect(page.url()).not.toContain('/callback/konpro?')
})

test('no token of KonPro lies open in the browser: not in storage, page, console or database', async ({
  browser,
}) => {
  const app = await startApp()
  const context = await openProfile(browser)
  const watched = watch(context)
  const page = await context.newPage()
  await page.goto(app.origin)
  await signIn(app, page, 'konpro')
  await press(page, 'konpro', 'refresh')
  await expectState(page, 'konpro', 'signed-in')
  await press(page, 'konpro', 'open')
  await soon(() => page.textContent('body')).toContain('Studio yearly')

  const database = await databaseOf(page)
  expect(database.keys).toContain('account/konpro')
  // The key can be used here, and never be read.
  expect(database.extractable).toEqual([false])
  const lying = [
    { where: 'the database', text: database.text },
    { where: 'the console', text: watched.console.join('\n') },
    ...(await inReachOf(page, context)),
  ]
  const { issued } = app.simulators.konpro
  expect([...issued].filter((secret) => /^kp_[ar]t_/.test(secret))).toHaveLength(4)
  expect(findLeaks(lying, [...issued, 'code_verifier'])).toEqual([])

  // After a sign-out nothing is left but what tells a used sign-in from a forged one.
  await press(page, 'konpro', 'sign-out')
  await expectState(page, 'konpro', 'signed-out')
  expect((await databaseOf(page)).keys.filter((name) => name.startsWith('account/'))).toEqual([])
})

/** Where a script or a person may look. */
async function inReachOf(page: Page, context: BrowserContext) {
  const { cookies, origins } = await context.storageState()
  const session = await page.evaluate(() => JSON.stringify(sessionStorage))
  const globals = await page.evaluate(() =>
    Object.entries(window)
      .map(([name, value]) => `${name}=${typeof value === 'string' ? value : ''}`)
      .join('\n'),
  )
  const caches = await page.evaluate(async () => (await window.caches.keys()).join('\n'))
  expect(caches).toBe('')
  return [
    { where: 'a cookie', text: JSON.stringify(cookies) },
    { where: 'localStorage', text: JSON.stringify(origins) },
    { where: 'sessionStorage', text: session },
    { where: 'a global', text: globals },
    { where: 'the page', text: await page.content() },
  ]
}

/** Every database of the page's origin as text, its bytes one character each. */
function databaseOf(page: Page): Promise<{ text: string; keys: string[]; extractable: boolean[] }> {
  return page.evaluate(async () => {
    const wait = <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve, reject) => {
        request.onsuccess = () => resolve(request.result)
        request.onerror = () => reject(new Error(String(request.error)))
      })
    const keys: string[] = []
    const extractable: boolean[] = []
    const spell = (value: unknown): string => {
      if (value instanceof CryptoKey) {
        extractable.push(value.extractable)
        return ''
      }
      if (value instanceof ArrayBuffer) return spell(new Uint8Array(value))
      if (value instanceof Uint8Array) return String.fromCharCode(...value)
      if (typeof value === 'object' && value !== null)
        return Object.entries(value)
          .map(([name, part]) => `${name}=${spell(part)}`)
          .join('\n')
      return String(value)
    }
    const texts: string[] = []
    for (const { name = '' } of await indexedDB.databases()) {
      const database = await wait(indexedDB.open(name))
      for (const store of database.objectStoreNames) {
        const opened = database.transaction(store).objectStore(store)
        const [names, values] = await Promise.all([
          wait(opened.getAllKeys()),
          wait(opened.getAll()),
        ])
        keys.push(...names.map(String))
        texts.push(...names.map(String), ...values.map(spell))
      }
      database.close()
    }
    return { text: texts.join('\n'), keys, extractable }
  })
}
