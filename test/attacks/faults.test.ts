/** Through the providers: what hostile, broken and overloaded ones answer. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { answering, plays, type Play } from '../proxy/faulty-server'
import { openGoBetween, type GoBetween } from './go-between'
import { growthOf } from './memory'
import { openStand, type Answered, type Browser, type ProviderId, type Stand } from './stand'

let stand: Stand
/** In front of GearCode. */
let between: GoBetween

beforeAll(async () => {
  between = await openGoBetween()
  stand = await openStand({
    env: { GEARCODE_URL: between.url },
    switches: { gearcode: { rotate: true, reuseDetection: true } },
  })
  between.standFor(stand.simulators.gearcode)
  between.elsewhere = stand.sentinel.url
})
afterAll(async () => {
  await stand.close()
  between.close()
})
beforeEach(() => {
  stand.forget()
  between.play = undefined
  between.rewrite = undefined
  between.requests.length = 0
})

const json = { 'content-type': 'application/json' }
const pair =
  '{"access_token":"stolen","token_type":"bearer","expires_in":900,"refresh_token":"next"}'
const refresh = '/bff/accounts/gearcode/refresh'

async function person(provider: ProviderId = 'gearcode'): Promise<Browser> {
  const browser = stand.browser()
  await browser.signIn(provider)
  expect(await browser.signedIn()).toEqual([provider])
  return browser
}

/** Nothing of ours failed, and nothing of theirs came through. */
function expectClean({ status, body, headers }: Answered): void {
  expect(status).not.toBe(500)
  expect(JSON.stringify([body, headers])).not.toMatch(
    /node_modules|\bat \/|Invalid Date|NaN|Infinity/,
  )
}

test('A62 token endpoint: whatever it answers is one of the known errors, and signs nobody out', async () => {
  const bad: Record<string, [Play, status: number]> = {
    'a reset': [plays.reset, 502],
    'a cut connection': [plays.cut, 502],
    'nothing in it': [answering(200, json), 502],
    'a page': [plays.page, 502],
    'a list': [plays.list, 502],
    'a page that is JSON': [answering(200, { 'content-type': 'text/html' }, pair), 502],
    'half of it': [plays.truncated, 502],
    'half of it, in order': [answering(200, json, pair.slice(0, 40)), 502],
    'a word': [answering(200, json, '"token"'), 502],
    'an error that is none by its status': [answering(200, json, '{"error":"server_error"}'), 502],
    'a 400 that names nothing': [answering(400, json, '{}'), 502],
    'a 401 with a page': [answering(401, { 'content-type': 'text/html' }, 'invalid_grant'), 502],
    'a 500 that speaks of the grant': [plays.errorWithGrant, 502],
    'a 503': [plays.outOfService, 502],
    'a 302': [answering(302, { location: 'x' }), 502],
    'no token in it': [answering(200, json, '{"token_type":"bearer"}'), 502],
    'another type of token': [answering(200, json, pair.replace('bearer', 'mac')), 502],
  }
  for (const [what, [play, status]] of Object.entries(bad)) {
    const victim = await person()
    between.requests.length = 0
    between.play = play
    const answer = await victim.ask('POST', refresh)
    between.play = undefined
    expect(answer.status, what).toBe(status)
    expectClean(answer)
    // Once: what may have been done is not done again.
    expect(between.requests, what).toHaveLength(1)
    expect(await victim.signedIn(), what).toEqual(['gearcode'])
  }

  // Only that word, with a status that fits it, ends an account.
  const victim = await person()
  between.play = answering(400, json, '{"error":"invalid_grant"}')
  expect(await victim.ask('POST', refresh)).toMatchObject({ status: 401, code: 'session_ended' })
  expect(await victim.signedIn()).toEqual([])
})

test('A62 token endpoint: a byte order mark and a name given twice are read as they always are', async () => {
  for (const text of [`\ufeff${pair}`, pair.replace('{', '{"access_token":"first",')]) {
    const victim = await person()
    between.play = answering(200, json, text)
    const answer = await victim.ask('POST', refresh)
    expect([200, 502]).toContain(answer.status)
    expectClean(answer)
    between.play = undefined
    expect(await victim.signedIn()).toEqual(['gearcode'])
  }
})

test('A62 token endpoint: a provider that asks for a pause gets one, of an hour at most', async () => {
  for (const [said, told] of [
    ['1', /^1$/],
    ['0', /^1$/],
    ['99999999', /^3600$/],
    ['soon', /^30$/],
    ['-5', /^30$/],
    ['in a minute', /^([1-5]?\d|60|61)$/],
  ] as const) {
    const victim = await person()
    const when = said === 'in a minute' ? new Date(Date.now() + 60_000).toUTCString() : said
    between.play = answering(429, { 'retry-after': when }, 'slow down')
    const answer = await victim.ask('POST', refresh)
    between.play = undefined
    expect(answer, said).toMatchObject({ status: 503, code: 'provider_busy' })
    expect(answer.headers['retry-after']).toMatch(told)
    expect(await victim.signedIn()).toEqual(['gearcode'])
    // It would wait as it was asked to.
    await stand.restart()
    expect((await victim.ask('POST', refresh)).status).toBe(200)
  }
}, 60_000)

test('A62 token endpoint: a silent, a stopping and a trickling one are given up in time', async () => {
  const waiting: Promise<Answered>[] = []
  const victims: Browser[] = []
  for (const play of [plays.silent, plays.stalled, plays.trickling]) {
    between.play = undefined
    const victim = await person()
    const before = between.requests.length
    between.play = play
    victims.push(victim)
    waiting.push(victim.ask('POST', refresh))
    while (between.requests.length === before)
      await new Promise((resolve) => setTimeout(resolve, 5))
  }
  between.play = undefined
  for (const answer of await Promise.all(waiting))
    expect(answer).toMatchObject({ status: 504, code: 'provider_timeout' })
  for (const victim of victims) expect(await victim.signedIn()).toEqual(['gearcode'])
}, 90_000)

test('A63 gzip bomb: it unfolds neither from the token endpoint nor from an API', async () => {
  const victims = await Promise.all(Array.from({ length: 3 }, () => person()))
  const [one, two, three] = victims as [Browser, Browser, Browser]
  await one.ask('GET', '/bff/api/gearcode/v1')
  const growth = await growthOf(stand.pid() ?? 0, async () => {
    for (const [victim, play] of [
      [one, plays.bomb],
      [two, plays.nestedBomb],
      [three, plays.manyEncodings],
    ] as const) {
      between.play = play
      expect((await victim.ask('POST', refresh)).status).toBe(502)
    }
    between.play = plays.endless
    expect((await (await signInDuring('gearcode')).answer).code).toBe('provider_error')
    between.play = undefined
    stand.api.answer = (_, response) => {
      plays.bomb(response)
    }
    await firstBytes(one, '/bff/api/gearcode/v1')
  })
  process.stdout.write(`Peak over the bombs: +${growth} MiB\n`)
  expect(growth).toBeLessThan(150)
  for (const victim of victims) expect(await victim.signedIn()).toEqual(['gearcode'])
}, 60_000)

/** A sign-in that comes back while the provider plays a part. */
async function signInDuring(provider: ProviderId) {
  const browser = stand.browser()
  const play = between.play
  between.play = undefined
  const back = provider === 'onesait' ? undefined : await browser.away(provider)
  between.play = play
  const answer = back === undefined ? browser.signIn(provider) : browser.visit(back)
  return { browser, answer }
}

/** Reads an answer until it has said something, waits, and goes away. */
async function firstBytes(browser: Browser, path: string): Promise<void> {
  const leaving = new AbortController()
  const answer = await fetch(stand.url + path, {
    headers: { cookie: browser.header(), 'x-latchkey': '1', 'accept-encoding': 'gzip' },
    signal: leaving.signal,
  })
  await answer.body?.getReader().read()
  await new Promise((resolve) => setTimeout(resolve, 500))
  leaving.abort()
}

test('A64 expires_in: no value of it breaks an answer, a cookie, or loses the new refresh token', async () => {
  const values = [
    ...[
      '-1',
      '0',
      '"3600"',
      '"3600abc"',
      'null',
      'true',
      '1e300',
      '1e400',
      '"Infinity"',
      '9007199254740992',
    ],
    ...['{}', '[]', '""', '-1e400', '0.5', '1e-7', '"-1"', '8640000000001'],
  ]
  const victim = await person()
  for (const value of values) {
    between.rewrite = (text) => text.replace(/"expires_in":\d+/, `"expires_in":${value}`)
    const answer = await victim.ask('POST', refresh)
    expect(answer.status, value).toBe(200)
    expectClean(answer)
    for (const line of answer.cookies) {
      const age = Number(/max-age=([^;]+)/i.exec(line)?.[1])
      expect(age, value).toBeGreaterThanOrEqual(0)
      expect(age, value).toBeLessThanOrEqual(400 * 86_400)
    }
    const { account } = JSON.parse(answer.body) as { account: { expiresAt: string | null } }
    if (account.expiresAt !== null)
      expect(Date.parse(account.expiresAt) - Date.now(), value).toBeLessThanOrEqual(
        366 * 86_400_000,
      )
    // The next one is the proof: with the token before, this provider would end the account.
    between.rewrite = undefined
    expect((await victim.ask('POST', refresh)).status, value).toBe(200)
  }
  for (const value of values) {
    between.rewrite = (text) => text.replace(/"expires_in":\d+/, `"expires_in":${value}`)
    const fresh = stand.browser()
    const answer = await fresh.signIn('gearcode')
    between.rewrite = undefined
    expect(answer.status, value).toBe(303)
    expectClean(await fresh.ask('GET', '/bff/session'))
    expect(await fresh.signedIn(), value).toEqual(['gearcode'])
  }
}, 60_000)

test('A65 redirects: no endpoint leads a token, a code or a secret to another host', async () => {
  for (const status of [301, 302, 303, 307, 308]) {
    const lead = {
      status,
      headers: { location: `${stand.sentinel.url}/take`, ...json },
      body: pair,
    }
    for (const provider of ['onet', 'konpro', 'onesait', 'gearcode', 'seznam'] as const) {
      const simulator = stand.simulators[provider]
      const victim = await person(provider)
      simulator.faults = { token: lead, refresh: lead, profile: lead, check: lead, revoke: lead }
      const account = `/bff/accounts/${provider}`
      const answers = [
        await victim.ask('POST', `${account}/refresh`),
        await victim.ask('GET', `${account}/profile`),
        await victim.ask('POST', `${account}/check`),
        await victim.ask('POST', `${account}/revoke`, { body: '{"token":"access"}' }),
        await (await signInDuring(provider)).answer,
        await victim.ask('DELETE', account),
      ]
      simulator.faults = {}
      for (const answer of answers) {
        expectClean(answer)
        expect(answer.location ?? '').not.toContain(stand.sentinel.host)
        expect(answer.body).not.toContain('stolen')
      }
      // Told apart from provider to provider by what they can do; nobody says that it went well.
      expect(answers.slice(0, 4).filter((answer) => answer.status === 200)).toEqual([])
    }
    const caller = await person()
    stand.api.answer = (_, response) =>
      response.writeHead(status, { location: `${stand.sentinel.url}/take` }).end()
    for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
      const answer = await caller.ask(method, '/bff/api/gearcode/v1', {
        body: method === 'GET' ? undefined : '{}',
      } as { body?: string })
      expect(answer.location).toBeUndefined()
    }
    expect(stand.sentinel.connections, String(status)).toEqual([])
  }
}, 60_000)

test('A66 tokens: what no header can carry is refused when it comes, not at every later call', async () => {
  const odd: Record<string, string> = {
    'a line break': 'a\r\nX-Evil: 1',
    'a line feed': 'a\nb',
    'a NUL': 'a\0b',
    'an accent': 'tokén',
    'an emoji': 'a💩',
    'a blank': 'a b',
    'a blank in front': ' a',
    'a tab': 'a\tb',
    'a DEL': 'a\x7fb',
    '64 kB': 'a'.repeat(65_536),
    nothing: '',
  }
  for (const [what, text] of Object.entries(odd))
    for (const name of ['access_token', 'refresh_token']) {
      const fresh = stand.browser()
      stand.simulators.gearcode.tokenAnswer = (answer) => ({ ...answer, [name]: text })
      const answer = await fresh.signIn('gearcode')
      delete stand.simulators.gearcode.tokenAnswer
      expectClean(answer)
      const isIn = (await fresh.signedIn()).length > 0
      // A refresh token never travels in a header: it may be kept as it is, and be asked for as it is.
      if (name === 'access_token') {
        expect(isIn, what).toBe(false)
        expect(answer.code, what).toMatch(/^(provider_error|account_too_large)$/)
      } else if (isIn) expectClean(await fresh.ask('POST', refresh))
      if (isIn) expect((await fresh.ask('GET', '/bff/api/gearcode/v1')).status).toBe(200)

      const victim = await person()
      stand.simulators.gearcode.tokenAnswer = (one) => ({ ...one, [name]: text })
      expectClean(await victim.ask('POST', refresh))
      delete stand.simulators.gearcode.tokenAnswer
      const calls = stand.api.requests.length
      const called = await victim.ask('GET', '/bff/api/gearcode/v1')
      expect(called.status, `${what} as ${name}`).toBe(200)
      expect(stand.api.requests.slice(calls).map((one) => one.header('x-evil'))).toEqual([
        undefined,
      ])
    }
  expect(stand.log()).not.toContain('X-Evil')
}, 60_000)

test('A67 userinfo: what is no profile of this person names nobody, and pollutes nothing', async () => {
  const answers: Record<string, string> = {
    'a page': '<html>',
    'a list': '[]',
    nothing: '',
    'no subject': '{"email":"a@b.example"}',
    'a number for a subject': '{"sub":12345,"email":"a@b.example"}',
    'an object for a subject': '{"sub":{"$ne":null}}',
    'an empty subject': '{"sub":""}',
    'a megabyte': JSON.stringify({ sub: 'x'.repeat(1024 * 1024) }),
    'a hundred kilobytes': JSON.stringify({ sub: 'anna', email: 'x'.repeat(100_000) }),
    prototypes:
      '{"sub":"anna","__proto__":{"isAdmin":true},"constructor":{"prototype":{"isAdmin":true}}}',
    markup:
      '{"sub":"<img src=x onerror=alert(1)>","email":"<script>","picture":"javascript:alert(1)"}',
    depth: `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`,
  }
  for (const [what, body] of Object.entries(answers))
    for (const provider of ['onet', 'konpro', 'seznam'] as const) {
      const simulator = stand.simulators[provider]
      const type = body.startsWith('<') ? { 'content-type': 'text/html' } : json
      const fault = { status: 200, headers: type, body }
      const already = await person(provider)
      simulator.faults = { profile: fault }
      const asked = await already.ask('GET', `/bff/accounts/${provider}/profile`)
      expectClean(asked)
      expect([200, 502], `${what} at ${provider}`).toContain(asked.status)
      if (asked.status === 200) {
        const { profile } = JSON.parse(asked.body) as {
          profile: Record<string, unknown> & { picture?: string }
        }
        expect(['string', 'object']).toContain(typeof profile.subject)
        expect(profile.isAdmin).toBeUndefined()
        expect(profile.picture ?? 'https://').toMatch(/^https:/)
      }
      const fresh = stand.browser()
      const answer = await fresh.signIn(provider)
      expectClean(answer)
      expect(answer.status, what).toBe(303)
      simulator.faults = {}
      const session = await fresh.ask('GET', '/bff/session')
      expectClean(session)
      expect(session.body).not.toContain('isAdmin')
      expect(await already.signedIn()).toEqual([provider])
    }
}, 60_000)

test('A67 userinfo: somebody else’s, asked for later, does not change whose account it is', async () => {
  const victim = await person('onet')
  const before = (await victim.ask('GET', '/bff/accounts/onet')).body
  const other = '{"sub":"somebody-else","email":"else@evil.example"}'
  stand.simulators.onet.faults = { profile: { status: 200, headers: json, body: other } }
  await victim.ask('GET', '/bff/accounts/onet/profile')
  stand.simulators.onet.faults = {}
  expect((await victim.ask('GET', '/bff/accounts/onet')).body).toBe(before)
})
