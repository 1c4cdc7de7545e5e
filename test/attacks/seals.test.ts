/** Sealed cookies: what was not sealed here, for this, and lately, opens nothing. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createSeal, type Purpose } from '../../proxy/session/seal'
import { Secret } from '../../shared/secret'
import { sessionSecret } from '../stage'
import { seal } from './keys'
import { accountCookies, crossSite, loginCookies, parameter } from './oracle'
import { openStand, type Answered, type Browser, type ProviderId, type Stand } from './stand'

let stand: Stand
beforeAll(async () => {
  stand = await openStand({ switches: { gearcode: { rotate: true, reuseDetection: true } } })
})
beforeEach(() => stand.forget())
afterAll(() => stand.close())

async function signedIn(provider: ProviderId = 'seznam') {
  const person = stand.browser()
  await person.signIn(provider)
  const [name = ''] = accountCookies(person)
  return { person, name, value: person.cookies.get(name) ?? '' }
}

const ask = (cookie: string, method = 'GET', target = '/bff/accounts/seznam') =>
  stand.browser().ask(method, target, { headers: { cookie } })

/** What tells one answer from another; not the time of day, and not the request's number. */
function looks({ status, headers, cookies, body }: Answered): string {
  const { date: _date, 'x-request-id': _id, ...others } = headers
  return JSON.stringify([status, others, cookies, body])
}

/** Many at a time: each is a connection of its own. */
async function forEach<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = [...items]
  const worker = async () => {
    for (let item = rest.pop(); item !== undefined; item = rest.pop()) await work(item)
  }
  await Promise.all(Array.from({ length: 16 }, worker))
}

/** Another letter of base64url; its lowest bit differs, which at an end of a part carries nothing. */
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const flipped = (text: string, at: number, bit: number) =>
  text.slice(0, at) +
  (text[at] === '.' ? 'A' : (alphabet[alphabet.indexOf(text[at] ?? 'A') ^ bit] ?? 'A')) +
  text.slice(at + 1)

function forgeries(value: string): string[] {
  const parts = value.split('.')
  const [header = '', , iv = '', text = '', tag = ''] = parts
  const told = JSON.parse(Buffer.from(header, 'base64url').toString()) as Record<string, unknown>
  const headed = (changes: Record<string, unknown>) =>
    [
      Buffer.from(JSON.stringify({ ...told, ...changes })).toString('base64url'),
      ...parts.slice(1),
    ].join('.')
  return [
    ...Array.from(value, (_, at) => flipped(value, at, 1)),
    ...Array.from(value, (_, at) => flipped(value, at, 32)).filter((_, at) => at % 5 === 0),
    ...Array.from(value, (_, at) => value.slice(0, at)).filter(Boolean),
    [header, '', text, iv, tag].join('.'),
    [header, '', tag, text, iv].join('.'),
    [header, '', iv, text].join('.'),
    [header, '', iv, text, tag, tag].join('.'),
    [header, tag, iv, text, tag].join('.'),
    headed({ kid: 'AAAAAAAA' }),
    headed({ kid: undefined }),
    headed({ kid: 0 }),
    headed({ typ: 'account.v2' }),
    headed({ typ: 'login.v1' }),
    headed({ typ: undefined }),
    headed({ alg: 'none' }),
    headed({ alg: 'A256KW' }),
    headed({ alg: 'PBES2-HS256+A128KW', p2c: 2_000_000_000, p2s: 'AAAA' }),
    headed({ enc: 'A128GCM' }),
    headed({ enc: 'none' }),
    headed({ crit: ['x'], x: 1 }),
    headed({ zip: undefined }),
    headed({ jwk: { kty: 'oct', k: 'AAAA' } }),
    `${value}=`,
    `${value}==`,
    value.replaceAll('-', '+').replaceAll('_', '/'),
    value.replaceAll('.', '*'),
    `Fe26.2*${value}`,
    `Fe26.2**${value.replaceAll('.', '*')}`,
    `v1.${value}`,
    ` ${value}x`,
    value + value,
    Buffer.from(value).toString('base64url'),
    'A'.repeat(value.length),
  ].filter((one) => one !== value)
}

test('A40 forged seal: every byte changed, every length, every other form: one and the same answer', async () => {
  const { name, value } = await signedIn()
  expect((await ask(`${name}=${value}`)).status).toBe(200)
  const refusal = looks(await ask(`${name}=`))
  expect(refusal).toContain('not_signed_in')
  const different: string[] = []
  await forEach(forgeries(value), async (forged) => {
    const answer = looks(await ask(`${name}=${forged}`))
    if (answer !== refusal) different.push(`${forged}: ${answer}`)
  })
  expect(different).toEqual([])
  // Where the answer may write, the cookie goes, whatever was wrong with it.
  const cleared = looks(await ask(`${name}=x`, 'POST', '/bff/accounts/seznam/refresh'))
  expect(cleared).toMatch(/Max-Age=0/)
  await forEach(
    // What is not even of a cookie's grammar here is not there, and stays where it is.
    forgeries(value).filter((forged, at) => at % 23 === 0 && /^[\w.-]+$/.test(forged)),
    async (forged) => {
      const answer = await ask(`${name}=${forged}`, 'POST', '/bff/accounts/seznam/refresh')
      expect(looks(answer)).toBe(cleared)
    },
  )
  expect(stand.tokenCalls()).toBe(1) // the sign-in's own
})

test('A40 forged seal: a login whose cookie was changed anywhere is none', async () => {
  const person = stand.browser()
  const callback = await person.away('seznam')
  const [name = ''] = loginCookies(person)
  const value = person.cookies.get(name) ?? ''
  stand.forget()
  const forged = forgeries(value).filter((_, at) => at % 7 === 0)
  await forEach(forged, async (one) => {
    const answer = await person.copy().visit(callback, { ...crossSite, cookie: `${name}=${one}` })
    expect(answer.code).toBe('login_forged')
  })
  expect(stand.tokenCalls()).toBe(0)
  await person.visit(callback, crossSite)
  expect(await person.signedIn()).toEqual(['seznam'])
})

const newer = 'n0NGJTd3nmO8sQ2xLr0bK7Vw9zYpUeHcA1iFhXoN5Z6'

test('A41 key rotation: the old secret opens until it is removed, the new one seals from the start', async () => {
  try {
    const { person, name, value } = await signedIn()
    const kidOf = (cookie = '') =>
      (
        JSON.parse(Buffer.from(cookie.split('.')[0] ?? '', 'base64url').toString()) as {
          kid: string
        }
      ).kid

    await stand.restart({ SESSION_SECRETS: `${newer},${sessionSecret}` })
    expect(await person.signedIn()).toEqual(['seznam'])
    expect((await person.ask('POST', '/bff/accounts/seznam/refresh')).status).toBe(200)
    const renewed = person.cookies.get(name)
    expect(kidOf(renewed)).not.toBe(kidOf(value))

    await stand.restart({ SESSION_SECRETS: newer })
    expect(await person.signedIn()).toEqual(['seznam'])
    // Rolling: an instance that has only the new one meets a cookie of the old one.
    const late = await ask(`${name}=${value}`)
    expect(late).toMatchObject({ status: 401, code: 'not_signed_in' })
    const away = await ask(`${name}=${value}`, 'POST', '/bff/accounts/seznam/refresh')
    expect(away).toMatchObject({ status: 401, code: 'not_signed_in' })
    expect(away.cookies.join()).toContain('Max-Age=0')
  } finally {
    await stand.restart()
  }
})

test('A42 replay after sign-out: a copy of the cookies opens nothing and asks nobody', async () => {
  for (const [provider, target] of [
    ['gearcode', '/bff/api/gearcode/v1/things'],
    ['seznam', '/bff/api/seznam/api/v1/user'],
    ['onesait', '/bff/api/onesait/oauth-server/oidc/userinfo'],
  ] as const) {
    const person = stand.browser()
    await person.signIn(provider)
    const thief = person.copy()
    expect(await thief.signedIn()).toEqual([provider])
    await person.ask('DELETE', `/bff/accounts/${provider}`)
    stand.forget()
    expect(await thief.signedIn()).toEqual([])
    expect((await thief.ask('GET', target)).status).toBe(401)
    expect((await thief.ask('POST', `/bff/accounts/${provider}/refresh`)).status).toBe(401)
    expect(stand.arrived(provider).total + stand.api.requests.length).toBe(0)
  }
})

test('A42 replay after refresh: an older cookie gets the latest account and spends no token again', async () => {
  const { person } = await signedIn('gearcode')
  const older = person.copy()
  const kept = older.header()
  stand.forget()
  await person.ask('POST', '/bff/accounts/gearcode/refresh')
  for (const method of ['POST', 'POST', 'POST'])
    expect(
      (await older.ask(method, '/bff/accounts/gearcode/refresh', { headers: { cookie: kept } }))
        .status,
    ).toBe(200)
  expect(
    (await older.ask('GET', '/bff/api/gearcode/v1/things', { headers: { cookie: kept } })).status,
  ).toBe(200)
  expect(stand.arrived('gearcode').refresh).toBe(1)

  // After a restart nobody knows of the refresh: the dead token may be tried once, and no more.
  await stand.restart()
  stand.forget()
  stand.api.answer = (_, response) => response.writeHead(401).end()
  const tries = Array.from({ length: 6 }, () =>
    stand.browser().ask('GET', '/bff/api/gearcode/v1/things', { headers: { cookie: kept } }),
  )
  for (const { status } of await Promise.all(tries)) expect(status).toBe(401)
  for (let again = 0; again < 3; again++)
    await stand
      .browser()
      .ask('POST', '/bff/accounts/gearcode/refresh', { headers: { cookie: kept } })
  expect(stand.arrived('gearcode').refresh).toBe(1)
})

test('A43 transplant: cookies work in another browser, as bearers do, until the first one signs out', async () => {
  const { person, name, value } = await signedIn()
  const other = stand.browser()
  other.cookies.set(name, value)
  expect(await other.signedIn()).toEqual(['seznam'])
  await person.ask('DELETE', '/bff/session')
  expect(await other.signedIn()).toEqual([])
  expect(other.cookies.size).toBe(1)
  await other.ask('POST', '/bff/accounts/seznam/refresh')
  expect(other.cookies.size).toBe(0)
})

test('A44 purpose confusion: what was sealed for one use opens for no other', async () => {
  const { person, name, value } = await signedIn()
  const seat = name.slice(-8)
  const away = stand.browser()
  const callback = await away.away('seznam')
  const [loginName = ''] = loginCookies(away)
  const login = away.cookies.get(loginName) ?? ''
  const landing = stand.browser()
  await landing.signIn('onet')
  await landing.ask('DELETE', '/bff/accounts/onet')
  const logout = landing.cookies.get('__Host-latchkey_logout_onet') ?? ''
  expect(logout).not.toBe('')

  // As they are, under each other's names.
  for (const pasted of [login, logout])
    for (const one of [
      name,
      `__Host-latchkey_seznam_${loginName.slice(-8)}`,
      '__Host-latchkey_onet_x',
    ])
      expect((await ask(`${one}=${pasted}`)).status).toBe(401)
  stand.forget()
  const state = parameter(callback, 'state')
  for (const pasted of [value, logout]) {
    const cookie = `${loginName}=${pasted}`
    const answer = await stand.browser().visit(callback, { ...crossSite, cookie })
    expect(answer.code).toBe('login_forged')
  }
  for (const pasted of [value, login]) {
    const cookie = `__Host-latchkey_logout_onet=${pasted}`
    const answer = await stand.browser().visit('/bff/callback/onet', { ...crossSite, cookie })
    expect(answer.code).toBe('login_forged')
  }

  // And with a content that would be right, sealed for each of the other uses.
  const account = (await seal.open('account', 'seznam', value)) ?? {}
  const pending = (await seal.open('login', 'seznam', login)) ?? {}
  const until = Date.now() + 3_600_000
  for (const purpose of ['login', 'logout', 'ticket', 'ledger'] as Purpose[]) {
    const pasted = await seal.seal(purpose, 'seznam', account, until)
    expect((await ask(`${name}=${pasted}`)).status).toBe(401)
  }
  for (const purpose of ['account', 'logout', 'ticket', 'ledger'] as Purpose[]) {
    const pasted = await seal.seal(purpose, 'seznam', pending, until)
    const cookie = `${loginName}=${pasted}`
    const answer = await stand.browser().visit(callback, { ...crossSite, cookie })
    expect(answer.code).toBe('login_forged')
  }
  expect(stand.tokenCalls()).toBe(0)
  // That the contents were right.
  expect(
    (await ask(`${name}=${await seal.seal('account', 'seznam', account, until)}`)).status,
  ).toBe(200)
  expect([seat.length, state.length > 40]).toEqual([8, true])
  expect(await person.signedIn()).toEqual(['seznam'])
})

test('A45 provider confusion: a cookie under another provider’s name opens nothing, and its token goes nowhere', async () => {
  const all: Record<string, string> = {
    onet: '/bff/api/onet/resources/userinfo',
    konpro: '/bff/api/konpro/v1/pacific/account.get',
    onesait: '/bff/api/onesait/oauth-server/oidc/userinfo',
    gearcode: '/bff/api/gearcode/v1/things',
    seznam: '/bff/api/seznam/api/v1/user',
  }
  const ids = Object.keys(all) as ProviderId[]
  for (const one of ids) {
    const { name, value } = await signedIn(one)
    stand.forget()
    for (const other of ids.filter((id) => id !== one)) {
      const renamed = `${name.replace(one, other)}=${value}`
      const api = await stand
        .browser()
        .ask('GET', all[other] ?? '', { headers: { cookie: renamed } })
      expect([api.status, api.code]).toEqual([401, 'not_signed_in'])
      const refresh = await ask(renamed, 'POST', `/bff/accounts/${other}/refresh`)
      expect(refresh.status).toBe(401)
      expect(stand.arrived(other).total).toBe(0)
      expect(stand.api.requests).toEqual([])
    }
  }
})

/** A person whose GearCode tokens need this many cookies. */
async function large(pieces: number): Promise<Browser> {
  const person = stand.browser()
  const bytes = crypto.getRandomValues(new Uint8Array(2900 * pieces - 1500))
  const access = Buffer.from(bytes).toString('base64url')
  stand.simulators.gearcode.tokenAnswer = (answer) => ({ ...answer, access_token: access })
  await person.signIn('gearcode')
  delete stand.simulators.gearcode.tokenAnswer
  expect(accountCookies(person)).toHaveLength(pieces)
  return person
}

test('A46 chunks: pieces that miss, are mixed, or are too many open nothing', async () => {
  const one = await large(3)
  const other = await large(3)
  const target = '/bff/accounts/gearcode'
  const status = async (cookie: string) => (await ask(cookie, 'GET', target)).status
  expect(await status(one.header())).toBe(200)
  const pieces = [...one.cookies]
  const [base = ''] = (pieces[0]?.[0] ?? '').split('.')
  const values = pieces.map(([, value]) => value)
  const whole = values.join('')
  const write = (...written: (readonly [string, string | undefined])[]) =>
    written.map(([suffix, value = '']) => `${base}${suffix}=${value}`).join('; ')
  const [a, b, c] = values
  const [x, y] = [...other.cookies.values()]
  const bad: string[] = [
    write(['.0', a], ['.2', c]),
    write(['.1', b], ['.2', c]),
    write(['.0', a], ['.1', b]),
    write(['.0', b], ['.1', a], ['.2', c]),
    write(['.0', a], ['.1', y], ['.2', c]),
    write(['.0', x], ['.1', b], ['.2', c]),
    write(['.0', a], ['.1', b], ['.3', c]),
    write(['.00', a], ['.01', b], ['.02', c]),
    write(['.0', a], ['.01', b], ['.2', c]),
    write(['.1', a], ['.2', b], ['.3', c]),
    write(['.-1', a], ['.0', b], ['.1', c]),
    write(['.999999', a]),
    write(['.0', a], ['.999999', b]),
    write(['.0', a], ['.1', b], ['.2', c], ['.0', a]),
    write(['', a], ['.1', b], ['.2', c]),
    write(['', '999999']),
    write(['.0', whole.slice(0, 9)], ['.9', whole.slice(9)]),
    Array.from({ length: 51 }, (_, at) => `${base}.${at}=${a?.slice(0, 200)}`).join('; '),
    Array.from({ length: 51 }, (_, at) => `${base}.${at}=${whole[at]}`).join('; '),
    Array.from(
      { length: 51 },
      (_, at) => `__Host-latchkey_gearcode_${at}=${a?.slice(0, 200)}`,
    ).join('; '),
  ]
  for (const [at, cookie] of bad.entries()) expect([at, await status(cookie)]).toEqual([at, 401])
  expect(stand.log()).not.toContain('"internal"')
})

test('A46 chunks: an account that shrinks leaves no piece behind, one that is too large leaves none at all', async () => {
  const person = await large(3)
  const names = accountCookies(person)
  await person.ask('POST', '/bff/accounts/gearcode/refresh')
  expect(accountCookies(person)).toHaveLength(1)
  expect(names).not.toContain(accountCookies(person)[0])
  expect(await person.signedIn()).toEqual(['gearcode'])

  const nobody = stand.browser()
  const access = Buffer.from(crypto.getRandomValues(new Uint8Array(30_000))).toString('base64url')
  stand.simulators.gearcode.tokenAnswer = (answer) => ({ ...answer, access_token: access })
  expect((await nobody.signIn('gearcode')).code).toMatch(/^(?:account_too_large|provider_error)$/)
  expect(accountCookies(nobody)).toEqual([])
  expect(await nobody.signedIn()).toEqual([])
})

test('A47 content: what opens and is no account of ours is nobody, and pollutes nothing', async () => {
  const { name, value } = await signedIn()
  const account = (await seal.open('account', 'seznam', value)) ?? {}
  const deep = (levels: number) => {
    let content: unknown = 1
    for (let level = 0; level < levels; level++) content = [content]
    return content
  }
  const contents: unknown[] = [
    {},
    null,
    1,
    'x',
    [],
    [account],
    { a: 'x' },
    { ...account, s: undefined },
    { ...account, s: 'short' },
    { ...account, s: 1 },
    { ...account, s: { toString: 'x' } },
    { ...account, a: undefined },
    { ...account, a: '' },
    { ...account, a: { length: 1 } },
    { ...account, e: 'soon' },
    { ...account, e: -1 },
    { ...account, t: '9e99' },
    { ...account, t: 1 },
    { ...account, g: -5 },
    { ...account, g: 1.5 },
    { ...account, c: null },
    { ...account, n: 7 },
    { ...account, u: 'admin' },
    { ...account, u: [1] },
    { ...account, o: ['openid'] },
    deep(1000),
    { ...account, s: deep(1000) },
    { x: 'x'.repeat(150_000) },
    { x: 'x'.repeat(3_000_000) },
    JSON.parse('{"__proto__":{"s":"x","polluted":1},"constructor":{"prototype":{"polluted":1}}}'),
  ]
  const until = Date.now() + 3_600_000
  for (const [at, content] of contents.entries()) {
    const forged = await seal.seal('account', 'seznam', content as typeof account, until)
    const pieces = forged.match(/.{1,4000}/g) ?? []
    const cookie =
      pieces.length === 1
        ? `${name}=${forged}`
        : pieces.map((piece, index) => `${name}.${index}=${piece}`).join('; ')
    const answer = await ask(cookie)
    expect([at, answer.status, answer.code]).toEqual([at, 401, 'not_signed_in'])
    const session = await ask(cookie, 'GET', '/bff/session')
    expect([at, session.status, session.body]).toEqual([at, 200, '{"accounts":[]}'])
    expect((await ask(cookie, 'DELETE', '/bff/session')).status).toBe(200)
  }
  // A prototype beside a good account changes nothing either.
  const both = JSON.stringify(account).replace('{', '{"__proto__":{"polluted":1,"u":["admin"]},')
  const forged = await seal.seal('account', 'seznam', JSON.parse(both) as typeof account, until)
  const { status, body } = await ask(`${name}=${forged}`)
  expect(status).toBe(200)
  expect(body).not.toMatch(/polluted|admin/)

  // Expired inside, whatever the browser still sends; and sealed by a secret that was never ours.
  const old = await seal.seal('account', 'seznam', account, Date.now() - 1000)
  expect((await ask(`${name}=${old}`)).status).toBe(401)
  const stranger = createSeal([new Secret(newer)], Date.now)
  const foreign = await stranger.seal('account', 'seznam', account, until)
  expect((await ask(`${name}=${foreign}`)).status).toBe(401)
  expect(stand.log()).not.toContain('"internal"')
})
