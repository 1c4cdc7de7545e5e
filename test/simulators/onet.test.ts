import { beforeEach, describe, expect, test } from 'vitest'
import { address, basic, createClock, like, pkceSample, send, without } from './exchange'
import { createOnet, type OnetSimulator } from './onet'
import { signInThrough, type CookieJar } from './sign-in-through'
import { simulatorFetch } from './simulator-fetch'

const loginUrl = 'https://konto.onet.pl/checkSSO/login.html'
const authorizeUrl = 'https://connect.okonto.pl/oauth2/authorize'
const tokenUrl = 'https://connect.okonto.pl/oauth2/token'
const userinfoUrl = 'https://connect.okonto.pl/resources/userinfo'
const redirectUri = 'https://app.example/authorize'
const login = { client_id: 'demo.front.onetapi.pl', redirect_uri: '/authorize', state: 'dashboard' }

let onet: OnetSimulator
let clock: ReturnType<typeof createClock>
let fetch: typeof globalThis.fetch

beforeEach(() => {
  clock = createClock()
  onet = createOnet({ now: clock.now })
  fetch = simulatorFetch([onet])
})

const signIn = async (change: Record<string, string | undefined> = {}, cookies?: CookieJar) => {
  const choices = { user: 'anna', ...(cookies ? { cookies } : {}) }
  const back = await signInThrough(onet, address(loginUrl, { ...login, ...change }), choices)
  return new URL(back).searchParams.get('code') ?? ''
}
const exchangeForm = (code: string) => ({
  code,
  grant_type: 'authorization_code',
  redirect_uri: redirectUri,
})
const exchange = async (form: Record<string, string>) =>
  send(fetch, { url: tokenUrl, headers: { authorization: basic(onet.client) }, form })
const tokens = async () => (await exchange(exchangeForm(await signIn()))).json
const userinfo = (token: unknown, query: Record<string, string> = { client_id: login.client_id }) =>
  send(fetch, {
    url: address(userinfoUrl, query),
    method: 'GET',
    headers: { authorization: `Bearer ${String(token)}` },
  })
const refreshForm = (token: unknown) => ({
  grant_type: 'refresh_token',
  refresh_token: String(token),
})

test('a login through the SSO check ends in tokens and a name', async () => {
  const back = new URL(await signInThrough(onet, address(loginUrl, login), { user: 'anna' }))
  expect(`${back.origin}${back.pathname}`).toBe(redirectUri)
  expect(back.searchParams.get('state')).toBe('dashboard')
  const code = back.searchParams.get('code') ?? ''
  expect(code).toMatch(/^c0ffee[0-9a-f]+cs$/)

  const answer = await exchange(exchangeForm(code))
  expect(answer.json).toEqual({
    access_token: like(/^c0ffee[0-9a-f]+cs$/),
    token_type: 'bearer',
    expires_in: 36_000,
    refresh_token: like(/^c0ffee[0-9a-f]+cs$/),
  })
  const { json } = await userinfo(answer.json.access_token)
  expect(json).toEqual({
    sub: '71c97af0-662f-4b7a-9236-93c688d15916',
    email: 'anna.nowak@konto.onet.pl',
  })
  expect(onet.log.filter((entry) => entry.refused !== undefined)).toEqual([])
  expect([...onet.issued]).toEqual([
    onet.client.secret,
    code,
    ...Object.values(without(answer.json, 'token_type', 'expires_in')),
  ])
})

test('authorize at the other host does the SSO check itself', async () => {
  const query = {
    client_id: login.client_id,
    response_type: 'code',
    redirect_uri: redirectUri,
    state: 'x',
  }
  const back = await signInThrough(onet, address(authorizeUrl, query), {
    user: 'marek',
    password: 'latarnia-marek',
  })
  expect(new URL(back).searchParams.get('state')).toBe('x')
  expect(onet.log.map((entry) => `${entry.host} ${entry.path}`)).toEqual([
    'connect /oauth2/authorize',
    'sso /checkSSO/continue.html',
    'sso /sign-in/person',
    'sso /sign-in/decision',
  ])
})

test('a code is good once, and five minutes', async () => {
  const code = await signIn()
  expect((await exchange(exchangeForm(code))).status).toBe(200)
  expect((await exchange(exchangeForm(code))).json).toEqual({ error: 'invalid_grant' })
  const late = await signIn()
  clock.pass(300)
  expect((await exchange(exchangeForm(late))).status).toBe(400)
})

test('a denied consent comes back as access_denied', async () => {
  const back = new URL(
    await signInThrough(onet, address(loginUrl, login), { user: 'anna', deny: true }),
  )
  expect(Object.fromEntries(back.searchParams)).toEqual({
    error: 'access_denied',
    state: 'dashboard',
  })
})

test('a wrong password is told on the page', async () => {
  const attempt = signInThrough(onet, address(loginUrl, login), { user: 'anna', password: 'nie' })
  await expect(attempt).rejects.toThrow('wrong')
})

describe('single sign-on', () => {
  test('who is signed in is not asked again, for three months', async () => {
    const cookies: CookieJar = new Map()
    await signIn({}, cookies)
    onet.log.length = 0
    await signIn({}, cookies)
    expect(onet.log.map((entry) => entry.path)).toEqual(['/checkSSO/login.html'])
    clock.pass(91 * 24 * 3600)
    onet.log.length = 0
    await signIn({}, cookies)
    expect(onet.log.length).toBe(3)
  })

  test('logout forgets it and lands on the registered address without a code', async () => {
    const cookies: CookieJar = new Map()
    await signIn({}, cookies)
    const cookie = [...(cookies.get('https://konto.onet.pl') ?? [])]
      .map((pair) => pair.join('='))
      .join()
    const url = 'https://konto.onet.pl/checkSSO/logout.html?client_id=demo.front.onetapi.pl'
    const answer = await send(fetch, { url, method: 'GET', headers: { cookie } })
    expect(answer.status).toBe(302)
    expect(answer.headers.get('location')).toBe(redirectUri)
    expect(answer.headers.get('set-cookie')).toMatch(/^sim_onet_sso=; .*Max-Age=0/)
    onet.log.length = 0
    await signIn({}, cookies)
    expect(onet.log.length).toBe(3)
  })

  test('logout gives a state back only where the switch says so', async () => {
    const url = 'https://konto.onet.pl/checkSSO/logout.html?client_id=demo.front.onetapi.pl&state=s'
    expect((await send(fetch, { url, method: 'GET' })).status).toBe(400)
    onet.switches.echoState = true
    const answer = await send(fetch, { url, method: 'GET' })
    expect(answer.headers.get('location')).toBe(`${redirectUri}?state=s`)
  })
})

describe('refresh', () => {
  test('rotates, and the spent one is refused', async () => {
    const first = await tokens()
    const second = await exchange(refreshForm(first.refresh_token))
    expect(second.json.refresh_token).not.toBe(first.refresh_token)
    expect((await exchange(refreshForm(first.refresh_token))).json).toEqual({
      error: 'invalid_grant',
    })
    expect((await exchange(refreshForm(second.json.refresh_token))).status).toBe(200)
  })

  test('takes the credentials in the body instead of the header', async () => {
    const { refresh_token } = await tokens()
    const credentials = { client_id: onet.client.id, client_secret: onet.client.secret ?? '' }
    const form = { ...refreshForm(refresh_token), ...credentials }
    expect((await send(fetch, { url: tokenUrl, form })).status).toBe(200)
  })

  test('repeats or omits the refresh token where nothing rotates', async () => {
    onet.switches.rotate = false
    const { refresh_token } = await tokens()
    expect((await exchange(refreshForm(refresh_token))).json.refresh_token).toBe(refresh_token)
    onet.switches.omitRefreshToken = true
    expect((await exchange(refreshForm(refresh_token))).json).not.toHaveProperty('refresh_token')
  })

  test('reuse detection ends everything that grew from the login', async () => {
    onet.switches.reuseDetection = true
    const first = await tokens()
    const second = (await exchange(refreshForm(first.refresh_token))).json
    await exchange(refreshForm(first.refresh_token))
    expect((await exchange(refreshForm(second.refresh_token))).status).toBe(400)
    expect((await userinfo(second.access_token)).status).toBe(400)
  })
})

test('an expired bearer is answered with 400', async () => {
  const { access_token } = await tokens()
  clock.pass(36_000)
  expect(await userinfo(access_token)).toMatchObject({
    status: 400,
    json: { error: 'invalid_token' },
  })
})

test('revoking ends the access token only', async () => {
  const { access_token, refresh_token } = await tokens()
  const url = address('https://connect.okonto.pl/oauth2/revoke', { client_id: login.client_id })
  const headers = { authorization: `Bearer ${String(access_token)}` }
  expect((await send(fetch, { url, method: 'GET', headers })).status).toBe(200)
  expect((await userinfo(access_token)).status).toBe(400)
  expect((await exchange(refreshForm(refresh_token))).status).toBe(200)
})

test('the extended profile has six members', async () => {
  const { access_token } = await tokens()
  const url = address('https://connect.okonto.pl/external/profile', { client_id: login.client_id })
  const headers = { authorization: `Bearer ${String(access_token)}` }
  const { json } = await send(fetch, { url, method: 'GET', headers })
  expect(Object.keys(json)).toEqual(['sub', 'email', 'name', 'surname', 'date_of_birth', 'gender'])
})

test.each([
  ['json', '{"error":"invalid_token"}'],
  ['empty', ''],
  ['html', '<!doctype html><title>400</title><h1>Bad Request</h1>'],
] as const)('a 400 can be %s', async (errors, text) => {
  onet.switches.errors = errors
  expect(await userinfo('unknown')).toMatchObject({ status: 400, text })
})

describe('the SSO check refuses', () => {
  test.each([
    ['an unknown client', { client_id: 'other' }, 'client_id is unknown'],
    [
      'an unregistered address',
      { redirect_uri: '/elsewhere' },
      'redirect_uri is not the registered one',
    ],
    [
      'a response_type',
      { response_type: 'code' },
      'the document has no parameter response_type here',
    ],
    ['a scope', { scope: 'email' }, 'the document has no parameter scope here'],
    ['an empty state', { state: '' }, 'parameter state is empty'],
    [
      'a code_challenge',
      { code_challenge: pkceSample.challenge },
      'the document has no parameter code_challenge here',
    ],
  ])('%s', async (_, change, reason) => {
    await send(fetch, { url: address(loginUrl, { ...login, ...change }), method: 'GET' })
    expect(onet.log.at(-1)).toMatchObject({ refused: reason })
  })

  test('a parameter that is given twice', async () => {
    await send(fetch, { url: `${address(loginUrl, login)}&state=again`, method: 'GET' })
    expect(onet.log.at(-1)?.refused).toBe('parameter state is given twice')
  })
})

describe('direct authorize refuses', () => {
  const query = { client_id: login.client_id, response_type: 'code', redirect_uri: redirectUri }
  test.each([
    [
      'a relative address',
      { redirect_uri: '/authorize' },
      'redirect_uri is not the registered one',
    ],
    ['another response_type', { response_type: 'token' }, 'response_type must be code'],
    ['no response_type', { response_type: undefined }, 'parameter response_type is missing'],
  ])('%s', async (_, change, reason) => {
    await send(fetch, { url: address(authorizeUrl, { ...query, ...change }), method: 'GET' })
    expect(onet.log.at(-1)).toMatchObject({ refused: reason })
  })
})

describe('the token endpoint refuses', () => {
  const encoded = () => ({
    id: encodeURIComponent(onet.client.id),
    secret: encodeURIComponent(onet.client.secret ?? ''),
  })
  test.each([
    [
      'a secret that is percent-encoded',
      () => ({ headers: { authorization: basic(encoded()) } }),
      /percent-encoded/,
    ],
    [
      'a wrong secret',
      () => ({ headers: { authorization: basic({ ...onet.client, secret: 'x' }) } }),
      /wrong client/,
    ],
    ['no Basic header', () => ({ headers: {} }), /Authorization header is missing/],
    [
      'a Bearer header',
      () => ({ headers: { authorization: 'Bearer x' } }),
      /not of the scheme Basic/,
    ],
    ['GET', () => ({ method: 'GET', form: undefined }), /POST here, not GET/],
    ['JSON', () => ({ form: undefined, json: {} }), /Content-Type must be application\/x-www-form/],
    ['parameters in the query', () => ({ url: `${tokenUrl}?a=b` }), /not in the query/],
    [
      'client_id in the body',
      (form: object) => ({ form: { ...form, client_id: 'x' } }),
      /no parameter client_id/,
    ],
    [
      'client_secret in the body',
      (form: object) => ({ form: { ...form, client_secret: 'x' } }),
      /no parameter client_secret/,
    ],
    [
      'the relative address',
      (form: object) => ({ form: { ...form, redirect_uri: '/authorize' } }),
      /absolute one/,
    ],
    [
      'no address',
      (form: object) => ({ form: without({ redirect_uri: '', ...form }, 'redirect_uri') }),
      /redirect_uri is missing/,
    ],
    [
      'a verifier',
      (form: object) => ({ form: { ...form, code_verifier: pkceSample.verifier } }),
      /no parameter code_verifier/,
    ],
    [
      'the password grant',
      (form: object) => ({ form: { ...form, grant_type: 'password' } }),
      /neither authorization_code/,
    ],
  ])('%s', async (_, change, reason) => {
    const form = exchangeForm(await signIn())
    const sent = { url: tokenUrl, headers: { authorization: basic(onet.client) }, form }
    const { status } = await send(fetch, Object.assign(sent, change(form)))
    expect(status === 400 || status === 405).toBe(true)
    expect(onet.log.at(-1)?.refused).toMatch(reason)
  })
})

test.each([
  ['userinfo without client_id', {}, /client_id is missing/],
  ['userinfo for another client', { client_id: 'x' }, /client_id is unknown/],
])('%s is refused', async (_, query, reason) => {
  const { access_token } = await tokens()
  expect((await userinfo(access_token, query)).status).toBe(400)
  expect(onet.log.at(-1)?.refused).toMatch(reason)
})

describe('a server that follows RFC 9700', () => {
  const pkce = { code_challenge: pkceSample.challenge, code_challenge_method: 'S256' }
  beforeEach(() => {
    onet.switches.pkce = 'rfc9700'
  })

  test('refuses the verifier, as the SSO page dropped the challenge', async () => {
    const code = await signIn(pkce)
    const { json } = await exchange({ ...exchangeForm(code), code_verifier: pkceSample.verifier })
    expect(json).toEqual({ error: 'invalid_grant' })
    expect(onet.log.at(-1)?.refused).toMatch(/without a code_challenge/)
  })

  test('takes it after a direct authorization', async () => {
    const query = {
      client_id: login.client_id,
      response_type: 'code',
      redirect_uri: redirectUri,
      ...pkce,
    }
    const back = new URL(await signInThrough(onet, address(authorizeUrl, query), { user: 'anna' }))
    const form = exchangeForm(back.searchParams.get('code') ?? '')
    expect((await exchange({ ...form, code_verifier: pkceSample.verifier })).status).toBe(200)
  })
})

test('where PKCE is ignored, a wrong verifier does no harm', async () => {
  onet.switches.pkce = 'ignored'
  const code = await signIn({ code_challenge: pkceSample.challenge, code_challenge_method: 'S256' })
  expect((await exchange({ ...exchangeForm(code), code_verifier: 'anything' })).status).toBe(200)
})

test('whose account is deleted is nobody, with a token or with an SSO session', async () => {
  const cookies: CookieJar = new Map()
  const { access_token } = (await exchange(exchangeForm(await signIn({}, cookies)))).json
  delete onet.users.anna
  expect((await userinfo(access_token)).status).toBe(400)
  await expect(signIn({}, cookies)).rejects.toThrow('nobody called anna')
})

test.each([
  [
    'a logout of an unknown client',
    { url: 'https://konto.onet.pl/checkSSO/logout.html?client_id=x' },
    /client_id is unknown/,
  ],
  [
    'a login that never began',
    { url: 'https://konto.onet.pl/checkSSO/continue.html?ticket=x' },
    /this login is over/,
  ],
  [
    'userinfo with a Content-Type',
    {
      url: address(userinfoUrl, { client_id: login.client_id }),
      headers: { 'content-type': 'application/json' },
    },
    /no content-type header/,
  ],
])('%s is refused', async (_, sent, reason) => {
  expect((await send(fetch, { method: 'GET', ...sent })).status).toBe(400)
  expect(onet.log.at(-1)?.refused).toMatch(reason)
})

test('a refresh with a wrong secret in the body is refused', async () => {
  const { refresh_token } = await tokens()
  const form = { ...refreshForm(refresh_token), client_id: onet.client.id, client_secret: 'x' }
  expect(await send(fetch, { url: tokenUrl, form })).toMatchObject({
    status: 400,
    json: { error: 'invalid_client' },
  })
})
