/** Several tabs of one browser, and what they do to a provider. */
import type { BrowserContext, Page } from 'playwright-core'
import { expect } from 'vitest'
import type { App } from './app'
import { card, expectState, signIn, type ProviderId } from './person'

/** Five tabs, or as many as stated, in all of which somebody is signed in. */
export async function openTabs(
  app: App,
  context: BrowserContext,
  provider: ProviderId,
  count = 5,
): Promise<{ tabs: Page[]; refreshes: () => string[] }> {
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
export function refreshesOf(app: App, provider: ProviderId): string[] {
  return app.simulators[provider].log
    .map(({ method, body }) => (method === 'POST' ? body : ''))
    .filter((body) => /grant_type["=:]+refresh_token/.test(body))
}

/** From now on the provider keeps refreshes waiting, until what this returns is called. */
export function holdRefreshes(app: App, provider: ProviderId): () => void {
  let answer = (): void => undefined
  const held = new Promise<void>((go) => (answer = go))
  app.simulators[provider].before = (operation) => (operation === 'refresh' ? held : undefined)
  return () => {
    delete app.simulators[provider].before
    answer()
  }
}

/** What the browser's custody is doing: all its tabs, holding or waiting. */
export function locksOf(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const { held = [], pending = [] } = await navigator.locks.query()
    return held.length + pending.length
  })
}

/** Headless pages are always visible, so the person who comes back to a tab is told of by hand. */
export function comeBackTo(page: Page): Promise<unknown> {
  return page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))
}

export function stateOf(page: Page, provider: ProviderId): Promise<string | null> {
  return card(page, provider).getAttribute('data-state')
}

/** When the token ends, as the card says it to programs; and how it says it to people. */
export async function expiryOf(
  page: Page,
  provider: ProviderId,
): Promise<{ at: number; told: string }> {
  const times = await card(page, provider)
    .locator('time')
    .evaluateAll((found) =>
      found.map((time) => ({
        at: Date.parse(time.getAttribute('datetime') ?? ''),
        told: time.textContent.trim(),
      })),
    )
  // An account's own page also says when it was connected, which was before.
  const [latest] = times.sort((one, other) => other.at - one.at)
  return latest ?? { at: NaN, told: '' }
}

/** Expects something of every tab, before a second is over. */
export async function withinASecond(
  tabs: readonly Page[],
  holds: (tab: Page) => Promise<boolean>,
): Promise<void> {
  const seen = async () => (await Promise.all(tabs.map(holds))).every(Boolean)
  await expect.poll(seen, { timeout: 1000, interval: 20 }).toBe(true)
}
