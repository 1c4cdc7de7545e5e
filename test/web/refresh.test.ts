import { expect, test } from 'vitest'
import { dropKept, readKept, storeSignIn, type Kept } from '../../web/client/browser/account'
import { refreshAccount, withToken } from '../../web/client/browser/refresh'
import { json, openBrowser, registration, signedIn, thrownBy } from './browser'

const id = registration.provider.id

/** A provider whose refresh tokens are good once. */
function rotating() {
  let current = 0
  return async (request: Request) => {
    const spent = new URLSearchParams(await request.text()).get('refresh_token')
    if (spent !== `refresh-${String(current)}`) return json({ error: 'invalid_grant' }, 400)
    current += 1
    return json({
      token_type: 'Bearer',
      access_token: `access-${String(current)}`,
      refresh_token: `refresh-${String(current)}`,
      expires_in: 3600,
    })
  }
}

const access = (kept: Kept | null) => kept?.tokens.accessToken.reveal()

test('five tabs at one expiry spend one refresh token once, and all have the result', async () => {
  const browser = openBrowser(rotating())
  const seen = signedIn()
  await storeSignIn(id, seen, browser.tab())

  const tabs = [1, 2, 3, 4, 5].map(() => refreshAccount(registration, seen, browser.tab()))
  expect((await Promise.all(tabs)).map(access)).toEqual(Array(5).fill('access-1'))
  expect(browser.requests).toHaveLength(1)
})

test('a refresh that is asked for again is a new one', async () => {
  const browser = openBrowser(rotating())
  const seen = signedIn()
  await storeSignIn(id, seen, browser.tab())

  const first = await refreshAccount(registration, seen, browser.tab())
  const second = await refreshAccount(registration, first, browser.tab())
  expect(access(second)).toBe('access-2')
  expect(access(await readKept(id, browser.tab()))).toBe('access-2')
})

test('invalid_grant ends the account', async () => {
  const browser = openBrowser(() => json({ error: 'invalid_grant' }, 400))
  await storeSignIn(id, signedIn(), browser.tab())

  expect(await thrownBy(refreshAccount(registration, signedIn(), browser.tab()))).toBe(
    'session_ended',
  )
  expect(await readKept(id, browser.tab())).toBeNull()
})

test.each([
  ['a cut connection', 'provider_unreachable', () => Promise.reject(new TypeError('cut'))],
  ['a 500', 'provider_error', () => json({ error: 'server_error' }, 500)],
  ['a 429', 'provider_busy', () => json({ error: 'slow_down' }, 429)],
  [
    'a page of HTML',
    'provider_error',
    () => new Response('<p>Hello', { headers: { 'content-type': 'text/html' } }),
  ],
])('%s ends nothing and is not sent again', async (_, code, answer) => {
  const browser = openBrowser(answer)
  await storeSignIn(id, signedIn(), browser.tab())

  expect(await thrownBy(refreshAccount(registration, signedIn(), browser.tab()))).toBe(code)
  expect(access(await readKept(id, browser.tab()))).toBe('access-0')
  expect(browser.requests).toHaveLength(1)
})

test('a refresh under way does not bring back an account that was signed out', async () => {
  const browser = openBrowser(async (request) => {
    await dropKept(id, null, browser.tab())
    return rotating()(request)
  })
  await storeSignIn(id, signedIn(), browser.tab())

  expect(await thrownBy(refreshAccount(registration, signedIn(), browser.tab()))).toBe(
    'not_signed_in',
  )
  expect(await readKept(id, browser.tab())).toBeNull()
})

test('a refresh under way does not undo a newer sign-in', async () => {
  const newer = { ...signedIn(), signIn: 'second', label: 'grace@acme.test' }
  const browser = openBrowser(async (request) => {
    await storeSignIn(id, newer, browser.tab())
    return rotating()(request)
  })
  await storeSignIn(id, signedIn(), browser.tab())

  expect((await refreshAccount(registration, signedIn(), browser.tab())).label).toBe(
    'grace@acme.test',
  )
  expect(access(await readKept(id, browser.tab()))).toBe('access-0')
})

test('the end of an older sign-in does not end the newer one', async () => {
  const newer = { ...signedIn(), signIn: 'second' }
  const browser = openBrowser(async () => {
    await storeSignIn(id, newer, browser.tab())
    return json({ error: 'invalid_grant' }, 400)
  })
  await storeSignIn(id, signedIn(), browser.tab())

  expect(await thrownBy(refreshAccount(registration, signedIn(), browser.tab()))).toBe(
    'session_ended',
  )
  expect((await readKept(id, browser.tab()))?.signIn).toBe('second')
})

test('a token is refreshed a minute before it ends, and not earlier', async () => {
  const browser = openBrowser(rotating())
  await storeSignIn(id, signedIn(), browser.tab())
  const used = () =>
    withToken(registration, (tokens) => Promise.resolve(tokens.accessToken.reveal()), browser.tab())

  browser.clock.now = Date.parse('2026-11-22T12:58:59Z')
  expect(await used()).toBe('access-0')
  browser.clock.now = Date.parse('2026-11-22T12:59:00Z')
  expect(await used()).toBe('access-1')
})

test('while the provider is in trouble, a token that is due but still good is used', async () => {
  const browser = openBrowser(() => json({}, 503))
  await storeSignIn(id, signedIn(), browser.tab())
  const used = () =>
    withToken(registration, (tokens) => Promise.resolve(tokens.accessToken.reveal()), browser.tab())

  browser.clock.now = Date.parse('2026-11-22T12:59:30Z')
  expect(await used()).toBe('access-0')
  browser.clock.now = Date.parse('2026-11-22T13:00:00Z')
  expect(await thrownBy(used())).toBe('provider_error')
})
