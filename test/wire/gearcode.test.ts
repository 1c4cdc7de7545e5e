import { describe, expect, test } from 'vitest'
import { ConfigError } from '../../proxy/config'
import { origin } from '../stage'
import { gearcodeJourneys } from './expected/gearcode'
import { createScene, play } from './journey'

describe('the wire of GearCode', () => {
  test.each(gearcodeJourneys)('$name', async (journey) => {
    for await (const { step, happened, expected } of play('gearcode', journey))
      expect(happened, step.name).toEqual(expected)
  })
})

function createGearcodeScene(variables: Record<string, string> = {}) {
  const scene = createScene('gearcode', variables)
  const account = () => scene.call('GET', '/bff/accounts/gearcode')
  const refresh = () => scene.call('POST', '/bff/accounts/gearcode/refresh')
  /** Requests that spent, or tried to spend, a code or a refresh token. */
  const spent = () => scene.wire().filter((text) => text.startsWith('POST')).length
  return { ...scene, account, refresh, spent }
}

const forged = { status: 303, location: '/?error=login_forged&provider=gearcode' }
const expired = { status: 303, location: '/?error=login_expired&provider=gearcode' }

describe('GearCode', () => {
  test('that wants redirect_uri after all gets one try, for the code may be spent', async () => {
    const scene = createGearcodeScene()
    scene.simulator.switches.requireRedirectUriAtToken = true
    expect(await scene.signIn()).toEqual(expired)
    expect(scene.spent()).toBe(1)
  })

  test('that gives up on a refresh token seen twice never sees one twice', async () => {
    const scene = createGearcodeScene()
    scene.simulator.switches.reuseDetection = true
    await scene.signIn()
    for (let round = 0; round < 4; round += 1) expect((await scene.refresh()).status).toBe(200)
  })

  test('whose answer to a rotation was lost is asked once, and the person signs in again in the end', async () => {
    const scene = createGearcodeScene()
    await scene.signIn()
    scene.wire()
    scene.simulator.faults.refresh = 'lost'
    expect((await scene.refresh()).code).toBe('provider_unreachable')
    expect(scene.spent()).toBe(1)
    expect((await scene.account()).status, 'a lost answer signs nobody out').toBe(200)
    scene.simulator.faults = {}
    scene.wait(3000)
    expect((await scene.refresh()).code).toBe('session_ended')
    expect(scene.spent()).toBe(1)
    expect((await scene.account()).status).toBe(401)
  })

  test('names somebody by the configured claim, also where that is no word for people', async () => {
    const scene = createGearcodeScene({ GEARCODE_SUBJECT_CLAIM: 'sub' })
    await scene.signIn()
    expect(await scene.account()).toMatchObject({
      body: { account: { subject: '5d2f0c7a-4a86-4e0e-9d4a-7f9f4c1c2b61' } },
    })
  })

  test.each([
    ['an opaque token', 'unique_name', true],
    ['a claim that is not there', 'nick', false],
    ['a claim that is no text', 'role', false],
  ])('names nobody by %s', async (_, claim, opaque) => {
    const scene = createGearcodeScene({ GEARCODE_SUBJECT_CLAIM: claim })
    scene.simulator.switches.opaqueAccessToken = opaque
    await scene.signIn()
    expect(await scene.account()).toMatchObject({
      body: { account: { subject: null, label: 'GearCode user' } },
    })
  })

  test('is refused a client id with a blank at its end, before anybody signs in', () => {
    expect(() => createGearcodeScene({ GEARCODE_CLIENT_ID: 'sample.webapp ' })).toThrow(ConfigError)
  })

  test('gets no challenge and no verifier unless PKCE is chosen', async () => {
    const scene = createGearcodeScene()
    await scene.signIn()
    expect(scene.wire().join('\n')).not.toMatch(/code_challenge|code_verifier/)
  })
})

describe('GearCode that does not give the state back', () => {
  function createSilentScene(variables: Record<string, string>) {
    const scene = createGearcodeScene(variables)
    scene.simulator.switches.echoState = false
    return scene
  }

  test('signs nobody in by default, and the code stays unspent', async () => {
    const scene = createSilentScene({})
    const back = await scene.away()
    expect(back).not.toContain('state')
    expect(await scene.visit(back)).toEqual(forged)
    expect(scene.spent()).toBe(0)
  })

  test('signs in by choice, and once', async () => {
    const scene = createSilentScene({ GEARCODE_STATELESS: '1' })
    const back = await scene.away()
    expect(await scene.visit(back)).toEqual({ status: 303, location: '/' })
    expect(await scene.visit(back)).toEqual(forged)
    expect(scene.spent()).toBe(1)
  })

  test('signs nobody in who has not begun a login', async () => {
    const scene = createSilentScene({ GEARCODE_STATELESS: '1' })
    const back = await scene.away({}, scene.stage.browser())
    expect(await scene.visit(back)).toEqual(forged)
    expect(scene.spent()).toBe(0)
  })

  test('signs nobody in after two minutes', async () => {
    const scene = createSilentScene({ GEARCODE_STATELESS: '1' })
    const back = await scene.away()
    scene.wait(2 * 60_000 + 1)
    expect(await scene.visit(back)).toEqual(expired)
    expect(scene.spent()).toBe(0)
  })

  test('signs in up to the end of the second minute', async () => {
    const scene = createSilentScene({ GEARCODE_STATELESS: '1' })
    const back = await scene.away()
    scene.wait(2 * 60_000)
    expect(await scene.visit(back)).toEqual({ status: 303, location: '/' })
  })

  test('has one login under way: the next one takes the place of the last', async () => {
    const scene = createSilentScene({ GEARCODE_STATELESS: '1' })
    await scene.away()
    await scene.away()
    const logins = [...scene.browser.cookies.keys()].filter((name) => name.includes('_login_'))
    expect(logins).toHaveLength(1)
  })

  test('signs nobody in where two logins are under way all the same', async () => {
    const scene = createSilentScene({ GEARCODE_STATELESS: '1' })
    await scene.away()
    const first = new Map(scene.browser.cookies)
    const back = await scene.away()
    for (const [name, value] of first) scene.browser.cookies.set(name, value)
    expect(await scene.visit(back)).toEqual(forged)
    expect(scene.spent()).toBe(0)
  })

  test('is believed no wrong state', async () => {
    const scene = createSilentScene({ GEARCODE_STATELESS: '1' })
    const back = new URL(await scene.away(), origin)
    back.searchParams.set('state', 'c3RhdGUtb2Ytc29tZWJvZHktZWxzZS0xMjM0NTY3ODkwYWI')
    expect(await scene.visit(back.pathname + back.search)).toEqual(forged)
    expect(scene.spent()).toBe(0)
  })
})
