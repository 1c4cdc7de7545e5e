/**
 * What a person does with the app, by the attributes that it promises to programs and by nothing else:
 * no words, no looks.
 */
import type { Locator, Page } from 'playwright-core'
import { expect } from 'vitest'
import type { App } from './app'

export type ProviderId = 'onet' | 'konpro' | 'onesait' | 'gearcode' | 'seznam'
export const everyProvider: ProviderId[] = ['onet', 'konpro', 'onesait', 'gearcode', 'seznam']
export type State =
  'off' | 'signed-out' | 'signing-in' | 'signed-in' | 'refreshing' | 'ended' | 'trouble'

/** Who signs in where nobody else is named. */
export const somebody: Record<ProviderId, string> = {
  onet: 'anna',
  konpro: 'ada',
  onesait: 'developer',
  gearcode: 'jan',
  seznam: 'krasty',
}

/** What a person does at a provider. */
export interface Choices {
  user?: string
  /** Typed at the app's own form, where the provider has no page of its own. */
  password?: string
  /** Scopes to untick. */
  refuse?: string[]
  deny?: boolean
}

/** Long enough for a busy machine, and less than a provider's time limit. */
const patience = { timeout: 8000, interval: 40 }

/** Expects something of what becomes true soon. */
export function soon<T>(read: () => T | Promise<T>, message = '') {
  return expect.poll(read, { ...patience, message })
}

export function card(page: Page, provider: ProviderId): Locator {
  return page.locator(`[data-provider="${provider}"]`).first()
}

export async function expectState(page: Page, provider: ProviderId, state: State): Promise<void> {
  const seen = () => card(page, provider).getAttribute('data-state')
  await soon(seen, `${provider} at ${page.url()}`).toBe(state)
}

/** What the card says about a failure. */
export async function expectError(page: Page, provider: ProviderId, code: string): Promise<void> {
  const told = card(page, provider).locator('[data-error]')
  const seen = async () =>
    (await told.count()) > 0 && (await told.first().getAttribute('data-error'))
  await soon(seen, `${provider} at ${page.url()}`).toBe(code)
}

/** What the card says, in whichever language. */
export function textOf(page: Page, provider: ProviderId): Promise<string> {
  return card(page, provider).innerText()
}

/** The control of a provider, out of its menu if that is where it is. */
export async function control(page: Page, provider: ProviderId, action: string): Promise<Locator> {
  await card(page, provider).waitFor()
  const named = `[data-action="${action}"]`
  const found = page
    .locator(`[data-provider="${provider}"] ${named}, ${named}[data-for="${provider}"]`)
    .filter({ visible: true })
    .first()
  const menu = card(page, provider).locator('[data-action="menu"]').first()
  if (!(await found.isVisible()) && (await menu.isVisible())) await menu.click()
  return found
}

export async function press(page: Page, provider: ProviderId, action: string): Promise<void> {
  // A tab behind another one is drawn once a second, for which a click would wait.
  await page.bringToFront()
  await (await control(page, provider, action)).click({ timeout: patience.timeout })
}

/** Signs in all the way, or as far as the choices let it. */
export async function signIn(
  app: App,
  page: Page,
  provider: ProviderId,
  choices: Choices = {},
): Promise<void> {
  const user = choices.user ?? somebody[provider]
  const form = card(page, provider).locator('[name="username"]')
  await card(page, provider).waitFor()
  if ((await form.count()) > 0) {
    const { password = app.simulators[provider].users[user]?.password ?? '' } = choices
    await form.fill(user)
    await card(page, provider).locator('[name="password"]').fill(password)
    await press(page, provider, 'sign-in')
  } else {
    await leave(page, () => press(page, provider, 'sign-in'))
    await throughProvider(app, page, user, choices)
  }
  if (choices.deny !== true && choices.password === undefined)
    await expectState(page, provider, 'signed-in')
}

/** All five, one after the other. */
export async function signInEverywhere(app: App, page: Page): Promise<void> {
  for (const provider of everyProvider) await signIn(app, page, provider)
}

/** From a provider's page back to the app. */
export async function throughProvider(
  app: App,
  page: Page,
  user: string,
  choices: Choices = {},
): Promise<void> {
  for (let pages = 0; !isHome(app, page); pages += 1) {
    if (pages > 3) throw new Error(`${page.url()} leads nowhere`)
    await leave(page, () => answerProvider(page, user, choices))
  }
  await page.waitForLoadState()
}

export function isHome(app: App, page: Page): boolean {
  return new URL(page.url()).origin === app.origin
}

/** Picks a user, or decides about what the app asks for. */
async function answerProvider(page: Page, user: string, { refuse = [], deny }: Choices) {
  const allow = page.locator('[data-action="allow"]')
  const pick = page.locator(`[data-user="${user}"]`)
  await allow.or(pick).waitFor()
  if (await pick.isVisible()) {
    await pick.click()
    return
  }
  for (const scope of refuse) await page.locator(`[name="scope"][value="${scope}"]`).uncheck()
  await (deny === true ? page.locator('[data-action="deny"]') : allow).click()
}

/** Does what makes the page go elsewhere, and waits until it is there. */
export async function leave(page: Page, act: () => Promise<unknown>): Promise<void> {
  const gone = page.waitForEvent('framenavigated', (frame) => frame === page.mainFrame())
  await act()
  await gone
}
