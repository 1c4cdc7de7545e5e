import { describe, expect, test } from 'vitest'
import { createStage, morning, origin, sessionSecret, somebody } from '../stage'

const minutes = 60_000

describe.each(Object.keys(somebody))('at %s', (provider) => {
  test('a person signs in and is listed, without a token', async () => {
    const stage = createStage()
    const browser = stage.browser()

    await browser.signIn(provider)

    const session = await browser.call('GET', '/bff/session')
    expect(session.headers.get('cache-control')).toBe('no-store')
    expect(await session.json()).toMatchObject({
      accounts: [{ provider, custody: 'proxy', connectedAt: new Date(morning).toISOString() }],
    })
    const one = await browser.call('GET', `/bff/accounts/${provider}`)
    expect(await one.json()).toMatchObject({ account: { provider } })
  })

  test('a restart with the same secret signs nobody out', async () => {
    const stage = createStage()
    const browser = stage.browser()
    await browser.signIn(provider)

    stage.restart()

    expect((await browser.call('GET', `/bff/accounts/${provider}`)).status).toBe(200)
  })
})

describe('a sign-in cookie', () => {
  test('is Strict, HttpOnly, Secure, of this host, and named after its sign-in', async () => {
    const browser = createStage().browser()
    const answer = await browser.signIn('seznam')
    const line = answer.headers.getSetCookie().find((cookie) => /_seznam_/.test(cookie)) ?? ''
    expect(line).toMatch(/^__Host-latchkey_seznam_[\w-]{8}=[\w.-]+;/)
    expect(line.split('; ').slice(1).sort()).toEqual(
      ['HttpOnly', 'Max-Age=15552000', 'Path=/', 'SameSite=Strict', 'Secure'].sort(),
    )
  })

  test('has no prefix and is not Secure on http://localhost, which browsers could not keep', async () => {
    const stage = createStage({ PUBLIC_ORIGIN: 'http://localhost:8787' })
    const password = stage.simulators.onesait.users.developer?.password
    const answer = await stage.app.request('/bff/login/onesait', {
      method: 'POST',
      headers: { 'x-latchkey': '1', 'content-type': 'application/json' },
      body: JSON.stringify({ username: 'developer', password }),
    })
    const [line = ''] = answer.headers.getSetCookie()
    expect(line).toMatch(/^latchkey_onesait_/)
    expect(line).not.toMatch(/Secure/)
  })

  test('is opened by an older secret while that one is listed, and by none after', async () => {
    const stage = createStage()
    const browser = stage.browser()
    await browser.signIn('onet')
    const fresh = 'bmV3LXNlY3JldC1vZi0zMi1ieXRlcy1hdC1sZWFzdC1oZXJlIQ'

    stage.restart({ SESSION_SECRETS: `${fresh},${sessionSecret}` })
    expect((await browser.call('GET', '/bff/accounts/onet')).status).toBe(200)

    stage.restart({ SESSION_SECRETS: fresh })
    expect((await browser.call('GET', '/bff/accounts/onet')).status).toBe(401)
  })

  test('renamed to another provider opens nothing there', async () => {
    const browser = createStage().browser()
    await browser.signIn('onet')
    const [[name = '', value = ''] = []] = browser.cookies
    const stolen = `${name.replace('_onet_', '_seznam_')}=${value}`
    const answer = await browser.call('GET', '/bff/session', undefined, { cookie: stolen })
    expect(await answer.json()).toEqual({ accounts: [] })
  })

  test('ends by the clock inside its seal, whatever the browser keeps', async () => {
    const stage = createStage()
    const browser = stage.browser()
    await browser.signIn('seznam')
    stage.clock.now += 181 * 24 * 60 * minutes
    expect((await browser.call('GET', '/bff/accounts/seznam')).status).toBe(401)
  })
})

describe('signing in again', () => {
  test('as somebody else leaves nothing of the one before', async () => {
    const browser = createStage().browser()
    await browser.signIn('seznam', { user: 'krasty' })
    const before = new Map(browser.cookies)

    await browser.signIn('seznam', { user: 'pavla' })

    const { accounts } = (await (await browser.call('GET', '/bff/session')).json()) as {
      accounts: { label: string }[]
    }
    expect(accounts.map(({ label }) => label)).toEqual(['pavla@email.cz'])
    const copied = [...before].map(([name, value]) => `${name}=${value}`).join('; ')
    const replay = await browser.call('GET', '/bff/session', undefined, { cookie: copied })
    expect(await replay.json()).toEqual({ accounts: [] })
  })

  test('ends the earlier sign-in even where its Strict cookie did not come along', async () => {
    const stage = createStage()
    const browser = stage.browser()
    await browser.signIn('onet')
    const old = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const back = await browser.away('onet')
    const loginCookies = [...browser.cookies].filter(([name]) => name.includes('_login_'))
    // What a browser sends on the way back from another site: the Lax cookies only.
    await browser.visit(back, {
      cookie: loginCookies.map(([name, value]) => `${name}=${value}`).join('; '),
    })
    const replay = await browser.call('GET', '/bff/session', undefined, { cookie: old })
    expect(await replay.json()).toEqual({ accounts: [] })
  })
})

describe('the password lane', () => {
  test('says the same of a wrong password, an unknown user, and one who may not', async () => {
    const browser = createStage().browser()
    const answers = await Promise.all(
      [
        { username: 'developer', password: 'wrong' },
        { username: 'nobody', password: 'wrong' },
        { username: 'outsider', password: 'faro-outsider' },
        { username: 'retired', password: 'faro-retired' },
      ].map(async (body) => {
        const answer = await browser.call('POST', '/bff/login/onesait', body)
        return [answer.status, await answer.text()]
      }),
    )
    expect(new Set(answers.map(String)).size).toBe(1)
    expect(answers[0]?.[0]).toBe(401)
    expect(JSON.parse(String(answers[0]?.[1]))).toMatchObject({ code: 'invalid_credentials' })
  })

  test('slows down guessing, and says when to come back', async () => {
    const browser = createStage().browser()
    const guess = () =>
      browser.call('POST', '/bff/login/onesait', { username: 'analyst', password: 'guess' })
    for (let tries = 0; tries < 10; tries++) expect((await guess()).status).toBe(401)
    const refused = await guess()
    expect(refused.status).toBe(429)
    expect(await refused.json()).toMatchObject({ code: 'rate_limited', status: 429 })
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    // Another name is not slowed down.
    expect((await browser.signIn('onesait')).status).toBe(200)
  })

  test.each([
    ['nothing', undefined],
    ['no password', { username: 'developer' }],
    ['a list', []],
    ['a field too many', { username: 'a', password: 'b', remember: true }],
    ['a number', { username: 1, password: 'b' }],
    ['a name without end', { username: 'a'.repeat(257), password: 'b' }],
  ])('refuses %s', async (_what, body) => {
    const stage = createStage()
    const answer = await stage.browser().call('POST', '/bff/login/onesait', body)
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ code: 'invalid_request' })
    expect(stage.simulators.onesait.log).toEqual([])
  })

  test('refuses a body without end before it is read', async () => {
    const body = { username: 'a', password: 'b'.repeat(20_000) }
    const answer = await createStage().browser().call('POST', '/bff/login/onesait', body)
    expect(answer.status).toBe(413)
  })
})

describe('an API token', () => {
  test('signs in where the provider takes one, and is proven first', async () => {
    const stage = createStage()
    const browser = stage.browser()
    const wrong = await browser.call('POST', '/bff/login/konpro', { apiToken: 'not-a-key' })
    expect(wrong.status).toBe(401)
    expect(await wrong.json()).toMatchObject({ code: 'invalid_credentials' })
    expect(await (await browser.call('GET', '/bff/session')).json()).toEqual({ accounts: [] })
  })
})

test('four accounts with tokens of 1.4 kB fit into 16 kB of cookies', async () => {
  const stage = createStage()
  const browser = stage.browser()
  for (const simulator of Object.values(stage.simulators))
    simulator.tokenAnswer = (answer) => ({
      ...answer,
      access_token: randomText(1400),
      refresh_token: randomText(1400),
    })
  for (const provider of ['onesait', 'gearcode', 'seznam']) await browser.signIn(provider)
  expect(await (await browser.call('GET', '/bff/session')).json()).toMatchObject({
    accounts: [{}, {}, {}],
  })
  const size = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ').length
  expect((size / 3) * 4).toBeLessThan(16 * 1024)
  for (const [name, value] of browser.cookies)
    expect(name.length + value.length).toBeLessThanOrEqual(4096)
})

test('tokens too large for any cookie are a clear error and no half sign-in', async () => {
  const stage = createStage()
  const browser = stage.browser()
  stage.simulators.seznam.tokenAnswer = (answer) => ({
    ...answer,
    access_token: randomText(16_000),
    refresh_token: randomText(16_000),
  })
  const answer = await browser.signIn('seznam')
  expect(answer.headers.get('location')).toBe('/?error=account_too_large&provider=seznam')
  expect(await (await browser.call('GET', '/bff/session')).json()).toEqual({ accounts: [] })
  expect([...browser.cookies.keys()]).toEqual([])
})

test('the page is told where providers are simulated', async () => {
  const stage = createStage({}, { simulated: true })
  const answer = await stage.browser().call('GET', '/bff/providers')
  const { providers } = (await answer.json()) as { providers: { simulated: boolean }[] }
  expect(providers.map(({ simulated }) => simulated)).toEqual([true, true, true, true, true])
  expect(origin).toBe('https://app.example')
})

function randomText(length: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(length))
  return Buffer.from(bytes).toString('base64url').slice(0, length)
}
