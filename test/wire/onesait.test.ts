import { describe, expect, test } from 'vitest'
import { onesaitJourneys } from './expected/onesait'
import { createScene, play } from './journey'

describe('the wire of onesait', () => {
  test.each(onesaitJourneys)('$name', async (journey) => {
    for await (const { step, happened, expected } of play('onesait', journey))
      expect(happened, step.name).toEqual(expected)
  })
})

function createOnesaitScene(variables: Record<string, string> = {}) {
  const scene = createScene('onesait', variables)
  const requests = () => scene.wire().map((text) => text.split('\n', 1)[0]?.split('/').at(-1))
  const signedIn = async (browser = scene.browser) =>
    (await scene.call('GET', '/bff/accounts/onesait', undefined, browser)).status === 200
  return { ...scene, requests, signedIn }
}

const hours = 3_600_000

describe('onesait', () => {
  test.each([
    ['a wrong password (400 invalid_grant)', 'developer', 'wrong'],
    ['an unknown user (404 invalid_grant)', 'nobody', 'wrong'],
    ['a user outside the realm (403 access_denied)', 'outsider', 'faro-outsider'],
    ['a deactivated user (401 unauthorized)', 'retired', 'faro-retired'],
  ])('says no to %s, and we say the same to all', async (_, username, password) => {
    const scene = createOnesaitScene()
    const answer = await scene.browser.call('POST', '/bff/login/onesait', { username, password })
    expect(answer.status).toBe(401)
    expect(await answer.json()).toEqual({
      type: 'urn:latchkey:invalid_credentials',
      title: 'User name and password do not match.',
      status: 401,
      code: 'invalid_credentials',
    })
    expect(answer.headers.getSetCookie()).toEqual([])
  })

  test('says 401 in the shape of Spring Boot to our own credentials, which is no wrong password', async () => {
    const scene = createOnesaitScene({ ONESAIT_CLIENT_SECRET: 'another' })
    expect(await scene.signIn()).toEqual({ status: 502, code: 'provider_error' })
  })

  test('says the same 401 to a refresh, which ends nothing', async () => {
    const scene = createOnesaitScene()
    await scene.signIn()
    scene.simulator.client.secret = 'another'
    expect((await scene.call('POST', '/bff/accounts/onesait/refresh')).code).toBe('provider_error')
    expect(await scene.signedIn()).toBe(true)
  })

  test('says 401 to a scope the realm does not have, which is no wrong password', async () => {
    const scene = createOnesaitScene({ ONESAIT_SCOPE: 'everything' })
    expect(await scene.signIn()).toEqual({ status: 502, code: 'provider_error' })
  })

  test('may put the whole principal where others put the user name', async () => {
    const scene = createOnesaitScene()
    scene.retell((answer) => ({ ...answer, principal: { username: 'developer', enabled: true } }))
    expect(await scene.signIn()).toMatchObject({
      body: { account: { subject: 'developer', label: 'developer' } },
    })
  })

  test('refuses a revocation with 200 and an error in the body, which is no success', async () => {
    const scene = createOnesaitScene()
    await scene.signIn()
    scene.simulator.revokeEverything()
    expect(await scene.call('POST', '/bff/accounts/onesait/revoke', { token: 'access' })).toEqual({
      status: 502,
      code: 'provider_error',
    })
    expect(await scene.call('DELETE', '/bff/accounts/onesait')).toEqual({
      status: 200,
      body: { effects: { local: 'cleared', tokens: 'failed', provider: 'unsupported' } },
    })
  })

  test('writes invalid_token into the body of a success too', async () => {
    const scene = createOnesaitScene()
    await scene.signIn()
    scene.simulator.faults.revoke = {
      status: 200,
      body: '{"access_token":"x","state":"invalid_token"}',
      headers: { 'content-type': 'application/json;charset=UTF-8' },
    }
    expect(await scene.call('POST', '/bff/accounts/onesait/revoke', { token: 'access' })).toEqual({
      status: 200,
      body: { account: null, revoked: true },
    })
  })

  test('quotes tokens and names in its errors, and none of it goes on to browser or log', async () => {
    const scene = createOnesaitScene()
    await scene.signIn()
    const revoke = async () =>
      await scene.browser.call('POST', '/bff/accounts/onesait/revoke', { token: 'access' })
    const refresh = async () => await scene.browser.call('POST', '/bff/accounts/onesait/refresh')
    scene.simulator.expireRefreshTokens()
    const answers = [await refresh()]
    await scene.signIn()
    scene.simulator.revokeEverything()
    answers.push(await revoke(), await refresh())
    const said = await Promise.all(answers.map((answer) => answer.text()))
    const shown = [...said, ...scene.stage.lines].join('\n')
    expect(scene.simulator.log.filter(({ failed }) => failed !== undefined)).toHaveLength(3)
    for (const secret of scene.simulator.issued) expect(shown).not.toContain(secret)
    expect(shown).not.toMatch(/Invalid refresh token|Invalid access token/)
  })

  test('may hand a second sign-in a pair with 0 seconds left, which is refreshed at its first use', async () => {
    const scene = createOnesaitScene()
    await scene.signIn()
    scene.wait(12 * hours - 500)
    // A server that has seen no other sign-in believes what it is told.
    scene.stage.restart()
    const other = scene.stage.browser()
    expect(await scene.signIn({}, other)).toMatchObject({
      status: 200,
      body: { account: { expiresAt: '2026-11-21T19:59:59.500Z' } },
    })
    scene.wire()
    const { body } = await scene.call('POST', '/bff/accounts/onesait/check', undefined, other)
    expect(body).toMatchObject({ active: true })
    expect(scene.requests()).toEqual(['token', 'check_token'])
    expect(await scene.signedIn()).toBe(true)
  })

  test('reissues the access token at a sign-in after it expired, and the other browser lives on', async () => {
    const scene = createOnesaitScene()
    await scene.signIn()
    scene.wait(13 * hours)
    await scene.signIn({}, scene.stage.browser())
    scene.wire()
    const { body } = await scene.call('POST', '/bff/accounts/onesait/check')
    expect(body).toMatchObject({ active: true })
    expect(await scene.signedIn()).toBe(true)
  })

  test('is asked for one refresh when two browsers of one user are due at once', async () => {
    const scene = createOnesaitScene()
    const other = scene.stage.browser()
    await scene.signIn()
    await scene.signIn({}, other)
    scene.wait(12 * hours - 30_000)
    scene.wire()
    const answers = await Promise.all(
      [scene.browser, other].map((browser) =>
        scene.call('POST', '/bff/accounts/onesait/check', undefined, browser),
      ),
    )
    expect(answers).toMatchObject([{ body: { active: true } }, { body: { active: true } }])
    expect(scene.requests()).toEqual(['token', 'check_token', 'check_token'])
  })

  test('ends every sign-in of the user by one revocation', async () => {
    const scene = createOnesaitScene()
    const other = scene.stage.browser()
    await scene.signIn()
    await scene.signIn({}, other)
    await scene.call('POST', '/bff/accounts/onesait/revoke', { token: 'access' })
    expect([await scene.signedIn(), await scene.signedIn(other)]).toEqual([false, false])
  })

  test('keeps apart the pairs of two users, and of two scopes of one user', async () => {
    const scene = createOnesaitScene()
    const analyst = scene.stage.browser()
    const wide = scene.stage.browser()
    await scene.signIn()
    await scene.signIn({ user: 'analyst' }, analyst)
    const typed = { username: 'developer', password: 'faro-developer' }
    const scope = 'openid authorization_code'
    await scene.call('POST', '/bff/login/onesait', { ...typed, scope }, wide)
    expect(await scene.call('DELETE', '/bff/accounts/onesait')).toMatchObject({
      body: { effects: { tokens: 'revoked' } },
    })
    expect([await scene.signedIn(analyst), await scene.signedIn(wide)]).toEqual([true, true])
  })

  test('takes no GET for a check unless it is old, which is not taken for an answer', async () => {
    const scene = createOnesaitScene({ ONESAIT_CHECK_BY_GET: '1' })
    await scene.signIn()
    expect((await scene.call('POST', '/bff/accounts/onesait/check')).code).toBe('provider_error')
  })
})
