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
    const leaving = browser.call('DELETE', '/bff/accounts/seznam')
    await new Promise((resolve) => setTimeout(resolve, 20))
    release()
    const answer = await refresh
    expect(await (await leaving).json()).toMatchObject({ effects: { tokens: 'revoked' } })
    expect(answer.status).toBe(401)
    expect(await answer.json()).toMatchObject({ code: 'not_signed_in' })
    expect(await (await browser.call('GET', '/bff/session')).json()).toEqual({ accounts: [] })
    const revocations = stage.simulators.seznam.log.filter(({ path }) => /revoke$/.test(path))
    const [refreshToken, accessToken] = revocations.slice(-2)
    expect([refreshToken?.status, accessToken?.status]).toEqual([200, 200])
    expect(revocations).toHaveLength(2)
    const spent = stage.simulators.seznam.log.filter(({ body }) => body.includes('"refresh_token"'))
    expect(spent.filter(({ path }) => /token$/.test(path))).toHaveLength(1)
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
      expect(effects.tokens).toBe('failed')
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

describe('what meets on the way', () => {
  /** Holds every answer that satisfies the condition until released. */
  function hold(stage: ReturnType<typeof createStage>, which: (url: string) => boolean) {
    let release = (): void => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    stage.onTheWay = (_answer, url) => (which(url) ? held : Promise.resolve())
    return () => {
      stage.onTheWay = undefined
      release()
    }
  }
  const pause = () => new Promise((resolve) => setTimeout(resolve, 20))

  test('a waiter does not inherit the sign-out of the one it waits for', async () => {
    const stage = createStage()
    const [first, second] = [stage.browser(), stage.browser()]
    await first.signIn('onesait')
    await second.signIn('onesait')
    const release = hold(stage, (url) => /oauth\/token$/.test(url))
    const leads = first.call('POST', '/bff/accounts/onesait/refresh', undefined, {
      cookie: cookieLine(first),
    })
    const waits = second.call('POST', '/bff/accounts/onesait/refresh')
    await pause()
    const leaves = first.call('DELETE', '/bff/accounts/onesait')
    await pause()
    release()
    expect((await leads).status).toBe(401)
    expect(await (await leaves).json()).toMatchObject({ effects: { tokens: 'kept' } })
    expect((await waits).status).toBe(200)
    expect((await second.call('POST', '/bff/accounts/onesait/refresh')).status).toBe(200)
  })

  test('a sign-in that comes while the last one leaves gets a pair that lives', async () => {
    const stage = createStage()
    const [first, second] = [stage.browser(), stage.browser()]
    await first.signIn('onesait')
    const release = hold(stage, (url) => /revoke_token/.test(url))
    const leaves = first.call('DELETE', '/bff/accounts/onesait')
    await pause()
    const comes = second.signIn('onesait')
    await pause()
    release()
    await leaves
    expect((await comes).status).toBe(200)
    expect((await second.call('POST', '/bff/accounts/onesait/refresh')).status).toBe(200)
  })

  test('a sign-in that reissues the pair does not end the browser that refreshes meanwhile', async () => {
    const stage = createStage()
    const [first, second] = [stage.browser(), stage.browser()]
    await first.signIn('onesait')
    stage.clock.now += 13 * 3600_000
    const release = hold(stage, (url) => /oauth\/token$/.test(url))
    const comes = second.signIn('onesait')
    await pause()
    const refreshes = first.call('POST', '/bff/accounts/onesait/refresh')
    await pause()
    release()
    expect((await comes).status).toBe(200)
    expect((await refreshes).status).toBe(200)
    expect((await first.call('POST', '/bff/accounts/onesait/check')).status).toBe(200)
  })

  test('a revocation does not undo a refresh that came before its answer', async () => {
    const stage = createStage()
    const browser = stage.browser()
    stage.simulators.seznam.switches.rotate = true
    await browser.signIn('seznam')
    const release = hold(stage, (url) => /revoke$/.test(url))
    const revokes = browser.call('POST', '/bff/accounts/seznam/revoke', { token: 'access' })
    await pause()
    const refreshes = browser.call('POST', '/bff/accounts/seznam/refresh')
    await pause()
    release()
    expect((await revokes).status).toBe(200)
    expect((await refreshes).status).toBe(200)
    expect((await browser.call('GET', '/bff/accounts/seznam/profile')).status).toBe(200)
  })

  test('a seat seen after a restart counts: the pair is kept for it', async () => {
    const stage = createStage()
    const [first, second] = [stage.browser(), stage.browser()]
    await first.signIn('onesait')
    await second.signIn('onesait')
    stage.restart()
    await second.call('GET', '/bff/session')
    const left = await first.call('DELETE', '/bff/accounts/onesait')
    expect(await left.json()).toMatchObject({ effects: { tokens: 'kept' } })
    expect((await second.call('POST', '/bff/accounts/onesait/refresh')).status).toBe(200)
  })

  test('many who sign in at once as one user all get in', async () => {
    const stage = createStage()
    const browsers = Array.from({ length: 20 }, () => stage.browser())
    const answers = await Promise.all(browsers.map((browser) => browser.signIn('onesait')))
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
  })

  test('many wrong passwords at once are counted one by one', async () => {
    const stage = createStage()
    const browser = stage.browser()
    const guess = { username: 'analyst', password: 'guess' }
    const answers = await Promise.all(
      Array.from({ length: 25 }, () => browser.call('POST', '/bff/login/onesait', guess)),
    )
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(10)
    expect(stage.simulators.onesait.log).toHaveLength(10)
  })

  test('an access token that died early is refreshed to be revoked', async () => {
    const stage = createStage()
    const browser = stage.browser()
    await browser.signIn('seznam')
    stage.simulators.seznam.expireAccessTokens()
    const left = await browser.call('DELETE', '/bff/accounts/seznam')
    expect(await left.json()).toMatchObject({ effects: { tokens: 'revoked' } })
  })
})

describe('what is dead at the provider already', () => {
  test('counts as revoked', async () => {
    for (const provider of ['seznam', 'onet'] as const) {
      const stage = createStage()
      const browser = stage.browser()
      await browser.signIn(provider)
      stage.simulators[provider].revokeEverything()
      const left = await browser.call('DELETE', `/bff/accounts/${provider}`)
      expect(await left.json(), provider).toMatchObject({ effects: { tokens: 'revoked' } })
    }
  })

  test('with its refresh token is not refreshed to be revoked once more', async () => {
    const stage = createStage()
    const browser = stage.browser()
    await browser.signIn('seznam')
    const { seznam } = stage.simulators
    seznam.before = (operation) => {
      // The second revocation finds the whole grant gone.
      if (
        operation === 'revoke' &&
        seznam.log.filter(({ path }) => /revoke$/.test(path)).length > 1
      )
        seznam.expireAccessTokens()
    }
    const left = await browser.call('DELETE', '/bff/accounts/seznam')
    expect(await left.json()).toMatchObject({ effects: { tokens: 'revoked' } })
    expect(seznam.log.filter(({ path }) => /oauth\/token$/.test(path))).toHaveLength(1)
  })
})

test.each([{ status: 404 }, { status: 400, body: '{"error":"invalid_request"}' }])(
  'an access token refused for another reason (%j) is not said to be revoked',
  async (fault) => {
    const stage = createStage()
    const browser = stage.browser()
    await browser.signIn('seznam')
    const { seznam } = stage.simulators
    // Set once the refresh token's revocation is answered: only the access token's meets it.
    stage.onTheWay = (_answer, url) => {
      const headers = { 'content-type': 'application/json' }
      if (/revoke$/.test(url)) seznam.faults.revoke = { ...fault, headers }
      return Promise.resolve()
    }
    const left = await browser.call('DELETE', '/bff/accounts/seznam')
    expect(await left.json()).toMatchObject({ effects: { tokens: 'failed' } })
  },
)

test('a user whom the answer does not name is the one who signed in, with everybody’s pair', async () => {
  const stage = createStage()
  stage.simulators.onesait.tokenAnswer = ({ name: _a, principal: _b, ...answer }) => answer
  const [first, second] = [stage.browser(), stage.browser()]
  await first.signIn('onesait')
  await second.signIn('onesait')
  const account = await first.call('GET', '/bff/accounts/onesait')
  expect(await account.json()).toMatchObject({ account: { subject: 'developer' } })
  const left = await first.call('DELETE', '/bff/accounts/onesait')
  expect(await left.json()).toMatchObject({ effects: { tokens: 'kept' } })
})

test('a token the provider does not take is unsupported before anybody is signed in', async () => {
  const answer = await createStage()
    .browser()
    .call('POST', '/bff/accounts/onet/revoke', { token: 'refresh' })
  expect(answer.status).toBe(405)
})

test('two sign-ins of one user in one browser do not keep the pair for each other', async () => {
  const stage = createStage()
  const browser = stage.browser()
  await browser.signIn('onesait')
  const first = new Map(browser.cookies)
  browser.cookies.clear()
  stage.clock.now += 1000
  // In another tab, which began before the first came home.
  await browser.signIn('onesait')
  for (const [name, value] of first) browser.cookies.set(name, value)
  const answer = await browser.call('DELETE', '/bff/accounts/onesait')
  expect(await answer.json()).toMatchObject({ effects: { tokens: 'revoked' } })
})

describe('an account that the provider ended right after a restart', () => {
  async function ended() {
    const stage = createStage()
    const browser = stage.browser()
    await browser.signIn('gearcode')
    stage.clock.now += 20 * 60_000
    stage.restart()
    stage.simulators.gearcode.revokeEverything()
    const refused = await browser.call('POST', '/bff/accounts/gearcode/refresh')
    // It may be an old request, and the browser may have a newer cookie of that name.
    expect([refused.status, refused.headers.getSetCookie()]).toEqual([401, []])
    return { stage, browser }
  }

  test.each(['/bff/accounts/gearcode', '/bff/session'])('is cleared by DELETE %s', async (path) => {
    const { stage, browser } = await ended()
    const asked = stage.simulators.gearcode.log.length
    expect((await browser.call('DELETE', path)).status).toBe(200)
    // What was refused is not sent again, not even to be revoked.
    expect(stage.simulators.gearcode.log).toHaveLength(asked)
    expect(browser.cookies.size).toBe(0)
    stage.restart()
    expect(await (await browser.call('GET', '/bff/session')).json()).toEqual({ accounts: [] })
  })

  test('is cleared once the browser shows the same cookie a while later', async () => {
    const { stage, browser } = await ended()
    const again = () => browser.call('POST', '/bff/accounts/gearcode/refresh')
    stage.clock.now += 30_000
    expect((await again()).headers.getSetCookie()).toEqual([])
    stage.clock.now += 31_000
    expect((await again()).status).toBe(401)
    expect(browser.cookies.size).toBe(0)
  })
})
