/** What other sites make a browser send, with the victim's cookies attached: nothing happens. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { origin } from '../stage'
import { accountCookies, loginCookies } from './oracle'
import { openStand, type Answered, type Browser, type HeaderList, type Stand } from './stand'

let stand: Stand
let victim: Browser
const accounts = ['onet', 'onesait', 'gearcode', 'seznam'] as const

beforeAll(async () => {
  stand = await openStand()
  victim = stand.browser()
  for (const provider of accounts) await victim.signIn(provider)
})
beforeEach(() => stand.forget())
afterAll(() => stand.close())

/** Nothing arrived anywhere, and everybody is where they were. */
async function expectNothingHappened(browser: Browser = victim): Promise<void> {
  const arrived = accounts.filter((provider) => stand.arrived(provider).total > 0)
  expect(arrived).toEqual([])
  expect(stand.api.requests).toEqual([])
  expect(stand.sentinel.connections).toEqual([])
  if (browser === victim) expect(await victim.signedIn()).toEqual([...accounts])
}

function expectRefused(answer: Answered): void {
  expect([403, 404, 405]).toContain(answer.status)
  expect(answer.cookies).toEqual([])
  expect(answer.body).not.toContain('krasty')
}

/** What changes something, or tells something. */
const targets: [method: string, target: string][] = [
  ['DELETE', '/bff/session'],
  ['DELETE', '/bff/accounts/seznam'],
  ['POST', '/bff/accounts/seznam/refresh'],
  ['POST', '/bff/accounts/seznam/revoke'],
  ['POST', '/bff/accounts/onesait/revoke'],
  ['POST', '/bff/accounts/onesait/check'],
  ['POST', '/bff/login/onesait'],
  ['POST', '/bff/api/gearcode/v1/orders'],
  ['PUT', '/bff/api/gearcode/v1/orders'],
  ['DELETE', '/bff/api/gearcode/v1/orders'],
  ['GET', '/bff/api/gearcode/v1/orders'],
  ['GET', '/bff/accounts/seznam/profile'],
  ['GET', '/bff/accounts/seznam'],
  ['GET', '/bff/session'],
]
const posts = targets.flatMap(([method, target]) => (method === 'GET' ? [] : [target]))
const gets = targets.map(([, target]) => target)

const forms: [type: string, body: string][] = [
  ['application/x-www-form-urlencoded', 'token=refresh&username=developer&password=faro-developer'],
  [
    'multipart/form-data; boundary=x',
    '--x\r\nContent-Disposition: form-data; name="token"\r\n\r\naccess\r\n--x--\r\n',
  ],
  ['text/plain', '{"token":"refresh","username":"developer","password":"faro-developer","x":"="}'],
]

/** How a foreign page, and one on a sibling, present themselves; and browsers without Fetch Metadata. */
const evil = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
const sibling = { origin: 'https://old.app.example', 'sec-fetch-site': 'same-site' }
const older = { origin: 'https://evil.example' }
const sandboxed = { origin: 'null', 'sec-fetch-site': 'cross-site' }
const submitted = {
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
  'sec-fetch-user': '?1',
}

test('A30 form post: a form of another site has no effect, whatever its type', async () => {
  for (const target of [...posts, '/bff/logout', '/bff/refresh'])
    for (const [type, body] of forms)
      for (const from of [evil, older, sandboxed, {}]) {
        const headers = { ...from, ...submitted, 'content-type': type }
        expectRefused(await victim.send('POST', target, { headers, body }))
      }
  await expectNothingHappened()
})

const parts: [name: string, method: string, headers: HeaderList][] = [
  [
    'fetch without CORS',
    'POST',
    {
      ...evil,
      'sec-fetch-mode': 'no-cors',
      'sec-fetch-dest': 'empty',
      'content-type': 'text/plain',
    },
  ],
  [
    'a beacon',
    'POST',
    {
      ...evil,
      'sec-fetch-mode': 'no-cors',
      'sec-fetch-dest': 'empty',
      'content-type': 'application/json',
    },
  ],
  [
    'a ping',
    'POST',
    { ...evil, 'sec-fetch-mode': 'no-cors', 'ping-to': origin, 'content-type': 'text/ping' },
  ],
  [
    'an image',
    'GET',
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' },
  ],
  [
    'a script',
    'GET',
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'script' },
  ],
  [
    'a style',
    'GET',
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'style' },
  ],
  [
    'a prefetch',
    'GET',
    { 'sec-fetch-site': 'cross-site', 'sec-purpose': 'prefetch', ...submitted },
  ],
  ['a link', 'GET', { 'sec-fetch-site': 'cross-site', ...submitted }],
  [
    'a frame',
    'GET',
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' },
  ],
  [
    'an object',
    'GET',
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'object' },
  ],
  ['fetch with CORS', 'GET', { ...evil, 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' }],
  ['an image in an older browser', 'GET', { referer: 'https://evil.example/' }],
  ['a link in an older browser', 'GET', {}],
  ['HEAD', 'HEAD', { ...evil, 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'empty' }],
]

test.each(parts)(
  'A31 parts of a page: %s has no effect and shows nothing',
  async (_, method, headers) => {
    const body = method === 'POST' ? '{"token":"refresh"}' : undefined
    for (const target of method === 'POST' ? posts : gets)
      expectRefused(await victim.send(method, target, { headers, ...(body ? { body } : {}) }))
    await expectNothingHappened()
  },
)

const types = [
  undefined,
  '',
  'TEXT/PLAIN',
  'Text/Plain; Charset=UTF-8',
  'text/plain; application/json',
  'text/plain;application/json',
  'application/csp-report',
  'application/reports+json',
  'application/x-www-form-urlencoded; charset=utf-8',
  'APPLICATION/X-WWW-FORM-URLENCODED',
  'Multipart/Form-Data; boundary=x',
  'application/json',
  'application/json; charset=utf-8',
  'application/octet-stream',
  'nonsense',
]

test('A32 content types: none of them opens the gate', async () => {
  const bodies = ['{"token":"refresh"}', '{"username":"developer","password":"faro-developer"}', '']
  for (const type of types)
    for (const target of posts)
      for (const [at, from] of [evil, older, sibling, {}].entries()) {
        const headers = { ...from, 'content-type': type }
        const body = bodies[at % bodies.length] ?? ''
        expectRefused(await victim.send('POST', target, { headers, body }))
      }
  await expectNothingHappened()
  // Signing the victim in as somebody else is an effect too.
  const nobody = stand.browser()
  for (const type of types) {
    const headers = { ...evil, 'content-type': type }
    const body = JSON.stringify({ username: 'analyst', password: 'faro-analyst' })
    expectRefused(await nobody.send('POST', '/bff/login/onesait', { headers, body }))
  }
  expect(nobody.cookies.size).toBe(0)
  await expectNothingHappened()
})

const sites = ['same-origin', 'same-site', 'cross-site', 'bogus', '', 'SAME-ORIGIN', undefined]
const origins = [
  origin,
  'https://evil.example',
  'null',
  undefined,
  `${origin}.evil.example`,
  'https://evilapp.example',
  origin.toUpperCase(),
  `${origin}:443`,
  `${origin}:8443`,
  `${origin}/`,
  'http://app.example',
  'https://old.app.example',
  '',
  `${origin} https://evil.example`,
]
const keys = ['1', undefined, '0', '', '1, 1', 'true', '01']
const sampled: [method: string, target: string][] = [
  ['GET', '/bff/session'],
  ['GET', '/bff/accounts/seznam'],
  ['POST', '/bff/accounts/gearcode/refresh'],
  ['GET', '/bff/api/gearcode/v1/orders'],
  ['POST', '/bff/api/gearcode/v1/orders'],
]

test('A33 header matrix: our header, a near Sec-Fetch-Site and our Origin, or nothing at all', async () => {
  const wrong: string[] = []
  let count = 0
  for (const [method, target] of sampled)
    for (const site of sites)
      for (const from of origins)
        for (const key of keys) {
          // The contract's sentence, once more: this header, and no sign of another site.
          const isAllowed =
            key === '1' &&
            (from === undefined || from === origin) &&
            // No browser says `same-site` of our own origin; the contract lets it in by its Origin.
            (site === undefined ||
              site === 'same-origin' ||
              (site === 'same-site' && from === origin))
          // Of those without our header some will do.
          if (key !== '1' && count++ % 7 > 0) continue
          stand.forget()
          const headers = { 'x-latchkey': key, origin: from, 'sec-fetch-site': site }
          const answer = await victim.send(method, target, { headers })
          const asked =
            stand.api.requests.length +
            accounts.reduce((sum, provider) => sum + stand.arrived(provider).total, 0)
          const isRefused = answer.status === 403 && answer.code === 'csrf' && asked === 0
          if (isAllowed ? answer.status !== 200 : !isRefused)
            wrong.push(
              `${method} ${target} ${JSON.stringify(headers)}: ${answer.status}, ${asked} asked`,
            )
        }
  expect(wrong).toEqual([])
})

const overrides = ['X-HTTP-Method-Override', 'X-Method-Override', 'X-HTTP-Method', '_method']

test('A34 method override: a method is what the request line says, here and at the API', async () => {
  for (const name of overrides) {
    const headers = { [name]: 'DELETE' }
    const query = `?${name}=DELETE&_method=DELETE`
    const form = { ...headers, 'content-type': 'application/x-www-form-urlencoded' }
    for (const target of ['/bff/session', '/bff/accounts/seznam']) {
      expect((await victim.ask('GET', target + query, { headers })).status).toBe(200)
      const post = await victim.ask('POST', target + query, {
        headers: form,
        body: '_method=DELETE',
      })
      expect(post.status).toBe(405)
    }
    const get = await victim.ask('GET', `/bff/accounts/seznam/refresh?_method=POST`, {
      headers: { [name]: 'POST' },
    })
    expect(get.status).toBe(405)
    await expectNothingHappened()

    await victim.ask('POST', '/bff/api/gearcode/v1/orders', {
      headers: form,
      body: '_method=DELETE',
    })
    const [received] = stand.api.requests
    expect(received?.method).toBe('POST')
    expect(received?.headers.map(([one]) => one).join()).not.toMatch(/method/)
    stand.forget()
  }
})

test('A35 sibling’s attacker: a sub-domain that was taken over is as foreign as any site', async () => {
  for (const from of [
    sibling,
    { 'sec-fetch-site': 'same-site' },
    { origin: 'https://old.app.example' },
  ]) {
    for (const [type, body] of forms)
      for (const target of posts)
        expectRefused(
          await victim.send('POST', target, { headers: { ...from, 'content-type': type }, body }),
        )
    for (const target of gets) expectRefused(await victim.send('GET', target, { headers: from }))
    for (const [method, target] of targets) {
      // With our header too, which would need a preflight first.
      const headers = { ...from, 'x-latchkey': '1' }
      const body = method === 'GET' ? {} : { body: '{"token":"refresh"}' }
      expectRefused(await victim.send(method, target, { headers, ...body }))
      const preflight = await victim.send('OPTIONS', target, {
        headers: {
          ...from,
          'access-control-request-method': method,
          'access-control-request-headers': 'x-latchkey',
        },
      })
      expect(preflight.status).toBe(403)
      expect(Object.keys(preflight.headers).join()).not.toContain('access-control')
    }
  }
  await expectNothingHappened()
})

test('A36 login by GET: a link may begin a login; what no person clicked begins nothing', async () => {
  const linked = stand.browser()
  await linked.signIn('seznam')
  const before = accountCookies(linked)
  const { status, location = '' } = await linked.visit('/bff/login/seznam', {
    'sec-fetch-site': 'cross-site',
  })
  expect(status).toBe(302)
  expect(new URL(location).origin).toBe(stand.simulators.seznam.origins.main)
  // It begins a login and no more: who was signed in still is.
  expect(await linked.signedIn()).toEqual(['seznam'])
  expect(accountCookies(linked)).toEqual(before)

  const unseen: HeaderList[] = [
    { 'sec-fetch-dest': 'image', 'sec-fetch-mode': 'no-cors' },
    { 'sec-fetch-dest': 'script', 'sec-fetch-mode': 'no-cors' },
    { 'sec-fetch-dest': 'iframe', 'sec-fetch-mode': 'navigate' },
    { 'sec-fetch-dest': 'embed', 'sec-fetch-mode': 'navigate' },
    { 'sec-fetch-dest': 'empty', 'sec-fetch-mode': 'cors' },
    { 'sec-fetch-dest': 'empty', 'sec-fetch-mode': 'no-cors' },
    { ...submitted, 'sec-purpose': 'prefetch' },
    { ...submitted, 'sec-purpose': 'prefetch;prerender' },
    { ...submitted, purpose: 'prefetch' },
  ]
  for (const headers of unseen)
    for (const site of ['cross-site', 'same-site', 'same-origin']) {
      const somebody = stand.browser()
      const answer = await somebody.send('GET', '/bff/login/seznam', {
        headers: { ...headers, 'sec-fetch-site': site },
      })
      expectRefused(answer)
      expect(answer.location).toBeUndefined()
      expect(loginCookies(somebody)).toEqual([])
    }
  for (const method of ['HEAD', 'OPTIONS', 'POST', 'PUT'])
    expectRefused(await stand.browser().send(method, '/bff/login/seznam', { headers: submitted }))
})

test('A37 logout CSRF: no address that one can be sent to signs anybody out', async () => {
  const person = stand.browser()
  for (const provider of ['onet', 'seznam'] as const) await person.signIn(provider)
  stand.forget()
  const addresses = [
    '/bff/callback/onet',
    '/bff/callback/onet?state=',
    '/bff/callback/onet?logout=1',
    '/bff/callback/seznam?error=access_denied',
    '/bff/logout',
    '/bff/session/delete',
    '/bff/session?_method=DELETE',
    '/bff/accounts/onet?_method=DELETE',
    '/logout',
  ]
  for (const address of addresses)
    for (const site of ['cross-site', 'same-site', 'none', undefined])
      await person.visit(address, { 'sec-fetch-site': site })
  expect(await person.signedIn()).toEqual(['onet', 'seznam'])
  for (const provider of ['onet', 'seznam'] as const) expect(stand.arrived(provider).total).toBe(0)

  // The landing of a logout that was asked for is known once, and is not that of another browser.
  await person.ask('DELETE', '/bff/accounts/onet')
  expect(
    (await person.visit('/bff/callback/onet', { 'sec-fetch-site': 'cross-site' })).location,
  ).toBe('/')
  expect((await person.visit('/bff/callback/onet', { 'sec-fetch-site': 'cross-site' })).code).toBe(
    'login_forged',
  )
  expect(await person.signedIn()).toEqual(['seznam'])
})

test('A38 WebSocket and EventSource: a handshake is not taken, a stream of another site not begun', async () => {
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13'
  for (const from of ['https://evil.example', 'null', 'https://old.app.example', origin])
    for (const target of ['/bff/api/gearcode/v1/socket', '/bff/session', '/'])
      for (const upgrade of ['websocket', 'WebSocket', 'h2c', 'tls/1.0']) {
        const [answer] = await stand.raw(
          [
            `GET ${target} HTTP/1.1`,
            'Host: app.example',
            `Origin: ${from}`,
            `Cookie: ${victim.header()}`,
            'Sec-Fetch-Mode: websocket',
            'Sec-Fetch-Dest: websocket',
            'Connection: Upgrade',
            `Upgrade: ${upgrade}`,
            key,
            '\r\n',
          ].join('\r\n'),
          { answers: 1, patience: 1000 },
        )
        expect(answer?.status).not.toBe(101)
        expect(answer?.header('upgrade')).toBeUndefined()
        if (target !== '/') expect(answer?.status).toBeGreaterThanOrEqual(400)
      }
  const streams: HeaderList[] = [
    { ...evil, 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' },
    { ...sibling, 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' },
    { ...evil, 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' },
    { origin: 'https://evil.example' },
    {},
  ]
  for (const headers of streams)
    expectRefused(
      await victim.send('GET', '/bff/api/gearcode/v1/events', {
        headers: { ...headers, accept: 'text/event-stream', 'cache-control': 'no-cache' },
      }),
    )
  await expectNothingHappened()
})
