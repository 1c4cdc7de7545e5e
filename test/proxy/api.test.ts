import { describe, expect, test } from 'vitest'
import { createProxy } from '../../proxy/app'
import { readConfig } from '../../proxy/config'
import type { Provider } from '../../shared/provider'
import { providers } from '../../shared/providers'
import { createStage, origin } from '../stage'
import { createCaller, type Arrived } from './api-caller'

/** What we say of ourselves to every API. */
const ofOurs = { 'accept-encoding': 'identity', 'user-agent': 'latchkey' }
const ok = () => Response.json({ ok: true })
const unauthorized = () => Response.json({ error: 'invalid_token' }, { status: 401 })

describe('the documented API of', () => {
  test.each([
    ['onet', '/resources/userinfo', { email: 'anna.nowak@konto.onet.pl' }],
    ['onet', '/external/profile', { name: 'Anna', surname: 'Nowak' }],
    ['konpro', '/v1/pacific/account.get', { code: 100 }],
    ['konpro', '/v1/some-endpoint', { code: 100 }],
    ['onesait', '/oauth-server/oidc/userinfo', { username: 'developer' }],
    ['seznam', '/api/v1/user', { oauth_user_id: '0123abcd4567ef89' }],
  ])('%s answers at %s', async (provider, path, expected) => {
    const stage = createStage()
    const browser = stage.browser()
    await browser.signIn(provider)
    const answer = await browser.call('GET', `/bff/api/${provider}${path}`)
    expect(await answer.json()).toMatchObject(expected)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    expect(answer.headers.get('content-security-policy')).toMatch("default-src 'none'")
  })

  test('onet gets the client id once, also where the app sends it', async () => {
    const stage = createStage()
    const browser = stage.browser()
    await browser.signIn('onet')
    const path = '/bff/api/onet/external/profile'
    const ask = (query: string) => browser.call('GET', path + query)
    expect((await ask(`?client_id=${stage.simulators.onet.client.id}`)).status).toBe(200)
    expect((await ask('?client_id=another')).status).toBe(400)
  })

  test('a provider without an API host reaches nobody, whatever paths are allowed', async () => {
    for (const paths of ['', '/v1', '/']) {
      const stage = createStage({ GEARCODE_API_PATHS: paths })
      const browser = stage.browser()
      await browser.signIn('gearcode')
      const before = stage.simulators.gearcode.log.length
      const answer = await browser.call('GET', '/bff/api/gearcode/v1')
      expect(answer.status).toBe(400)
      expect(await answer.json()).toMatchObject({ code: 'path_not_allowed' })
      expect(stage.simulators.gearcode.log).toHaveLength(before)
    }
  })

  test('a provider with one that is configured is called there', async () => {
    const caller = await createCaller('gearcode', ok)
    expect((await caller.ask('/v1/orders')).status).toBe(200)
    expect(caller.addresses).toEqual(['https://api.example/v1/orders'])
  })
})

describe('who may call', () => {
  test.each(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])(
    '%s needs our header, and somebody signed in',
    async (method) => {
      const caller = await createCaller('seznam', ok)
      const path = '/bff/api/seznam/v1'
      expect((await caller.browser.send(path, { method })).status).toBe(403)
      const stranger = await caller.stage.browser().call(method, path)
      expect(stranger.status).toBe(401)
      if (method !== 'HEAD') expect(await stranger.json()).toMatchObject({ code: 'not_signed_in' })
      expect(caller.addresses).toEqual([])
      expect((await caller.ask('/v1', { method })).status).toBe(200)
      expect(caller.arrived.map((one) => one.method)).toEqual([method])
    },
  )

  test.each(['PROPFIND', 'LINK', 'post', 'QUERY'])('%s is no method here', async (method) => {
    const caller = await createCaller('seznam', ok)
    const answer = await caller.ask('/v1', { method })
    if (method === 'post') return // what the runtime makes upper case is that method
    expect(answer.status).toBe(405)
    expect(answer.headers.get('allow')).toBe('GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS')
    expect(caller.addresses).toEqual([])
  })

  test('nobody, where the browser keeps the tokens, or the provider is off or unknown', async () => {
    const stage = createStage({
      KONPRO_CUSTODY: 'browser',
      GEARCODE_CLIENT_ID: '',
      GEARCODE_CLIENT_SECRET: '',
    })
    for (const [path, status, code] of [
      ['/bff/api/konpro', 405, 'unsupported'],
      ['/bff/api/konpro/v1/pacific/account.get', 405, 'unsupported'],
      ['/bff/api/konpro/%2e', 405, 'unsupported'],
      ['/bff/api/gearcode/v1', 404, 'provider_off'],
      ['/bff/api/nobody/v1', 404, 'unknown_provider'],
      ['/bff/api/onet', 400, 'path_not_allowed'],
    ] as const) {
      const answer = await stage.browser().call('GET', path)
      expect(answer.status, path).toBe(status)
      expect(await answer.json()).toMatchObject({ code })
    }
  })

  test('nobody, where the provider has no API', async () => {
    const withoutApi = providers.map(({ api: _, ...rest }) => rest as Provider)
    const stage = createStage({}, { providers: withoutApi })
    const answer = await stage.browser().call('GET', '/bff/api/seznam/api/v1/user')
    expect(answer.status).toBe(405)
    expect(await answer.json()).toMatchObject({ code: 'unsupported' })
  })

  test('a sibling, where it is the app, with every method and header that passes', async () => {
    const web = 'https://www.app.example'
    const caller = await createCaller('seznam', ok, { WEB_ORIGIN: web })
    const preflight = await caller.browser.send('/bff/api/seznam/v1', {
      method: 'OPTIONS',
      headers: { origin: web, 'access-control-request-method': 'PATCH' },
    })
    expect(preflight.status).toBe(204)
    const listed = (name: string) => preflight.headers.get(name)?.toLowerCase().split(',')
    expect(listed('access-control-allow-methods')).toEqual(
      expect.arrayContaining(['get', 'head', 'post', 'put', 'patch', 'delete']),
    )
    expect(listed('access-control-allow-headers')).toEqual(
      expect.arrayContaining(['x-latchkey', 'content-type', 'if-match', 'if-none-match', 'range']),
    )
    const answer = await caller.ask('/v1', {
      method: 'PATCH',
      headers: { origin: web, 'sec-fetch-site': 'same-site' },
      body: 'x',
    })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('access-control-allow-origin')).toBe(web)
    expect(answer.headers.get('access-control-expose-headers')).toMatch(/etag.*retry-after/)
  })
})

describe('a request', () => {
  test('takes along what describes it, and nothing of the browser or the network', async () => {
    const caller = await createCaller('seznam', ok)
    const passing = {
      accept: 'application/json',
      'accept-language': 'cs',
      'content-encoding': 'identity',
      'content-language': 'cs',
      'content-type': 'text/plain',
      'if-match': '"1"',
      'if-modified-since': 'Sat, 21 Nov 2026 08:00:00 GMT',
      'if-none-match': '"2"',
      'if-range': '"3"',
      'if-unmodified-since': 'Sat, 21 Nov 2026 08:00:00 GMT',
      range: 'bytes=0-9',
    }
    await caller.ask('/v1', {
      method: 'POST',
      body: 'hello',
      headers: {
        ...passing,
        authorization: 'Basic eDp5',
        'x-api-key': 'mine',
        origin,
        'sec-fetch-site': 'same-origin',
        referer: `${origin}/`,
        forwarded: 'for=1.2.3.4',
        'x-forwarded-for': '1.2.3.4',
        x_forwarded_for: '1.2.3.4',
        'x-forwarded-host': 'evil.example',
        'x-original-url': '/admin',
        'x-http-method-override': 'DELETE',
        'x-user-id': '1',
        'proxy-authorization': 'Basic eDp5',
        'user-agent': 'a browser',
        te: 'trailers',
        'keep-alive': '5',
        connection: 'close, authorization',
        upgrade: 'h2c',
      },
    })
    const [arrived] = caller.arrived
    expect(arrived?.body).toBe('hello')
    const { authorization, ...headers } = Object.fromEntries(arrived?.headers ?? [])
    expect(headers).toEqual({ ...passing, ...ofOurs })
    expect(authorization).toMatch(/^Bearer [\w.~+/-]+=*$/)
    expect(caller.simulator.issued).toContain(authorization?.slice('Bearer '.length))
  })

  test.each([
    [{}, 'application/json, */*;q=0.5'],
    [{ accept: '*/*' }, 'application/json, */*;q=0.5'],
    [{ accept: 'text/csv' }, 'text/csv'],
    [{ accept: 'image/*, */*' }, 'image/*, */*'],
  ])('with %j asks for %s', async (headers: Record<string, string>, expected) => {
    const caller = await createCaller('seznam', ok)
    await caller.ask('/v1', { headers })
    expect(caller.arrived[0]?.headers.get('accept')).toBe(expected)
  })

  test('carries an API token in its own header, and no bearer beside it', async () => {
    const caller = await createCaller('konpro', ok)
    await caller.browser.call('DELETE', '/bff/session')
    const apiToken = caller.stage.simulators.konpro.users.ada?.apiToken
    await caller.browser.call('POST', '/bff/login/konpro', { apiToken })
    expect((await caller.ask('/v1')).status).toBe(200)
    const { accept: _, ...headers } = Object.fromEntries(caller.arrived[0]?.headers ?? [])
    expect(headers).toEqual({ 'x-api-key': apiToken, ...ofOurs })
  })

  test('may have any body, of any size, by any method that has one', async () => {
    const caller = await createCaller('seznam', ({ body }) => new Response(body))
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
      for (const size of [0, 1, 65_536, 65_537, 1_000_000])
        for (const length of [{}, { 'content-length': String(size) }]) {
          const body = 'x'.repeat(size)
          const answer = await caller.ask('/v1', { method, body, headers: length })
          expect((await answer.text()).length, `${method} ${size}`).toBe(size)
        }
  })
})

test('a request by a method that the description does not name is refused with those it names', async () => {
  const stage = createStage()
  const config = readConfig(stage.env)
  const offer = config.offers.get('seznam')
  if (!offer) throw new Error('Seznam is offered')
  const { provider } = offer
  const api = { paths: ['/api/v1/user'], methods: ['GET', 'HEAD'] }
  const offers = new Map([
    ...config.offers,
    ['seznam', { ...offer, provider: { ...provider, api } }],
  ])
  stage.app = createProxy(
    { ...config, offers },
    { fetch: stage.fetch, now: () => stage.clock.now, log: () => undefined },
  )
  const browser = stage.browser()
  await browser.signIn('seznam')
  const { log } = stage.simulators.seznam
  const before = log.length
  const answer = await browser.call('POST', '/bff/api/seznam/api/v1/user')
  expect(answer.status).toBe(405)
  expect(answer.headers.get('allow')).toBe('GET, HEAD')
  expect(log).toHaveLength(before)
  expect((await browser.call('GET', '/bff/api/seznam/api/v1/user')).status).toBe(200)
})

describe('an answer', () => {
  test('brings what describes it, and gives no orders to the browser', async () => {
    const passing = {
      'accept-ranges': 'bytes',
      allow: 'GET',
      'content-disposition': 'attachment; filename="x.html"',
      'content-language': 'cs',
      'content-length': '9',
      'content-range': 'bytes 0-8/9',
      'content-type': 'text/html',
      etag: '"1"',
      'last-modified': 'Sat, 21 Nov 2026 08:00:00 GMT',
      'retry-after': '7',
    }
    const caller = await createCaller('seznam', () => {
      const headers = new Headers({
        ...passing,
        location: 'https://evil.example/',
        'access-control-allow-origin': '*',
        'access-control-allow-credentials': 'true',
        'clear-site-data': '"*"',
        refresh: '0; url=https://evil.example/',
        'service-worker-allowed': '/',
        'strict-transport-security': 'max-age=0',
        'content-security-policy': 'default-src *',
        'content-security-policy-report-only': 'report-uri https://evil.example',
        'cache-control': 'public, max-age=31536000',
        link: '<https://evil.example/x.js>; rel=preload',
        'www-authenticate': 'Basic realm="x"',
        'proxy-authenticate': 'Basic realm="x"',
        server: 'x',
        'x-powered-by': 'x',
        connection: 'x-secret',
        'x-secret': 'x',
        'transfer-encoding': 'chunked',
        'alt-svc': 'h3=":443"',
        nel: '{}',
        'report-to': '{}',
        sourcemap: 'https://evil.example/x.map',
        'cross-origin-resource-policy': 'cross-origin',
        'x-frame-options': 'ALLOWALL',
        vary: '*',
      })
      headers.append('set-cookie', '__Host-latchkey_seznam_x=evil; Path=/; Secure')
      headers.append('set-cookie', 'session=evil')
      return new Response('<b>hi</b>', { headers })
    })
    const ours = await caller.browser.call('GET', '/bff/accounts/seznam')
    const answer = await caller.ask('/v1')
    expect(await answer.text()).toBe('<b>hi</b>')
    expect(Object.fromEntries(answer.headers)).toEqual({
      ...Object.fromEntries(ours.headers),
      'content-security-policy':
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox",
      'x-request-id': answer.headers.get('x-request-id'),
      ...passing,
    })
    expect(answer.headers.getSetCookie()).toEqual([])
  })

  test.each([200, 201, 204, 206, 304, 400, 403, 404, 409, 412, 418, 429, 500, 503, 599])(
    'with status %i passes as it is',
    async (status) => {
      const body = status === 204 || status === 304 ? null : 'word'
      const headers = { 'content-type': 'text/x-word', 'retry-after': '3' }
      const caller = await createCaller('seznam', () => new Response(body, { status, headers }))
      const answer = await caller.ask('/v1')
      expect(answer.status).toBe(status)
      expect(await answer.text()).toBe(body ?? '')
      expect(answer.headers.get('content-type')).toBe('text/x-word')
      expect(answer.headers.get('retry-after')).toBe('3')
      expect(caller.arrived).toHaveLength(1)
      expect(caller.refreshes()).toBe(0)
    },
  )

  test.each([301, 302, 303, 307, 308])(
    'with status %i leads nowhere: neither us nor the browser',
    async (status) => {
      const location = 'https://sentinel.invalid/'
      const caller = await createCaller(
        'seznam',
        () => new Response(null, { status, headers: { location } }),
      )
      const answer = await caller.ask('/v1', { method: 'POST', body: 'x' })
      expect(answer.status).toBe(status)
      expect(answer.headers.get('location')).toBeNull()
      expect(caller.addresses).toEqual(['https://api.example/v1'])
    },
  )

  test('to HEAD is that to a HEAD, with its length and without a body', async () => {
    const caller = await createCaller(
      'seznam',
      () => new Response(null, { headers: { 'content-length': '12', etag: '"1"' } }),
    )
    const answer = await caller.ask('/v1', { method: 'HEAD' })
    expect(caller.arrived[0]?.method).toBe('HEAD')
    expect(answer.headers.get('content-length')).toBe('12')
    expect(answer.headers.get('etag')).toBe('"1"')
    expect(await answer.text()).toBe('')
  })
})

test('what Connection names is for one hop, and ends here both ways', async () => {
  const caller = await createCaller(
    'seznam',
    () => new Response('ok', { headers: { connection: 'ETag, x-y', etag: '"1"', allow: 'GET' } }),
  )
  const answer = await caller.ask('/v1', {
    headers: { connection: 'close, Range', range: 'bytes=0-1', 'if-match': '"1"' },
  })
  const sent = caller.arrived[0]?.headers
  expect([sent?.get('range'), sent?.get('if-match')]).toEqual([null, '"1"'])
  expect(sent?.get('authorization')).toMatch(/^Bearer /)
  expect([answer.headers.get('etag'), answer.headers.get('allow')]).toEqual([null, 'GET'])
})

describe('an answer that shows the token', () => {
  const inFull = ({ headers }: Arrived) => String(headers.get('authorization'))
  const bare = (arrived: Arrived) => inFull(arrived).slice('Bearer '.length)

  test('has it covered, and keeps its length', async () => {
    const caller = await createCaller('seznam', (arrived) => {
      const body = `you sent ${inFull(arrived)}, twice: ${bare(arrived)}`
      return new Response(body, { headers: { 'content-length': String(body.length) } })
    })
    const answer = await caller.ask('/v1')
    const text = await answer.text()
    expect(text).toMatch(/^you sent Bearer \*{20,}, twice: \*{20,}$/)
    expect(answer.headers.get('content-length')).toBe(String(text.length))
  })

  test('in a header loses that header, and no other', async () => {
    const caller = await createCaller(
      'seznam',
      (arrived) =>
        new Response('ok', {
          headers: {
            etag: `"${bare(arrived)}"`,
            'content-disposition': `attachment; filename="${bare(arrived)}.txt"`,
            'content-language': 'cs',
          },
        }),
    )
    const { headers } = await caller.ask('/v1')
    expect(headers.get('etag')).toBeNull()
    expect(headers.get('content-disposition')).toBeNull()
    expect(headers.get('content-language')).toBe('cs')
  })

  test('has it covered where it is an API token', async () => {
    const caller = await createCaller(
      'konpro',
      ({ headers }) => new Response(headers.get('x-api-key')),
    )
    await caller.browser.call('DELETE', '/bff/session')
    const apiToken = caller.stage.simulators.konpro.users.ada?.apiToken
    await caller.browser.call('POST', '/bff/login/konpro', { apiToken })
    expect(await (await caller.ask('/v1')).text()).toBe('*'.repeat(apiToken?.length ?? 0))
  })

  test('has it covered where a refusal passes because the body could not be sent again', async () => {
    const caller = await createCaller(
      'seznam',
      (arrived) => new Response(bare(arrived), { status: 401 }),
    )
    const answer = await caller.ask('/v1', { method: 'POST', body: 'x'.repeat(65_537) })
    expect(answer.status).toBe(401)
    expect(await answer.text()).toMatch(/^\*{20,}$/)
  })
})

describe('an answer in the browser', () => {
  const answering = async (headers: Record<string, string>, dest = 'empty') => {
    const caller = await createCaller(
      'seznam',
      () => new Response(new TextEncoder().encode('<script>alert(1)</script>'), { headers }),
    )
    return await caller.ask('/v1', { headers: { 'sec-fetch-dest': dest } })
  }

  test.each([
    'text/html',
    'TEXT/HTML; charset=utf-8',
    'application/xhtml+xml',
    'image/svg+xml',
    'text/xml',
    'application/xml',
    'application/rss+xml',
    'text/javascript',
    'application/javascript',
    'text/css',
    'application/pdf',
    'multipart/x-mixed-replace; boundary=x',
    'application/json, text/html',
    'text/plain text/html',
    'nonsense',
    '*/*',
  ])('of type %s is for saving, and sandboxed', async (type) => {
    const { headers } = await answering({ 'content-type': type })
    expect(headers.get('content-disposition')).toBe('attachment')
    expect(headers.get('content-type')).toBe(type)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'none';.* sandbox$/)
  })

  test('without a type is for saving, and of no type that would be guessed', async () => {
    const { headers } = await answering({})
    expect(headers.get('content-disposition')).toBe('attachment')
    expect(headers.get('content-type')).toBe('application/octet-stream')
  })

  test.each([
    'application/json',
    'application/json; charset=utf-8',
    'application/problem+json',
    'application/x-ndjson',
    'text/plain',
    'text/csv; header=present',
    'text/event-stream',
    'image/png',
    'audio/mpeg',
    'video/mp4',
  ])('of type %s may be shown, but not as a page', async (type) => {
    expect(
      (await answering({ 'content-type': type })).headers.get('content-disposition'),
    ).toBeNull()
    for (const dest of ['document', 'iframe', 'embed', 'object']) {
      const { headers } = await answering({ 'content-type': type }, dest)
      expect(headers.get('content-disposition'), dest).toBe('attachment')
    }
  })

  test.each([
    ['inline', 'attachment'],
    ['inline; filename="a;b.html"', 'attachment; filename="a;b.html"'],
    ["form-data; name=x; filename*=UTF-8''a.html", "attachment; name=x; filename*=UTF-8''a.html"],
    ['attachment; filename=x.html', 'attachment; filename=x.html'],
    ['filename=x.html', 'attachment'],
  ])('whose disposition is %s is saved as: %s', async (disposition, wanted) => {
    const { headers } = await answering({
      'content-type': 'text/html',
      'content-disposition': disposition,
    })
    expect(headers.get('content-disposition')).toBe(wanted)
  })
})

describe('a token that is due', () => {
  test('is refreshed first, once for all who ask, and the answer brings the new cookie', async () => {
    const caller = await createCaller('gearcode', ok)
    const old = [...caller.browser.cookies.values()]
    caller.stage.clock.now += 850_000
    const answers = await Promise.all(Array.from({ length: 20 }, () => caller.ask('/v1')))
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
    expect(caller.refreshes()).toBe(1)
    expect(new Set(caller.arrived.map(({ headers }) => headers.get('authorization'))).size).toBe(1)
    expect(answers[0]?.headers.getSetCookie()).toHaveLength(1)
    expect([...caller.browser.cookies.values()]).not.toEqual(old)
    expect((await caller.ask('/v1')).headers.getSetCookie()).toEqual([])
  })

  test('is used as long as it lives where its refresh fails', async () => {
    const caller = await createCaller('gearcode', ok)
    caller.simulator.faults.refresh = { status: 503 }
    caller.stage.clock.now += 850_000
    expect((await caller.ask('/v1')).status).toBe(200)
    caller.stage.clock.now += 850_000
    const answer = await caller.ask('/v1')
    expect(answer.status).toBeGreaterThanOrEqual(500)
    expect(caller.arrived).toHaveLength(1)
    expect((await caller.browser.call('GET', '/bff/accounts/gearcode')).status).toBe(200)
  })
})

describe('a token that is refused', () => {
  /** Refuses this many times, then says what it was sent. */
  const refusing = (times: number) => {
    let left = times
    return ({ body }: { body: string }) => (left-- > 0 ? unauthorized() : new Response(body))
  }

  test.each([
    ['GET', undefined],
    ['HEAD', undefined],
    ['DELETE', undefined],
    ['POST', 'x'.repeat(65_536)],
    ['PATCH', 'é'],
  ])('is refreshed, and the %s sent again with all it carried', async (method, text) => {
    const caller = await createCaller('seznam', refusing(1))
    const body = text === undefined ? null : new TextEncoder().encode(text)
    const headers = body
      ? { 'content-length': String(body.length), 'content-type': 'x/y' }
      : new Headers()
    const answer = await caller.ask('/v1/x?q', { method, body, headers })
    expect(answer.status).toBe(200)
    expect(await answer.text()).toBe(method === 'HEAD' ? '' : (text ?? ''))
    expect(caller.refreshes()).toBe(1)
    const [first, second] = caller.arrived.map(({ headers, ...rest }) => ({
      ...rest,
      headers: Object.fromEntries(headers),
    }))
    expect(second).toEqual({
      ...first,
      headers: { ...first?.headers, authorization: second?.headers.authorization },
    })
    expect(second?.headers.authorization).not.toBe(first?.headers.authorization)
    expect(answer.headers.getSetCookie()).toHaveLength(1)
  })

  test('once more passes: one refresh, one more try', async () => {
    const caller = await createCaller('seznam', refusing(5))
    const answer = await caller.ask('/v1')
    expect(answer.status).toBe(401)
    expect(await answer.json()).toEqual({ error: 'invalid_token' })
    expect(caller.refreshes()).toBe(1)
    expect(caller.arrived).toHaveLength(2)
    expect((await caller.browser.call('GET', '/bff/accounts/seznam')).status).toBe(200)
  })

  test('is refreshed though the body is gone: the refusal passes, and the next call is good', async () => {
    const caller = await createCaller('seznam', refusing(1))
    const body = 'x'.repeat(65_537)
    const answer = await caller.ask('/v1', { method: 'POST', body })
    expect(answer.status).toBe(401)
    expect(await answer.json()).toEqual({ error: 'invalid_token' })
    expect(answer.headers.getSetCookie()).toHaveLength(1)
    expect(caller.refreshes()).toBe(1)
    expect(caller.arrived).toHaveLength(1)
    expect((await caller.ask('/v1', { method: 'POST', body })).status).toBe(200)
  })

  test('and cannot be refreshed passes at once', async () => {
    const caller = await createCaller('konpro', unauthorized)
    await caller.browser.call('DELETE', '/bff/session')
    const apiToken = caller.stage.simulators.konpro.users.ada?.apiToken
    await caller.browser.call('POST', '/bff/login/konpro', { apiToken })
    const answer = await caller.ask('/v1')
    expect(answer.status).toBe(401)
    expect(await answer.json()).toEqual({ error: 'invalid_token' })
    expect(caller.arrived).toHaveLength(1)
  })

  test('for good ends the account', async () => {
    const caller = await createCaller('seznam', unauthorized)
    caller.simulator.expireRefreshTokens()
    const answer = await caller.ask('/v1')
    expect(answer.status).toBe(401)
    expect(await answer.json()).toMatchObject({ code: 'session_ended' })
    expect((await caller.browser.call('GET', '/bff/accounts/seznam')).status).toBe(401)
  })

  test('by a provider in trouble signs nobody out', async () => {
    const caller = await createCaller('seznam', unauthorized)
    caller.simulator.faults.refresh = { status: 503 }
    const answer = await caller.ask('/v1')
    expect(await answer.json()).toMatchObject({ code: 'provider_error' })
    expect((await caller.browser.call('GET', '/bff/accounts/seznam')).status).toBe(200)
  })

  test.each(['/resources/userinfo', '/external/profile'])(
    'with a 400 at %s, where the document says so, and nowhere else',
    async (path) => {
      const caller = await createCaller('onet', () => new Response(null, { status: 400 }))
      const answer = await caller.ask(path)
      expect(answer.status).toBe(400)
      expect(caller.refreshes()).toBe(1)
      expect(caller.arrived).toHaveLength(2)
      expect((await caller.ask('/v1')).status).toBe(400)
      expect(caller.refreshes()).toBe(1)
      expect(caller.arrived.map(({ url }) => url).at(-1)).toBe('https://api.example/v1')
    },
  )

  test('is not what a 403 says', async () => {
    const caller = await createCaller('seznam', () => new Response(null, { status: 403 }))
    expect((await caller.ask('/v1')).status).toBe(403)
    expect(caller.arrived).toHaveLength(1)
  })
})

describe('an API in trouble', () => {
  test('that says nothing in time is a time-out', async () => {
    const caller = await createCaller('seznam', () => new Promise(() => undefined))
    const answer = await caller.ask('/v1')
    expect(answer.status).toBe(504)
    expect(await answer.json()).toMatchObject({ code: 'provider_timeout' })
  })

  test('that cannot be reached says so', async () => {
    const caller = await createCaller('seznam', () => {
      throw new TypeError('fetch failed')
    })
    const answer = await caller.ask('/v1')
    expect(answer.status).toBe(502)
    expect(await answer.json()).toMatchObject({ code: 'provider_unreachable' })
  })

  test('signs nobody out, and no token is in any line of the log', async () => {
    const caller = await createCaller('seznam', ({ headers }) => {
      throw new TypeError(`fetch failed with ${String(headers.get('authorization'))}`)
    })
    await caller.ask('/v1')
    const log = caller.stage.lines.join('\n')
    expect(log).toContain('provider_unreachable')
    for (const secret of caller.simulator.issued) expect(log).not.toContain(secret)
    expect((await caller.browser.call('GET', '/bff/accounts/seznam')).status).toBe(200)
  })
})

test('what one person asks is never answered with the token of another', async () => {
  const caller = await createCaller('seznam', async ({ headers }) => {
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 5))
    // In another writing, for the token itself would be covered.
    return new Response(Buffer.from(String(headers.get('authorization'))).toString('hex'))
  })
  const other = caller.stage.browser()
  await other.signIn('seznam', { user: 'pavla' })
  const askAs = async (who: typeof other) => (await who.call('GET', '/bff/api/seznam/v1')).text()
  const [mine, theirs] = [await askAs(caller.browser), await askAs(other)]
  expect(mine).not.toBe(theirs)
  const both = Array.from({ length: 50 }, (_, at) => at % 2 === 0)
  expect(await Promise.all(both.map((is) => askAs(is ? caller.browser : other)))).toEqual(
    both.map((is) => (is ? mine : theirs)),
  )
})

test.each([
  ['before it was due', 0],
  ['when it was due, and could not be refreshed', 850_000],
])(
  'a refusal of a token %s is let go of, where a streamed body cannot be sent again',
  async (_, later) => {
    let isLetGo = false
    const refusal = () =>
      new Response(
        new ReadableStream({
          cancel() {
            isLetGo = true
          },
        }),
        { status: 401 },
      )
    const { ask, simulator, stage } = await createCaller('gearcode', refusal)
    stage.clock.now += later
    simulator.faults.refresh = { status: 500 }
    const body = new Blob(['x'.repeat(100_000)]).stream()
    const answer = await ask('/v1/x', { method: 'POST', body, duplex: 'half' } as RequestInit)
    expect(answer.status).toBe(502)
    expect(isLetGo).toBe(true)
  },
)

test('an answer in an encoding that nobody here reads is let go of', async () => {
  let isLetGo = false
  const { ask } = await createCaller('seznam', () => {
    const cancel = () => {
      isLetGo = true
    }
    return new Response(new ReadableStream({ cancel }), { headers: { 'content-encoding': 'zstd' } })
  })
  expect(await (await ask('/v1/x')).json()).toMatchObject({ code: 'provider_error' })
  expect(isLetGo).toBe(true)
})

test('an API that refuses fresh tokens as well costs one refresh, not one for each call', async () => {
  const { ask, refreshes, stage } = await createCaller(
    'gearcode',
    () => new Response(null, { status: 401 }),
  )
  for (let count = 0; count < 6; count++) expect((await ask('/v1/x')).status).toBe(401)
  expect(refreshes()).toBe(1)
  stage.clock.now += 61_000
  expect((await ask('/v1/x')).status).toBe(401)
  expect(refreshes()).toBe(2)
})
