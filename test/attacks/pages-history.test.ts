/** A83: somebody sits down at a browser after somebody else signed out, and goes back. */
import { chromium, type BrowserContext, type Page } from 'playwright-core'
import { expect } from 'vitest'
import { browserOptions, openProfile, startApp, test as plainTest, type App } from '../browser/app'
import { expectState, press, signIn, soon, type ProviderId } from '../browser/person'
import { openEvilSite } from './evil-site'

/** Playwright starts browsers without the cache of whole pages that people's browsers have. */
const test = plainTest.extend(
  'keeping',
  { scope: 'file' },
  // Vitest reads from the pattern which other fixtures it needs: none.
  async ({}, { onCleanup }) => {
    const browser = await chromium.launch({
      ...browserOptions(),
      ignoreDefaultArgs: ['--disable-back-forward-cache'],
    })
    onCleanup(() => browser.close())
    return browser
  },
)

/** What an account's own page shows of its person, and nothing else does. */
const traces = { onet: /anna|nowak|71c97af0/i, konpro: /ada@studio|studio yearly/i }

/** What of a page there was to see, and when. */
interface Sight {
  persisted: boolean
  /** As the browser had kept it, before any script of the app ran. */
  kept: string
  /** As it was drawn first. */
  first: string
  /** A while later. */
  then: string
}

/** From now on every page that comes back out of the cache notes what it shows. */
async function noteSights(context: BrowserContext): Promise<void> {
  // Playwright cannot look into such a page, so it says it itself.
  await context.addInitScript(() => {
    addEventListener('pageshow', ({ persisted }) => {
      if (!persisted) return
      const page = () => document.documentElement.outerHTML
      const sight = { persisted, kept: page(), first: '', then: '' }
      requestAnimationFrame(() => (sight.first = page()))
      setTimeout(() => {
        localStorage.setItem('sight', JSON.stringify({ ...sight, then: page() }))
      }, 1000)
    })
  })
}

/** What the page showed on "back", whether the browser had kept it or loaded it anew. */
async function goBack(app: App, context: BrowserContext, page: Page): Promise<Sight> {
  const loaded = app.answers.length
  await page.evaluate(() => {
    setTimeout(() => history.back())
  })
  const other = await context.newPage()
  await other.goto(`${app.origin}/favicon.svg`)
  await page.bringToFront()
  const noted = () => other.evaluate(() => localStorage.getItem('sight'))
  const isLoaded = () =>
    app.answers.slice(loaded).some(({ target }) => target.startsWith('/accounts/'))
  await soon(async () => (await noted()) !== null || isLoaded()).toBe(true)
  const sight = await noted()
  if (sight !== null) return JSON.parse(sight) as Sight
  await page.locator('[data-action="sign-in"]').first().waitFor()
  const shown = await page.content()
  return { persisted: false, kept: '', first: '', then: shown }
}

/** A page that showed who the person is at this provider, and then went elsewhere. */
async function leaveAccount(app: App, context: BrowserContext, provider: 'onet' | 'konpro') {
  const page = await context.newPage()
  await page.goto(app.origin)
  await signIn(app, page, provider)
  await page.goto(`${app.origin}/accounts/${provider}`)
  const trace = { onet: '71c97af0', konpro: 'Studio yearly' }[provider]
  await soon(() => page.textContent('body')).toContain(trace)
  await page.goto((await openEvilSite()).elsewhere)
  return page
}

async function signOutEverywhere(app: App, page: Page, providers: ProviderId[]): Promise<void> {
  await page.goto(app.origin)
  await page.locator('[data-action="sign-out-all"]').click()
  for (const provider of providers) await expectState(page, provider, 'signed-out')
}

const ways: { way: string; signOut: (app: App, context: BrowserContext) => Promise<void> }[] = [
  {
    way: 'everywhere, in another tab',
    async signOut(app, context) {
      const other = await context.newPage()
      await signOutEverywhere(app, other, ['onet', 'konpro'])
      await other.close()
    },
  },
  {
    // By no page of the app, which would tell the others.
    way: 'at the proxy, unheard by the browser',
    async signOut(app, context) {
      const headers = { 'X-Latchkey': '1' }
      const answer = await context.request.delete(`${app.origin}/bff/session`, { headers })
      expect(answer.status()).toBe(200)
    },
  },
]

test.for(ways)(
  'A83 bfcache: after a sign-out $way "back" shows nothing of the account, not for one frame',
  async ({ way, signOut }, { keeping }) => {
    const app = await startApp()
    const context = await openProfile(keeping)
    await noteSights(context)
    const page = await leaveAccount(app, context, 'onet')
    await signOut(app, context)
    const { persisted, kept, first, then } = await goBack(app, context, page)
    // Other tabs tell it, for which the browser may give the page up.
    if (way.includes('unheard')) expect(persisted).toBe(true)
    for (const seen of [kept, first, then]) expect(seen).not.toMatch(traces.onet)
    expect(then).toContain('data-action="sign-in"')
  },
)

test('A83 bfcache: who is still signed in sees the account again, and is asked for nothing', async ({
  keeping,
}) => {
  const app = await startApp()
  const context = await openProfile(keeping)
  await noteSights(context)
  const page = await leaveAccount(app, context, 'konpro')
  const { persisted, kept, first, then } = await goBack(app, context, page)
  expect(persisted).toBe(true)
  for (const seen of [kept, first]) expect(seen).not.toMatch(traces.konpro)
  expect(then).toMatch(traces.konpro)
})

test('A83 history: nothing of the account is shown, and nothing of it is left', async ({
  browser,
}) => {
  const app = await startApp()
  const context = await openProfile(browser)
  const page = await leaveAccount(app, context, 'onet')
  await page.goto(app.origin)
  await signIn(app, page, 'konpro')
  await signIn(app, page, 'onesait')
  await press(page, 'konpro', 'open')
  await soon(() => page.textContent('body')).toMatch(traces.konpro)
  await signOutEverywhere(app, page, ['onet', 'konpro', 'onesait'])

  let ours = 0
  for (let steps = 0; steps < 12; steps += 1) {
    await page.goBack()
    if (page.url() === 'about:blank') break
    if (new URL(page.url()).origin !== app.origin) continue
    ours += 1
    await page.locator('[data-action="sign-in"]').first().waitFor()
    const fields = await page
      .locator('input')
      .evaluateAll((inputs: HTMLInputElement[]) => inputs.map(({ value }) => value).join())
    for (const seen of [await page.content(), fields])
      expect(seen, page.url()).not.toMatch(/anna|nowak|71c97af0|ada@|studio yearly|developer/i)
  }
  expect(ours).toBeGreaterThan(3)
  await page.goto(app.origin)
  expect(await keptBy(page)).toEqual({ local: 0, session: 0, caches: 0, accounts: 0 })
  const cookies = await context.cookies(app.origin)
  expect(cookies.filter(({ name }) => !name.startsWith('latchkey_logout'))).toEqual([])
}, 60_000)

/** How much the browser keeps for the page's origin. */
function keptBy(page: Page) {
  return page.evaluate(async () => {
    const databases = await indexedDB.databases()
    const names = databases.map(({ name = '' }) => name)
    const entries = await Promise.all(
      names.map(
        (name) =>
          new Promise<IDBValidKey[]>((resolve, reject) => {
            const opening = indexedDB.open(name)
            opening.onerror = () => reject(new Error('no database'))
            opening.onsuccess = () => {
              const keys = opening.result.transaction('keep').objectStore('keep').getAllKeys()
              keys.onsuccess = () => resolve(keys.result)
            }
          }),
      ),
    )
    const accounts = entries.flat().filter((key) => JSON.stringify(key).includes('account/'))
    return {
      local: localStorage.length,
      session: sessionStorage.length,
      caches: (await caches.keys()).length,
      accounts: accounts.length,
    }
  })
}
