/** Odd callbacks: what comes back to the redirect URI and is not what a provider sends. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { signInThrough } from '../simulators'
import { origin } from '../stage'
import {
  accountCookies,
  altered,
  crossSite,
  expectRefused,
  loginCookies,
  parameter,
  redirecting,
} from './oracle'
import { openStand, type Browser, type Stand } from './stand'

let stand: Stand
beforeAll(async () => {
  stand = await openStand()
})
beforeEach(() => stand.forget())
afterAll(() => stand.close())

test.each(redirecting)(
  'A13 error callback: what %s says went wrong is not repeated, and ends the login',
  async (provider) => {
    const says =
      'error_description=%3Csvg%20onload%3D1%3E&error_uri=javascript%3Aalert%281%29&hint=%0d%0aX-Evil:1'
    const cases: [error: string, code: string][] = [
      ['error=access_denied', 'access_denied'],
      [`error=access_denied&${says}`, 'access_denied'],
      [`error=server_error&${says}`, 'provider_error'],
      [`error=%3Csvg%20onload%3D1%3E&${says}`, 'provider_error'],
      [`error=&${says}`, 'provider_error'],
    ]
    for (const [error, code] of cases) {
      const person = stand.browser()
      const callback = await person.away(provider)
      const state = parameter(callback, 'state')
      stand.forget()
      const answer = await person.visit(
        `/bff/callback/${provider}?${error}&state=${state}`,
        crossSite,
      )
      await expectRefused(stand, person, answer, code)
      expect(answer.location).toBe(`/?error=${code}&provider=${provider}`)
      expect(JSON.stringify(answer)).not.toMatch(/svg|onload|javascript|evil/i)
      const page = await person.visit(answer.location ?? '')
      expect(page.status).toBe(200)
      expect(page.body).not.toMatch(/onload=1|alert\(1\)/)
      // The login is over: the code that may still come is not wanted any more.
      expect(loginCookies(person)).toEqual([])
      const late = await person.visit(callback, crossSite)
      await expectRefused(stand, person, late, 'login_expired')
    }
    // Without state it answers no login, and takes none away.
    const person = stand.browser()
    const callback = await person.away(provider)
    stand.forget()
    const silent = `/bff/callback/${provider}?error=access_denied`
    await expectRefused(stand, person, await person.visit(silent, crossSite), 'login_forged')
    await person.visit(callback, crossSite)
    expect(await person.signedIn()).toEqual([provider])
    expect(stand.log()).not.toMatch(/svg|javascript:/)
  },
)

test('A14 no code, no error: the landing of a logout changes nothing and is no failure', async () => {
  const person = stand.browser()
  await person.signIn('seznam')
  await person.signIn('onet')
  const left = await person.ask('DELETE', '/bff/accounts/onet')
  expect(parameter((JSON.parse(left.body) as { logoutUrl: string }).logoutUrl, 'client_id')).toBe(
    stand.simulators.onet.client.id,
  )
  stand.forget()
  const landing = await person.visit('/bff/callback/onet', crossSite)
  expect(landing).toMatchObject({ status: 303, location: '/' })
  expect(await person.signedIn()).toEqual(['seznam'])
  expect(stand.tokenCalls()).toBe(0)
})

test.each(redirecting)(
  'A14 no code, no error: a callback of %s with nothing, or a state alone, signs nobody in or out',
  async (provider) => {
    const person = stand.browser()
    await person.signIn(provider)
    const state = parameter(await person.leave(provider), 'state')
    stand.forget()
    for (const query of ['', '?', '?state=', `?state=${state}`, '?x=1', `?code=&state=${state}`]) {
      const answer = await person.visit(`/bff/callback/${provider}${query}`, crossSite)
      expect(stand.tokenCalls()).toBe(0)
      expect(answer.status).toBe(303)
      expect(answer.location).toMatch(/^\/(?:\?|$)/)
      expect(answer.code ?? '').not.toBe('internal')
      expect(await person.signedIn()).toEqual([provider])
    }
  },
)

const notByPerson: [name: string, method: string, headers: Record<string, string>][] = [
  ['a form post', 'POST', { 'content-type': 'application/x-www-form-urlencoded' }],
  ['HEAD', 'HEAD', {}],
  ['HEAD with our header', 'HEAD', { 'x-latchkey': '1', 'sec-fetch-site': 'same-origin' }],
  [
    'OPTIONS',
    'OPTIONS',
    { origin: 'https://evil.example', 'access-control-request-method': 'GET' },
  ],
  ['PUT', 'PUT', {}],
  ['a prefetch', 'GET', { 'sec-purpose': 'prefetch' }],
  ['a prerender', 'GET', { 'sec-purpose': 'prefetch;prerender' }],
  ['an older prefetch', 'GET', { purpose: 'prefetch' }],
  ['Firefox’s older prefetch', 'GET', { 'x-moz': 'prefetch' }],
  ['Safari’s preview', 'GET', { 'x-purpose': 'preview' }],
  ['an image', 'GET', { 'sec-fetch-dest': 'image', 'sec-fetch-mode': 'no-cors' }],
  ['a frame', 'GET', { 'sec-fetch-dest': 'iframe', 'sec-fetch-mode': 'navigate' }],
  ['a script’s fetch', 'GET', { 'sec-fetch-dest': 'empty', 'sec-fetch-mode': 'cors' }],
]

test.each(notByPerson)(
  'A15 odd request: a callback by %s uses nothing up',
  async (_, method, headers) => {
    for (const provider of redirecting) {
      const person = stand.browser()
      const callback = await person.away(provider)
      stand.forget()
      const body = callback.split('?')[1] ?? ''
      const isPost = method === 'POST' || method === 'PUT'
      for (const target of isPost ? [callback, callback.split('?')[0] ?? ''] : [callback]) {
        const answer = await person.send(method, target, {
          headers: { ...crossSite, ...headers },
          ...(isPost ? { body } : {}),
        })
        expect(stand.tokenCalls()).toBe(0)
        expect(answer.status).toBeGreaterThanOrEqual(400)
        expect(answer.status).toBeLessThan(500)
        expect(answer.cookies).toEqual([])
      }
      await person.visit(callback, crossSite)
      expect(await person.signedIn()).toEqual([provider])
    }
  },
)

test('A15 odd code: one that no provider gives is not sent to any', async () => {
  const codes = [
    'A'.repeat(20_000),
    'A%0d%0aX-Evil:%201',
    'A%00',
    '%00',
    '%ff',
    '%c3%28',
    '%e0%80%af',
    '%F0%9F%94%91',
    'A%0a',
    '%7f',
    '%',
    '%zz%ff',
    '%ed%a0%80',
  ]
  for (const provider of redirecting)
    for (const code of codes) {
      const person = stand.browser()
      const state = parameter(await person.away(provider), 'state')
      stand.forget()
      const target = `/bff/callback/${provider}?code=${code}&state=${state}`
      const answer = await person.visit(target, crossSite)
      // A lone percent sign stands for itself (URL standard), so that it is a code like any other.
      if (code !== '%') expect(stand.tokenCalls()).toBe(0)
      expect(answer.status === 303 ? (answer.code ?? 'none') : `${answer.status}`).toMatch(
        /^(?:provider_error|login_expired|4\d\d)$/,
      )
      expect(accountCookies(person)).toEqual([])
    }
  expect((await stand.ask('GET', '/healthz')).status).toBe(200)
  expect(stand.log()).not.toContain('"internal"')
})

async function subject(browser: Browser, provider: string): Promise<unknown> {
  const { body } = await browser.ask('GET', `/bff/accounts/${provider}`)
  return (JSON.parse(body) as { account: { subject: unknown } }).account.subject // the product's own answer
}

test('A16 callback while signed in as someone else: the new person takes the place, nothing is merged', async () => {
  for (const [provider, second] of [
    ['onet', 'marek'],
    ['seznam', 'pavla'],
  ] as const) {
    const person = stand.browser()
    await person.signIn(provider)
    const before = person.copy()
    const first = await subject(person, provider)
    const names = accountCookies(person)

    await person.signIn(provider, { user: second })
    // Whoever kept the earlier cookie has nothing from this moment on, though the callback, from another
    // site, could not see it.
    expect(await before.signedIn()).toEqual([])
    stand.forget()
    expect((await before.ask('POST', `/bff/accounts/${provider}/refresh`)).status).toBe(401)
    expect(stand.tokenCalls()).toBe(0)
    await person.ask('POST', `/bff/accounts/${provider}/refresh`)
    expect(await subject(person, provider)).not.toBe(first)
    expect(await person.signedIn()).toEqual([provider])
    expect(accountCookies(person).filter((name) => names.includes(name))).toEqual([])
  }
})

test('A17 PKCE downgrade: a code that no challenge guards does not get into another’s login', async () => {
  for (const provider of ['seznam', 'onet', 'gearcode'] as const) {
    const attacker = stand.browser()
    const own = await attacker.leave(provider)
    const stripped = new URL(own)
    stripped.searchParams.delete('code_challenge')
    stripped.searchParams.delete('code_challenge_method')
    const user = { seznam: 'pavla', onet: 'marek', gearcode: 'ewa' }[provider]
    const back = await signInThrough(stand.simulators[provider], stripped.href, { user })

    const victim = stand.browser()
    await victim.leave(provider)
    stand.forget()
    const callback = back.slice(origin.length)
    for (const state of [parameter(own, 'state'), '', undefined, 'WRONG']) {
      const answer = await victim.visit(altered(callback, { state }), crossSite)
      await expectRefused(stand, victim, answer, 'login_forged')
    }
  }
})

test.each(redirecting)(
  'A18 login cookie deleted: %s’s callback ends on a page of the app, not in a circle',
  async (provider) => {
    const person = stand.browser()
    for (let tries = 0; tries < 3; tries++) {
      const callback = await person.away(provider)
      // A browser that keeps no cookies, or deletes them while the person is away.
      person.cookies.clear()
      const answer = await person.visit(callback, crossSite)
      expect(answer).toMatchObject({ status: 303, code: 'login_forged' })
      const page = await person.visit(answer.location ?? '')
      expect(page.status).toBe(200)
      expect(page.location).toBeUndefined()
      expect(page.headers['content-type']).toMatch(/^text\/html/)
      expect(page.headers.refresh).toBeUndefined()
      expect(page.body).not.toMatch(/http-equiv="?refresh/i)
    }
    // And once cookies are kept again, it works.
    await person.signIn(provider)
    expect(await person.signedIn()).toEqual([provider])
  },
)

test.each(redirecting)(
  'A19 cross-user fixation: who is sent to %s with the attacker’s address is not signed in, nor is the attacker',
  async (provider) => {
    const attacker = stand.browser()
    const prepared = await attacker.leave(provider)
    // The victim signs in there, and comes back here.
    const user = { onet: 'marek', konpro: 'grace', gearcode: 'ewa', seznam: 'pavla' }[provider]
    const back = await signInThrough(stand.simulators[provider], prepared, { user })
    const victim = stand.browser()
    stand.forget()
    const answer = await victim.visit(back.slice(origin.length), crossSite)
    await expectRefused(stand, victim, answer, 'login_forged')
    expect(await attacker.signedIn()).toEqual([])
  },
)

test.each(redirecting)(
  'A19 cross-user fixation: nobody else says with which state a login at %s begins',
  async (provider) => {
    const person = stand.browser()
    const usual = new URL(await stand.browser().leave(provider))
    const fixed = {
      state: 'F'.repeat(43),
      code_challenge: 'F'.repeat(43),
      code_challenge_method: 'plain',
      redirect_uri: 'https://evil.example/callback',
      client_id: 'evil',
      scope: 'everything',
      response_type: 'token',
      session: 'F'.repeat(43),
      nonce: 'F',
    }
    const begun = new URL(await person.leave(provider, `?${new URLSearchParams(fixed).toString()}`))
    expect(begun.href).not.toMatch(/FFFF|evil|everything|plain|token/)
    for (const [name, value] of usual.searchParams)
      if (!/^(?:state|code_challenge)$/.test(name)) expect(begun.searchParams.get(name)).toBe(value)
    // Nothing in the address opens a session: all that counts is in cookies.
    const secrets = [...person.cookies.values()]
    expect(secrets.filter((value) => begun.href.includes(value))).toEqual([])
  },
)
