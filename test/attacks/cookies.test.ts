/** Cookies that somebody else set, or that are none of ours. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { accountCookies, crossSite, loginCookies } from './oracle'
import { openStand, type Answered, type Browser, type Stand } from './stand'

let stand: Stand
beforeAll(async () => {
  stand = await openStand()
})
beforeEach(() => stand.forget())
afterAll(() => stand.close())

/** Whose account a Cookie header opens at Seznam. */
async function labelWith(cookie: string): Promise<string | undefined> {
  const answer = await stand.browser().ask('GET', '/bff/accounts/seznam', { headers: { cookie } })
  expect([200, 401]).toContain(answer.status)
  return /"label":"([^"]*)"/.exec(answer.body)?.[1]
}

async function signedIn(user?: string): Promise<{ person: Browser; name: string; value: string }> {
  const person = stand.browser()
  await person.signIn('seznam', user === undefined ? {} : { user })
  const [name = ''] = accountCookies(person)
  return { person, name, value: person.cookies.get(name) ?? '' }
}

test('A21 cookie tossing: a cookie that came twice counts for none, whichever was first', async () => {
  const victim = await signedIn()
  const attacker = await signedIn('pavla')
  expect(await labelWith(`${victim.name}=${victim.value}`)).toBe('krasty@seznam.cz')
  for (const tossed of [attacker.value, 'x', '', victim.value]) {
    const [bad, good] = [`${victim.name}=${tossed}`, `${victim.name}=${victim.value}`]
    expect(await labelWith(`${bad}; ${good}`)).toBeUndefined()
    expect(await labelWith(`${good}; ${bad}`)).toBeUndefined()
    expect(await labelWith(`${bad}; a=b; ${good}`)).toBeUndefined()
  }
  // The same for the cookie of a login under way.
  const away = stand.browser()
  const callback = await away.away('seznam')
  const [login = ''] = loginCookies(away)
  const header = `${login}=x; ${away.header()}`
  stand.forget()
  const answer = await away.visit(callback, { ...crossSite, cookie: header })
  expect(answer.code).toBe('login_forged')
  expect(stand.tokenCalls()).toBe(0)
})

test('A22 other names: only the exact prefix is ours, which no sibling can set', async () => {
  const { name, value } = await signedIn()
  const bare = name.replace('__Host-', '')
  const names = [
    bare,
    `__host-${bare}`,
    `__HOST-${bare}`,
    `__Host-${bare.toUpperCase()}`,
    `__Secure-${bare}`,
    `__Http-${bare}`,
    `\u00a0${name}`,
    `\u00ff${name}`,
    `${name}\u00a0`,
    `"${name}"`,
    `x${name}`,
    `$${name}`,
    `${name} x`,
    ` =${name}`,
    `%5F_Host-${bare}`,
  ]
  for (const one of names)
    expect([one, await labelWith(`${one}=${value}`)]).toEqual([one, undefined])
  // Nor does one of them stand in the way of ours.
  const attacker = await signedIn('pavla')
  for (const one of names)
    expect(await labelWith(`${one}=${attacker.value}; ${name}=${value}`)).toBe('krasty@seznam.cz')
  expect(await labelWith(`=${name}=${value}`)).toBeUndefined()
  expect(await labelWith(`"${name}=${value}"`)).toBeUndefined()
  expect(await labelWith(`x="; ${name}=${value}; "`)).toBe('krasty@seznam.cz')
})

test('A23 fixation: a planted account is over once the victim signs in, for the attacker too', async () => {
  for (const [provider, user] of [
    ['seznam', 'pavla'],
    ['onet', 'marek'],
    ['onesait', 'analyst'],
  ] as const)
    for (const sent of ['as planted', 'to our own pages only']) {
      const attacker = stand.browser()
      await attacker.signIn(provider, { user })
      const planted = new Map(attacker.cookies)
      const victim = sent === 'as planted' ? stand.browser() : attacker.copy()
      for (const [name, value] of planted) victim.cookies.set(name, value)
      await victim.signIn(provider)

      expect([sent, await attacker.signedIn()]).toEqual([sent, []])
      const late = await attacker.ask('POST', `/bff/accounts/${provider}/refresh`)
      expect(late.status).toBe(401)
      const { body } = await victim.ask('GET', `/bff/accounts/${provider}`)
      expect(body).not.toContain(user)
      // Gone at the latest with the next answer that may write.
      await victim.ask('POST', `/bff/accounts/${provider}/refresh`)
      const values = [...victim.cookies.values()]
      expect([...planted.values()].filter((value) => values.includes(value))).toEqual([])
      expect(accountCookies(victim)).toHaveLength(1)
      expect([...planted.keys()].filter((name) => victim.cookies.has(name))).toEqual([])
    }
})

test('A23 fixation: names and logins that were made up are not taken over', async () => {
  const victim = stand.browser()
  victim.cookies.set('__Host-latchkey_seznam_AAAAAAAA', 'A'.repeat(400))
  victim.cookies.set('__Host-latchkey_login_AAAAAAAA', 'A'.repeat(400))
  await victim.signIn('seznam')
  expect([...victim.cookies.values()].filter((value) => /^A+$/.test(value))).toEqual([])
  expect(accountCookies(victim)).toHaveLength(1)
  expect(loginCookies(victim)).toEqual([])
  expect(await victim.signedIn()).toEqual(['seznam'])
})

function pairOf(pair: string): [name: string, value: string] {
  const [name = '', value = ''] = pair.split('=')
  return [name, value]
}

test('A24 cookie bomb: what a sibling can set at a time does not lock anybody out', async () => {
  const { name, value } = await signedIn()
  const own = `${name}=${value}`
  const bomb = (bytes: number) =>
    Array.from({ length: bytes / 4000 }, (_, at) => `bomb${at}=${'x'.repeat(3990)}`).join('; ')
  expect(await labelWith(`${bomb(20_000)}; ${own}`)).toBe('krasty@seznam.cz')
  expect(await labelWith(`${bomb(100_000)}; ${own}`)).toBe('krasty@seznam.cz')
  // Beyond that it is said clearly; the app still comes, and can make room.
  const person = stand.browser()
  person.cookies.set(name, value)
  for (const pair of bomb(300_000).split('; ')) person.cookies.set(...pairOf(pair))
  expect(await person.ask('GET', '/bff/session')).toMatchObject({
    status: 431,
    code: 'headers_too_large',
  })
  expect((await person.visit('/')).status).toBe(200)
  for (let tries = 0; tries < 20; tries++)
    if (!(await person.ask('DELETE', '/bff/cookies')).body.includes('"more":true')) break
  expect(await person.signedIn()).toEqual(['seznam'])
  expect(person.cookies.get(name)).toBe(value)
  // And beyond what is read at all, the connection is answered and closed.
  const huge = { cookie: `${bomb(1_000_000)}; ${own}` }
  expect((await person.ask('GET', '/bff/session', { headers: huge })).status).toBe(431)
  expect((await stand.ask('GET', '/healthz')).status).toBe(200)
  expect(await labelWith(own)).toBe('krasty@seznam.cz')
})

const odd = [
  '""',
  '"quoted"',
  '%zz',
  '%E0%A4%A',
  '%',
  '%00',
  '',
  '.',
  '....',
  'a.b.c.d.e',
  'undefined',
  'null',
  '[object Object]',
  '{"a":1}',
  '__proto__',
  'constructor',
  '\u00ff\u00fe',
  'a b',
  'a,b',
  'a\\b',
  'x'.repeat(4097),
  '='.repeat(50),
  'eyJhbGciOiJub25lIn0..e30..',
]

test('A25 odd values: a cookie that is none of ours is nobody, and no trouble', async () => {
  const { name } = await signedIn()
  const before = stand.log()
  const expectNobody = ({ status, code }: Answered, wanted: unknown) =>
    expect({ status, code }).toEqual(wanted)
  for (const value of odd) {
    const cookies = [
      `${name}=${value}`,
      `${name}.0=${value}; ${name}.1=${value}`,
      `${name}${value}`,
    ]
    for (const cookie of cookies) {
      const headers = { cookie }
      const person = stand.browser()
      expectNobody(await person.ask('GET', '/bff/accounts/seznam', { headers }), {
        status: 401,
        code: 'not_signed_in',
      })
      expectNobody(await person.ask('POST', '/bff/accounts/seznam/refresh', { headers }), {
        status: 401,
        code: 'not_signed_in',
      })
      const session = await person.ask('GET', '/bff/session', { headers })
      expect([session.status, session.body]).toEqual([200, '{"accounts":[]}'])
      expect((await person.ask('DELETE', '/bff/session', { headers })).status).toBe(200)
    }
    const away = stand.browser()
    const callback = await away.away('seznam')
    for (const login of loginCookies(away)) away.cookies.set(login, value)
    stand.forget()
    const answer = await away.visit(callback, crossSite)
    expectNobody(answer, { status: 303, code: 'login_forged' })
    expect(stand.tokenCalls()).toBe(0)
  }
  expect(stand.log().slice(before.length)).not.toMatch(/"internal"|"level":"error"/i)
})

test('A25 odd values: control characters are refused before anybody reads them', async () => {
  const { name, value } = await signedIn()
  const controls = ['\x00', '\x01', '\x0b', '\x0c', '\x7f', '\r', '\n', '\r\n ']
  for (const control of controls)
    for (const cookie of [`${name}=${control}${value}`, `${control}${name}=${value}`, control]) {
      const [answer] = await stand.raw(
        [
          'GET /bff/accounts/seznam HTTP/1.1',
          'Host: app.example',
          'X-Latchkey: 1',
          'Connection: close',
          `Cookie: ${cookie}`,
          '\r\n',
        ].join('\r\n'),
      )
      expect([400, 401]).toContain(answer?.status)
      expect(answer?.body).not.toContain('krasty')
    }
})
