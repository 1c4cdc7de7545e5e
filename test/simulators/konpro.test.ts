import { beforeEach, describe, expect, test } from 'vitest'
import { address, createClock, like, namesOf, pkceSample, send, without } from './exchange'
import { createKonpro, type KonproSimulator } from './konpro'
import { signInThrough } from './sign-in-through'
import { simulatorFetch } from './simulator-fetch'

const authorizeUrl = 'https://app.konpro.ai/oauth/authorize'
const tokenUrl = 'https://api.konpro.ai/v1/oauth/token'
const refreshUrl = 'https://api.konpro.ai/v1/oauth/refresh_token'
const accountUrl = 'https://api.konpro.ai/v1/pacific/account.get'
const redirectUri = 'https://app.example/callback/konpro'
const query = {
  client_id: 'latchkey-demo_app.konpro',
  state: 'xyz789',
  redirect_uri: redirectUri,
  code_challenge: pkceSample.challenge,
  code_challenge_method: 'S256',
  response_type: 'code',
}

let konpro: KonproSimulator
let clock: ReturnType<typeof createClock>
let fetch: typeof globalThis.fetch

beforeEach(() => {
  clock = createClock()
  konpro = createKonpro({ now: clock.now, corsOrigins: ['https://app.example'] })
  fetch = simulatorFetch([konpro])
})

const signIn = async () => {
  const back = new URL(await signInThrough(konpro, address(authorizeUrl, query), { user: 'ada' }))
  return back.searchParams.get('code') ?? ''
}
const exchangeForm = (code: string) => ({
  code,
  client_id: query.client_id,
  grant_type: 'authorization_code',
  redirect_uri: redirectUri,
  code_verifier: pkceSample.verifier,
})
const refreshForm = (token: unknown) => ({
  client_id: query.client_id,
  grant_type: 'refresh_token',
  refresh_token: String(token),
})
const tokens = async () =>
  (await send(fetch, { url: tokenUrl, form: exchangeForm(await signIn()) })).json
const account = (headers: Record<string, string>) =>
  send(fetch, { url: accountUrl, method: 'GET', headers })

test('a login ends in tokens, the account, and a refresh at its own address', async () => {
  const back = new URL(await signInThrough(konpro, address(authorizeUrl, query), { user: 'ada' }))
  expect(`${back.origin}${back.pathname}`).toBe(redirectUri)
  expect(back.searchParams.get('state')).toBe('xyz789')
  const form = exchangeForm(back.searchParams.get('code') ?? '')
  const { json } = await send(fetch, { url: tokenUrl, form })
  expect(json).toEqual({
    access_token: like(/c0ffee/),
    token_type: 'Bearer',
    expires_in: 864_000,
    refresh_token: like(/c0ffee/),
  })
  const { json: answer } = await account({ authorization: `Bearer ${String(json.access_token)}` })
  expect(answer).toMatchObject({ code: 100, data: { user: { email: 'ada@studio.example' } } })
  expect(namesOf(answer.data)).toEqual([
    'experiments',
    'features',
    'space_info',
    'user',
    'user_plan',
  ])
  const renewed = await send(fetch, { url: refreshUrl, form: refreshForm(json.refresh_token) })
  expect(renewed.json.refresh_token).not.toBe(json.refresh_token)
  expect(konpro.log.filter((entry) => entry.refused !== undefined)).toEqual([])
})

test('an API token opens the account as well', async () => {
  const answer = await account({ 'x-api-key': konpro.users.grace?.apiToken ?? '' })
  expect(answer.json).toMatchObject({ data: { user: { email: 'grace@navy.example' } } })
  expect(konpro.issued).toContain(konpro.users.grace?.apiToken)
})

test('the account can come without its envelope', async () => {
  konpro.switches.envelope = false
  const answer = await account({ 'x-api-key': konpro.users.ada?.apiToken ?? '' })
  expect(answer.json).toHaveProperty('user.username')
})

test('API errors are objects, or numbers', async () => {
  const { access_token } = await tokens()
  clock.pass(864_000)
  const headers = { authorization: `Bearer ${String(access_token)}` }
  expect(await account(headers)).toMatchObject({
    status: 401,
    json: { error: { code: 'INVALID_API_KEY' } },
  })
  konpro.switches.apiErrors = 'numbered'
  expect(await account(headers)).toMatchObject({ status: 401, json: { code: 401_056 } })
})

test('a spent refresh token is invalid_grant, with 400 or 401', async () => {
  const form = refreshForm((await tokens()).refresh_token)
  await send(fetch, { url: refreshUrl, form })
  expect(await send(fetch, { url: refreshUrl, form })).toMatchObject({
    status: 400,
    json: { error: 'invalid_grant' },
  })
  konpro.switches.grantErrorStatus = 401
  expect((await send(fetch, { url: refreshUrl, form })).status).toBe(401)
})

test('a deployment may refresh at the token address instead', async () => {
  const form = refreshForm((await tokens()).refresh_token)
  expect((await send(fetch, { url: tokenUrl, form })).status).toBe(400)
  konpro.switches.refreshAt = 'token'
  expect((await send(fetch, { url: refreshUrl, form })).status).toBe(404)
  expect((await send(fetch, { url: tokenUrl, form })).status).toBe(200)
})

test('the app host answers a token request with a page and status 200', async () => {
  const answer = await send(fetch, {
    url: 'https://app.konpro.ai/v1/oauth/token',
    form: exchangeForm('x'),
  })
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toMatch(/^text\/html/)
  expect(konpro.log.at(-1)?.refused).toMatch(/app host/)
  konpro.switches.htmlFromAppHost = false
  expect(
    (await send(fetch, { url: 'https://app.konpro.ai/v1/oauth/token', form: {} })).status,
  ).toBe(404)
})

describe('CORS', () => {
  const preflight = (origin: string, method: string, headers: string) =>
    send(fetch, {
      url: accountUrl,
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': method,
        'access-control-request-headers': headers,
      },
    })

  test('lets the registered origin send a token, and read the answer', async () => {
    const asked = await preflight('https://app.example', 'GET', 'authorization,x-api-key')
    expect(asked.headers.get('access-control-allow-origin')).toBe('https://app.example')
    expect(asked.headers.get('access-control-allow-headers')).toBe(
      'authorization, x-api-key, content-type',
    )
    const answer = await account({ origin: 'https://app.example' })
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://app.example')
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull()
  })

  test.each([
    [
      'another origin',
      'https://evil.example',
      'GET',
      'authorization',
      'this origin is not registered',
    ],
    ['another method', 'https://app.example', 'DELETE', 'authorization', 'no such method'],
    ['another header', 'https://app.example', 'GET', 'x-latchkey', 'no header x-latchkey'],
  ])('does not let in %s', async (_, origin, method, headers, reason) => {
    const asked = await preflight(origin, method, headers)
    expect(asked.headers.get('access-control-allow-headers')).toBeNull()
    expect(konpro.log.at(-1)?.refused).toBe(`CORS: ${reason}`)
  })
})

describe('authorize refuses', () => {
  test.each([
    ['an unknown client', { client_id: 'x' }, 'client_id is unknown'],
    [
      'an address that is not approved',
      { redirect_uri: 'https://evil.example/' },
      'redirect_uri is not the approved one',
    ],
    ['no challenge', { code_challenge: undefined }, 'parameter code_challenge is missing'],
    ['a plain challenge', { code_challenge_method: 'plain' }, 'code_challenge_method must be S256'],
    [
      'a challenge that is no SHA-256',
      { code_challenge: 'short' },
      'code_challenge is not the base64url of a SHA-256',
    ],
    ['no state', { state: undefined }, 'parameter state is missing'],
    ['a scope', { scope: 'all' }, 'the document has no parameter scope here'],
    ['another response_type', { response_type: 'token' }, 'response_type must be code'],
  ])('%s', async (_, change, reason) => {
    await send(fetch, { url: address(authorizeUrl, { ...query, ...change }), method: 'GET' })
    expect(konpro.log.at(-1)?.refused).toBe(reason)
  })
})

describe('the token address refuses', () => {
  type Form = ReturnType<typeof exchangeForm>
  test.each([
    [
      'a client secret',
      (form: Form) => ({ form: { ...form, client_secret: 's' } }),
      /no parameter client_secret/,
    ],
    ['an API token', () => ({ headers: { 'x-api-key': 'x' } }), /no x-api-key header/],
    [
      'an Authorization header',
      () => ({ headers: { authorization: 'Basic eDp5' } }),
      /no authorization header/,
    ],
    [
      'another client',
      (form: Form) => ({ form: { ...form, client_id: 'x' } }),
      /client_id is unknown/,
    ],
    [
      'no verifier',
      (form: Form) => ({ form: without(form, 'code_verifier') }),
      /code_verifier is missing/,
    ],
    [
      'a wrong verifier',
      (form: Form) => ({ form: { ...form, code_verifier: 'a'.repeat(43) } }),
      /does not fit/,
    ],
    ['a short verifier', (form: Form) => ({ form: { ...form, code_verifier: 'a' } }), /43 to 128/],
    [
      'another address',
      (form: Form) => ({ form: { ...form, redirect_uri: 'https://app.example/' } }),
      /step 1/,
    ],
    ['JSON', (form: Form) => ({ form: undefined, json: form }), /Content-Type/],
    ['GET', () => ({ method: 'GET', form: undefined }), /not GET/],
  ])('%s', async (_, change, reason) => {
    const form = exchangeForm(await signIn())
    const sent = { url: tokenUrl, form }
    await send(fetch, Object.assign(sent, change(form)))
    expect(konpro.log.at(-1)?.refused).toMatch(reason)
  })
})

test.each([
  ['without grant_type', { grant_type: undefined }, /grant_type is missing/],
  ['with another grant_type', { grant_type: 'authorization_code' }, /must be refresh_token/],
  ['with a secret', { client_secret: 's' }, /no parameter client_secret/],
  ['of another client', { client_id: 'x' }, /client_id is unknown/],
])('a refresh %s is refused', async (_, change, reason) => {
  const form = { ...refreshForm((await tokens()).refresh_token), ...change }
  const given = Object.entries(form).filter(
    (pair): pair is [string, string] => pair[1] !== undefined,
  )
  expect((await send(fetch, { url: refreshUrl, form: given })).status).toBe(400)
  expect(konpro.log.at(-1)?.refused).toMatch(reason)
})

test('Bearer and X-API-KEY together are refused', async () => {
  const { access_token } = await tokens()
  const key = konpro.users.ada?.apiToken ?? ''
  const answer = await account({
    authorization: `Bearer ${String(access_token)}`,
    'x-api-key': key,
  })
  expect(answer.status).toBe(400)
  expect(konpro.log.at(-1)?.refused).toBe('both Authorization and X-API-KEY')
})

test('an unknown API token, and a person who is gone, get 401', async () => {
  expect((await account({ 'x-api-key': 'unknown' })).status).toBe(401)
  const { access_token } = await tokens()
  delete konpro.users.ada
  expect((await account({ authorization: `Bearer ${String(access_token)}` })).status).toBe(401)
})
