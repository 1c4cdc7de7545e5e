import { expect, test } from 'vitest'
import { readKept } from '../../web/client/browser/account'
import { begin, finish, take, useApiToken } from '../../web/client/browser/login'
import { json, openBrowser, registration, thrownBy } from './browser'

const { id } = registration.provider

/** A provider that knows every code and names Ada. */
function friendly(request: Request): Response {
  return new URL(request.url).pathname === '/me'
    ? json({ email: 'ada@acme.test' })
    : json({ token_type: 'Bearer', access_token: 'a', refresh_token: 'r', expires_in: 3600 })
}

async function away(browser = openBrowser(friendly), returnTo = '/accounts/acme') {
  const url = await begin(registration, returnTo, browser.tab())
  const state = url.searchParams.get('state') ?? ''
  /** The person comes back with this query. */
  const back = async (query: Record<string, string> = { code: 'c', state }, to = registration) => {
    const parameters = new URLSearchParams(query)
    const taken = await take(to, parameters, browser.tab())
    const kept = await finish(to, taken, parameters, browser.tab())
    return { kept, returnTo: taken?.returnTo }
  }
  return { browser, url, state, back }
}

const codes = (requests: Request[]) => requests.filter(({ method }) => method === 'POST').length

test('a sign-in goes to the provider with PKCE and comes back to where it was begun', async () => {
  const { browser, url, back } = await away()
  expect(url.origin + url.pathname).toBe('https://auth.acme.test/authorize')
  expect(Object.fromEntries(url.searchParams)).toMatchObject({
    client_id: 'app',
    response_type: 'code',
    redirect_uri: 'https://app.test/callback/acme',
    code_challenge_method: 'S256',
  })

  const { kept, returnTo } = await back()
  expect(returnTo).toBe('/accounts/acme')
  expect(kept.label).toBe('ada@acme.test')
  const stored = await readKept(id, browser.tab())
  expect(stored?.tokens.accessToken.reveal()).toBe('a')
  expect(stored?.tokens.expiresAt).toBe(Date.parse('2026-11-22T13:00:00Z'))
})

test('a callback is good once', async () => {
  const { browser, back } = await away()
  await back()
  expect(await thrownBy(back())).toBe('login_expired')
  expect(codes(browser.requests)).toBe(1)
})

test('two tabs with one callback spend its code once', async () => {
  const { browser, back } = await away()
  const outcomes = await Promise.all([thrownBy(back()), thrownBy(back())])
  expect(outcomes).toEqual([undefined, 'login_expired'])
  expect(codes(browser.requests)).toBe(1)
})

test('a sign-in that took more than ten minutes is over', async () => {
  const { browser, back } = await away()
  browser.clock.now += 10 * 60 * 1000 + 1
  expect(await thrownBy(back())).toBe('login_expired')
  expect(browser.requests).toEqual([])
})

test.each([
  ['no state', { code: 'c' }],
  ['an empty state', { code: 'c', state: '' }],
  ['a state of nobody', { code: 'c', state: 'undefined' }],
])('a callback with %s is forged', async (_, query) => {
  const { browser, back } = await away()
  expect(await thrownBy(back(query as Record<string, string>))).toBe('login_forged')
  expect(browser.requests).toEqual([])
})

test('a callback at another provider is forged', async () => {
  const { browser, state, back } = await away()
  const other = { ...registration, provider: { ...registration.provider, id: 'other' } }
  expect(await thrownBy(back({ code: 'c', state }, other))).toBe('login_forged')
  expect(browser.requests).toEqual([])
})

test('a person who says no is told so, and the sign-in is over', async () => {
  const { state, back } = await away()
  expect(await thrownBy(back({ error: 'access_denied', state }))).toBe('access_denied')
  expect(await thrownBy(back())).toBe('login_expired')
})

test('five sign-ins may be under way; a sixth ends the oldest', async () => {
  const browser = openBrowser(friendly)
  const trips = []
  for (let trip = 0; trip < 6; trip++) {
    trips.push(await away(browser))
    browser.clock.now += 1000
  }
  const outcomes = []
  for (const { back } of trips) outcomes.push(await thrownBy(back()))
  expect(outcomes).toEqual(['login_expired', ...Array<undefined>(5).fill(undefined)])
})

test('however many sign-ins were begun, few are remembered', async () => {
  const browser = openBrowser(friendly)
  for (let trip = 0; trip < 40; trip++) {
    await begin(registration, '/', browser.tab())
    browser.clock.now += 1000
  }
  expect(await browser.tab().keep.names('login/')).toHaveLength(25)
})

test('nothing of a sign-in under way lies open in the store', async () => {
  const { browser } = await away()
  const values = [...browser.store.entries].filter(([name]) => name.startsWith('login/'))
  expect(values).toHaveLength(1)
  expect(JSON.stringify(values.map(([, value]) => value))).not.toContain('verifier')
})

test('an API token is kept once the provider has named its owner', async () => {
  const browser = openBrowser(friendly)
  const kept = await useApiToken(registration, 'key-1', browser.tab())

  expect(kept.label).toBe('ada@acme.test')
  expect(browser.requests.map(({ headers }) => headers.get('x-api-key'))).toEqual(['key-1'])
  expect(browser.requests.map(({ headers }) => headers.get('authorization'))).toEqual([null])
  const stored = await readKept(id, browser.tab())
  expect(stored?.tokens).toMatchObject({ scheme: 'api-token', expiresAt: null })
})

test('an API token that the provider refuses is not kept', async () => {
  const browser = openBrowser(() => json({ error: { code: 'INVALID_API_KEY' } }, 401))
  const outcome = await thrownBy(useApiToken(registration, 'wrong', browser.tab()))
  expect(outcome).toBe('invalid_credentials')
  expect(await readKept(id, browser.tab())).toBeNull()
})
