import { beforeEach, describe, expect, test } from 'vitest'
import { address, basic, createClock, send, without, type Sent } from './exchange'
import { createOnesait, type OnesaitSimulator } from './onesait'
import { simulatorFetch } from './simulator-fetch'

const base = 'https://www.onesaitplatform.online/oauth-server'
const tokenUrl = `${base}/oauth/token`
const checkUrl = `${base}/oauth/check_token`
const platformCheckUrl = `${base}/openplatform-oauth/check_token`
const revokeUrl = `${base}/openplatform-oauth/revoke_token`
const formType = { 'content-type': 'application/x-www-form-urlencoded' }
const passwordForm = {
  grant_type: 'password',
  username: 'developer',
  password: 'faro-developer',
  clientId: 'Latchkey-Demo_Realm.v1',
  scope: 'openid',
}

let onesait: OnesaitSimulator
let clock: ReturnType<typeof createClock>
let call: (sent: Sent) => ReturnType<typeof send>

beforeEach(() => {
  clock = createClock()
  onesait = createOnesait({ now: clock.now })
  const fetch = simulatorFetch([onesait])
  const authorization = basic(onesait.client)
  call = (sent) => send(fetch, { ...sent, headers: { authorization, ...sent.headers } })
})

const login = (change: Partial<typeof passwordForm> = {}) =>
  call({ url: tokenUrl, form: { ...passwordForm, ...change } })
const refresh = (token: unknown) =>
  call({ url: tokenUrl, form: { grant_type: 'refresh_token', refresh_token: String(token) } })
const check = (token: unknown) => call({ url: checkUrl, form: { token: String(token) } })
const revoke = (token: unknown) =>
  call({ url: address(revokeUrl, { token: String(token) }), headers: formType })

test('a login, a check, a refresh and a revocation as documented', async () => {
  const { json, headers } = await login()
  expect(headers.get('content-type')).toBe('application/json;charset=UTF-8')
  expect(json).toMatchObject({
    token_type: 'bearer',
    expires_in: 43_200,
    scope: 'openid',
    principal: 'developer',
    clientId: 'Latchkey-Demo_Realm.v1',
    authorities: ['ROLE_TEST', 'ROLE_EDITOR'],
  })
  expect(json.access_token).toMatch(/^eyJ[\w-]+\.[\w-]+\.[\w-]+$/)
  expect(json.parameters).toEqual(without(passwordForm, 'password'))
  expect((await check(json.access_token)).json).toMatchObject({
    user_name: 'developer',
    client_id: 'Latchkey-Demo_Realm.v1',
    exp: clock.now() / 1000 + 43_200,
    active: true,
  })
  const renewed = await refresh(json.refresh_token)
  expect(renewed.status).toBe(200)
  expect((await revoke(renewed.json.access_token)).json).toEqual({
    access_token: renewed.json.access_token,
    state: 'invalid_token',
  })
  expect((await check(renewed.json.access_token)).status).toBe(401)
  expect(onesait.log.filter((entry) => entry.refused !== undefined)).toEqual([])
})

describe('one pair is shared by all logins of a user in a realm', () => {
  test('a second login gets the same pair with less time left', async () => {
    const first = (await login()).json
    clock.pass(40_000)
    const second = (await login()).json
    expect(second).toMatchObject({ ...without(first, 'expires_in'), expires_in: 3200 })
  })

  test('another scope, or another user, gets another pair', async () => {
    const { access_token } = (await login()).json
    expect((await login({ scope: 'authorization_code' })).json.access_token).not.toBe(access_token)
    const analyst = await login({ username: 'analyst', password: 'faro-analyst' })
    expect(analyst.json.access_token).not.toBe(access_token)
  })

  test('expires_in can be 0', async () => {
    await login()
    clock.pass(43_199.5)
    expect((await login()).json.expires_in).toBe(0)
  })

  test('a login after the access token expired keeps the refresh token', async () => {
    const first = (await login()).json
    onesait.expireAccessTokens()
    const second = (await login()).json
    expect(second.access_token).not.toBe(first.access_token)
    expect(second.refresh_token).toBe(first.refresh_token)
  })

  test('a refresh ends the old refresh token and the old access token at once', async () => {
    const first = (await login()).json
    const second = (await refresh(first.refresh_token)).json
    expect((await check(first.access_token)).json.error).toBe('invalid_token')
    expect((await check(second.access_token)).status).toBe(200)
    const again = await refresh(first.refresh_token)
    expect(again.status).toBe(401)
    expect(again.json).toEqual({
      error: 'invalid_grant',
      error_description: `Invalid refresh token: ${String(first.refresh_token)}`,
    })
    // No family dies of the second spend.
    expect((await refresh(second.refresh_token)).status).toBe(200)
  })

  test('a revocation ends both', async () => {
    const { access_token, refresh_token } = (await login()).json
    await revoke(access_token)
    expect((await check(access_token)).status).toBe(401)
    expect((await refresh(refresh_token)).status).toBe(401)
  })
})

describe('a login fails', () => {
  test.each([
    ['with a wrong password', { password: 'x' }, 400, 'Password incorrect for developer'],
    ['for an unknown user', { username: 'nobody' }, 404, 'User not exists: nobody'],
    [
      'for a deactivated user',
      { username: 'retired', password: 'faro-retired' },
      401,
      'User deactivated: retired',
    ],
    [
      'outside the realm',
      { username: 'outsider', password: 'faro-outsider' },
      403,
      'User is not in clientId/Realm',
    ],
  ])('%s', async (_, change, status, text) => {
    const answer = await login(change)
    expect(answer.status).toBe(status)
    expect(answer.json.error_description).toContain(text)
    expect(onesait.log.at(-1)?.refused).toBeUndefined()
  })

  test('for good after too many wrong passwords', async () => {
    for (let attempt = 0; attempt < 5; attempt += 1) await login({ password: 'x' })
    expect(await login()).toMatchObject({ status: 401 })
  })
})

test('an expired refresh token is invalid_token, with the token in the header', async () => {
  const { refresh_token } = (await login()).json
  onesait.expireRefreshTokens()
  const answer = await refresh(refresh_token)
  expect(answer).toMatchObject({ status: 401, json: { error: 'invalid_token' } })
  expect(answer.headers.get('www-authenticate')).toContain(refresh_token)
})

test('an expired token is told apart from an unknown one', async () => {
  const { access_token } = (await login()).json
  onesait.expireAccessTokens()
  expect((await check(access_token)).json.error_description).toBe('Token has expired')
  expect((await check('x')).json.error_description).toBe('Token was not recognised')
})

test('an old installation checks by GET', async () => {
  const { access_token } = (await login()).json
  const get = { url: address(checkUrl, { token: String(access_token) }), method: 'GET' }
  expect((await call(get)).status).toBe(405)
  onesait.switches.legacyCheck = true
  expect((await call(get)).status).toBe(200)
})

describe('the platform’s own endpoints', () => {
  test('check with the client as scope', async () => {
    const { access_token } = (await login()).json
    const url = address(platformCheckUrl, { token: String(access_token) })
    expect((await call({ url })).json).toMatchObject({
      scope: ['Latchkey-Demo_Realm.v1'],
      grant_type: 'password',
    })
  })

  test.each([platformCheckUrl, revokeUrl])('answer 200 also when it failed: %s', async (base) => {
    const sent = { url: address(base, { token: 'unknown' }), headers: formType }
    expect(await call(sent)).toMatchObject({ status: 200, json: { error: 'invalid_token' } })
    const authorization = basic({ id: 'x', secret: 'y' })
    expect(await call({ ...sent, headers: { ...formType, authorization } })).toMatchObject({
      status: 200,
      json: { error: 'access_denied', error_description: 'unknown' },
    })
  })

  test('revoke takes the token in a form too', async () => {
    const { access_token } = (await login()).json
    const answer = await call({ url: revokeUrl, form: { token: String(access_token) } })
    expect(answer.json).toHaveProperty('state', 'invalid_token')
  })

  test('userinfo names the user, where there is one', async () => {
    const { access_token } = (await login()).json
    const sent = {
      url: `${base}/oidc/userinfo`,
      method: 'GET',
      headers: { authorization: `Bearer ${String(access_token)}` },
    }
    expect((await call(sent)).json).toMatchObject({ sub: 'developer', userid: '(developer)' })
    onesait.switches.userinfo = false
    expect((await call(sent)).status).toBe(404)
  })
})

describe('a login is refused', () => {
  const encoded = () => ({
    id: encodeURIComponent(onesait.client.id),
    secret: encodeURIComponent(onesait.client.secret ?? ''),
  })
  test.each<[string, () => Partial<Sent>, RegExp]>([
    [
      'with percent-encoded credentials',
      () => ({ headers: { authorization: basic(encoded()) } }),
      /percent-encoded/,
    ],
    [
      'with a wrong key',
      () => ({ headers: { authorization: basic({ id: 'a', secret: 'b' }) } }),
      /wrong client/,
    ],
    [
      'without the word Basic',
      () => ({ headers: { authorization: basic(onesait.client).slice(6) } }),
      /not of the scheme/,
    ],
    [
      'with client_id in the body',
      () => ({ form: { ...passwordForm, client_id: 'x' } }),
      /client_id in the body/,
    ],
    [
      'with a secret in the body',
      () => ({ form: { ...passwordForm, client_secret: 'x' } }),
      /no parameter client_secret/,
    ],
    [
      'without clientId',
      () => ({ form: without(passwordForm, 'clientId') }),
      /clientId is missing/,
    ],
    [
      'with another clientId',
      () => ({ form: { ...passwordForm, clientId: 'x' } }),
      /not the id of the Basic/,
    ],
    ['without a scope', () => ({ form: without(passwordForm, 'scope') }), /scope is missing/],
    [
      'with a scope of its own',
      () => ({ form: { ...passwordForm, scope: 'openid all' } }),
      /a scope that/,
    ],
    [
      'with scopes by commas',
      () => ({ form: { ...passwordForm, scope: 'openid,authorization_code' } }),
      /a scope that/,
    ],
    ['as JSON', () => ({ json: passwordForm }), /Content-Type/],
    ['by GET', () => ({ method: 'GET' }), /not GET/],
    [
      'with another grant',
      () => ({ form: { ...passwordForm, grant_type: 'client_credentials' } }),
      /a grant type/,
    ],
    [
      'without a grant',
      () => ({ form: without(passwordForm, 'grant_type') }),
      /grant_type is missing/,
    ],
  ])('%s', async (_, change, reason) => {
    const sent = change()
    const plain = sent.json === undefined && sent.method === undefined
    await call({ url: tokenUrl, ...(plain ? { form: passwordForm } : {}), ...sent })
    expect(onesait.log.at(-1)?.refused).toMatch(reason)
  })

  test('with the body of Spring Boot when the key is wrong', async () => {
    const answer = await call({
      url: tokenUrl,
      form: passwordForm,
      headers: { authorization: 'Basic eDp5' },
    })
    expect(answer).toMatchObject({
      status: 401,
      json: { error: 'Unauthorized', path: '/oauth-server/oauth/token' },
    })
    expect(answer.headers.get('www-authenticate')).toBe('Basic realm="oauth2/client"')
  })
})

test.each<[string, Partial<Sent>, RegExp]>([
  [
    'a refresh with clientId',
    { form: { grant_type: 'refresh_token', refresh_token: 'x', clientId: 'y' } },
    /no parameter clientId/,
  ],
  ['a check without a token', { url: checkUrl, form: {} }, /token is missing/],
  [
    'a check with a hint',
    { url: checkUrl, form: { token: 'x', token_type_hint: 'y' } },
    /no parameter token_type_hint/,
  ],
  [
    'a check by a stranger',
    { url: checkUrl, form: { token: 'x' }, headers: { authorization: 'Basic eDp5' } },
    /wrong client/,
  ],
  ['a revocation without its content type', { url: `${revokeUrl}?token=x` }, /Content-Type/],
  ['a revocation by GET', { url: `${revokeUrl}?token=x`, method: 'GET' }, /not GET/],
])('%s is refused', async (_, sent, reason) => {
  await call({ url: tokenUrl, ...sent })
  expect(onesait.log.at(-1)?.refused).toMatch(reason)
})

test('a refresh token of another client is refused', async () => {
  const { refresh_token } = (await login()).json
  onesait.client.id = 'other'
  const authorization = basic(onesait.client)
  const form = { grant_type: 'refresh_token', refresh_token: String(refresh_token) }
  const answer = await call({ url: tokenUrl, form, headers: { authorization } })
  expect(answer).toMatchObject({ status: 401, json: { error: 'invalid_grant' } })
  expect(answer.json.error_description).toMatch(/^Wrong client for this refresh token/)
})

test('userinfo knows nobody who is gone', async () => {
  const { access_token } = (await login()).json
  delete onesait.users.developer
  const headers = { authorization: `Bearer ${String(access_token)}` }
  const answer = await call({ url: `${base}/oidc/userinfo`, method: 'GET', headers })
  expect(answer.status).toBe(401)
})
