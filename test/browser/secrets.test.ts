import type { BrowserContext, Page } from 'playwright-core'
import { expect } from 'vitest'
import { canary } from '../simulators'
import { openProfile, sessionSecret, startApp, test, type App } from './app'
import { findLeaks, type Seen } from './leaks'
import {
  everyProvider,
  expectError,
  expectState,
  leave,
  press,
  signIn,
  signInEverywhere,
  soon,
} from './person'
import { watch, type Watch } from './watch'

/** A password that nothing else looks like. */
const typed = 'Tr0ub4dor-latchkey-typed-password'

test('no token and no secret that the proxy keeps reaches the browser or a log, and nothing complains', async ({
  browser,
}) => {
  const app = await startApp()
  const context = await openProfile(browser)
  const watched = watch(context)
  const page = await context.newPage()
  const developer = app.simulators.onesait.users.developer
  if (developer) developer.password = typed

  await liveThrough(app, page)

  const kept = [
    app.simulators.onet,
    app.simulators.onesait,
    app.simulators.gearcode,
    app.simulators.seznam,
  ]
  const secrets = [...kept.flatMap(({ issued }) => [...issued]), sessionSecret]
  // Every kind of thing was handed out, or the search would prove nothing.
  expect(kept.map(({ issued }) => issued.size >= 5)).toEqual([true, true, true, true])

  const answered = await heardBy(app, context)
  expect(findLeaks(answered, [...secrets, typed])).toEqual([])
  // Whatever it was part of: the mark that every one of them bears.
  expect(findLeaks(answered, [canary])).toEqual([])

  const written = [{ where: 'the log', text: app.output() }]
  expect(app.output()).toContain('signed out')
  expect(findLeaks(written, [...secrets, typed, canary])).toEqual([])

  // Codes alone pass through the browser's address bar; nothing else is in any address.
  const codes = new Set(
    watched.callbacks().map((url) => new URL(url).searchParams.get('code') ?? ''),
  )
  const addresses = watched.requests.map((request) => ({
    where: 'an address',
    text: request.url(),
  }))
  const never = secrets.filter((secret) => !codes.has(secret))
  expect(findLeaks(addresses, [...never, typed])).toEqual([])

  expect(watched.complaints).toEqual([])
  expect(hostsOf(watched)).toEqual(
    [
      new URL(app.origin).host,
      ...everyProvider.flatMap((id) =>
        Object.values(app.simulators[id].origins).map((origin) => new URL(origin).host),
      ),
      'd.example',
    ]
      // Only the proxy speaks with these two hosts.
      .filter(
        (host) =>
          ![app.simulators.onet.origins.connect, app.simulators.onesait.origins.main].includes(
            `http://${host}`,
          ),
      )
      .sort(),
  )
}, 60_000)

test('the search finds a secret in whichever spelling it is planted', () => {
  const secret = 'c0ffee_Szn.Q8-rT~yU+1o/P='
  const bytes = Buffer.from(secret)
  const inTwo = encodeURIComponent(Buffer.from(`{"t":"${secret}"}`).toString('base64'))
  const spellings = [
    `x${secret}y`,
    `Basic ${Buffer.from(`id:${secret}`).toString('base64')}`,
    Buffer.from(`ab${secret}`).toString('base64url'),
    `cookie=aaa.${Buffer.from(`a${secret}`).toString('base64url')}.bbb`,
    bytes.toString('hex').toUpperCase(),
    encodeURIComponent(secret),
    encodeURIComponent(encodeURIComponent(secret)),
    JSON.stringify({ body: JSON.stringify({ secret }) }).replaceAll('/', '\\/'),
    `{"a":"${secret.replace(/./g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`)}"}`,
    inTwo,
  ]
  for (const text of spellings)
    expect(findLeaks([{ where: text, text }], [secret]), text).toHaveLength(1)
  expect(findLeaks([{ where: 'nowhere', text: 'an innocent text' }], [secret])).toEqual([])
})

/** All that a person can do, faults of their own included. */
async function liveThrough(app: App, page: Page): Promise<void> {
  await page.goto(app.origin)
  await signIn(app, page, 'seznam', { deny: true })
  await expectError(page, 'seznam', 'access_denied')
  await signInEverywhere(app, page)
  for (const provider of everyProvider) {
    await press(page, provider, 'open')
    await page.waitForURL(`${app.origin}/accounts/${provider}`)
    await expectState(page, provider, 'signed-in')
    await press(page, provider, 'refresh')
    await expectState(page, provider, 'signed-in')
    await page.goBack()
  }
  await page.reload()
  await press(page, 'onesait', 'check')
  await soon(() => page.textContent('body')).toContain('ROLE_TEST')
  for (const provider of ['onet', 'seznam', 'onesait'] as const) {
    await press(page, provider, 'revoke')
    await soon(() => app.simulators[provider].log.some(({ path }) => path.includes('revoke'))).toBe(
      true,
    )
    await expectState(page, provider, provider === 'onesait' ? 'signed-out' : 'signed-in')
  }
  await signIn(app, page, 'onesait')
  await press(page, 'gearcode', 'sign-out')
  await expectState(page, 'gearcode', 'signed-out')
  await page.locator('[data-action="sign-out-all"]').click()
  for (const provider of everyProvider) await expectState(page, provider, 'signed-out')
  const { origins } = app.simulators.onet
  await leave(page, () => page.locator(`a[href^="${origins.sso ?? ''}/"]`).click())
  await expectState(page, 'onet', 'signed-out')
}

/** All that the server gave the browser, and what the browser kept of it. */
async function heardBy(app: App, context: BrowserContext): Promise<Seen[]> {
  const own = app.answers.filter(({ target }) => !target.startsWith('/assets/'))
  return [
    ...app.answers.flatMap(({ method, target, status, headers, body }) => {
      const where = `${method} ${target.split('?')[0] ?? ''} ${status}`
      const head = headers.map(([name, value]) => `${name}: ${value}`).join('\n')
      return [
        { where: `the head of ${where}`, text: head },
        // Files are the same for everybody and were there before any token.
        ...(target.startsWith('/assets/') ? [] : [{ where, text: body.toString() }]),
      ]
    }),
    { where: 'what the browser kept', text: JSON.stringify(await context.storageState()) },
    { where: 'all of it', text: own.map(({ body }) => body.toString()).join('\n') },
  ]
}

function hostsOf({ requests }: Watch): string[] {
  return [...new Set(requests.map((request) => new URL(request.url()).host))].sort()
}
