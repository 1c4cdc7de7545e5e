import { expect, onTestFinished, test, vi } from 'vitest'
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

  expect((await refreshAccount(registration, signedIn(), browser.tab())).signIn).toBe('second')
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

const cut = () => Promise.reject(new TypeError('cut'))
const asked = async (browser: ReturnType<typeof openBrowser>) =>
  refreshAccount(
    registration,
    (await readKept(id, browser.tab())) ?? signedIn(),
    browser.tab(),
  ).then(
    (kept) => access(kept),
    (error: unknown) => error,
  )

test('who waits for a refresh in another tab gets its failure, and sends nothing', async () => {
  let fail = (): void => undefined
  const browser = openBrowser(
    () => new Promise((_, reject) => (fail = () => reject(new TypeError('cut')))),
  )
  const seen = signedIn()
  await storeSignIn(id, seen, browser.tab())

  const tabs = [1, 2, 3, 4, 5].map(() =>
    thrownBy(refreshAccount(registration, seen, browser.tab())),
  )
  await vi.waitUntil(() => browser.requests.length > 0)
  fail()
  expect(await Promise.all(tabs)).toEqual(Array(5).fill('provider_unreachable'))
  expect(browser.requests).toHaveLength(1)
})

test('after a refresh without an answer the same token is sent once more, three seconds later', async () => {
  let answer: Parameters<typeof openBrowser>[0] = cut
  const browser = openBrowser((request) => answer(request))
  await storeSignIn(id, signedIn(), browser.tab())
  await asked(browser)
  answer = rotating()

  browser.clock.now += 1_000
  expect(await asked(browser)).toBe('access-1')
  expect(browser.waits).toEqual([2_000])
  const spent = await Promise.all(browser.requests.map((request) => request.text()))
  expect(new Set(spent).size).toBe(1)
})

test('the rest doubles to a minute, and is refused where it is longer than three seconds', async () => {
  const browser = openBrowser(cut)
  await storeSignIn(id, signedIn(), browser.tab())
  await asked(browser)
  for (const seconds of [6, 12, 24, 48, 60, 60]) {
    const sent = browser.requests.length
    await asked(browser)
    expect(browser.requests).toHaveLength(sent + 1)
    expect(await asked(browser)).toMatchObject({
      code: 'provider_unreachable',
      retryAfter: seconds,
    })
    expect(browser.requests).toHaveLength(sent + 1)
    browser.clock.now += seconds * 1000
  }
})

test('a new generation does not rest', async () => {
  let answer: Parameters<typeof openBrowser>[0] = cut
  const browser = openBrowser((request) => answer(request))
  await storeSignIn(id, signedIn(), browser.tab())
  await asked(browser)
  await asked(browser)
  browser.clock.now += 60_000
  answer = rotating()
  expect(await asked(browser)).toBe('access-1')
  expect(await asked(browser)).toBe('access-2')
  answer = cut
  await asked(browser)
  const { rest } = (await readKept(id, browser.tab())) ?? {}
  expect(rest).toMatchObject({ failures: 1, length: 3_000 })
})

test('a provider that asks for a pause is given it', async () => {
  const browser = openBrowser(() => {
    const answer = json({ error: 'slow_down' }, 429)
    answer.headers.set('retry-after', '20')
    return answer
  })
  await storeSignIn(id, signedIn(), browser.tab())
  await asked(browser)
  browser.clock.now += 5_000
  expect(await asked(browser)).toMatchObject({ code: 'provider_busy', retryAfter: 15 })
  expect(browser.requests).toHaveLength(1)
})

test('a provider whose pause cannot be read is given three seconds', async () => {
  const browser = openBrowser(() => json({ error: 'slow_down' }, 429))
  await storeSignIn(id, signedIn(), browser.tab())
  await asked(browser)
  await asked(browser)
  expect(browser.waits).toEqual([3_000])
  expect(browser.requests).toHaveLength(2)
})

test('without a network nothing was sent, so nothing rests', async () => {
  const browser = openBrowser(cut)
  browser.network.isOnline = false
  await storeSignIn(id, signedIn(), browser.tab())
  await asked(browser)
  await asked(browser)
  await asked(browser)
  expect(browser.waits).toEqual([])
  expect(browser.requests).toHaveLength(3)
})

test('a provider that did answer, with an error, is asked again at once', async () => {
  const browser = openBrowser(() => json({ error: 'server_error' }, 500))
  await storeSignIn(id, signedIn(), browser.tab())
  await asked(browser)
  await asked(browser)
  await asked(browser)
  expect(browser.waits).toEqual([])
  expect(browser.requests).toHaveLength(3)
})

test('no rest outlives a clock that is set back', async () => {
  const browser = openBrowser(cut)
  await storeSignIn(id, signedIn(), browser.tab())
  await asked(browser)
  await asked(browser)
  browser.clock.now -= 3_600_000
  await asked(browser)
  expect(browser.requests).toHaveLength(3)
})

test('while a refresh rests, a token that still lives is used at once', async () => {
  const browser = openBrowser(cut)
  await storeSignIn(id, signedIn(), browser.tab())
  const used = () =>
    withToken(registration, (tokens) => Promise.resolve(tokens.accessToken.reveal()), browser.tab())

  browser.clock.now = Date.parse('2026-11-22T12:59:30Z')
  expect(await used()).toBe('access-0')
  expect(await used()).toBe('access-0')
  expect(browser.waits).toEqual([])
  expect(browser.requests).toHaveLength(1)
})

test('a tab that does not come to an end with its refresh is not waited for for ever', async () => {
  const browser = openBrowser(rotating())
  const seen = signedIn()
  await storeSignIn(id, seen, browser.tab())
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const stopped = browser.locks.request(`latchkey:${id}`, 0, () => new Promise(() => undefined))
  const waiting = thrownBy(refreshAccount(registration, seen, browser.tab()))

  await vi.advanceTimersByTimeAsync(13_000)
  expect(await waiting).toBe('provider_timeout')
  expect(browser.requests).toHaveLength(0)
  void stopped
})

test('what the tokens say counts from before they were asked for, so sleep does not prolong them', async () => {
  const browser = openBrowser((request) => {
    browser.clock.now += 3_600_000
    return rotating()(request)
  })
  await storeSignIn(id, signedIn(), browser.tab())
  const { tokens } = await refreshAccount(registration, signedIn(), browser.tab())
  expect(tokens.expiresAt).toBe(Date.parse('2026-11-22T13:00:00Z'))
})

test('the time is made sure of before a token is taken for due', async () => {
  const browser = openBrowser(rotating())
  await storeSignIn(id, signedIn(), browser.tab())
  const parts = browser.tab()
  browser.clock.now += 3_600_000
  parts.settle = () => {
    browser.clock.now -= 3_600_000
    return Promise.resolve()
  }
  await withToken(registration, () => Promise.resolve(), parts)
  expect(browser.requests).toHaveLength(0)
})

test('every change of the account is told, and nothing else', async () => {
  let answer: Parameters<typeof openBrowser>[0] = cut
  const browser = openBrowser((request) => answer(request))
  const changes = async (act: () => Promise<unknown>) => {
    const before = browser.told.changes
    await act()
    return browser.told.changes - before
  }
  expect(await changes(() => storeSignIn(id, signedIn(), browser.tab()))).toBe(1)
  expect(await changes(() => asked(browser))).toBe(0)
  answer = rotating()
  browser.clock.now = Date.parse('2026-11-22T13:00:00Z')
  expect(await changes(() => withToken(registration, () => Promise.resolve(), browser.tab()))).toBe(
    1,
  )
  answer = () => json({ error: 'invalid_grant' }, 400)
  expect(await changes(() => asked(browser))).toBe(1)
  expect(await changes(() => dropKept(id, null, browser.tab()))).toBe(1)
})

test('a rest that cannot be read costs nobody the account', async () => {
  const browser = openBrowser(rotating())
  const odd = { failures: 1, code: 'of_another_version', length: 60_000, until: Infinity }
  await storeSignIn(id, { ...signedIn(), rest: odd } as unknown as Kept, browser.tab())
  expect(access(await readKept(id, browser.tab()))).toBe('access-0')
  expect(await asked(browser)).toBe('access-1')
})
