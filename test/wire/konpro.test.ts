import { describe, expect, test } from 'vitest'
import { konproJourneys } from './expected/konpro'
import { createScene, play } from './journey'

describe('the wire of KonPro', () => {
  test.each(konproJourneys)('$name', async (journey) => {
    for await (const { step, happened, expected } of play('konpro', journey))
      expect(happened, step.name).toEqual(expected)
  })
})

function createKonproScene(variables: Record<string, string> = {}) {
  const scene = createScene('konpro', variables)
  const paths = () => scene.wire().map((text) => /^\S+ https:\/\/[^/]+(\S+)/.exec(text)?.[1])
  const signedIn = async () => (await scene.call('GET', '/bff/accounts/konpro')).status === 200
  return { ...scene, paths, signedIn }
}

const json = { 'content-type': 'application/json' }
const account = '/v1/pacific/account.get'
const refreshUrl = '/v1/oauth/refresh_token'

describe('KonPro', () => {
  test('answers a token request at the host for people with a page and 200, which is no success', async () => {
    const scene = createKonproScene({ KONPRO_URL: 'https://app.konpro.ai' })
    expect(await scene.signIn()).toEqual({
      status: 303,
      location: '/?error=provider_error&provider=konpro',
    })
    expect(scene.paths()).toEqual(['/oauth/authorize', '/v1/oauth/token'])
  })

  test('is believed nothing that does not call itself JSON, however it reads', async () => {
    const scene = createKonproScene()
    const body = '{"access_token":"a-token-in-a-page","token_type":"Bearer"}'
    scene.simulator.faults.token = { status: 200, body, headers: { 'content-type': 'text/html' } }
    expect(await scene.signIn()).toEqual({
      status: 303,
      location: '/?error=provider_error&provider=konpro',
    })
    expect(await scene.signedIn()).toBe(false)
  })

  test.each([400, 401] as const)(
    'ends the session with a string, invalid_grant, and status %i',
    async (status) => {
      const scene = createKonproScene()
      await scene.signIn()
      scene.simulator.switches.grantErrorStatus = status
      scene.simulator.expireRefreshTokens()
      expect((await scene.call('POST', '/bff/accounts/konpro/refresh')).code).toBe('session_ended')
      expect(await scene.signedIn()).toBe(false)
    },
  )

  test.each(['coded', 'numbered'] as const)(
    'says at the API with an object (%s) that the token has expired: one refresh, one more try',
    async (apiErrors) => {
      const scene = createKonproScene()
      await scene.signIn()
      scene.simulator.switches.apiErrors = apiErrors
      scene.simulator.expireAccessTokens()
      scene.wire()
      expect((await scene.call('GET', '/bff/accounts/konpro/profile')).status).toBe(200)
      expect(scene.paths()).toEqual([account, refreshUrl, account])
    },
  )

  test.each([
    ['RATE_LIMIT_EXCEEDED', 429, 503, 'provider_busy'],
    ['SERVICE_UNAVAILABLE', 503, 502, 'provider_error'],
    ['INSUFFICIENT_PERMISSIONS', 403, 502, 'provider_error'],
    ['PROCESSING_ERROR', 500, 502, 'provider_error'],
  ])('that answers %s signs nobody out', async (code, status, ours, problem) => {
    const scene = createKonproScene()
    await scene.signIn()
    const body = JSON.stringify({
      error: { code, message: 'no', details: {} },
      request_id: 'req-1',
    })
    scene.simulator.faults.profile = { status, body, headers: { ...json, 'retry-after': '7' } }
    const answer = await scene.browser.call('GET', '/bff/accounts/konpro/profile')
    expect(answer.status).toBe(ours)
    expect(answer.headers.get('retry-after')).toBe(status === 429 ? '7' : null)
    expect(await answer.json()).toMatchObject({ code: problem })
    expect(await scene.signedIn()).toBe(true)
  })

  test('is asked for a refresh once, and never at another address, when the outcome is unknown', async () => {
    const scene = createKonproScene()
    await scene.signIn()
    scene.wire()
    scene.simulator.faults.refresh = 'lost'
    expect((await scene.call('POST', '/bff/accounts/konpro/refresh')).code).toBe(
      'provider_unreachable',
    )
    expect(scene.paths()).toEqual([refreshUrl])
    expect(await scene.signedIn()).toBe(true)
  })

  test('whose refresh address does not exist signs nobody out', async () => {
    const scene = createKonproScene()
    await scene.signIn()
    scene.simulator.switches.refreshAt = 'token'
    scene.wire()
    expect((await scene.call('POST', '/bff/accounts/konpro/refresh')).code).toBe('provider_error')
    expect(scene.paths()).toEqual([refreshUrl])
    expect(await scene.signedIn()).toBe(true)
  })

  test('that names no lifetime is refreshed only when it refuses the token', async () => {
    const scene = createKonproScene()
    scene.simulator.switches.omitExpiresIn = true
    await scene.signIn()
    expect(await scene.call('GET', '/bff/accounts/konpro')).toMatchObject({
      body: { account: { expiresAt: null, refreshable: true } },
    })
    scene.wait(30 * 86_400_000)
    scene.simulator.expireAccessTokens()
    scene.wire()
    expect((await scene.call('GET', '/bff/accounts/konpro/profile')).status).toBe(200)
    expect(scene.paths()).toEqual([account, refreshUrl, account])
  })

  test('that keeps its refresh token is sent it again', async () => {
    const scene = createKonproScene()
    Object.assign(scene.simulator.switches, { rotate: false, omitRefreshToken: true })
    await scene.signIn()
    await scene.call('POST', '/bff/accounts/konpro/refresh')
    await scene.call('POST', '/bff/accounts/konpro/refresh')
    const sent = scene.wire().filter((text) => text.includes(refreshUrl))
    expect(sent.map((text) => /refresh_token=(.*)/.exec(text)?.[1])).toEqual([
      '<refresh 1>',
      '<refresh 1>',
    ])
  })

  test('may name nobody but by e-mail, which is a label and never who it is', async () => {
    const scene = createKonproScene()
    const body = '{"user":{"email":"ada@studio.example"}}'
    scene.simulator.faults.profile = { status: 200, body, headers: json }
    await scene.signIn()
    expect(await scene.call('GET', '/bff/accounts/konpro')).toMatchObject({
      body: { account: { subject: null, label: 'ada@studio.example' } },
    })
  })

  test('gets a verifier that fits the challenge, another for each login', async () => {
    const scene = createKonproScene()
    await scene.signIn()
    await scene.signIn()
    const verifiers = scene.wire().flatMap((text) => /code_verifier=(.*)/.exec(text)?.[1] ?? [])
    expect(verifiers).toEqual(['<verifier 1>', '<verifier 2>'])
  })
})
