import { describe, expect, test } from 'vitest'
import { createStage, type Browser, type Stage } from '../stage'

const minutes = 60_000
const cookieLine = (browser: Browser) =>
  [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')

function refreshes(stage: Stage): number {
  return Object.values(stage.simulators).flatMap(({ log }) =>
    log.filter(({ body, status }) => /grant_type"?[=:]"?refresh_token/.test(body) && status < 500),
  ).length
}

describe('a refresh', () => {
  test('is one at the provider, however many ask at once', async () => {
    const stage = createStage()
    const browser = stage.browser()
    await browser.signIn('gearcode')
    const asked = Array.from({ length: 50 }, () =>
      browser.call('POST', '/bff/accounts/gearcode/refresh'),
    )
    const answers = await Promise.all(asked)
    expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(200))
    expect(refreshes(stage)).toBe(1)
  })

  test('happens by itself once the token is within a minute of its end', async () => {
    const stage = createStage()
    const browser = stage.browser()
    await browser.signIn('onet')
    stage.clock.now += 600 * minutes - 61_000
    await browser.call('GET', '/bff/accounts/onet/profile')
    expect(refreshes(stage)).toBe(0)
    stage.clock.now += 2000
    await Promise.all(
      Array.from({ length: 20 }, () => browser.call('GET', '/bff/accounts/onet/profile')),
    )
    expect(refreshes(stage)).toBe(1)
  })

  test('asked for with an older cookie answers the latest account, and asks nobody', async () => {
    const stage = createStage()
    const browser = stage.browser()
    await browser.signIn('gearcode')
    const stale = cookieLine(browser)
    stage.clock.now += 10 * minutes
    const first: unknown = await (
      await browser.call('POST', '/bff/accounts/gearcode/refresh')
    ).json()

    const late = await browser.call('POST', '/bff/accounts/gearcode/refresh', undefined, {
      cookie: stale,
    })

    expect(await late.json()).toEqual(first)
    expect(late.headers.getSetCookie()).toHaveLength(1)
    expect(refreshes(stage)).toBe(1)
  })

  test('reaches the ledger though the one who asked has gone', async () => {
    const stage = createStage()
    const browser = stage.browser()
    await browser.signIn('gearcode')
    const stale = cookieLine(browser)
    // The answer is lost on the way: nobody keeps its cookie.
    await browser.call('POST', '/bff/accounts/gearcode/refresh')
    browser.cookies.clear()
    const again = await browser.call('POST', '/bff/accounts/gearcode/refresh', undefined, {
      cookie: stale,
    })
    expect(again.status).toBe(200)
    expect(refreshes(stage)).toBe(1)
  })

  test('keeps the old refresh token when none comes back', async () => {
    const stage = createStage()
    const browser = stage.browser()
    stage.simulators.seznam.switches.omitRefreshToken = true
    await browser.signIn('seznam')
    for (let count = 0; count < 2; count++)
      expect((await browser.call('POST', '/bff/accounts/seznam/refresh')).status).toBe(200)
    expect(refreshes(stage)).toBe(2)
  })

  test.each([-1, 0, 'absent', null, true, '3600', '3600abc', 1e300, 'Infinity', {}])(
    'with expires_in %j loses no token that came with it',
    async (value) => {
      const stage = createStage()
      const browser = stage.browser()
      await browser.signIn('gearcode')
      stage.simulators.gearcode.tokenAnswer = (answer) => {
        const { expires_in: _dropped, ...rest } = answer
        return value === 'absent' ? rest : { ...rest, expires_in: value }
      }
      for (let count = 0; count < 2; count++) {
        const answer = await browser.call('POST', '/bff/accounts/gearcode/refresh')
        expect(answer.status).toBe(200)
      }
      expect(refreshes(stage)).toBe(2)
    },
  )
})

describe("a provider's bad day", () => {
  const days: [
    string,
    NonNullable<Stage['simulators']['gearcode']['faults']['refresh']>,
    number,
    string,
  ][] = [
    ['an error of its own', { status: 500 }, 502, 'provider_error'],
    ['out of service', { status: 503, body: '<h1>503</h1>' }, 502, 'provider_error'],
    ['a page in place of JSON', 'html', 502, 'provider_error'],
    ['an empty answer', 'empty', 502, 'provider_error'],
    ['a redirect', 'redirect', 502, 'provider_error'],
    ['an answer without end', 'huge', 502, 'provider_error'],
    ['a cut connection', 'cut', 502, 'provider_unreachable'],
    ['silence', 'hang', 504, 'provider_timeout'],
    ['silence in mid-answer', 'stall', 504, 'provider_timeout'],
    ['no time for us', { status: 429, headers: { 'retry-after': '7' } }, 503, 'provider_busy'],
    [
      'a refusal of our client',
      { status: 400, body: '{"error":"invalid_client"}' },
      502,
      'provider_error',
    ],
    ['a 401 of no shape', { status: 401 }, 502, 'provider_error'],
  ]
  test.each(days)('(%s) signs nobody out', async (_what, fault, status, code) => {
    const stage = createStage()
    stage.sleepPassesTime = true
    const browser = stage.browser()
    await browser.signIn('gearcode')
    stage.simulators.gearcode.faults.refresh = fault
    const answer = await browser.call('POST', '/bff/accounts/gearcode/refresh')
    expect(answer.status).toBe(status)
    expect(await answer.json()).toMatchObject({ code })
    if (code === 'provider_busy') expect(answer.headers.get('retry-after')).toBe('7')

    delete stage.simulators.gearcode.faults.refresh
    expect((await browser.call('GET', '/bff/accounts/gearcode')).status).toBe(200)
    // It is not asked before the time it named.
    if (code === 'provider_busy') stage.clock.now += 7000
    expect((await browser.call('POST', '/bff/accounts/gearcode/refresh')).status).toBe(200)
  })

  test('is forgiven while the old access token still lives', async () => {
    const stage = createStage()
    const browser = stage.browser()
    await browser.signIn('onet')
    stage.clock.now += 600 * minutes - 30_000
    stage.simulators.onet.faults.refresh = { status: 503 }
    expect((await browser.call('GET', '/bff/accounts/onet/profile')).status).toBe(200)
  })

  test('during the sign-in leads back with the reason', async () => {
    const stage = createStage()
    const browser = stage.browser()
    const back = await browser.away('seznam')
    stage.simulators.seznam.faults.token = { status: 502 }
    expect((await browser.visit(back)).headers.get('location')).toBe(
      '/?error=provider_error&provider=seznam',
    )
  })
})

describe('a refresh token the provider no longer knows', () => {
  test('ends the account: 401, the cookie goes, and nobody asks again', async () => {
    const stage = createStage()
    const browser = stage.browser()
    await browser.signIn('gearcode')
    const copied = cookieLine(browser)
    stage.simulators.gearcode.revokeEverything()

    const answer = await browser.call('POST', '/bff/accounts/gearcode/refresh')

    expect(answer.status).toBe(401)
    expect(await answer.json()).toMatchObject({ code: 'session_ended' })
    expect([...browser.cookies]).toEqual([])
    const replay = await browser.call('POST', '/bff/accounts/gearcode/refresh', undefined, {
      cookie: copied,
    })
    expect(replay.status).toBe(401)
    expect(refreshes(stage)).toBe(1)
  })

  test('does not take the cookie away when the ledger was lost: the browser may hold a newer one', async () => {
    const stage = createStage()
    const browser = stage.browser()
    await browser.signIn('gearcode')
    const old = cookieLine(browser)
    stage.clock.now += 1000
    await browser.call('POST', '/bff/accounts/gearcode/refresh')
    stage.clock.now += 1000
    stage.restart()
    const late = await browser.call('POST', '/bff/accounts/gearcode/refresh', undefined, {
      cookie: old,
    })
    expect(late.status).toBe(401)
    expect(late.headers.getSetCookie()).toEqual([])
    expect((await browser.call('POST', '/bff/accounts/gearcode/refresh')).status).toBe(200)
  })
})

test('an account without a refresh token says so', async () => {
  const stage = createStage()
  const browser = stage.browser()
  stage.simulators.seznam.tokenAnswer = ({ refresh_token: _none, ...answer }) => answer
  await browser.signIn('seznam')
  const answer = await browser.call('POST', '/bff/accounts/seznam/refresh')
  expect(answer.status).toBe(409)
  expect(await answer.json()).toMatchObject({ code: 'not_refreshable' })
})

test('one request never sends a refresh token twice, though the first was not answered', async () => {
  const stage = createStage()
  const browser = stage.browser()
  await browser.signIn('konpro')
  stage.clock.now += 10 * 24 * 60 * minutes - 30_000
  stage.simulators.konpro.faults.refresh = 'cut'
  stage.simulators.konpro.faults.profile = { status: 401 }
  const answer = await browser.call('GET', '/bff/accounts/konpro/profile')
  expect(answer.status).toBe(502)
  expect(
    stage.simulators.konpro.log.filter(({ path }) => /refresh_token$/.test(path)),
  ).toHaveLength(1)
})

test('an account that outgrew its cookies does not fail what is asked of others', async () => {
  const stage = createStage()
  const browser = stage.browser()
  await browser.signIn('seznam')
  await browser.signIn('gearcode')
  const huge = () =>
    Buffer.from(crypto.getRandomValues(new Uint8Array(12_000))).toString('base64url')
  stage.simulators.seznam.tokenAnswer = (answer) => ({
    ...answer,
    access_token: huge(),
    refresh_token: huge(),
  })
  expect((await browser.call('POST', '/bff/accounts/seznam/refresh')).status).toBe(502)
  const other = await browser.call('POST', '/bff/accounts/gearcode/refresh')
  expect(other.status).toBe(200)
  expect(other.headers.getSetCookie()).not.toEqual([])
})

describe('nonsense from the provider', () => {
  test('as deep as a stack is a provider error', async () => {
    const stage = createStage()
    const browser = stage.browser()
    await browser.signIn('seznam')
    stage.simulators.seznam.faults.profile = {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: `{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`,
    }
    const answer = await browser.call('GET', '/bff/accounts/seznam/profile')
    expect(await answer.json()).toMatchObject({ code: 'provider_error', status: 502 })
  })

  test('that repeats the token it was sent stays here', async () => {
    const stage = createStage()
    const browser = stage.browser()
    let token = ''
    stage.simulators.seznam.tokenAnswer = (answer) => {
      token = String(answer.access_token)
      return answer
    }
    await browser.signIn('seznam')
    stage.simulators.seznam.faults.profile = {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ oauth_user_id: 'a', debug: { sent: `Bearer ${token}` } }),
    }
    const answer = await browser.call('GET', '/bff/accounts/seznam/profile')
    expect(answer.status).toBe(502)
    expect(await answer.text()).not.toContain(token)
  })
})
