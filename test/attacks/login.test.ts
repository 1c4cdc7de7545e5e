/** Login CSRF, `state` and `code`: a login belongs to the browser that began it, and is used once. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { resealed } from './keys'
import {
  accountCookies,
  altered,
  crossSite as link,
  expectRefused,
  loginCookies,
  parameter,
  redirecting,
} from './oracle'
import type { RawAnswer } from './raw'
import { openStand, type Browser, type ProviderId, type Stand } from './stand'

let stand: Stand
beforeAll(async () => {
  stand = await openStand()
})
beforeEach(() => stand.forget())
afterAll(() => stand.close())

test.each(redirecting)(
  'A1 login CSRF: who follows the callback of a login that the attacker began at %s is not signed in',
  async (provider) => {
    const attacker = stand.browser()
    const callback = await attacker.away(provider)
    stand.forget()

    const victim = stand.browser()
    const answer = await victim.visit(callback, link)
    await expectRefused(stand, victim, answer, 'login_forged')
    expect(answer.cookies).toEqual([])

    const busy = stand.browser()
    await busy.leave(provider)
    await expectRefused(stand, busy, await busy.visit(callback, link), 'login_forged')
  },
)

test.each(redirecting)(
  'A2 state omitted on both sides: a missing state at %s never equals a missing memory of one',
  async (provider) => {
    const code = parameter(await stand.browser().away(provider), 'code')
    const callback = `/bff/callback/${provider}?code=${code}`
    stand.forget()
    const states = ['', '&state=', '&state', '&state=undefined', '&state=null', '&state=%00']
    const cookies: Record<string, string>[] = [
      {},
      { '__Host-latchkey_login_': '' },
      { '__Host-latchkey_login_undefine': '', '__Host-latchkey_login_null': '' },
      { '__Host-latchkey_login_undefine': 'undefined', '__Host-latchkey_login_null': 'null' },
    ]
    for (const state of states)
      for (const planted of cookies) {
        const victim = stand.browser()
        for (const [name, value] of Object.entries(planted)) victim.cookies.set(name, value)
        await expectRefused(
          stand,
          victim,
          await victim.visit(callback + state, link),
          'login_forged',
        )
      }
    // The same with a login under way, whose state the attacker does not know.
    for (const state of states) {
      const victim = stand.browser()
      await victim.leave(provider)
      await expectRefused(stand, victim, await victim.visit(callback + state, link), 'login_forged')
    }
  },
)

test.each(redirecting)(
  'A3 live transaction, wrong state: the code is not looked at, at %s',
  async (provider) => {
    const code = parameter(await stand.browser().away(provider), 'code')
    const victim = stand.browser()
    const state = parameter(await victim.leave(provider), 'state')
    stand.forget()
    const other = (at: number) => (state[at] === 'A' ? 'B' : 'A')
    const wrong = [
      'WRONG',
      state.slice(0, 8), // what the cookie is named after
      state.slice(0, -1),
      `${state}A`,
      state.slice(0, -1) + other(state.length - 1),
      state.slice(0, 8) + other(8) + state.slice(9),
      other(0) + state.slice(1),
      state.toLowerCase() === state ? state.toUpperCase() : state.toLowerCase(),
      ` ${state}`,
      state.slice(0, 8) + '*'.repeat(state.length - 8),
    ]
    for (const one of wrong) {
      const callback = `/bff/callback/${provider}?code=${code}&state=${encodeURIComponent(one)}`
      await expectRefused(stand, victim, await victim.visit(callback, link), 'login_forged')
    }
  },
)

test.each(redirecting)(
  'A4 state replay: a callback at %s is good once, also where its cookie is put back',
  async (provider) => {
    const person = stand.browser()
    const callback = await person.away(provider)
    const before = person.copy()
    expect((await person.visit(callback, link)).location).toBe('/')
    expect(stand.arrived(provider).exchange).toBe(1)

    const again = [await person.visit(callback, link)]
    for (const [name, value] of before.cookies) person.cookies.set(name, value)
    again.push(await person.visit(callback, link), await before.visit(callback, link))
    expect(stand.arrived(provider).exchange).toBe(1)
    for (const { code } of again) expect(code).toBe('login_expired')
    expect(await person.signedIn()).toEqual([provider])
    expect(await before.signedIn()).toEqual([])
  },
)

test('A4 state replay: of two that arrive at once one spends the code', async () => {
  const person = stand.browser()
  const callback = await person.away('seznam')
  const answers = await Promise.all(
    [person, person.copy(), person.copy()].map((browser) => browser.visit(callback, link)),
  )
  expect(answers.map(({ code }) => code).sort()).toEqual([
    'login_expired',
    'login_expired',
    undefined,
  ])
  expect(stand.arrived('seznam').exchange).toBe(1)
})

test('A4 state replay: after a restart the provider refuses the spent code, and the session survives', async () => {
  const person = stand.browser()
  const callback = await person.away('gearcode')
  const before = person.copy()
  await person.visit(callback, link)
  await stand.restart()
  for (const [name, value] of before.cookies) person.cookies.set(name, value)
  expect((await person.visit(callback, link)).code).toBe('login_expired')
  expect(await person.signedIn()).toEqual(['gearcode'])
})

test.each(redirecting)(
  'A5 stale transaction: a login at %s is good for ten minutes',
  async (provider) => {
    const minutesAgo = async (minutes: number) => {
      const person = stand.browser()
      const callback = await person.away(provider)
      for (const name of loginCookies(person)) {
        const value = person.cookies.get(name) ?? ''
        const issuedAt = Date.now() - minutes * 60_000
        person.cookies.set(
          name,
          await resealed('login', provider, value, (login) => ({ ...login, issuedAt })),
        )
      }
      stand.forget()
      return { person, answer: await person.visit(callback, link) }
    }
    for (const minutes of [10.05, 59, 24 * 60]) {
      const { person, answer } = await minutesAgo(minutes)
      await expectRefused(stand, person, answer, 'login_expired')
    }
    // That it is the age alone: a younger one is taken.
    const { person } = await minutesAgo(9)
    expect(await person.signedIn()).toEqual([provider])
  },
)

test.each(redirecting)(
  'A6 duplicate parameters: what %s says twice, or in two ways, is no answer',
  async (provider) => {
    const ambiguous = [
      (code: string, state: string) => `state=${state}&code=${code}&code=B`,
      (code: string, state: string) => `state=${state}&state=X&code=${code}&code=B`,
      (code: string, state: string) => `state=X&state=${state}&code=${code}`,
      (code: string, state: string) => `state=${state}&state=${state}&code=${code}`,
      (code: string, state: string) => `state=${state}&code=B&code=${code}`,
      (code: string, state: string) => `state=${state}&code=${code}&code=${code}`,
      (code: string, state: string) => `state=${state}&code=${code}&%63ode=B`,
    ]
    const odd = [
      (code: string, state: string) => `state[]=${state}&code=${code}`,
      (code: string, state: string) => `state%5B%5D=${state}&code=${code}`,
      (code: string, state: string) => `state[0]=${state}&code=${code}`,
      (code: string, state: string) => `STATE=${state}&code=${code}`,
      (code: string, state: string) => `state=${state}&code[]=${code}`,
      (code: string, state: string) => `state=${state}&code=${code}&error=access_denied`,
      (code: string, state: string) => `state=${state};code=${code}`,
    ]
    for (const write of [...ambiguous, ...odd]) {
      const person = stand.browser()
      const callback = await person.away(provider)
      const [code, state] = [parameter(callback, 'code'), parameter(callback, 'state')]
      stand.forget()
      const answer = await person.visit(`/bff/callback/${provider}?${write(code, state)}`, link)
      await expectRefused(stand, person, answer, /^(?:login_forged|access_denied|provider_error)$/)
      if (!ambiguous.includes(write)) continue
      // It answered nothing, so it used nothing up.
      await person.visit(`/bff/callback/${provider}?code=${code}&state=${state}`, link)
      expect(await person.signedIn()).toEqual([provider])
    }
  },
)

test('A7 parallel tabs: two logins at one provider end in reverse order, each where it began', async () => {
  const person = stand.browser()
  const first = await person.away('onet', {
    user: 'anna',
    query: '?return_to=/accounts/onet?tab=1',
  })
  const second = await person.away('onet', {
    user: 'marek',
    query: '?return_to=/accounts/onet?tab=2',
  })
  expect((await person.visit(second, link)).location).toBe('/accounts/onet?tab=2')
  expect(await subjectAt(person, 'onet')).toBe(stand.simulators.onet.users.marek?.login)
  expect((await person.visit(first, link)).location).toBe('/accounts/onet?tab=1')
  expect(await subjectAt(person, 'onet')).toBe(stand.simulators.onet.users.anna?.login)
  expect(await person.signedIn()).toEqual(['onet'])
})

test('A7 parallel tabs: logins at two providers end in reverse order and never swap', async () => {
  for (const [one, other] of [
    ['seznam', 'gearcode'],
    ['onet', 'konpro'],
  ] as const) {
    const person = stand.browser()
    const first = await person.away(one, { query: `?return_to=/accounts/${one}` })
    const second = await person.away(other, { query: `?return_to=/accounts/${other}` })
    expect((await person.visit(second, link)).location).toBe(`/accounts/${other}`)
    expect((await person.visit(first, link)).location).toBe(`/accounts/${one}`)
    expect((await person.signedIn()).sort()).toEqual([one, other].sort())
  }
})

test('A7 parallel tabs: of thirty logins a few are kept, and the newest works', async () => {
  const person = stand.browser()
  const callbacks: string[] = []
  for (let at = 0; at < 30; at++) {
    const provider = redirecting[at % redirecting.length] ?? 'onet'
    callbacks.push(await person.away(provider, { query: `?return_to=/${'x'.repeat(400)}` }))
    expect(person.header().length).toBeLessThan(8192)
  }
  expect(loginCookies(person).length).toBeLessThanOrEqual(5)
  stand.forget()
  expect((await person.visit(callbacks.at(0) ?? '', link)).code).toBe('login_expired')
  expect(stand.tokenCalls()).toBe(0)
  expect((await person.visit(callbacks.at(-1) ?? '', link)).code).toBeUndefined()
  expect(stand.tokenCalls()).toBe(1)
})

test.each(['konpro', 'seznam'] as const)(
  'A8 code injection: a stolen code of %s is of no use in a login of the thief',
  async (provider) => {
    const stolen = await stand.browser().away(provider)
    const thief = stand.browser()
    const own = await thief.away(provider)
    stand.forget()
    const answer = await thief.visit(altered(own, { code: parameter(stolen, 'code') }), link)
    expect(answer.status).toBe(303)
    expect(answer.code).toMatch(/^(?:login_expired|provider_error)$/)
    expect(await thief.signedIn()).toEqual([])
    expect(accountCookies(thief)).toEqual([])
    // The verifier that went along is the thief's own.
    expect(stand.simulators[provider].log.map(({ body }) => body).join()).toContain('code_verifier')
  },
)

async function subjectAt(browser: Browser, provider: ProviderId): Promise<string | null> {
  const { body } = await browser.ask('GET', `/bff/accounts/${provider}/profile`)
  const { profile } = JSON.parse(body) as { profile: { email: string | null } } // the product's own answer
  return profile.email
}

test('B4 ten thousand logins: no state and no challenge comes twice, and Math.random has no part in it', async () => {
  const constant = await openStand({
    env: { NODE_OPTIONS: '--import=data:text/javascript,Math.random=()=>0.5' },
  })
  try {
    const get = 'GET /bff/login/seznam HTTP/1.1\r\nHost: app.example\r\n'
    const fifty = `${get}\r\n`.repeat(49) + `${get}Connection: close\r\n\r\n`
    const answers: RawAnswer[] = []
    while (answers.length < 10_000)
      answers.push(
        ...(
          await Promise.all([1, 2, 3, 4].map(() => constant.raw(fifty, { patience: 20_000 })))
        ).flat(),
      )
    expect(answers).toHaveLength(10_000)
    const seen = new Map([
      ['state', new Set<string>()],
      ['code_challenge', new Set<string>()],
    ])
    for (const answer of answers) {
      expect(answer.status).toBe(302)
      const location = answer.header('location') ?? ''
      for (const [name, values] of seen) {
        const value = parameter(location, name)
        expect(value).toMatch(/^[\w-]{43}$/)
        values.add(value)
      }
    }
    for (const values of seen.values()) expect(values.size).toBe(10_000)
  } finally {
    await constant.close()
  }
})
