import { describe, expect, test } from 'vitest'
import { createStage, origin, type Stage } from '../stage'

const minutes = 60_000

function tokenRequests(stage: Stage): number {
  return Object.values(stage.simulators).flatMap(({ log }) =>
    log.filter(({ method, path }) => method === 'POST' && /token$/.test(path)),
  ).length
}

describe('a callback', () => {
  test('is good once', async () => {
    const browser = createStage().browser()
    const back = await browser.away('onet')
    expect((await browser.visit(back)).headers.get('location')).toBe('/')
    const again = await browser.visit(back)
    expect(again.status).toBe(303)
    expect(again.headers.get('location')).toBe('/?error=login_expired&provider=onet')
    expect((await browser.call('GET', '/bff/accounts/onet')).status).toBe(200)
  })

  test('spends the code once even with a saved login cookie', async () => {
    const stage = createStage()
    const browser = stage.browser()
    const back = await browser.away('seznam')
    const saved = new Map(browser.cookies)
    await browser.visit(back)
    const spent = tokenRequests(stage)
    const cookie = [...saved].map(([name, value]) => `${name}=${value}`).join('; ')
    const replay = await browser.visit(back, { cookie })
    expect(replay.headers.get('location')).toBe('/?error=login_expired&provider=seznam')
    expect(tokenRequests(stage)).toBe(spent)
  })

  test('after more than ten minutes is too late, and says so', async () => {
    const stage = createStage()
    const browser = stage.browser()
    const back = await browser.away('seznam')
    stage.clock.now += 10 * minutes + 1
    const late = await browser.visit(back)
    expect(late.headers.get('location')).toBe('/?error=login_expired&provider=seznam')
    expect(tokenRequests(stage)).toBe(0)
  })

  test('in another browser is forged, and the code stays unspent', async () => {
    const stage = createStage()
    const back = await stage.browser().away('seznam')
    const victim = stage.browser()
    const answer = await victim.visit(back, { 'sec-fetch-site': 'cross-site' })
    expect(answer.headers.get('location')).toBe('/?error=login_forged&provider=seznam')
    expect([...victim.cookies]).toEqual([])
    expect(tokenRequests(stage)).toBe(0)
  })

  test('in another browser that has a login of its own is forged all the same', async () => {
    const stage = createStage()
    const back = await stage.browser().away('seznam')
    const victim = stage.browser()
    await victim.visit('/bff/login/seznam')
    const answer = await victim.visit(back)
    expect(answer.headers.get('location')).toBe('/?error=login_forged&provider=seznam')
    expect(tokenRequests(stage)).toBe(0)
  })

  test('of one provider does not answer a login at another', async () => {
    const stage = createStage()
    const browser = stage.browser()
    const back = await browser.away('seznam')
    const answer = await browser.visit(back.replace('/callback/seznam', '/callback/gearcode'))
    expect(answer.headers.get('location')).toBe('/?error=login_forged&provider=gearcode')
    expect(tokenRequests(stage)).toBe(0)
  })

  test.each([
    ['no state', (back: URL) => back.searchParams.delete('state')],
    ['an empty state', (back: URL) => back.searchParams.set('state', '')],
    ['the state "undefined"', (back: URL) => back.searchParams.set('state', 'undefined')],
    ['another state', (back: URL) => back.searchParams.set('state', 'x'.repeat(43))],
    ['two states', (back: URL) => back.searchParams.append('state', 'x')],
    ['two codes', (back: URL) => back.searchParams.append('code', 'x')],
    ['a state in brackets', (back: URL) => (back.search = back.search.replace('state', 'state[]'))],
  ])('with %s is forged', async (_what, change) => {
    const stage = createStage()
    const browser = stage.browser()
    const back = new URL(await browser.away('seznam'), origin)
    change(back)
    const answer = await browser.visit(back.pathname + back.search)
    expect(answer.headers.get('location')).toBe('/?error=login_forged&provider=seznam')
    expect(tokenRequests(stage)).toBe(0)
  })

  test.each(['%0d%0aX:1', '%00', '%ff', '😀', 'a'.repeat(20_000), ''])(
    'with the code %j asks nobody',
    async (code) => {
      const stage = createStage()
      const browser = stage.browser()
      const back = await browser.away('seznam')
      const answer = await browser.visit(back.replace(/code=[^&]*/, `code=${code}`))
      expect(answer.status).toBe(303)
      expect(answer.headers.get('location')).toBe('/?error=provider_error&provider=seznam')
      expect(tokenRequests(stage)).toBe(0)
    },
  )

  test('with an answer of the implicit grant signs nobody in', async () => {
    const browser = createStage().browser()
    const back = await browser.away('seznam')
    for (const name of ['access_token', 'token', 'id_token'])
      await browser.visit(back.replace('code=', `${name}=`))
    expect(await (await browser.call('GET', '/bff/session')).json()).toEqual({ accounts: [] })
  })

  test('tells a denial from other errors, and never repeats what the address says', async () => {
    const stage = createStage()
    const browser = stage.browser()
    const denied = await browser.visit(await browser.away('seznam', { deny: true }))
    expect(denied.headers.get('location')).toBe('/?error=access_denied&provider=seznam')

    const state = /state=([^&]*)/.exec(await browser.away('seznam'))?.[1] ?? ''
    const hostile = '&error_description=<svg onload=1>&error_uri=javascript:alert(1)'
    const broken = await browser.visit(
      `/bff/callback/seznam?error=server_error&state=${state}${encodeURI(hostile)}`,
    )
    expect(broken.headers.get('location')).toBe('/?error=provider_error&provider=seznam')
    expect(await broken.text()).not.toContain('svg')
  })

  test.each(['POST', 'HEAD', 'OPTIONS', 'PUT', 'TRACE'].filter((method) => method !== 'TRACE'))(
    'by %s consumes nothing',
    async (method) => {
      const stage = createStage()
      const browser = stage.browser()
      const back = await browser.away('seznam')
      const answer = await browser.send(back, { method, headers: { 'x-latchkey': '1' } })
      expect(answer.status).toBe(405)
      expect(tokenRequests(stage)).toBe(0)
      expect((await browser.visit(back)).headers.get('location')).toBe('/')
    },
  )

  test.each([
    ['a prefetch', { 'sec-purpose': 'prefetch' }],
    ['a prerender', { 'sec-purpose': 'prefetch;prerender' }],
    ["a preview of old browsers'", { purpose: 'prefetch' }],
    ['a frame', { 'sec-fetch-dest': 'iframe' }],
    ['an image', { 'sec-fetch-dest': 'image' }],
  ])('for %s does nothing, and the person can still come back', async (_what, headers) => {
    const stage = createStage()
    const browser = stage.browser()
    expect((await browser.visit('/bff/login/seznam', headers)).status).toBe(403)
    expect([...browser.cookies]).toEqual([])
    const back = await browser.away('seznam')
    expect((await browser.visit(back, headers)).status).toBe(403)
    expect(tokenRequests(stage)).toBe(0)
    expect((await browser.visit(back)).headers.get('location')).toBe('/')
  })

  test('leads back to where the login was begun', async () => {
    const browser = createStage().browser()
    const back = await browser.away('seznam', {}, '/accounts/seznam?tab=profile')
    const answer = await browser.visit(back)
    expect(answer.headers.get('location')).toBe('/accounts/seznam?tab=profile')
    expect(answer.headers.get('referrer-policy')).toBe('no-referrer')
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(await answer.text()).toBe('')
  })

  test('keeps the way back beside the error', async () => {
    const browser = createStage().browser()
    const back = await browser.away('seznam', { deny: true }, '/accounts/seznam?tab=profile')
    expect((await browser.visit(back)).headers.get('location')).toBe(
      '/accounts/seznam?tab=profile&error=access_denied&provider=seznam',
    )
  })

  test('is an absolute way back where the app lives on a sibling', async () => {
    const stage = createStage({ WEB_ORIGIN: 'https://www.app.example' })
    const browser = stage.browser()
    const answer = await browser.visit(await browser.away('seznam'))
    expect(answer.headers.get('location')).toBe('https://www.app.example/')
  })
})

describe('logins under way', () => {
  test('in two tabs and at two providers do not collide', async () => {
    const browser = createStage().browser()
    const first = await browser.away('seznam')
    const other = await browser.away('gearcode')
    const second = await browser.away('seznam', { user: 'pavla' })
    for (const back of [second, other, first])
      expect((await browser.visit(back)).headers.get('location')).toBe('/')
  })

  test('are at most five, the oldest gives way', async () => {
    const stage = createStage()
    const browser = stage.browser()
    const backs: string[] = []
    for (let count = 0; count < 7; count++) {
      stage.clock.now += 1000
      backs.push(await browser.away('seznam'))
    }
    expect([...browser.cookies.keys()].filter((name) => name.includes('_login_'))).toHaveLength(5)
    const [oldest = '', , , , , , newest = ''] = backs
    expect((await browser.visit(oldest)).headers.get('location')).toMatch(/error=login_expired/)
    expect((await browser.visit(newest)).headers.get('location')).toBe('/')
  })

  test('never repeat a state, a challenge or a verifier', async () => {
    const stage = createStage()
    const seen = new Set<string>()
    for (let count = 0; count < 500; count++) {
      const answer = await stage.app.request('/bff/login/seznam')
      const { searchParams } = new URL(answer.headers.get('location') ?? '')
      seen.add(searchParams.get('state') ?? '')
      seen.add(searchParams.get('code_challenge') ?? '')
    }
    expect(seen.size).toBe(1000)
    for (const value of seen) expect(value).toMatch(/^[\w-]{43}$/)
  })

  test('are of a browser that carries a Lax cookie, for the provider is another site', async () => {
    const browser = createStage().browser()
    const answer = await browser.visit('/bff/login/seznam')
    expect(answer.status).toBe(302)
    const [line = ''] = answer.headers.getSetCookie()
    expect(line).toMatch(/^__Host-latchkey_login_[\w-]{8}=/)
    expect(line).toMatch(/SameSite=Lax/)
    expect(line).toMatch(/HttpOnly/)
  })
})

test('a callback with a parameter twice uses no login up', async () => {
  const browser = createStage().browser()
  const back = await browser.away('seznam')
  const twice = await browser.visit(`${back}&code=other`)
  expect(twice.headers.get('location')).toBe('/?error=login_forged&provider=seznam')
  expect((await browser.visit(back)).headers.get('location')).toBe('/')
})
