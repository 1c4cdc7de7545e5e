/** Through caches, prototypes, other spellings of a route, HEAD, and the packages. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startCachingProxy, type CachingProxy } from './caching-proxy'
import type { Simulator } from '../simulators'
import { rawCall } from './raw-call'
import { openStand, type Answered, type Browser, type ProviderId, type Stand } from './stand'

let stand: Stand
beforeAll(async () => {
  stand = await openStand()
})
afterAll(() => stand.close())
beforeEach(() => {
  stand.forget()
})

/** Words that stand in what only one person may see. */
const personal = /krasty|0123abcd4567ef89|GearCode user|"accounts":\[\{|"thing"/

async function person(...providers: ProviderId[]): Promise<Browser> {
  const browser = stand.browser()
  for (const provider of providers) await browser.signIn(provider)
  expect((await browser.signedIn()).sort()).toEqual([...providers].sort())
  stand.forget()
  return browser
}

describe('A80 cache poisoning', () => {
  let cache: CachingProxy
  let rash: CachingProxy
  beforeAll(async () => {
    cache = await startCachingProxy(stand.url)
    rash = await startCachingProxy(stand.url, { rash: true })
  })
  afterAll(() => {
    cache.close()
    rash.close()
  })

  const ask = async (at: CachingProxy, path: string, headers: Record<string, string> = {}) => {
    const answer = await fetch(at.url + path, { redirect: 'manual', headers })
    return { status: answer.status, headers: answer.headers, body: await answer.text() }
  }

  test('A80 cache poisoning: nothing that belongs to a person is kept for the next one', async () => {
    const victim = await person('seznam', 'gearcode')
    const cookie = victim.header()
    stand.api.answer = (_, response) => {
      response.writeHead(200, {
        'cache-control': 'public, max-age=9999',
        'content-type': 'application/json',
      })
      response.end('{"thing":"yours"}')
    }
    const app = { 'x-latchkey': '1', 'sec-fetch-site': 'same-origin', cookie }
    const link = {
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
      cookie,
    }
    const own = [
      '/bff/session',
      '/bff/accounts/seznam',
      '/bff/accounts/seznam/profile',
      '/bff/api/gearcode/v1/me',
      '/bff/api/gearcode/v1/me/x.js',
      '/bff/api/gearcode/v1/x.css',
    ]
    const deceiving = own.flatMap((path) => [
      ...[
        `${path}.css`,
        `${path}/x.js`,
        `${path}/x.png`,
        `${path};x.css`,
        `${path}%2fx.js`,
        `${path}%3fx.js`,
      ],
      ...[
        `${path}%23.css`,
        `${path}?x.css`,
        `/${path}`,
        `${path}/..%2fx.css`,
        `${path}%0a.css`,
        `${path}%00.css`,
      ],
    ])
    for (const path of own) expect((await ask(cache, path, app)).body, path).toMatch(personal)
    for (const path of deceiving) {
      await ask(cache, path, app)
      // A link that the victim clicks on is all that an attacker has.
      for (const at of [cache, rash]) await ask(at, path, link)
    }
    for (const [path, { headers, body }] of [...cache.kept, ...rash.kept]) {
      expect(body.toString(), path).not.toMatch(personal)
      expect(headers['set-cookie'], path).toBeUndefined()
    }
    for (const path of [...own, ...deceiving]) {
      expect((await ask(cache, path)).body, path).not.toMatch(personal)
      expect((await ask(rash, path)).body, path).not.toMatch(personal)
    }
  })

  test('A80 cache poisoning: no header that a cache does not look at changes what it keeps', async () => {
    const page = await (await fetch(`${stand.url}/`)).text()
    const script = /src="(\/assets\/[^"]+\.js)"/.exec(page)?.[1] ?? ''
    expect(script).not.toBe('')
    const paths = [
      '/',
      script,
      '/accounts/seznam',
      '/nothing-here',
      '/bff/providers',
      '/bff/openapi.json',
      '/bff/nothing',
      '/bff/login/seznam',
      '/healthz',
    ]
    const poisons: Record<string, string>[] = [
      {
        'x-forwarded-host': 'evil.example',
        'x-forwarded-proto': 'http',
        forwarded: 'host=evil.example',
      },
      { 'x-original-url': '/nothing-here', 'x-rewrite-url': '/nothing-here' },
      { 'x-http-method-override': 'DELETE', 'x-method-override': 'HEAD' },
      { origin: 'https://evil.example', referer: 'https://evil.example/' },
      {
        accept: 'text/evil',
        'accept-language': 'evil',
        'accept-encoding': 'evil',
        'user-agent': 'evil',
      },
      { range: 'bytes=0-0' },
      { 'if-none-match': '*', 'if-modified-since': new Date().toUTCString() },
      { authorization: 'Bearer evil', 'x-latchkey': '0' },
      { 'sec-purpose': 'prefetch', 'x-evil': 'x'.repeat(20_000) },
    ]
    for (const path of paths)
      for (const poison of poisons) {
        cache.kept.clear()
        rash.kept.clear()
        const before = await ask(cache, path)
        cache.kept.clear()
        for (const at of [cache, rash]) {
          await ask(at, path, poison)
          const after = await ask(at, path)
          const what = `${path} after ${Object.keys(poison).join()}`
          expect(after.status, what).toBe(before.status)
          if (before.status !== 302) expect(shape(after.body), what).toBe(shape(before.body))
          expect(JSON.stringify([[...after.headers], after.body]), what).not.toContain('evil')
        }
      }
  })
})

/** What tells requests apart left out. */
function shape(body: string): string {
  return body.replaceAll(/[\da-f]{8}-[\da-f-]{27}/g, '')
}

test('A81 Set-Cookie: no answer that carries a cookie may be kept, whatever its status', async () => {
  const answers: [string, Answered][] = []
  const browser = stand.browser()
  const note = async (what: string, asked: Promise<Answered>) =>
    void answers.push([what, await asked])
  for (const provider of ['onet', 'konpro', 'gearcode', 'seznam'] as const) {
    const path = await browser.away(provider)
    await note(`the way to ${provider}`, browser.copy().visit(`/bff/login/${provider}`))
    await note(`the way back from ${provider}`, browser.visit(path))
    await note(`a refresh at ${provider}`, browser.ask('POST', `/bff/accounts/${provider}/refresh`))
    await note(
      `a denied login at ${provider}`,
      browser.copy().visit(await browser.away(provider, { deny: true })),
    )
  }
  await note('a password', browser.signIn('onesait'))
  await note('a check', browser.ask('POST', '/bff/accounts/onesait/check'))
  const damaged = browser.copy()
  for (const [name, value] of browser.cookies)
    damaged.cookies.set(name, `${value.slice(0, -9)}AAAAAAAAA`)
  for (const [method, path] of [
    ...[
      ['GET', '/bff/accounts/seznam/profile'],
      ['POST', '/bff/accounts/seznam/refresh'],
      ['GET', '/bff/api/gearcode/v1'],
    ],
    ...[
      ['GET', '/bff/api/gearcode/%2e'],
      ['DELETE', '/bff/session'],
      ['DELETE', '/bff/accounts/onet'],
      ['GET', '/bff/login/seznam'],
    ],
    ...[
      ['HEAD', '/bff/session'],
      ['PUT', '/bff/session'],
      ['GET', '/bff/callback/seznam?state=x&code=y'],
    ],
  ] as const)
    await note(`damaged cookies at ${method} ${path}`, damaged.copy().ask(method, path))
  stand.api.answer = (_, response) => {
    response.writeHead(304, { etag: '"1"', 'cache-control': 'public' }).end()
  }
  stand.simulators.gearcode.switches.expiresIn = 1
  await browser.ask('POST', '/bff/accounts/gearcode/refresh')
  await new Promise((resolve) => setTimeout(resolve, 1_100))
  await note(
    'a 304 with a refresh',
    browser.ask('GET', '/bff/api/gearcode/v1', { headers: { 'if-none-match': '"1"' } }),
  )
  stand.simulators.gearcode.switches.expiresIn = 899
  await note('a sign-out', browser.ask('DELETE', '/bff/session'))

  const setting = answers.filter(([, { cookies }]) => cookies.length > 0)
  expect(setting.length).toBeGreaterThan(15)
  expect(new Set(setting.map(([, { status }]) => status)).size).toBeGreaterThan(3)
  for (const [what, { headers }] of setting)
    expect(headers['cache-control'], what).toMatch(/no-store/)
})

test('A82 proxied answers: an API’s own word for caches does not pass, and nobody gets another’s', async () => {
  stand.api.answer = (request, response) => {
    const headers = {
      etag: '"same"',
      'cache-control': 'public, max-age=9999',
      expires: 'Fri, 01 Jan 2100 00:00:00 GMT',
      pragma: 'x',
      age: '5',
      vary: '*',
    }
    if (request.headers['if-none-match'] === '"same"') response.writeHead(304, headers).end()
    else response.writeHead(200, headers).end(request.headers.authorization)
  }
  const people = [await person('gearcode'), await person('gearcode')]
  stand.api.answer = (request, response) => {
    const isKnown = request.headers['if-none-match'] === '"same"'
    response.writeHead(isKnown ? 304 : 200, {
      etag: '"same"',
      'cache-control': 'public, max-age=9999',
      expires: 'Fri, 01 Jan 2100 00:00:00 GMT',
      age: '5',
      'surrogate-control': 'max-age=9',
      'cdn-cache-control': 'public',
    })
    response.end(isKnown ? undefined : `"${request.url}"`)
  }
  for (const headers of [{}, { 'if-none-match': '"same"' }, { 'if-none-match': '"other"' }])
    for (const browser of people) {
      const answer = await browser.ask('GET', '/bff/api/gearcode/v1/me', { headers })
      expect(answer.status).toBe(
        'if-none-match' in headers && headers['if-none-match'] === '"same"' ? 304 : 200,
      )
      expect(answer.headers['cache-control']).toMatch(/no-store/)
      expect(answer.headers['cache-control']).not.toMatch(/public|max-age/)
      for (const name of ['expires', 'age', 'pragma', 'surrogate-control', 'cdn-cache-control'])
        expect(answer.headers[name], name).toBeUndefined()
    }
  // Each was asked for at the API, with the token of whoever asked.
  expect(stand.api.requests).toHaveLength(6)
  expect(new Set(stand.api.requests.map((one) => one.header('authorization'))).size).toBe(2)
})

test('A84 prototype pollution: no name in any input reaches a prototype, where touching one throws', async () => {
  const strict = await openStand({ env: { NODE_OPTIONS: '--disable-proto=throw' } })
  try {
    const poison =
      '"__proto__":{"isAdmin":true},"constructor":{"prototype":{"isAdmin":true}},"toString":1,"hasOwnProperty":1'
    const query =
      '__proto__[isAdmin]=1&__proto__.isAdmin=1&constructor.prototype.isAdmin=1&constructor[prototype][isAdmin]=1'
    const poisoned = JSON.parse(`{${poison}}`) as Record<string, unknown>
    const browser = strict.browser()
    const answers: [string, Answered][] = []
    const note = async (what: string, asked: Promise<Answered>) =>
      void answers.push([what, await asked])
    for (const simulator of Object.values(strict.simulators) as Simulator[])
      simulator.tokenAnswer = (answer: Record<string, unknown>) =>
        JSON.parse(`{${poison},${JSON.stringify(answer).slice(1)}`) as unknown
    for (const provider of ['onet', 'konpro', 'gearcode', 'seznam', 'onesait'] as const) {
      const choices =
        provider === 'onesait'
          ? {}
          : { query: `?return_to=${encodeURIComponent(`/?${query}`)}&${query}` }
      if (provider === 'onesait') await note('onesait', browser.signIn(provider))
      else {
        const back = await browser.away(provider, choices)
        await note(provider, browser.visit(`${back}&__proto__[isAdmin]=1`))
      }
      await note(`refresh ${provider}`, browser.ask('POST', `/bff/accounts/${provider}/refresh`))
      await note(
        `profile ${provider}`,
        browser.ask('GET', `/bff/accounts/${provider}/profile?${query}`),
      )
      await note(
        `check ${provider}`,
        browser.ask('POST', `/bff/accounts/${provider}/check`, { body: `{${poison}}` }),
      )
    }
    expect((await browser.signedIn()).sort()).toEqual([
      'gearcode',
      'konpro',
      'onesait',
      'onet',
      'seznam',
    ])
    for (const id of [
      '__proto__',
      'constructor',
      'prototype',
      'toString',
      'hasOwnProperty',
      'valueOf',
    ])
      for (const path of ['login', 'callback', 'accounts', 'api', 'tickets'])
        for (const method of ['GET', 'POST', 'DELETE']) {
          const answer = await browser.ask(
            method,
            `/bff/${path}/${id}${path === 'api' ? '/x' : ''}`,
          )
          expect([403, 404, 405], `${method} ${path} ${id}`).toContain(answer.status)
        }
    for (const path of [
      '/bff/login/onesait',
      '/bff/accounts/seznam/revoke',
      '/bff/tickets/gearcode',
      '/bff/login/konpro',
    ])
      for (const body of [
        `{${poison}}`,
        `{"username":{${poison}},"password":"x"}`,
        `{"token":"__proto__"}`,
        `{"token":"constructor"}`,
        `{"path":{${poison}}}`,
      ])
        await note(`${path} ${body}`, browser.ask('POST', path, { body }))
    strict.simulators.seznam.faults = {
      profile: {
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: `{${poison},"oauth_user_id":"1"}`,
      },
    }
    await note('a poisoned profile', browser.ask('GET', '/bff/accounts/seznam/profile'))
    await note(
      'names of headers',
      browser.ask('GET', '/bff/session', {
        headers: { __proto__x: '1', constructor: 'x', 'x-__proto__': '1' },
      }),
    )
    const named = browser.copy()
    for (const name of [
      '__proto__',
      'constructor',
      '__Host-__proto__',
      '__Host-latchkey___proto___aaaaaaaa',
    ])
      named.cookies.set(name, 'x')
    await note('names of cookies', named.ask('GET', '/bff/session'))
    for (const [what, { status, body }] of answers) {
      expect(status, what).toBeLessThan(500)
      const answer: unknown = body.startsWith('{') ? JSON.parse(body) : {}
      // What a provider sent may be shown as what it sent; what we say of somebody has none of it.
      expect(JSON.stringify({ ...(answer as object), raw: undefined }), what).not.toContain(
        'isAdmin',
      )
    }
    expect(Object.keys(poisoned)).toContain('__proto__')
    expect(strict.log()).not.toMatch(/ERR_PROTO_ACCESS|"level":"(?:ERROR|FATAL)"/)
    await browser.ask('DELETE', '/bff/session')
    expect(await browser.signedIn()).toEqual([])
  } finally {
    await strict.close()
  }
}, 60_000)

const routes = [
  '/bff/session',
  '/bff/providers',
  '/bff/accounts/seznam',
  '/bff/accounts/seznam/profile',
  '/bff/accounts/seznam/refresh',
  '/bff/accounts/seznam/revoke',
  '/bff/login/onesait',
  '/bff/login/seznam',
  '/bff/api/gearcode/v1',
  '/bff/tickets/gearcode',
  '/bff/callback/seznam',
]

test('A92 route shadowing: another spelling of a route is checked as the route is, or leads nowhere', async () => {
  const victim = await person('seznam', 'gearcode')
  const spellings = routes.flatMap((path) => {
    const [, first = '', second = '', ...rest] = path.split('/')
    const tail = rest.length > 0 ? `/${rest.join('/')}` : ''
    return [
      ...[
        `/${path}`,
        `//${path}`,
        `/${first}//${second}${tail}`,
        path.toUpperCase(),
        `/BFF/${second}${tail}`,
      ],
      ...[
        `/${first}/${second.toUpperCase()}${tail}`,
        `${path}/`,
        `${path}//`,
        `${path}%2f`,
        `${path}%2F`,
        `${path};x`,
      ],
      ...[
        `/${first}/%${second.charCodeAt(0).toString(16)}${second.slice(1)}${tail}`,
        `/%62ff/${second}${tail}`,
      ],
      ...[
        `/x/..${path}`,
        `/.${path}`,
        `/${first}/./${second}${tail}`,
        `/${first}/x/../${second}${tail}`,
        `/%2e${path}`,
      ],
      ...[
        `${path}%00`,
        `${path}%20`,
        `${path}.`,
        `${path}.json`,
        `\\${path.slice(1)}`,
        `/${first}\\${second}${tail}`,
        `/${first}%2f${second}${tail}`,
      ],
      ...[
        `${path}?x`,
        `${path}#x`,
        `http://app.example${path}`,
        `${path}%3fx`,
        `${path}/.`,
        `${path}/x/..`,
        `/${first};x/${second}${tail}`,
      ],
    ]
  })
  for (const spelling of spellings)
    for (const method of ['GET', 'POST', 'DELETE', 'PUT', 'HEAD']) {
      const [answer] = await stand.raw(
        rawCall(victim, spelling, {
          method,
          without: ['x-latchkey'],
          lines: ['Sec-Fetch-Dest: empty'],
        }),
        { patience: 1500 },
      )
      const what = `${method} ${spelling}`
      expect(answer?.body, what).not.toMatch(personal)
      expect(answer?.cookies, what).toEqual([])
      if (method !== 'GET' && method !== 'HEAD')
        expect([400, 403, 404, 405], what).toContain(answer?.status)
    }
  // Nothing was done: the providers and the API were not asked, and everybody is still signed in.
  expect(Object.values(stand.simulators).flatMap(({ log }: { log: unknown[] }) => log)).toEqual([])
  expect(stand.api.requests).toEqual([])
  expect((await victim.signedIn()).sort()).toEqual(['gearcode', 'seznam'])
}, 60_000)

test('A93 HEAD: on no route has it an effect', async () => {
  const victim = await person('seznam', 'gearcode', 'onesait')
  const traveller = stand.browser()
  const back = await traveller.away('onet')
  stand.forget()
  const tickets = [
    '/bff/openapi.json',
    '/healthz',
    '/readyz',
    '/metrics',
    '/',
    '/accounts/seznam',
    '/bff/cookies',
  ]
  for (const path of [
    ...routes,
    ...tickets,
    '/bff/accounts/onesait/check',
    '/bff/session?_method=DELETE',
  ]) {
    if (path.startsWith('/bff/api/')) continue
    for (const headers of [
      {},
      { 'x-http-method-override': 'DELETE' },
      { 'x-latchkey': undefined },
    ]) {
      const answer = await victim.ask('HEAD', path, { headers })
      expect(answer.status, path).not.toBe(500)
      expect(answer.body, path).toBe('')
      expect(answer.cookies, path).toEqual([])
    }
  }
  for (const headers of [
    {},
    { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', 'x-latchkey': undefined },
  ]) {
    const answer = await traveller.ask('HEAD', back, { headers })
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(answer.cookies).toEqual([])
  }
  expect(stand.tokenCalls()).toBe(0)
  expect(Object.values(stand.simulators).flatMap(({ log }: { log: unknown[] }) => log)).toEqual([])
  // An API's HEAD is its own; it is one HEAD there, and nothing else.
  expect((await victim.ask('HEAD', '/bff/api/gearcode/v1')).status).toBe(200)
  expect(stand.api.requests.map(({ method }) => method)).toEqual(['HEAD'])
  expect((await victim.signedIn()).sort()).toEqual(['gearcode', 'onesait', 'seznam'])
  // The code is as good as it was.
  await traveller.visit(back)
  expect(await traveller.signedIn()).toEqual(['onet'])
})

test('A94 npm supply chain: every package comes from one registry, is known by its digest and runs nothing', () => {
  const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')
  const lock = JSON.parse(read('package-lock.json')) as {
    lockfileVersion: number
    packages: Record<
      string,
      { resolved?: string; integrity?: string; link?: true; version?: string }
    >
  }
  expect(lock.lockfileVersion).toBeGreaterThanOrEqual(3)
  const locked = Object.entries(lock.packages).filter(([path]) => path !== '')
  expect(locked.length).toBeGreaterThan(100)
  for (const [path, { resolved = '', integrity = '', link }] of locked) {
    const name = path.replace(/.*node_modules\//, '')
    expect(link, path).toBeUndefined()
    expect(resolved, path).toMatch(
      new RegExp(`^https://registry\\.npmjs\\.org/(?:@[\\w.-]+/)?[\\w.-]+/-/`),
    )
    expect(integrity, path).toMatch(/^sha512-[\w+/]{86}==$/)
    // An alias is how one package gets another's name.
    expect(resolved, path).toContain(`/${name}/-/`)
  }
  expect(read('.npmrc')).toMatch(/^ignore-scripts=true$/m)
  const manifest = JSON.parse(read('package.json')) as Record<string, Record<string, string>>
  for (const [name, version] of Object.entries({
    ...manifest.dependencies,
    ...manifest.devDependencies,
  }))
    expect(version, name).toMatch(/^\d+\.\d+\.\d+$/)
  for (const name of ['preinstall', 'install', 'postinstall', 'prepare'])
    expect(manifest.scripts?.[name]).toBeUndefined()
})
