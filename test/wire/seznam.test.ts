import { describe, expect, test } from 'vitest'
import { origin } from '../stage'
import { seznamJourneys } from './expected/seznam'
import { createScene, play } from './journey'

describe('the wire of Seznam', () => {
  test.each(seznamJourneys)('$name', async (journey) => {
    for await (const { step, happened, expected } of play('seznam', journey))
      expect(happened, step.name).toEqual(expected)
  })
})

function createSeznamScene(variables: Record<string, string> = {}) {
  const scene = createScene('seznam', variables)
  const account = () => scene.call('GET', '/bff/accounts/seznam')
  const requests = () => scene.wire().map((text) => text.split('\n', 1)[0]?.split('/').at(-1))
  return { ...scene, account, requests }
}

describe('Seznam', () => {
  test('gets claims as JSON, percent-encoded once, and scopes with commas', async () => {
    const { browser } = createSeznamScene({ SEZNAM_ESSENTIAL: 'birthday,avatar' })
    const away = await browser.visit('/bff/login/seznam')
    const address = new URL(away.headers.get('location') ?? '')
    expect(address.search).toContain('claims=%7B%22userinfo%22%3A%7B%22birthday%22%3A%7B%22')
    expect(address.searchParams.get('claims')).toBe(
      '{"userinfo":{"birthday":{"essential":true},"avatar":{"essential":true}}}',
    )
    expect(address.searchParams.get('scope')).toBe('identity,avatar,birthday')
  })

  test('lets people refuse a scope: the account has what was granted, not what was asked', async () => {
    const scene = createSeznamScene()
    await scene.signIn({ refuse: ['avatar'] })
    expect(await scene.account()).toMatchObject({
      body: { account: { scope: ['identity', 'birthday'] } },
    })
    const { body } = await scene.call('GET', '/bff/accounts/seznam/profile')
    expect(body).not.toHaveProperty('profile.picture')
    expect(body).not.toHaveProperty('raw.avatar_url')
    await scene.call('POST', '/bff/accounts/seznam/refresh')
    expect(await scene.account(), 'a refresh asks for nothing more').toMatchObject({
      body: { account: { scope: ['identity', 'birthday'] } },
    })
  })

  test('lets nobody refuse an essential scope', async () => {
    const scene = createSeznamScene()
    await scene.signIn({ grant: [] })
    expect(await scene.account()).toMatchObject({
      body: { account: { scope: ['identity', 'birthday'] } },
    })
  })

  test('may say in the body, with HTTP 200, that the token has expired', async () => {
    const scene = createSeznamScene()
    scene.simulator.switches.httpStatusMirrorsBody = false
    await scene.signIn()
    scene.simulator.expireAccessTokens()
    scene.wire()
    expect((await scene.call('GET', '/bff/accounts/seznam/profile')).status).toBe(200)
    expect(scene.requests()).toEqual(['user', 'token', 'user'])
  })

  test.each([true, false])(
    'ends the session with invalid_grant, whether HTTP says so too (%s)',
    async (mirrors) => {
      const scene = createSeznamScene()
      scene.simulator.switches.httpStatusMirrorsBody = mirrors
      await scene.signIn()
      scene.simulator.expireRefreshTokens()
      expect((await scene.call('POST', '/bff/accounts/seznam/refresh')).code).toBe('session_ended')
      expect((await scene.account()).status).toBe(401)
    },
  )

  test('may refuse a revocation in the body alone, which is no success but the end', async () => {
    const scene = createSeznamScene()
    scene.simulator.switches.httpStatusMirrorsBody = false
    await scene.signIn()
    scene.simulator.revokeEverything()
    expect(
      (await scene.call('POST', '/bff/accounts/seznam/revoke', { token: 'refresh' })).code,
    ).toBe('session_ended')
  })

  test('may refuse the code in the body alone, which signs nobody in', async () => {
    const scene = createSeznamScene()
    scene.simulator.switches.httpStatusMirrorsBody = false
    const back = await scene.away()
    scene.simulator.revokeEverything()
    expect(await scene.visit(back)).toEqual({
      status: 303,
      location: '/?error=login_expired&provider=seznam',
    })
  })

  test('says "ok" and 200 in the body of a success, which is no error', async () => {
    const scene = createSeznamScene()
    scene.retell((answer) => ({ ...answer, status: 200, message: 'ok', error: null }))
    expect(await scene.signIn()).toEqual({ status: 303, location: '/' })
  })

  test('gives the state back, though its document does not show it; without it nobody signs in', async () => {
    const scene = createSeznamScene()
    const back = new URL(await scene.away(), origin)
    back.searchParams.delete('state')
    expect(await scene.visit(back.pathname + back.search)).toEqual({
      status: 303,
      location: '/?error=login_forged&provider=seznam',
    })
    expect(scene.requests()).toHaveLength(1)
  })

  test('is known by oauth_user_id where the person changes everything else', async () => {
    const scene = createSeznamScene()
    scene.retell(({ account_name: _, ...answer }) => answer)
    await scene.signIn({ user: 'pavla' })
    expect(await scene.account()).toMatchObject({
      body: { account: { subject: '89ef4567abcd0123', label: '89ef4567abcd0123' } },
    })
  })

  test('may insist on PKCE, which it gets', async () => {
    const scene = createSeznamScene()
    scene.simulator.switches.requirePkce = true
    expect(await scene.signIn()).toEqual({ status: 303, location: '/' })
  })

  test('may rotate refresh tokens: the next revocation names the newest', async () => {
    const scene = createSeznamScene()
    scene.simulator.switches.rotate = true
    await scene.signIn()
    await scene.call('POST', '/bff/accounts/seznam/refresh')
    scene.wire()
    await scene.call('DELETE', '/bff/accounts/seznam')
    const revoked = scene.wire().map((text) => /"token": "(.*)"/.exec(text)?.[1])
    expect(revoked).toEqual(['<refresh 2>', '<access 2>'])
  })
})
