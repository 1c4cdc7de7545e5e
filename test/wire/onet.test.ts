import { describe, expect, test } from 'vitest'
import { onetJourneys, onetSeed, registered } from './expected/onet'
import { createScene, play } from './journey'

describe('the wire of Onet', () => {
  test.each(onetJourneys)('$name', async (journey) => {
    for await (const { step, happened, expected } of play('onet', journey))
      expect(happened, step.name).toEqual(expected)
  })
})

/** A scene with the document's own client; `paths` is what arrived, without what was in it. */
function createOnetScene(variables: Record<string, string> = {}) {
  const scene = createScene('onet', { ...onetSeed, ...variables })
  registered(scene)
  const paths = () => scene.wire().map((text) => /^\S+ https:\/\/[^/]+(\S+)/.exec(text)?.[1])
  return { ...scene, paths }
}

const signedIn = async ({ call }: Pick<ReturnType<typeof createOnetScene>, 'call'>) =>
  (await call('GET', '/bff/accounts/onet')).status === 200

describe('Onet', () => {
  test('gets each of the two redirect addresses byte for byte, and neither is made from the other', async () => {
    const spelt = 'https://App.Example:443/bff/../bff/callback/onet'
    const { browser } = createOnetScene({ ONET_SSO_REDIRECT_URI: spelt })
    const away = await browser.visit('/bff/login/onet')
    expect(away.headers.get('location')).toContain(
      '&redirect_uri=https%3A%2F%2FApp.Example%3A443%2Fbff%2F..%2Fbff%2Fcallback%2Fonet&',
    )
  })

  test('gets a random state, while the way back stays with us', async () => {
    const { browser, visit } = createOnetScene()
    const back = await browser.away('onet', {}, '/dashboard')
    expect(new URL(back, 'https://app.example').searchParams.get('state')).toMatch(/^[\w-]{43}$/)
    expect(back).not.toContain('dashboard')
    expect(await visit(back)).toEqual({ status: 303, location: '/dashboard' })
  })

  test.each(['json', 'empty', 'html'] as const)(
    'says 400 for an expired token, with a body of %s: one refresh and one more try',
    async (errors) => {
      const scene = createOnetScene()
      await scene.signIn()
      scene.simulator.switches.errors = errors
      scene.simulator.expireAccessTokens()
      scene.wire()
      expect((await scene.call('GET', '/bff/accounts/onet/profile')).status).toBe(200)
      expect(scene.paths()).toEqual(['/resources/userinfo', '/oauth2/token', '/resources/userinfo'])
    },
  )

  test('that says 400 to a fresh token too is asked no third time, and nobody is signed out', async () => {
    const scene = createOnetScene()
    await scene.signIn()
    scene.simulator.faults.profile = { status: 400 }
    scene.wire()
    expect(await scene.call('GET', '/bff/accounts/onet/profile')).toEqual({
      status: 502,
      code: 'provider_error',
    })
    expect(scene.paths()).toEqual(['/resources/userinfo', '/oauth2/token', '/resources/userinfo'])
    expect(await signedIn(scene)).toBe(true)
  })

  test('that says 503 signs nobody out', async () => {
    const scene = createOnetScene()
    await scene.signIn()
    scene.simulator.faults = { profile: { status: 503 }, refresh: { status: 503 } }
    const profile = await scene.call('GET', '/bff/accounts/onet/profile')
    const refresh = await scene.call('POST', '/bff/accounts/onet/refresh')
    expect([profile, refresh]).toEqual([
      { status: 502, code: 'provider_error' },
      { status: 502, code: 'provider_error' },
    ])
    expect(await signedIn(scene)).toBe(true)
  })

  test('that refuses a refresh with a 400 and no word signs nobody out, with invalid_grant it does', async () => {
    const scene = createOnetScene()
    await scene.signIn()
    scene.simulator.expireRefreshTokens()
    scene.simulator.switches.errors = 'empty'
    expect((await scene.call('POST', '/bff/accounts/onet/refresh')).code).toBe('provider_error')
    expect(await signedIn(scene)).toBe(true)
    scene.simulator.switches.errors = 'json'
    expect((await scene.call('POST', '/bff/accounts/onet/refresh')).code).toBe('session_ended')
    expect(await signedIn(scene)).toBe(false)
  })

  test('that says 400 to our own credentials signs nobody out', async () => {
    const scene = createOnetScene()
    await scene.signIn()
    scene.simulator.client.secret = 'another'
    expect((await scene.call('POST', '/bff/accounts/onet/refresh')).code).toBe('provider_error')
    expect(await signedIn(scene)).toBe(true)
  })

  test('comes back from its logout once; the same landing without a logout is a login that failed', async () => {
    const scene = createOnetScene()
    await scene.signIn()
    scene.wire()
    const before = await scene.visit('/bff/callback/onet')
    await scene.call('DELETE', '/bff/accounts/onet')
    const landing = await scene.visit('/bff/callback/onet')
    const again = await scene.visit('/bff/callback/onet')
    expect([before, landing, again]).toEqual([
      { status: 303, location: '/?error=login_forged&provider=onet' },
      { status: 303, location: '/' },
      { status: 303, location: '/?error=login_forged&provider=onet' },
    ])
    expect(scene.paths(), 'no login begins by itself').toEqual(['/oauth2/revoke'])
  })

  test('remembers the person after a sign-out here, and forgets them at its own logout', async () => {
    const scene = createOnetScene()
    await scene.signIn()
    await scene.call('DELETE', '/bff/accounts/onet')
    const asked = () => scene.simulator.log.filter(({ path }) => path === '/sign-in/person').length
    await scene.signIn()
    expect(asked(), 'the second login shows no page').toBe(1)
    scene.browser.providerCookies.clear()
    await scene.signIn()
    expect(asked()).toBe(2)
  })

  test('tells a denial from a fault of the request', async () => {
    const scene = createOnetScene()
    const denied = await scene.signIn({ deny: true })
    const back = await scene.away()
    const state = new URL(back, 'https://app.example').searchParams.get('state') ?? ''
    const fault = await scene.visit(`/bff/callback/onet?error=invalid_response_type&state=${state}`)
    expect([denied, fault]).toEqual([
      { status: 303, location: '/?error=access_denied&provider=onet' },
      { status: 303, location: '/?error=provider_error&provider=onet' },
    ])
  })

  test('would refuse a verifier whose challenge its SSO page dropped, so PKCE is off unless chosen', async () => {
    const withPkce = createOnetScene({ ONET_PKCE: '1' })
    withPkce.simulator.switches.pkce = 'rfc9700'
    expect(await withPkce.signIn()).toEqual({
      status: 303,
      location: '/?error=login_expired&provider=onet',
    })
    expect(withPkce.wire().at(-1)).toContain('REFUSED: code_verifier without a code_challenge')

    const withoutPkce = createOnetScene()
    withoutPkce.simulator.switches.pkce = 'rfc9700'
    expect(await withoutPkce.signIn()).toEqual({ status: 303, location: '/' })
  })
})
