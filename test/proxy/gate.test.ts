import { describe, expect, test } from 'vitest'
import { createStage, origin } from '../stage'

const guarded = [
  ['GET', '/bff/providers'],
  ['GET', '/bff/session'],
  ['DELETE', '/bff/session'],
  ['POST', '/bff/login/onesait'],
  ['GET', '/bff/accounts/onet'],
  ['DELETE', '/bff/accounts/onet'],
  ['GET', '/bff/accounts/onet/profile'],
  ['POST', '/bff/accounts/onet/refresh'],
  ['POST', '/bff/accounts/onesait/check'],
  ['POST', '/bff/accounts/onet/revoke'],
  ['GET', '/bff/api/onet/resources/userinfo'],
  ['OPTIONS', '/bff/api/onet/resources/userinfo'],
] as const

describe('what does not come from the app', () => {
  test.each(guarded)(
    '%s %s without our header is refused and has no effect',
    async (method, path) => {
      const stage = createStage()
      const browser = stage.browser()
      for (const provider of ['onet', 'onesait']) await browser.signIn(provider)
      const before = Object.values(stage.simulators).map(({ log }) => log.length)

      const answer = await browser.send(path, { method, headers: { origin } })

      expect(answer.status).toBe(403)
      expect(answer.headers.get('content-type')).toBe('application/problem+json')
      expect(await answer.json()).toMatchObject({ code: 'csrf', status: 403 })
      expect(Object.values(stage.simulators).map(({ log }) => log.length)).toEqual(before)
      const session = await browser.call('GET', '/bff/session')
      expect(await session.json()).toMatchObject({ accounts: [{}, {}] })
    },
  )

  const foreign: Record<string, string>[] = [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: 'https://app.example.evil.example' },
    { origin: 'https://app.example:8443' },
    { origin: 'http://app.example' },
    { origin: 'https://APP.example' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'same-site', origin: 'https://old.app.example' },
    { 'sec-fetch-site': 'nonsense' },
    { 'x-latchkey': '0' },
    { 'x-latchkey': 'true' },
    { 'x-latchkey': '' },
    // As a header that came twice is read.
    { 'x-latchkey': '1, 1' },
    { origin: `${origin}, ${origin}` },
    { origin: '' },
    { 'sec-fetch-site': 'same-origin, same-origin' },
    { 'sec-fetch-site': '' },
  ]
  test.each(foreign)('%j is refused', async (headers) => {
    const browser = createStage().browser()
    const answer = await browser.send('/bff/session', {
      method: 'DELETE',
      headers: { 'x-latchkey': '1', ...headers },
    })
    expect(answer.status).toBe(403)
  })

  test('a sibling is let in where it is the app, with CORS for it and nobody else', async () => {
    const web = 'https://www.app.example'
    const stage = createStage({ WEB_ORIGIN: web })
    const ask = (from: string) =>
      stage.app.request('/bff/session', {
        headers: { 'x-latchkey': '1', origin: from, 'sec-fetch-site': 'same-site' },
      })
    const near = await ask(web)
    expect(near.status).toBe(200)
    expect(near.headers.get('access-control-allow-origin')).toBe(web)
    expect(near.headers.get('access-control-allow-credentials')).toBe('true')
    const other = await ask('https://old.app.example')
    expect(other.status).toBe(403)
    expect(other.headers.get('access-control-allow-origin')).toBeNull()
    for (const answer of [near, other]) expect(answer.headers.get('vary')).toMatch(/origin/i)
  })
})

describe('a preflight', () => {
  const asking = {
    'access-control-request-method': 'DELETE',
    'access-control-request-headers': 'x-latchkey',
  }
  const web = 'https://www.app.example'
  const foreign = [
    'https://evil.example',
    'null',
    'https://www.app.example.evil.example',
    'https://evilwww.app.example',
    'https://www.app.example.',
    'http://www.app.example',
    'https://WWW.app.example',
    'https://www.app.example:443',
    'https://www.app.example/',
  ]

  test.each(foreign)('of %s is refused, and told nothing', async (from) => {
    for (const variables of [{}, { WEB_ORIGIN: web }]) {
      const { app } = createStage(variables)
      const headers = { ...asking, origin: from }
      const answer = await app.request('/bff/session', { method: 'OPTIONS', headers })
      expect(answer.status).toBe(403)
      expect(await answer.json()).toMatchObject({ code: 'csrf' })
      expect([...answer.headers.keys()].filter((name) => name.startsWith('access-'))).toEqual([])
      expect(answer.headers.get('vary')).toMatch(/\borigin\b/i)
    }
  })

  test('of the app on a sibling is answered, with who may read it', async () => {
    const { app } = createStage({ WEB_ORIGIN: web })
    const headers = { ...asking, origin: web }
    const answer = await app.request('/bff/session', { method: 'OPTIONS', headers })
    expect(answer.status).toBe(204)
    expect(answer.headers.get('access-control-allow-origin')).toBe(web)
    expect(answer.headers.get('access-control-allow-headers')).toMatch(/x-latchkey/i)
    expect(answer.headers.get('vary')).toMatch(/\borigin\b/i)
  })

  test('with 60 kB of headers is answered like any other', async () => {
    const { app } = createStage({ WEB_ORIGIN: web })
    for (const list of [`a${' '.repeat(60_000)}b`, `${'x,'.repeat(30_000)}x`]) {
      const headers = { ...asking, 'access-control-request-headers': list, origin: web }
      const answer = await app.request('/bff/session', { method: 'OPTIONS', headers })
      expect(answer.status).toBe(204)
      expect(answer.headers.get('access-control-allow-headers')).not.toContain('x,x')
    }
  })
})

describe('the script of a service worker', () => {
  const marks: Record<string, string>[] = [
    { 'service-worker': 'script' },
    { 'sec-fetch-dest': 'serviceworker' },
  ]
  const paths = ['session', 'providers', 'login/onet', 'callback/onet', 'api/onet/resources/x', 'x']
  test.each(paths)('is never /bff/%s', async (path) => {
    const browser = createStage().browser()
    await browser.signIn('onet')
    for (const mark of marks)
      for (const ours of [{}, { 'x-latchkey': '1' }])
        expect((await browser.send(`/bff/${path}`, { headers: { ...mark, ...ours } })).status).toBe(
          403,
        )
  })
})

describe('a callback and a login', () => {
  const ahead: Record<string, string>[] = [
    { 'sec-purpose': 'prefetch' },
    { 'sec-purpose': 'prefetch;prerender' },
    { purpose: 'prefetch' },
    { 'x-moz': 'prefetch' },
    { 'sec-fetch-dest': 'iframe', 'sec-fetch-mode': 'navigate' },
    { 'sec-fetch-dest': 'image' },
    { 'sec-fetch-dest': 'empty', 'sec-fetch-mode': 'cors' },
    { 'sec-fetch-dest': 'document, document' },
  ]
  const attempts: { method: string; headers: Record<string, string>; body?: string }[] = [
    ...ahead.map((headers) => ({ method: 'GET', headers })),
    ...['HEAD', 'OPTIONS', 'POST', 'PUT'].flatMap((method) => [
      { method, headers: {} },
      { method, headers: { 'x-latchkey': '1' } },
      { method, headers: { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' } },
    ]),
    {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'code=a&state=b',
    },
  ]

  test('are not used up by what is no navigation', async () => {
    const stage = createStage()
    const browser = stage.browser()
    const back = await browser.away('seznam')
    const before = Object.values(stage.simulators).map(({ log }) => log.length)
    const cookies = [...browser.cookies]
    for (const path of [back, '/bff/login/seznam', '/bff/login/onet'])
      for (const init of attempts) {
        const answer = await browser.send(path, init)
        expect([403, 405], `${init.method} ${path}`).toContain(answer.status)
        expect(answer.headers.getSetCookie()).toEqual([])
        expect(answer.headers.get('location')).toBeNull()
      }
    expect(Object.values(stage.simulators).map(({ log }) => log.length)).toEqual(before)
    expect([...browser.cookies]).toEqual(cookies)

    expect((await browser.visit(back)).headers.get('location')).toBe('/')
    expect((await browser.call('GET', '/bff/accounts/seznam')).status).toBe(200)
  })
})

describe('a request that cannot be answered', () => {
  const table: [string, string, number, string][] = [
    ['GET', '/bff/accounts/nobody', 404, 'unknown_provider'],
    ['GET', '/bff/accounts/gearcode', 404, 'provider_off'],
    ['GET', '/bff/login/gearcode', 404, 'provider_off'],
    ['GET', '/bff/login/nobody', 404, 'unknown_provider'],
    ['GET', '/bff/login/onesait', 405, 'unsupported'],
    ['POST', '/bff/login/onet', 405, 'unsupported'],
    ['GET', '/bff/accounts/onet', 401, 'not_signed_in'],
    ['POST', '/bff/accounts/onet/refresh', 401, 'not_signed_in'],
    ['POST', '/bff/accounts/onet/check', 405, 'unsupported'],
    ['GET', '/bff/accounts/onesait/profile', 405, 'unsupported'],
    ['POST', '/bff/accounts/konpro/revoke', 405, 'unsupported'],
    ['PUT', '/bff/session', 405, 'method_not_allowed'],
    ['HEAD', '/bff/session', 405, 'method_not_allowed'],
    ['GET', '/bff/accounts/onet/refresh', 405, 'method_not_allowed'],
    ['GET', '/bff/nothing', 404, 'not_found'],
    ['GET', '/bff', 404, 'not_found'],
    ['GET', '/bff/session/', 404, 'not_found'],
    ['GET', '//bff/session', 404, 'not_found'],
    ['GET', '/BFF/session', 404, 'not_found'],
    ['GET', '/bff/%61pi/onet/external/profile', 404, 'not_found'],
    ['POST', '/bff/api/%6fnet/external/profile', 404, 'not_found'],
  ]
  test.each(table)('%s %s is %i %s', async (method, path, status, code) => {
    const stage = createStage({ GEARCODE_CLIENT_ID: '', GEARCODE_CLIENT_SECRET: '' })
    const answer = await stage.browser().call(method, path)
    expect(answer.status).toBe(status)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    if (method !== 'HEAD') expect(await answer.json()).toMatchObject({ code, status })
  })

  test('names what the provider can do instead', async () => {
    const answer = await createStage().browser().call('POST', '/bff/accounts/gearcode/check')
    expect(await answer.json()).toMatchObject({
      code: 'unsupported',
      capabilities: ['refresh', 'api'],
    })
  })

  test('at a provider whose tokens the browser keeps is 405', async () => {
    const stage = createStage({ KONPRO_CUSTODY: 'browser' })
    const browser = stage.browser()
    for (const [method, path] of [
      ['GET', '/bff/accounts/konpro'],
      ['DELETE', '/bff/accounts/konpro'],
      ['POST', '/bff/accounts/konpro/refresh'],
      ['GET', '/bff/login/konpro'],
      ['GET', '/bff/callback/konpro'],
    ] as const)
      expect((await browser.call(method, path)).status, path).toBe(405)
  })

  test('ignores a method that a header or parameter asks for instead', async () => {
    const browser = createStage().browser()
    await browser.signIn('onet')
    await browser.call('GET', '/bff/session?_method=DELETE', undefined, {
      'x-http-method-override': 'DELETE',
    })
    expect((await browser.call('GET', '/bff/accounts/onet')).status).toBe(200)
  })
})

test('no header of the request decides where anything is sent', async () => {
  const stage = createStage()
  const lying = {
    host: 'evil.example',
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'http',
    forwarded: 'host=evil.example',
    'x-original-url': 'https://evil.example/',
  }
  const answer = await stage.app.request('https://evil.example/bff/login/seznam', {
    headers: lying,
  })
  const location = new URL(answer.headers.get('location') ?? '')
  expect(location.origin).toBe('https://login.szn.cz')
  expect(location.searchParams.get('redirect_uri')).toBe(`${origin}/bff/callback/seznam`)
})

test('every answer carries the security headers, errors included', async () => {
  const browser = createStage().browser()
  for (const path of ['/bff/session', '/bff/nothing', '/bff/accounts/onet', '/healthz']) {
    const { headers } = await browser.call('GET', path)
    expect(headers.get('x-content-type-options'), path).toBe('nosniff')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('content-security-policy')).toMatch(/default-src 'none'/)
    expect(headers.get('content-security-policy')).toMatch(/frame-ancestors 'none'/)
    expect(headers.get('strict-transport-security')).toMatch(/max-age=31536000/)
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin')
  }
})

test('answers whether it lives and whether it is ready', async () => {
  const { app } = createStage()
  expect((await app.request('/healthz')).status).toBe(200)
  expect((await app.request('/readyz')).status).toBe(200)
})

test('a 405 names the methods that the address takes', async () => {
  const answer = await createStage().browser().call('PUT', '/bff/session')
  expect(answer.headers.get('allow')).toBe('GET, DELETE')
})

test.each([
  ['GET', '/bff/login/onesait', 'POST'],
  ['POST', '/bff/login/onet', 'GET'],
  ['DELETE', '/bff/login/konpro', 'GET, POST'],
  ['POST', '/bff/accounts/onet/check', ''],
  ['GET', '/bff/accounts/onet/check', ''],
  ['GET', '/bff/accounts/onesait/profile', ''],
  ['GET', '/bff/accounts/onesait/check', 'POST'],
  ['HEAD', '/bff/callback/onet', 'GET'],
])('%s %s is 405 and says what may be sent instead: "%s"', async (method, path, allowed) => {
  const answer = await createStage().browser().call(method, path)
  expect(answer.status).toBe(405)
  expect(answer.headers.get('allow')).toBe(allowed)
})

test('where the browser keeps the tokens, nothing may be sent', async () => {
  const browser = createStage({ KONPRO_CUSTODY: 'browser' }).browser()
  for (const path of ['accounts/konpro', 'api/konpro/v1/x', 'tickets/konpro']) {
    const answer = await browser.call('POST', `/bff/${path}`, {})
    expect(await answer.json()).toMatchObject({ code: 'unsupported' })
    expect(answer.headers.get('allow'), path).toBe('')
  }
})

test('a 405 of the API is its own: we say nothing of what it takes', async () => {
  const browser = createStage().browser()
  await browser.signIn('konpro')
  const answer = await browser.call('DELETE', '/bff/api/konpro/v1/pacific/account.get')
  expect(answer.status).toBe(405)
  expect(answer.headers.get('allow')).toBeNull()
})

test('a prefetch of a login writes no cookie, not even another account’s', async () => {
  const stage = createStage()
  const browser = stage.browser()
  await browser.signIn('gearcode')
  const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  await browser.call('POST', '/bff/accounts/gearcode/refresh')
  const ahead = await browser.visit('/bff/login/seznam', { 'sec-purpose': 'prefetch', cookie })
  expect(ahead.status).toBe(403)
  expect(ahead.headers.getSetCookie()).toEqual([])
})
