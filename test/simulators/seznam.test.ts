import { beforeEach, describe, expect, test } from 'vitest'
import { address, createClock, like, pkceSample, send, type Sent, without } from './exchange'
import { createSeznam, toHttps, type SeznamSimulator } from './seznam'
import { signInThrough, type Choices } from './sign-in-through'
import { simulatorFetch } from './simulator-fetch'

const base = 'https://login.szn.cz/api/v1'
const redirectUri = 'https://app.example/callback'
const query = {
  client_id: 'latchkey_demo-7f3a.seznam',
  scope: 'identity,avatar,birthday',
  response_type: 'code',
  redirect_uri: redirectUri,
  state: 'opaque',
}
const accept = { accept: 'application/json' }

let seznam: SeznamSimulator
let clock: ReturnType<typeof createClock>
let call: (sent: Sent) => ReturnType<typeof send>

beforeEach(() => {
  clock = createClock()
  seznam = createSeznam({ now: clock.now })
  const fetch = simulatorFetch([seznam])
  call = (sent) => send(fetch, { ...sent, headers: { ...accept, ...sent.headers } })
})

const signIn = async (change: Record<string, string> = {}, choices: Partial<Choices> = {}) => {
  const url = address(`${base}/oauth/auth`, { ...query, ...change })
  const back = await signInThrough(seznam, url, { user: 'krasty', ...choices })
  return new URL(back).searchParams.get('code') ?? ''
}
const credentials = () => ({
  client_secret: seznam.client.secret ?? '',
  client_id: query.client_id,
})
const exchangeBody = (code: string) => ({
  grant_type: 'authorization_code',
  code,
  redirect_uri: redirectUri,
  ...credentials(),
})
const token = (json: unknown) => call({ url: `${base}/oauth/token`, json })
const tokens = async (change?: Record<string, string>, choices?: Partial<Choices>) =>
  (await token(exchangeBody(await signIn(change, choices)))).json
const user = (accessToken: unknown) =>
  call({
    url: `${base}/user`,
    method: 'GET',
    headers: { authorization: `bearer ${String(accessToken)}` },
  })
const revoke = (bearer: unknown, hint: string, target: unknown) =>
  call({
    url: `${base}/oauth/revoke`,
    headers: { authorization: `bearer ${String(bearer)}` },
    json: { token_type_hint: hint, token: target },
  })
const refresh = (refreshToken: unknown) =>
  token({ grant_type: 'refresh_token', refresh_token: refreshToken, ...credentials() })

test('a login ends in tokens, the user object, a refresh and two revocations', async () => {
  const json = await tokens()
  expect(json).toEqual({
    access_token: like(/^c0ffee/),
    token_type: 'bearer',
    refresh_token: like(/^c0ffee/),
    expires_in: 31_536_000,
    scopes: ['identity', 'avatar', 'birthday'],
    account_name: 'krasty@seznam.cz',
    oauth_user_id: '0123abcd4567ef89',
    status: 200,
    message: 'ok',
  })
  expect((await user(json.access_token)).json).toEqual({
    oauth_user_id: '0123abcd4567ef89',
    email: 'krasty@seznam.cz',
    firstname: 'Krasty',
    lastname: 'Novák',
    advert_user_id: 'a8f3d1e290b74c55',
    avatar_url: 'https://d.example/avatar/0123abcd4567ef89',
    birthday: '1988-02-29',
    status: 200,
    message: 'ok',
  })
  expect((await refresh(json.refresh_token)).json.refresh_token).toBe(json.refresh_token)
  const done = { status: 200, json: { status: 200, message: 'ok' } }
  expect(await revoke(json.access_token, 'refresh_token', json.refresh_token)).toMatchObject(done)
  expect((await refresh(json.refresh_token)).status).toBe(400)
  expect(await revoke(json.access_token, 'access_token', json.access_token)).toMatchObject(done)
  expect((await user(json.access_token)).status).toBe(401)
  expect(seznam.log.filter((entry) => entry.refused !== undefined)).toEqual([])
})

describe('scopes', () => {
  test('that were refused are not granted, and their fields are absent', async () => {
    const json = await tokens({}, { refuse: ['avatar'] })
    expect(json.scopes).toEqual(['identity', 'birthday'])
    expect((await user(json.access_token)).json).not.toHaveProperty('avatar_url')
  })

  test('that were granted have fields, which can be null', async () => {
    const json = await tokens({}, { user: 'pavla' })
    expect((await user(json.access_token)).json).toMatchObject({ email: null, birthday: null })
  })

  test('that are essential, identity and adulthood cannot be refused', async () => {
    const claims = JSON.stringify({ userinfo: { birthday: { essential: true } } })
    const scope = 'identity,avatar,adulthood,birthday'
    const json = await tokens({ scope, claims }, { grant: [] })
    expect(json.scopes).toEqual(['identity', 'adulthood', 'birthday'])
  })

  test('may be separated by spaces only where the switch says so', async () => {
    seznam.switches.looseScopeSeparator = true
    expect((await tokens({ scope: 'identity, avatar birthday' })).scopes).toHaveLength(3)
  })
})

test('a denied consent comes back as access_denied', async () => {
  const url = address(`${base}/oauth/auth`, query)
  const back = await signInThrough(seznam, url, { user: 'krasty', deny: true })
  expect(back).toBe(`${redirectUri}?error=access_denied&state=opaque`)
})

test('redirect addresses become https, but for localhost', () => {
  expect(toHttps('http://127.0.0.1:8787/x')).toBe('https://127.0.0.1:8787/x')
  expect(toHttps('http://localhost:8787/x')).toBe('http://localhost:8787/x')
})

test('HTTP can be 200 whatever the body says', async () => {
  seznam.switches.httpStatusMirrorsBody = false
  expect(await user('unknown')).toMatchObject({
    status: 200,
    json: { status: 401, error: 'invalid_token' },
  })
})

test('a form is taken only where the switch says so', async () => {
  const form = exchangeBody(await signIn())
  expect((await call({ url: `${base}/oauth/token`, form })).status).toBe(400)
  expect(seznam.log.at(-1)?.refused).toBe('Content-Type must be application/json')
  seznam.switches.acceptForm = true
  expect((await call({ url: `${base}/oauth/token`, form })).status).toBe(200)
})

test('a refresh can rotate', async () => {
  seznam.switches.rotate = true
  const first = await tokens()
  expect((await refresh(first.refresh_token)).json.refresh_token).not.toBe(first.refresh_token)
  expect((await refresh(first.refresh_token)).json).toMatchObject({
    error: 'invalid_grant',
    status: 400,
  })
})

test('an expired bearer cannot revoke', async () => {
  const { access_token, refresh_token } = await tokens()
  seznam.expireAccessTokens()
  expect((await revoke(access_token, 'refresh_token', refresh_token)).status).toBe(401)
})

test('PKCE is verified where a challenge was sent, and can be required', async () => {
  const challenge = { code_challenge: pkceSample.challenge, code_challenge_method: 'S256' }
  const body = exchangeBody(await signIn(challenge))
  expect((await token(body)).status).toBe(400)
  expect(seznam.log.at(-1)?.refused).toBe('parameter code_verifier is missing')
  const again = exchangeBody(await signIn(challenge))
  expect((await token({ ...again, code_verifier: pkceSample.verifier })).status).toBe(200)
  seznam.switches.requirePkce = true
  await call({ url: address(`${base}/oauth/auth`, query), method: 'GET' })
  expect(seznam.log.at(-1)?.refused).toBe('code_challenge is missing')
})

describe('authorize refuses', () => {
  const essential = (scope: string) =>
    JSON.stringify({ userinfo: { [scope]: { essential: true } } })
  test.each([
    ['an unknown client', { client_id: 'x' }, /client_id is unknown/],
    [
      'an unregistered address',
      { redirect_uri: 'https://evil.example' },
      /redirect_uri is not registered/,
    ],
    ['scopes by spaces', { scope: 'identity avatar' }, /not separated by commas/],
    ['an unknown scope', { scope: 'identity,address' }, /unknown scope/],
    ['scopes without identity', { scope: 'avatar' }, /identity is mandatory/],
    ['no scope', { scope: undefined }, /scope is missing/],
    ['no state', { state: undefined }, /state is missing/],
    [
      'claims encoded twice',
      { claims: encodeURIComponent(essential('avatar')) },
      /percent-encoded once/,
    ],
    [
      'claims outside userinfo',
      { claims: '{"avatar":{"essential":true}}' },
      /percent-encoded once/,
    ],
    ['claims for what is not asked', { claims: essential('gender') }, /not asked for/],
    ['claims without essential', { claims: '{"userinfo":{"avatar":true}}' }, /no essential/],
    ['another response_type', { response_type: 'token' }, /must be code/],
  ])('%s', async (_, change, reason) => {
    await call({ url: address(`${base}/oauth/auth`, { ...query, ...change }), method: 'GET' })
    expect(seznam.log.at(-1)?.refused).toMatch(reason)
  })
})

describe('the token address refuses', () => {
  type Body = ReturnType<typeof exchangeBody>
  test.each<[string, (body: Body) => Partial<Sent>, RegExp]>([
    ['another Accept', () => ({ headers: { accept: 'text/html' } }), /Accept must be/],
    ['malformed JSON', () => ({ body: '{"code": "x"' }), /not a JSON object/],
    ['a list', () => ({ json: [] }), /not a JSON object/],
    ['a number', (body) => ({ json: { ...body, code: 1 } }), /member code is not a string/],
    [
      'a Basic header',
      () => ({ headers: { authorization: 'Basic eDp5' } }),
      /no authorization header/,
    ],
    ['a wrong secret', (body) => ({ json: { ...body, client_secret: 'x' } }), /wrong client/],
    ['no secret', (body) => ({ json: without(body, 'client_secret') }), /client_secret is missing/],
    ['no address', (body) => ({ json: without(body, 'redirect_uri') }), /redirect_uri is missing/],
    [
      'another address',
      (body) => ({ json: { ...body, redirect_uri: 'https://app.example/' } }),
      /redirect_uri is not/,
    ],
    ['parameters in the query', () => ({ url: `${base}/oauth/token?a=b` }), /not in the query/],
    ['another grant', (body) => ({ json: { ...body, grant_type: 'password' } }), /neither/],
    ['a scope', (body) => ({ json: { ...body, scope: 'identity' } }), /no parameter scope/],
    [
      'a verifier without a challenge',
      (body) => ({ json: { ...body, code_verifier: 'x' } }),
      /without a code_challenge/,
    ],
    ['GET', () => ({ method: 'GET', json: undefined }), /not GET/],
  ])('%s', async (_, change, reason) => {
    const json = exchangeBody(await signIn())
    const { json: changed = json, body, ...rest } = change(json)
    const written = body === undefined ? JSON.stringify(changed) : body
    const headers = { 'content-type': 'application/json', ...rest.headers }
    const sent = { url: `${base}/oauth/token`, ...rest, headers }
    await call(rest.method === 'GET' ? sent : { ...sent, body: written })
    expect(seznam.log.at(-1)?.refused).toMatch(reason)
  })
})

test.each<[string, Partial<Sent>, RegExp]>([
  [
    'the user without Accept',
    { url: `${base}/user`, method: 'GET', headers: { accept: '*/*' } },
    /Accept/,
  ],
  [
    'the user without a token',
    { url: `${base}/user`, method: 'GET' },
    /Authorization header is missing/,
  ],
  [
    'the user with a Basic header',
    { url: `${base}/user`, method: 'GET', headers: { authorization: 'Basic eDp5' } },
    /scheme Bearer/,
  ],
  [
    'a revocation without a bearer',
    { url: `${base}/oauth/revoke`, json: {} },
    /Authorization header is missing/,
  ],
])('%s is refused', async (_, sent, reason) => {
  expect((await call({ url: base, ...sent })).status).toBeGreaterThanOrEqual(400)
  expect(seznam.log.at(-1)?.refused).toMatch(reason)
})

test('a revocation needs a hint that fits', async () => {
  const { access_token, refresh_token } = await tokens()
  expect((await revoke(access_token, 'id_token', refresh_token)).status).toBe(400)
  expect(seznam.log.at(-1)?.refused).toMatch(/neither of the two/)
  expect((await revoke(access_token, 'access_token', refresh_token)).status).toBe(400)
})

test('nobody revokes another person’s token', async () => {
  const { access_token } = await tokens()
  const { refresh_token } = await tokens({}, { user: 'pavla' })
  expect((await revoke(access_token, 'refresh_token', refresh_token)).status).toBe(400)
})

test('an unknown code, and an expired refresh token, are invalid_grant', async () => {
  await token(exchangeBody('unknown'))
  expect(seznam.log.at(-1)?.failed).toBe('the code is unknown')
  const { refresh_token } = await tokens()
  seznam.expireRefreshTokens()
  expect((await refresh(refresh_token)).json).toMatchObject({ status: 400, error: 'invalid_grant' })
})

test('whose account is deleted gets neither tokens nor a user object', async () => {
  const { access_token } = await tokens()
  const body = exchangeBody(await signIn())
  delete seznam.users.krasty
  expect((await user(access_token)).status).toBe(401)
  expect((await token(body)).status).toBe(400)
})
