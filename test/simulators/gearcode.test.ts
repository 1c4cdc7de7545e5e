import { beforeEach, describe, expect, test } from 'vitest'
import { address, createClock, like, pkceSample, send, without } from './exchange'
import { createGearcode, type GearcodeSimulator } from './gearcode'
import { signInThrough } from './sign-in-through'
import { simulatorFetch } from './simulator-fetch'

const authorizeUrl = 'https://auth.gearcode.eu/oauth/authorize'
const tokenUrl = 'https://auth.gearcode.eu/oauth/token'
const redirectUri = 'https://my.sample.webapp.com/auth-callback'
const clientId = 'sample.webapp.fe9d3e203b164c7e8896369673003291'
const query = { redirect_uri: redirectUri, client_id: clientId, response_type: 'code' }

let gearcode: GearcodeSimulator
let clock: ReturnType<typeof createClock>
let fetch: typeof globalThis.fetch

beforeEach(() => {
  clock = createClock()
  gearcode = createGearcode({ now: clock.now })
  fetch = simulatorFetch([gearcode])
})

const credentials = () => ({
  client_id: clientId,
  client_secret: gearcode.client.secret ?? '',
  resource_id: clientId,
})
const signIn = async (change: Record<string, string> = {}) => {
  const back = await signInThrough(gearcode, address(authorizeUrl, { ...query, ...change }), {
    user: 'jan',
  })
  return new URL(back).searchParams.get('code') ?? ''
}
const exchangeForm = (code: string) => ({
  code,
  grant_type: 'authorization_code',
  ...credentials(),
})
const post = (form: Record<string, string>) => send(fetch, { url: tokenUrl, form })
const refreshForm = (token: unknown) => ({
  grant_type: 'refresh_token',
  refresh_token: String(token),
  ...credentials(),
})

test('a login ends in tokens of fifteen minutes, and a refresh rotates', async () => {
  const { json } = await post(exchangeForm(await signIn()))
  expect(json).toEqual({
    access_token: like(/^eyJ[\w-]+\.[\w-]+\.[\w-]+$/),
    token_type: 'bearer',
    expires_in: 899,
    refresh_token: like(/^c0ffee[\w-]+$/),
  })
  const claims: unknown = JSON.parse(
    Buffer.from(String(json.access_token).split('.')[1] ?? '', 'base64url').toString(),
  )
  expect(claims).toMatchObject({ aud: clientId, unique_name: 'jan.kowalczyk@warsztat.example' })
  const renewed = await post(refreshForm(json.refresh_token))
  expect(renewed.json.refresh_token).not.toBe(json.refresh_token)
  expect((await post(refreshForm(json.refresh_token))).json).toEqual({ error: 'invalid_grant' })
  expect(gearcode.log.filter((entry) => entry.refused !== undefined)).toEqual([])
})

test('reuse detection ends the whole family', async () => {
  gearcode.switches.reuseDetection = true
  const first = (await post(exchangeForm(await signIn()))).json
  const second = (await post(refreshForm(first.refresh_token))).json
  await post(refreshForm(first.refresh_token))
  expect((await post(refreshForm(second.refresh_token))).status).toBe(400)
})

test('state comes back, or not', async () => {
  const url = address(authorizeUrl, { ...query, state: 's' })
  expect(await signInThrough(gearcode, url, { user: 'ewa' })).toContain('state=s')
  gearcode.switches.echoState = false
  expect(await signInThrough(gearcode, url, { user: 'ewa' })).not.toContain('state')
  expect(await signInThrough(gearcode, url, { user: 'ewa', deny: true })).toBe(
    `${redirectUri}?error=access_denied`,
  )
})

test('redirect_uri in the exchange is not needed, must fit, and can be required', async () => {
  const right = { ...exchangeForm(await signIn()), redirect_uri: redirectUri }
  expect((await post(right)).status).toBe(200)
  const wrong = { ...exchangeForm(await signIn()), redirect_uri: `${redirectUri}/` }
  expect((await post(wrong)).status).toBe(400)
  gearcode.switches.requireRedirectUriAtToken = true
  expect((await post(exchangeForm(await signIn()))).status).toBe(400)
  expect(gearcode.log.at(-1)?.refused).toBe('parameter redirect_uri is missing')
})

test('access tokens can be opaque', async () => {
  gearcode.switches.opaqueAccessToken = true
  const { json } = await post(exchangeForm(await signIn()))
  expect(json.access_token).toMatch(/^c0ffee[\w-]+$/)
})

describe('PKCE', () => {
  const challenge = { code_challenge: pkceSample.challenge, code_challenge_method: 'S256' }
  const verifier = { code_verifier: pkceSample.verifier }

  test('is refused while no document knows it', async () => {
    await send(fetch, { url: address(authorizeUrl, { ...query, ...challenge }), method: 'GET' })
    expect(gearcode.log.at(-1)?.refused).toMatch(/no parameter code_challenge/)
    await post({ ...exchangeForm(await signIn()), ...verifier })
    expect(gearcode.log.at(-1)?.refused).toMatch(/no parameter code_verifier/)
  })

  test('can be ignored', async () => {
    gearcode.switches.pkce = 'ignored'
    const form = exchangeForm(await signIn(challenge))
    expect((await post({ ...form, code_verifier: 'x' })).status).toBe(200)
  })

  test('can be enforced', async () => {
    gearcode.switches.pkce = 'enforced'
    await send(fetch, { url: address(authorizeUrl, query), method: 'GET' })
    expect(gearcode.log.at(-1)?.refused).toBe('code_challenge is missing')
    expect((await post(exchangeForm(await signIn(challenge)))).status).toBe(400)
    const wrong = { ...exchangeForm(await signIn(challenge)), code_verifier: 'x'.repeat(43) }
    expect((await post(wrong)).status).toBe(400)
    expect((await post({ ...exchangeForm(await signIn(challenge)), ...verifier })).status).toBe(200)
  })
})

describe('authorize refuses', () => {
  test.each([
    ['an unknown client', { client_id: 'x' }, 'client_id is unknown'],
    ['a client id with a space behind it', { client_id: `${clientId} ` }, 'client_id is unknown'],
    [
      'an address that is not on the list',
      { redirect_uri: 'https://evil.example' },
      'redirect_uri is not on the allowed list',
    ],
    ['a scope', { scope: 'openid' }, 'the document has no parameter scope here'],
    ['no response_type', { response_type: undefined }, 'parameter response_type is missing'],
    ['another response_type', { response_type: 'token' }, 'response_type must be code'],
  ])('%s', async (_, change, reason) => {
    await send(fetch, { url: address(authorizeUrl, { ...query, ...change }), method: 'GET' })
    expect(gearcode.log.at(-1)?.refused).toBe(reason)
  })
})

describe('the token address refuses, with 400,', () => {
  type Form = ReturnType<typeof exchangeForm>
  test.each([
    [
      'a Basic header',
      () => ({ headers: { authorization: 'Basic eDp5' } }),
      /no authorization header/,
    ],
    [
      'no resource_id',
      (form: Form) => ({ form: without(form, 'resource_id') }),
      /resource_id is missing/,
    ],
    [
      'another resource_id',
      (form: Form) => ({ form: { ...form, resource_id: 'x' } }),
      /resource_id is not/,
    ],
    [
      'no secret',
      (form: Form) => ({ form: without(form, 'client_secret') }),
      /client_secret is missing/,
    ],
    ['a wrong secret', (form: Form) => ({ form: { ...form, client_secret: 'x' } }), /wrong client/],
    [
      'a space after the client id',
      (form: Form) => ({ form: { ...form, client_id: `${clientId} ` } }),
      /a space around it/,
    ],
    ['JSON', (form: Form) => ({ form: undefined, json: form }), /Content-Type/],
    ['a scope', (form: Form) => ({ form: { ...form, scope: 'x' } }), /no parameter scope/],
    ['another grant', (form: Form) => ({ form: { ...form, grant_type: 'password' } }), /neither/],
  ])('%s', async (_, change, reason) => {
    const form = exchangeForm(await signIn())
    const sent = { url: tokenUrl, form }
    expect((await send(fetch, Object.assign(sent, change(form)))).status).toBe(400)
    expect(gearcode.log.at(-1)?.refused).toMatch(reason)
  })

  test('a refresh without resource_id', async () => {
    const { resource_id: _, ...form } = refreshForm('x')
    expect((await post(form)).status).toBe(400)
    expect(gearcode.log.at(-1)?.refused).toMatch(/resource_id is missing/)
  })
})
