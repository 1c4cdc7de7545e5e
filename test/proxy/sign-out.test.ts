import { describe, expect, test } from 'vitest'
import { createStage, type Browser } from '../stage'

const cookieLine = (browser: Browser) =>
  [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')

describe('a sign-out', () => {
  test('says what was done at each level', async () => {
    const stage = createStage()
    const browser = stage.browser()
    for (const provider of ['onet', 'konpro', 'onesait', 'gearcode', 'seznam'])
      await browser.signIn(provider)
    const answer = await browser.call('DELETE', '/bff/session')
    const nothing = { local: 'cleared', tokens: 'unsupported', provider: 'unsupported' }
    expect(await answer.json()).toEqual({
      accounts: {
        onet: {
          effects: { local: 'cleared', tokens: 'revoked', provider: 'redirect' },
          logoutUrl: 'https://konto.onet.pl/checkSSO/logout.html?client_id=demo.front.onetapi.pl',
        },
        konpro: { effects: nothing },
        onesait: { effects: { ...nothing, tokens: 'revoked' } },
        gearcode: { effects: nothing },
        seznam: { effects: { ...nothing, tokens: 'revoked' } },
      },
    })
    expect(await (await browser.call('GET', '/bff/session')).json()).toEqual({ accounts: [] })
    expect([...browser.cookies.keys()]).toEqual(['__Host-latchkey_logout_onet'])
  })

  test('is final: no copied cookie brings the account back', async () => {
    const browser = createStage().browser()
    await browser.signIn('gearcode')
    const copied = cookieLine(browser)
    await browser.call('DELETE', '/bff/accounts/gearcode')
    for (const [method, path] of [
      ['GET', '/bff/accounts/gearcode'],
      ['POST', '/bff/accounts/gearcode/refresh'],
    ] as const)
      expect((await browser.call(method, path, undefined, { cookie: copied })).status).toBe(401)
  })

  test('is final for a refresh in flight too, and what comes back is revoked', async () => {
    const stage = createStage()
    const browser = stage.browser()
    await browser.signIn('seznam')
    stage.simulators.seznam.switches.rotate = true
    let release = (): void => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    stage.onTheWay = () => held
    const copied = cookieLine(browser)
    const refresh = browser.call('POST', '/bff/accounts/seznam/refresh', undefined, {
      cookie: copied,
    })
    await new Promise((resolve) => setTimeout(resolve, 20))
    stage.onTheWay = undefined
    await browser.call('DELETE', '/bff/accounts/seznam')
    release()
    const answer = await refresh
    expect(answer.status).toBe(401)
    expect(await answer.json()).toMatchObject({ code: 'not_signed_in' })
    expect(await (await browser.call('GET', '/bff/session')).json()).toEqual({ accounts: [] })
    const revocations = stage.simulators.seznam.log.filter(({ path }) => /revoke$/.test(path))
    const [refreshToken, accessToken] = revocations.slice(-2)
    expect([refreshToken?.status, accessToken?.status]).toEqual([200, 200])
    const vouchers = revocations.map(({ headers }) => headers.authorization)
    expect(vouchers.at(-1)).not.toBe(vouchers[0])
  })

  test.each(['hang', 'cut', 'html', { status: 503 }, 'redirect'] as const)(
    'never fails because the provider does (%j)',
    async (fault) => {
      const stage = createStage()
      const browser = stage.browser()
      await browser.signIn('onet')
      stage.simulators.onet.faults.revoke = fault
      const answer = await browser.call('DELETE', '/bff/accounts/onet')
      expect(answer.status).toBe(200)
      const { effects } = (await answer.json()) as { effects: Record<string, string> }
      // Onet's documents promise nothing about the body, so a page with 200 counts as done.
      expect(effects.tokens).toBe(fault === 'html' ? 'revoked' : 'failed')
      expect((await browser.call('GET', '/bff/accounts/onet')).status).toBe(401)
    },
  )

  test('of nobody is fine', async () => {
    const browser = createStage().browser()
    expect((await browser.call('DELETE', '/bff/accounts/gearcode')).status).toBe(200)
    const all = await browser.call('DELETE', '/bff/session')
    expect(await all.json()).toEqual({ accounts: {} })
  })

  test('twice is fine', async () => {
    const browser = createStage().browser()
    await browser.signIn('onet')
    for (let count = 0; count < 2; count++)
      expect((await browser.call('DELETE', '/bff/accounts/onet')).status).toBe(200)
  })
})

describe('what the provider shares between sign-ins', () => {
  test('stays alive for the one who stays: the pair is kept until the last one leaves', async () => {
    const stage = createStage()
    const [first, second] = [stage.browser(), stage.browser()]
    await first.signIn('onesait')
    await second.signIn('onesait')
    const left = await first.call('DELETE', '/bff/accounts/onesait')
    expect(await left.json()).toMatchObject({ effects: { tokens: 'kept' } })
    const checked = await second.call('POST', '/bff/accounts/onesait/check')
    expect(await checked.json()).toMatchObject({ active: true })
    const last = await second.call('DELETE', '/bff/accounts/onesait')
    expect(await last.json()).toMatchObject({ effects: { tokens: 'revoked' } })
  })

  test('is refreshed for all when one refreshes', async () => {
    const stage = createStage()
    const [first, second] = [stage.browser(), stage.browser()]
    await first.signIn('onesait')
    await second.signIn('onesait')
    expect((await first.call('POST', '/bff/accounts/onesait/refresh')).status).toBe(200)
    expect((await second.call('POST', '/bff/accounts/onesait/check')).status).toBe(200)
    expect(await (await second.call('POST', '/bff/accounts/onesait/check')).json()).toMatchObject({
      active: true,
    })
  })

  test('ends for all by the deliberate revoke', async () => {
    const stage = createStage()
    const [first, second] = [stage.browser(), stage.browser()]
    await first.signIn('onesait')
    await second.signIn('onesait')
    const answer = await first.call('POST', '/bff/accounts/onesait/revoke', { token: 'access' })
    expect(await answer.json()).toEqual({ account: null, revoked: true })
    expect((await second.call('GET', '/bff/accounts/onesait')).status).toBe(401)
    // And it does not stand in the way of the next sign-in.
    expect((await second.signIn('onesait')).status).toBe(200)
    expect((await second.call('GET', '/bff/accounts/onesait')).status).toBe(200)
  })
})

describe('a revocation', () => {
  test('of the access token leaves an account that refreshes at its next use', async () => {
    const browser = createStage().browser()
    await browser.signIn('onet')
    const answer = await browser.call('POST', '/bff/accounts/onet/revoke', { token: 'access' })
    expect(answer.status).toBe(200)
    expect(await answer.json()).toMatchObject({ revoked: true, account: { refreshable: true } })
    expect((await browser.call('GET', '/bff/accounts/onet/profile')).status).toBe(200)
  })

  test('of the refresh token leaves an account until its access token ends', async () => {
    const browser = createStage().browser()
    await browser.signIn('seznam')
    const answer = await browser.call('POST', '/bff/accounts/seznam/revoke', { token: 'refresh' })
    expect(await answer.json()).toMatchObject({ revoked: true, account: { refreshable: false } })
    expect((await browser.call('GET', '/bff/accounts/seznam/profile')).status).toBe(200)
  })

  test.each([undefined, {}, { token: 'both' }, { token: 'access', more: 1 }])(
    'of %j is no request we know',
    async (body) => {
      const browser = createStage().browser()
      await browser.signIn('onet')
      const answer = await browser.call('POST', '/bff/accounts/onet/revoke', body)
      expect(answer.status).toBe(400)
    },
  )

  test('of a token the provider does not take is unsupported', async () => {
    const browser = createStage().browser()
    await browser.signIn('onet')
    const answer = await browser.call('POST', '/bff/accounts/onet/revoke', { token: 'refresh' })
    expect(answer.status).toBe(405)
  })
})

test('a deliberate end for all is final: a later sign-in brings no other browser back', async () => {
  const stage = createStage()
  const [first, second] = [stage.browser(), stage.browser()]
  await first.signIn('onesait')
  await second.signIn('onesait')
  await first.call('POST', '/bff/accounts/onesait/revoke', { token: 'access' })
  stage.clock.now += 1000
  await first.signIn('onesait')
  expect((await second.call('GET', '/bff/accounts/onesait')).status).toBe(401)
  expect((await first.call('GET', '/bff/accounts/onesait')).status).toBe(200)
  const left = await first.call('DELETE', '/bff/accounts/onesait')
  expect(await left.json()).toMatchObject({ effects: { tokens: 'revoked' } })
})
