/** Through the calls to an API: out to other hosts, up other paths, past the headers. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { builtServer, runToEnd } from '../browser/server'
import { sleep } from '../../shared/oauth/ports'
import { origin, sessionSecret } from '../stage'
import type { RawAnswer } from './raw'
import { rawCall, type RawCall } from './raw-call'
import { openStand, type Browser, type Stand } from './stand'

let stand: Stand
let victim: Browser
/** The access token that no page may see. */
let token: string

beforeAll(async () => {
  stand = await openStand()
  victim = stand.browser()
  await victim.signIn('gearcode')
  await victim.ask('GET', '/bff/api/gearcode/v1')
  token = (stand.api.requests[0]?.header('authorization') ?? '').replace('Bearer ', '')
  expect(token.length).toBeGreaterThan(20)
})
afterAll(() => stand.close())
beforeEach(() => {
  stand.forget()
})

const api = '/bff/api/gearcode'

/** One call over a connection of its own; its first final answer. */
async function call(target: string, how: RawCall = {}): Promise<RawAnswer> {
  const answers = await stand.raw(rawCall(victim, target, how), { patience: 2000 })
  const final = answers.find(({ status }) => status >= 200)
  if (!final) throw new Error(`no answer to ${target}`)
  return final
}

/** Whatever was tried, the token went nowhere but to the API, and nobody was asked for another. */
function expectContained() {
  expect(stand.sentinel.connections).toEqual([])
  expect(stand.tokenCalls()).toBe(0)
  for (const { target } of stand.api.requests)
    expect(readAsServers(target)).toMatch(/^\/v1(\/|\?|$)/)
}

/** As a server would that decodes, and resolves what it then finds. */
function readAsServers(target: string): string {
  const decoded = decodeURIComponent(target.replace(/\?.*/, '')).replaceAll('\\', '/')
  return new URL(`http://x${decoded}`).pathname
}

test('A50 host escape: no path leads to another host', async () => {
  const { host } = stand.sentinel
  const [name = '', port = ''] = host.split(':')
  const escapes = [
    ...[`//${host}/x`, `/%5c${host}/x`, `/@${host}/`, `/:80@${host}/`, `@${host}/`, `:80@${host}/`],
    ...[
      `/.${host}/x`,
      `.${host}/x`,
      `/http://${host}/x`,
      `/https://${host}/x`,
      `/http:%2f%2f${host}`,
    ],
    ...[`/\\\\${host}/x`, `/\\${host}/x`, `///${host}/x`, `/v1//${host}/x`, `/v1/..//${host}/x`],
    ...[`/v1@${host}/x`, `:${port}/x`, `/http:/${host}`, `/%2f%2f${host}/x`],
    ...[
      `/v1/http://${host}/x`,
      `/%68ttp://${host}/x`,
      `/${name}%3a${port}`,
      `/v1\\..\\..\\${host}`,
    ],
    ...[`/v1/%09/${host}`, `/[::1]/x`, `//user:pw@${host}/v1`, `/v1/..;/${host}`],
  ]
  for (const escape of escapes) {
    const answer = await call(api + escape)
    expect([400, 404], escape).toContain(answer.status)
    expectContained()
  }
  expect(stand.api.requests).toEqual([])
  // A name with an at sign is a name, below the prefix of the API.
  const names = ['/v1/me@example.com', `/v1/@${host}/x`]
  for (const one of names) expect((await call(api + one)).status).toBe(200)
  expect(stand.api.requests.map(({ target }) => target)).toEqual(names)
  expectContained()
})

test('A51 traversal: no way of writing a path leads above the allowed prefix', async () => {
  const steps = [
    ...['/../admin', '/%2e%2e/', '/%2e%2e/admin', '/..%2fadmin', '/%2e%2e%2fadmin', '/.%2e/admin'],
    ...['/%252e%252e%252fadmin', '/..;/admin', '/..%3b/admin', '/x/..%5c..%5cadmin', '/..%5cadmin'],
    ...['/x%00', '/%00', '/admin.', '/..', '/..%c0%af', '/%c0%ae%c0%ae/admin', '/%ef%bc%8f..'],
    ...['//admin', '/x//admin', '/./../../admin', '/%2E%2E/%2e%2E/admin', '/..\\admin'],
    ...[
      '/x/%2e%2e/%2e%2e/admin',
      '/%',
      '/%zz',
      '/%u002e%u002e/',
      '/x%0d%0aX:1',
      '/.%00./admin',
      '/x%20',
    ],
  ]
  for (const step of steps) {
    const answer = await call(`${api}/v1${step}`)
    expect([400, 404], step).toContain(answer.status)
    if (answer.status === 400 && answer.body.startsWith('{'))
      expect(answer.body, step).toContain('path_not_allowed')
  }
  for (const path of [
    ...['/BFF/api/gearcode/v1', '/bff/API/gearcode/v1', '/bff/api/GEARCODE/v1', `${api}/V1`],
    ...[
      `${api}/v10`,
      `${api}/v1x`,
      `${api}/`,
      api,
      '//bff/api/gearcode/v1',
      '/bff//api/gearcode/v1',
    ],
    ...[
      '/bff/api//gearcode/v1',
      `${api}/%76%31`,
      '/%62ff/api/gearcode/v1',
      '/bff/api/gearcode;x/v1',
    ],
    ...['/bff/api/gearcode%2fv1', '/x/../../admin', '/bff/api/gearcode/v1/../../../seznam/v1'],
  ]) {
    const answer = await call(path)
    expect(answer.status, path).toBeGreaterThanOrEqual(400)
    expect(answer.body, path).not.toContain('"ok":true')
  }
  expect(stand.api.requests).toEqual([])
  // Resolved before it was judged, and below the prefix then.
  for (const [path, arrives] of [
    ['/v1/a/../b', '/v1/b'],
    ['/../gearcode/v1/x', '/v1/x'],
    ['/v1/x/./y', '/v1/x/y'],
    ['/v1/%00/../x', '/v1/x'],
    ['/v1/\\..\\x', '/v1/x'],
  ] as const) {
    expect((await call(api + path)).status, path).toBe(200)
    expect(stand.api.requests.at(-1)?.target).toBe(arrives)
  }
  expectContained()
})

test('A52 request target forms: a whole address, an authority or an asterisk name no other place', async () => {
  const { host } = stand.sentinel
  const me = `${api}/v1/me`
  for (const prefix of [
    `http://${host}`,
    `https://${host}`,
    'https://evil.example:99',
    'ftp://evil.example',
  ]) {
    const answer = await call(prefix + me)
    expect([200, 400], prefix).toContain(answer.status)
    expect(JSON.stringify([answer.headers, answer.body])).not.toMatch(/evil|127\.0\.0\.1/)
    const login = await call(`${prefix}/bff/login/seznam`, {
      without: ['x-latchkey', 'sec-fetch-site'],
    })
    expectOwnRedirect(login)
  }
  for (const request of [
    ...[
      `CONNECT ${host}`,
      `CONNECT ${origin}`,
      'OPTIONS *',
      'GET *',
      `GET ${host}`,
      'GET evil.example/x',
    ],
    ...[`GET //${host}${me}`, `GET http:${me}`, `GET http:///${me}`, 'GET ?x', 'GET http://'],
    ...[`GET http://user:pw@${host}${me}`, `GET \\\\${host}${me}`],
  ]) {
    const [method = '', target = ''] = request.split(' ')
    const [answer] = await stand.raw(rawCall(victim, target, { method }), { patience: 1000 })
    expect(JSON.stringify([answer?.headers, answer?.body]), request).not.toMatch(
      /evil|127\.0\.0\.1/,
    )
  }
  expectContained()
  for (const { target } of stand.api.requests) expect(target).toBe('/v1/me')
})

/** Where a login leads is what the deployment says. */
function expectOwnRedirect(answer: RawAnswer) {
  const { status } = answer
  expect([302, 400, 421]).toContain(status)
  if (status !== 302) return
  const to = new URL(answer.header('location') ?? '')
  expect(to.origin).toBe(stand.simulators.seznam.origins.main)
  expect(to.searchParams.get('redirect_uri')).toBe(`${origin}/bff/callback/seznam`)
}

test('A53 Host: neither it nor what a proxy might have said of it has a say', async () => {
  const hosts = [
    ...[
      'Host: evil.example',
      'Host: ',
      'Host: a.example\r\nHost: evil.example',
      'Host: evil.example@app.example',
    ],
    ...[
      'Host: app.example:1',
      'Host: [::1]',
      'Host: app.example.',
      'Host: evil.example#',
      'Host: evil.example/x',
    ],
  ]
  const forwarded = [
    ...[
      'X-Forwarded-Host: evil.example',
      'X-Forwarded-Proto: http',
      'X-Forwarded-Port: 1',
      'X-Host: evil.example',
    ],
    ...[
      'X-Forwarded-Prefix: //evil.example',
      'Forwarded: host=evil.example;proto=http',
      'X-Original-URL: /admin',
    ],
    ...[
      'X-Rewrite-URL: /admin',
      'X-Original-Host: evil.example',
      'X-Forwarded-Server: evil.example',
    ],
  ]
  const navigation = ['x-latchkey', 'sec-fetch-site']
  const tries: RawCall[] = [
    ...hosts.map((line) => ({ without: ['host'], lines: [line] })),
    ...forwarded.map((line) => ({ lines: [line] })),
  ]
  for (const how of tries) {
    const said = how.lines?.join() ?? ''
    const login = await call('/bff/login/seznam', {
      ...how,
      without: [...(how.without ?? []), ...navigation],
    })
    expectOwnRedirect(login)
    const back = await call('/bff/callback/seznam?code=x&state=y', how)
    const answer = await call(`${api}/v1/me`, how)
    expect([200, 400, 421], said).toContain(answer.status)
    for (const one of [login, back, answer])
      expect(JSON.stringify([one.headers, one.body]), said).not.toContain('evil')
    if (back.status === 303)
      expect(new URL(back.header('location') ?? '', origin).origin).toBe(origin)
  }
  // Those of which one cannot say for whom they are.
  for (const line of [hosts[1], hosts[2], hosts[3]] as string[])
    expect((await call('/bff/providers', { without: ['host'], lines: [line] })).status, line).toBe(
      400,
    )
  expectContained()
  for (const { target } of stand.api.requests) expect(target).toBe('/v1/me')
})

test('A54 query: it arrives as it was written, or not at all', async () => {
  const exact = [
    ...[
      '?a=1&a=2',
      '?a=1;b=2',
      '?a=%26b%3d1',
      '?%23',
      '?x=%23y',
      '?a=b=c',
      '?a[]=1&a[]=2',
      '?a=+%20',
    ],
    ...[
      '?q=%E2%82%AC',
      '?a=..%2f..%2f',
      '?url=https://evil.example/',
      '?a=%27%22',
      '?__proto__[x]=1',
      '??a',
    ],
  ]
  for (const query of exact) {
    const answer = await call(`${api}/v1/me${query}`)
    expect([200, 400], query).toContain(answer.status)
    if (answer.status === 200)
      expect(stand.api.requests.at(-1)?.target.slice('/v1/me'.length), query).toBe(query)
  }
  expect(stand.api.requests.length).toBeGreaterThan(exact.length / 2)
  const before = stand.api.requests.length
  for (const query of [
    ...[
      '#frag?x=1',
      '#/\\x',
      '#\\?x',
      '?a=1#b',
      '#',
      '?access_token=x',
      '?a=1&access_token=x',
      '?ACCESS_TOKEN=x',
    ],
    ...[
      '?access%5Ftoken=x',
      '?a=1;access_token=x',
      '?refresh_token=x',
      '?id_token=x',
      '?client_secret=x',
    ],
    ...['?%61ccess_token', '?Access_Token=', '?a&client%5fsecret=x'],
  ]) {
    const answer = await call(`${api}/v1/me${query}`)
    expect(answer.status, query).toBe(400)
  }
  expect(stand.api.requests).toHaveLength(before)
  expectContained()
})

test('A55 private ranges: only the hosts of the configuration, and none of them in the clear', async () => {
  const fine = {
    NODE_ENV: 'production',
    PUBLIC_ORIGIN: origin,
    SESSION_SECRETS: sessionSecret,
    // Wrong in itself, so that no start goes on; what else is wrong is listed beside it.
    HOST: '!',
  }
  const client = { SEZNAM_CLIENT_ID: 'x', SEZNAM_CLIENT_SECRET: 'y' }
  const addresses = [
    ...[
      'http://169.254.169.254',
      'http://10.0.0.1',
      'http://[fd00::1]',
      'http://metadata.google.internal',
    ],
    ...[
      'http://0.0.0.0:1',
      'http://127.0.0.1.evil.example',
      'http://localhost.evil.example',
      'ftp://x.example',
    ],
    ...['https://user:pw@evil.example', 'file:///etc/passwd'],
  ]
  const starts = addresses.flatMap((address) =>
    ['SEZNAM_URL', 'SEZNAM_API_URL'].map(async (name) => {
      const { status, output } = await runToEnd(builtServer, {
        ...fine,
        ...client,
        [name]: address,
      })
      expect(status).not.toBe(0)
      expect(output, `${name} ${address}`).toContain(`${name} `)
    }),
  )
  await Promise.all(starts)
  for (const path of [
    '/169.254.169.254/latest',
    '/v1/http://169.254.169.254/',
    '//169.254.169.254/',
  ])
    expect((await call(api + path)).status).toBeGreaterThanOrEqual(400)
  expect(stand.api.requests).toEqual([])
}, 60_000)

describe('A56 smuggling', () => {
  const inner = `GET ${api}/v1/smuggled HTTP/1.1\r\nHost: app.example\r\n\r\n`
  const chunked = `0\r\n\r\n${inner}`
  const length = `Content-Length: ${chunked.length}`
  const te = 'Transfer-Encoding: chunked'

  test.each([
    ['both framings', [length, te], chunked],
    ['both, the other way round', [te, length], chunked],
    ['two lengths', [length, 'Content-Length: 5'], chunked],
    ['two lengths in one', ['Content-Length: 5, 6'], chunked],
    ['a length with a sign', ['Content-Length: +5'], 'hello'],
    ['a length in hexadecimal', ['Content-Length: 0x5'], 'hello'],
    ['an unknown encoding', ['Transfer-Encoding: xchunked'], chunked],
    ['an encoding behind chunked', ['Transfer-Encoding: chunked, identity'], chunked],
    ['two encodings', [te, 'Transfer-Encoding: identity'], chunked],
    ['an encoding in quotes', ['Transfer-Encoding: "chunked"'], chunked],
    ['an encoding behind a vertical tab', ['Transfer-Encoding: \x0bchunked'], chunked],
    ['a blank before the colon', ['Transfer-Encoding : chunked', length], chunked],
    ['a folded line', ['X-A: b\r\n Transfer-Encoding: chunked', length], chunked],
    ['a bare line feed', [`X-A: b\n${te}`, length], chunked],
    ['a bare carriage return', [`X-A: b\r${te}`, length], chunked],
    ['a NUL in a value', ['X-A: b\0c', length], chunked],
    ['a chunk that is no number', [te], `x\r\n\r\n${inner}`],
    ['a chunk size with a sign', [te], `+5\r\nhello\r\n0\r\n\r\n`],
    ['a chunk longer than it says', [te], `2\r\nhello\r\n0\r\n\r\n`],
    ['a chunk that ends in a bare line feed', [te], `5\nhello\n0\n\n${inner}`],
    ['another version', ['X-A: b'], `GET / HTTP/9.9\r\n\r\n`],
  ])('A56 smuggling: %s is refused, or read as one request', async (what, lines, tail) => {
    const answers = await stand.raw(
      rawCall(victim, `${api}/v1/outer`, { method: 'POST', lines, tail }),
      { patience: 1500 },
    )
    expect(answers.length, what).toBeLessThanOrEqual(1)
    if (what !== 'another version') {
      expect(answers[0]?.status ?? 400).toBe(400)
      // Begun at most: nobody was told that it had come to an end.
      for (const { body } of stand.api.requests) expect(body).not.toContain('smuggled')
    }
    for (const { target } of stand.api.requests) expect(target).toBe('/v1/outer')
    expectContained()
    // The request before the nonsense is good, and may only now be on its way to the API.
    if (what === 'another version') await sleep(300)
  })

  test('A56 smuggling: a body that looks like a request is a body at the API, framed anew', async () => {
    for (const lines of [[te], ['Transfer-Encoding: Chunked'], ['TRANSFER-ENCODING: CHUNKED']]) {
      stand.forget()
      const body = inner.repeat(3)
      const pieces = [body.slice(0, 7), body.slice(7)]
        .map((piece) => `${piece.length.toString(16)};x="y"\r\n${piece}\r\n`)
        .join('')
      const tail = `${pieces}0\r\nX-Latchkey: 1\r\n\r\n`
      const answer = await call(`${api}/v1/outer`, { method: 'POST', lines, tail })
      expect(answer.status).toBe(200)
      expect(stand.api.requests).toMatchObject([{ target: '/v1/outer', body }])
      const [arrived] = stand.api.requests
      const framings = ['content-length', 'transfer-encoding'].filter((name) =>
        arrived?.header(name),
      )
      expect(framings).toHaveLength(1)
    }
    stand.forget()
    await call(`${api}/v1/outer`, { method: 'POST', body: inner })
    expect(stand.api.requests).toMatchObject([{ target: '/v1/outer', body: inner }])
    expect(stand.api.requests[0]?.header('content-length')).toBe(String(inner.length))
  })

  test('A56 smuggling: no header value brings a line of its own', async () => {
    for (const text of [
      'x\r\nX-Evil: 1',
      'x\nX-Evil: 1',
      'x\rX-Evil: 1',
      'x%0d%0aX-Evil: 1',
      'x\u010d\u010aX-Evil: 1',
    ]) {
      await stand.raw(rawCall(victim, `${api}/v1/me`, { lines: [`Accept-Language: ${text}`] }), {
        patience: 1000,
      })
      for (const arrived of stand.api.requests) expect(arrived.header('x-evil')).toBeUndefined()
    }
    expectContained()
  })
})

test('A57 hop-by-hop: what is for the next hop ends here, and takes nothing along', async () => {
  for (const lines of [
    ...[['Connection: close, authorization, cookie'], ['Connection: x-latchkey, x-y', 'X-Y: 1']],
    ...[
      ['TE: trailers'],
      ['Trailer: Authorization'],
      ['Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'],
    ],
    ...[
      ['Keep-Alive: timeout=1'],
      ['Proxy-Authorization: Basic eDp5'],
      ['Proxy-Connection: keep-alive'],
    ],
    ...[
      ['Connection: accept, host, content-type'],
      ['Connection: \u00e9'],
      ['Connection: ,,,'],
      ['Upgrade: websocket'],
    ],
    ...[
      ['Connection: Upgrade', 'Upgrade: h2c'],
      ['Connection: Upgrade', 'Upgrade: websocket'],
      ['Via: 1.1 x'],
    ],
  ]) {
    stand.forget()
    const answer = await call(`${api}/v1/me`, { lines, method: 'POST', body: 'hello' })
    expect(answer.status, lines.join()).toBe(200)
    const [arrived] = stand.api.requests
    expect(arrived?.header('authorization'), lines.join()).toBe(`Bearer ${token}`)
    expect(arrived?.body).toBe('hello')
    const hop = /^(te|trailer|upgrade|keep-alive|proxy-.*|http2-settings|x-y|via)$/
    expect(
      arrived?.headers.filter(([name]) => hop.test(name)),
      lines.join(),
    ).toEqual([])
    expect(arrived?.header('connection') ?? 'keep-alive').toMatch(/^(keep-alive|close)$/)
    expect(answer.headers.filter(([name]) => hop.test(name) && name !== 'keep-alive')).toEqual([])
  }
  expectContained()
})

/** What an answer of an API may consist of; everything else in it is ours or the connection's. */
const passing = [
  ...[
    'accept-ranges',
    'allow',
    'content-disposition',
    'content-encoding',
    'content-language',
    'content-length',
  ],
  ...['content-range', 'content-type', 'etag', 'last-modified', 'retry-after'],
]
const connection = ['connection', 'date', 'keep-alive', 'transfer-encoding']

describe('A58 upstream→client', () => {
  const orders: Record<string, string | string[]> = {
    'set-cookie': ['__Host-latchkey_gearcode_x=evil; Path=/; Secure', 'session=evil'],
    'access-control-allow-origin': '*',
    'access-control-allow-credentials': 'true',
    'access-control-expose-headers': '*',
    'clear-site-data': '"*"',
    refresh: '0; url=https://evil.example/',
    'service-worker-allowed': '/',
    'strict-transport-security': 'max-age=0',
    'content-security-policy': "default-src * 'unsafe-inline'",
    'content-security-policy-report-only': 'default-src *; report-uri https://evil.example/',
    location: 'https://evil.example/',
    'content-location': 'https://evil.example/',
    link: '<https://evil.example/x.js>; rel=preload',
    'www-authenticate': 'Basic realm="evil"',
    'proxy-authenticate': 'Basic realm="evil"',
    'cache-control': 'public, max-age=31536000',
    'cross-origin-resource-policy': 'cross-origin',
    'cross-origin-opener-policy': 'unsafe-none',
    'permissions-policy': 'camera=*',
    'referrer-policy': 'unsafe-url',
    'x-frame-options': 'ALLOWALL',
    'x-content-type-options': 'evil',
    'x-request-id': 'evil',
    'x-secret': 'evil',
    connection: 'x-secret, content-type',
    'alt-svc': 'h3="evil.example:443"',
    nel: '{"report_to":"evil"}',
    'report-to': '{"evil":1}',
    'reporting-endpoints': 'evil="https://evil.example/"',
    sourcemap: 'https://evil.example/x.map',
    server: 'evil',
    'x-powered-by': 'evil',
    'speculation-rules': '"https://evil.example/x.json"',
    'attribution-reporting-register-source': '{"evil":1}',
    'set-login': 'logged-in',
    'accept-ch': 'evil',
    'critical-ch': 'evil',
    'timing-allow-origin': '*',
    'x-dns-prefetch-control': 'on',
    vary: '*',
  }

  test('A58 upstream→client: none of the orders that an API gives reaches the browser', async () => {
    const ours = await call('/bff/accounts/gearcode')
    for (const status of [200, 204, 301, 302, 303, 304, 307, 308, 401, 403, 404, 407, 500, 503]) {
      stand.api.answer = (_, response) => {
        response.writeHead(status, { ...orders, 'content-type': 'application/json' })
        response.end(status === 204 || status === 304 ? undefined : '{}')
      }
      const answer = await call(`${api}/v1/me`)
      // A 401 is worth a refresh, which writes a cookie of ours.
      for (const line of answer.cookies) expect(line).toMatch(/^__Host-latchkey_gearcode_/)
      const named = new Map(answer.headers.filter(([name]) => name !== 'set-cookie'))
      for (const name of named.keys())
        expect(
          [...passing, ...connection, ...ours.headers.map(([one]) => one)],
          String(status),
        ).toContain(name)
      const { cookies } = answer
      expect(cookies.join()).not.toContain('evil')
      for (const name of ['cache-control', 'referrer-policy', 'cross-origin-resource-policy'])
        expect(named.get(name), name).toBe(ours.header(name))
      expect(JSON.stringify(answer.headers)).not.toContain('evil')
      expect(named.get('x-content-type-options')).toBe('nosniff')
      expect(named.get('content-security-policy')).toContain('sandbox')
    }
    // Its refusals, and nobody was led elsewhere; the one refresh that a 401 is worth has been made.
    expect(stand.sentinel.connections).toEqual([])
    expect(stand.tokenCalls()).toBe(1)
    token = (stand.api.requests.at(-1)?.header('authorization') ?? '').replace('Bearer ', '')
  })

  test('A58 upstream→client: what a browser would run or draw is a download, whatever it is called', async () => {
    const page = '<!doctype html><script>alert(1)</script>'
    for (const type of [
      ...[
        'text/html',
        'TEXT/HTML;charset=utf-7',
        'application/xhtml+xml',
        'image/svg+xml',
        'text/xml',
      ],
      ...[
        'application/xml',
        'text/javascript',
        'application/javascript',
        'application/x-shockwave-flash',
      ],
      ...[
        'multipart/x-mixed-replace; boundary=x',
        'text/css',
        'application/rss+xml',
        'text/xsl',
        'x',
        undefined,
      ],
    ]) {
      stand.api.answer = (_, response) => {
        response.writeHead(200, {
          ...(type === undefined ? {} : { 'content-type': type }),
          'content-disposition': 'inline; filename="x.html"',
        })
        response.end(page)
      }
      for (const lines of [[], ['Sec-Fetch-Dest: document', 'Sec-Fetch-Mode: navigate']]) {
        const answer = await call(`${api}/v1/page`, { lines })
        const { status, body } = answer
        if (status >= 400) continue
        expect(body).toBe(page)
        expect(answer.header('content-disposition'), type).toMatch(/^attachment/)
        expect(answer.header('content-security-policy'), type).toMatch(
          /default-src 'none'.*sandbox(;|$)|sandbox;.*default-src 'none'/,
        )
        expect(answer.header('x-content-type-options'), type).toBe('nosniff')
      }
    }
  })

  test('A58 upstream→client: a token that comes back stays here', async () => {
    stand.api.answer = (request, response) => {
      const { authorization = '' } = request.headers
      const shown = authorization.replace('Bearer ', '')
      response.writeHead(200, {
        'content-type': 'application/json',
        etag: `"${shown}"`,
        'content-disposition': `attachment; filename="${shown}"`,
      })
      response.write(`{"you sent":"${shown.slice(0, 11)}`)
      setTimeout(() => response.end(`${shown.slice(11)}","twice":"${shown}${shown}"}`), 50)
    }
    const answer = await call(`${api}/v1/echo`)
    expect(answer.status).toBe(200)
    expect(JSON.stringify(answer.headers)).not.toContain(token)
    expect(answer.body).not.toContain(token)
    expect(answer.body).toContain('you sent')
  })

  test('A58 upstream→client: answers that no server should give do not pass, and do no harm', async () => {
    const raw: Record<string, string> = {
      'an early hint':
        'HTTP/1.1 103 Early Hints\r\nLink: </evil.js>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}',
      'a continue nobody asked for':
        'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}',
      'a switch of protocols':
        'HTTP/1.1 101 Switching Protocols\r\nUpgrade: evil\r\nConnection: upgrade\r\n\r\nevil',
      'nothing, with a body': 'HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nevil',
      'not modified, with a body': 'HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nevil',
      'two answers':
        'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\nSet-Cookie: evil=1\r\nContent-Length: 4\r\n\r\nevil',
      'both framings':
        'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nevil\r\n0\r\n\r\n',
      'two lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 4\r\n\r\nevil',
      'a hundred kilobytes of headers': `HTTP/1.1 200 OK\r\n${Array.from({ length: 100 }, (_, at) => `X-Evil-${at}: ${'e'.repeat(1000)}\r\n`).join('')}Content-Length: 2\r\n\r\n{}`,
      'a bad status': 'HTTP/1.1 999 Evil\r\nContent-Length: 2\r\n\r\n{}',
      'no status': 'HTTP/1.1 OK\r\n\r\nevil',
      'another protocol': 'SSH-2.0-evil\r\n',
      'a trailer':
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Set-Cookie\r\n\r\n2\r\n{}\r\n0\r\nSet-Cookie: evil=1\r\n\r\n',
    }
    for (const [what, text] of Object.entries(raw)) {
      stand.api.answer = (_, response) => response.socket?.end(text)
      const answers = await stand.raw(rawCall(victim, `${api}/v1/me`), { patience: 3000 })
      expect(answers, what).toHaveLength(1)
      const [answer] = answers
      expect([200, 204, 304, 502], what).toContain(answer?.status)
      expect(JSON.stringify([answer?.headers]), what).not.toMatch(/evil/i)
      if (answer?.status !== 200) expect(answer?.body, what).not.toContain('evil')
      expect(answer?.cookies.join(), what).not.toContain('evil')
    }
    stand.forget()
    expect((await call(`${api}/v1/me`)).status).toBe(200)
    expect(await victim.signedIn()).toEqual(['gearcode'])
  })
})

test('A59 client→upstream leak: the API learns of the request what it needs, and one Authorization', async () => {
  const answer = await call(`${api}/v1/me`, {
    method: 'POST',
    body: '{}',
    lines: [
      ...[
        'Authorization: Basic eDp5',
        'X-Api-Key: mine',
        `Origin: ${origin}`,
        `Referer: ${origin}/secret`,
      ],
      ...[
        'User-Agent: a browser',
        'Sec-Fetch-Mode: cors',
        'Sec-Ch-Ua: "x"',
        'DNT: 1',
        'Forwarded: for=1.2.3.4',
      ],
      ...[
        'X-Forwarded-For: 1.2.3.4',
        'X_Forwarded_For: 1.2.3.4',
        'X-Real-Ip: 1.2.3.4',
        'X-Original-URL: /admin',
      ],
      ...[
        'X-User-Id: 1',
        'X_User_Id: 1',
        'X-HTTP-Method-Override: DELETE',
        'Cookie2: x',
        'X-Csrf-Token: x',
      ],
      ...[
        'Content-Type: application/json',
        'Accept: text/csv',
        'If-Match: "1"',
        'Range: bytes=0-1',
        'Traceparent: 00-x',
      ],
      ...[
        'Authorization_: x',
        'CF-Connecting-IP: 1.2.3.4',
        'True-Client-IP: 1.2.3.4',
        'Max-Forwards: 1',
        'Expect2: x',
      ],
    ],
  })
  expect(answer.status).toBe(200)
  const [arrived] = stand.api.requests
  expect(arrived?.method).toBe('POST')
  const needed =
    /^(accept|accept-language|content-(encoding|language|type)|if-.*|range|authorization)$/
  const ofTheCall =
    /^(host|connection|content-length|transfer-encoding|accept-encoding|sec-fetch-mode|user-agent)$/
  for (const [name, value] of arrived?.headers ?? []) {
    expect(needed.test(name) || ofTheCall.test(name), name).toBe(true)
    expect(value, name).not.toMatch(/1\.2\.3\.4|a browser|secret|latchkey_|eDp5/)
  }
  expect(arrived?.headers.filter(([name]) => name === 'authorization')).toEqual([
    ['authorization', `Bearer ${token}`],
  ])
  expect(arrived?.header('host')).toBe(new URL(stand.api.url).host)
  expect(arrived?.header('accept')).toBe('text/csv')
  expectContained()
})
