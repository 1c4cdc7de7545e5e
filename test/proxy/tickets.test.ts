import { describe, expect, test } from 'vitest'
import { createSeal } from '../../proxy/session/seal'
import { Secret } from '../../shared/secret'
import { origin, sessionSecret } from '../stage'
import { apiOrigin, createCaller } from './api-caller'

const file = () => new Response('a,b\n', { headers: { 'content-type': 'text/csv', etag: '"1"' } })

/** Somebody who is signed in, and what a page does with tickets. */
async function createPage(variables: Record<string, string> = {}) {
  const caller = await createCaller('konpro', file, variables)
  const { browser } = caller
  const ask = (path: unknown, provider = 'konpro') =>
    browser.call('POST', `/bff/tickets/${provider}`, { path })
  return {
    ...caller,
    ask,
    /** The link for a path, which must be one. */
    link: async (path = '/v1/report?year=2026'): Promise<string> => {
      const answer = await ask(path)
      expect(answer.status).toBe(200)
      return ((await answer.json()) as { url: string }).url
    },
    /** Follows a link as a browser does that says nothing of itself. */
    follow: (link: string, headers: Record<string, string> = {}, method = 'GET') =>
      browser.send(link, { method, headers }),
  }
}

const refusal = { status: 403, code: 'csrf' }

describe('a ticket', () => {
  test('opens one address of the API once, without our header', async () => {
    const { arrived, link, follow } = await createPage()
    const url = await link()
    expect(url).toMatch(/^\/bff\/api\/konpro\/v1\/report\?year=2026&latchkey_ticket=[\w.-]+$/)

    const answer = await follow(url)
    expect(answer.status).toBe(200)
    expect(await answer.text()).toBe('a,b\n')
    const again = await follow(url)
    expect(await again.json()).toMatchObject(refusal)
    expect(arrived.map((one) => one.url)).toEqual([`${apiOrigin}/v1/report?year=2026`])
  })

  test('is for half a minute', async () => {
    const { arrived, stage, ask, follow } = await createPage()
    const { url, expiresAt } = (await (await ask('/v1/report')).json()) as {
      url: string
      expiresAt: string
    }
    expect(Date.parse(expiresAt) - stage.clock.now).toBe(30_000)
    stage.clock.now += 30_000
    expect(await (await follow(url)).json()).toMatchObject(refusal)
    expect(arrived).toEqual([])
  })

  test('goes nowhere: the API and the log never see it', async () => {
    const { arrived, stage, link, follow } = await createPage()
    const [, ticket = ''] = (await link('/v1/a?x=%41+b&&y')).split('latchkey_ticket=')
    for (const query of [
      `?latchkey_ticket=${ticket}&x=%41+b&&y`,
      `?x=%41+b&latchkey%5Fticket=${ticket}&&y`,
    ])
      await follow(`/bff/api/konpro/v1/a${query}`, { 'x-latchkey': '1' })
    expect((await follow(`/bff/api/konpro/v1/a?x=%41+b&latchkey_ticket=${ticket}&&y`)).status).toBe(
      200,
    )
    expect(arrived.map(({ url }) => new URL(url).search)).toEqual(Array(3).fill('?x=%41+b&&y'))
    expect(JSON.stringify([arrived, stage.lines])).not.toContain(ticket.slice(0, 40))
  })

  const turned: [string, (url: string) => string][] = [
    ['another path', (url) => url.replace('/report', '/reports')],
    ['another query', (url) => url.replace('2026', '2025')],
    ['one more parameter', (url) => `${url}&all=1`],
    ['another provider', (url) => url.replace('/konpro/v1/', '/seznam/api/v1/')],
    ['itself twice', (url) => `${url}&${url.slice(url.indexOf('latchkey_ticket'))}`],
    ['a changed last character', (url) => url.slice(0, -1) + (url.endsWith('A') ? 'B' : 'A')],
  ]
  test.each(turned)('does not open with %s', async (_, turn) => {
    const { arrived, link, follow } = await createPage()
    const url = await link()
    expect(await (await follow(turn(url))).json()).toMatchObject(refusal)
    expect(arrived).toEqual([])
    expect((await follow(url)).status).toBe(200)
  })

  test.each([
    ['from another site', { 'sec-fetch-site': 'cross-site' }],
    ['from another origin', { origin: 'https://evil.example' }],
    ['from an origin that hides', { origin: 'null' }],
    ['ahead of a click', { 'sec-purpose': 'prefetch' }],
    ['for a service worker', { 'sec-fetch-dest': 'serviceworker' }],
    ['with our header and another value', { 'x-latchkey': '0' }],
  ] as [string, Record<string, string>][])(
    'does not open, nor is it used up, %s',
    async (_, headers) => {
      const { arrived, link, follow } = await createPage()
      const url = await link()
      expect(await (await follow(url, headers)).json()).toMatchObject(refusal)
      expect(arrived).toEqual([])
      expect((await follow(url)).status).toBe(200)
    },
  )

  test.each(['HEAD', 'POST', 'DELETE', 'OPTIONS'])('is not for %s', async (method) => {
    const { arrived, link, follow } = await createPage()
    expect((await follow(await link(), {}, method)).status).toBe(403)
    expect(arrived).toEqual([])
  })

  test.each([
    ['a sibling’s link', { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'navigate' }],
    ['the address bar', { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' }],
    ['a picture', { 'sec-fetch-site': 'same-origin', 'sec-fetch-dest': 'image' }],
  ] as [string, Record<string, string>][])('opens for %s', async (_, headers) => {
    const { link, follow } = await createPage()
    expect((await follow(await link(), headers)).status).toBe(200)
  })

  test('is of one sign-in: not for nobody, not for somebody else, not for the next', async () => {
    const { arrived, stage, browser, link, follow } = await createPage()
    const url = await link()
    expect(await (await follow(url, { cookie: 'x=y' })).json()).toMatchObject(refusal)
    const other = stage.browser()
    await other.signIn('konpro', { user: 'grace' })
    expect((await other.send(url)).status).toBe(403)
    await browser.signIn('konpro')
    expect((await follow(url)).status).toBe(403)
    expect(arrived).toEqual([])
  })

  test('is no cookie, and no cookie is a ticket', async () => {
    const { arrived, browser, link, follow } = await createPage()
    const url = await link()
    const ticket = url.slice(url.indexOf('=', url.indexOf('latchkey_ticket')) + 1)
    const [[name, value] = ['', '']] = browser.cookies
    const asCookie = await browser.call('GET', '/bff/session', undefined, {
      cookie: `${name}=${ticket}`,
    })
    expect(await asCookie.json()).toEqual({ accounts: [] })
    expect((await follow(url.replace(ticket, value))).status).toBe(403)
    expect(arrived).toEqual([])
  })

  test('of a made-up content does not open, though it is sealed by us', async () => {
    const { stage, follow } = await createPage()
    const seal = createSeal([new Secret(sessionSecret)], () => stage.clock.now)
    for (const content of [
      {},
      { target: '/bff/api/konpro/v1/a' },
      { target: 1, seat: [], id: {} },
    ]) {
      const sealed = await seal.seal('ticket', 'konpro', content, stage.clock.now + 30_000)
      expect((await follow(`/bff/api/konpro/v1/a?latchkey_ticket=${sealed}`)).status).toBe(403)
    }
  })
})

describe('asking for one', () => {
  test.each([
    ['/v2/x', 400, 'path_not_allowed'],
    ['/v1/oauth/token', 400, 'path_not_allowed'],
    ['/v1/%2e%2e/x', 400, 'path_not_allowed'],
    ['/v1/../v2', 400, 'path_not_allowed'],
    ['/v1/a#b', 400, 'path_not_allowed'],
    ['/v1/a?access_token=x', 400, 'path_not_allowed'],
    ['/v1/a?latchkey_ticket=x', 400, 'path_not_allowed'],
    ['//evil.example/v1/x', 400, 'path_not_allowed'],
    ['/../seznam/api/v1/user', 400, 'path_not_allowed'],
    ['v1/x', 400, 'invalid_request'],
    ['', 400, 'invalid_request'],
    ['https://evil.example/v1', 400, 'invalid_request'],
    [`/v1/${'a'.repeat(5000)}`, 400, 'invalid_request'],
    [7, 400, 'invalid_request'],
    [undefined, 400, 'invalid_request'],
  ])('for %j is %i %s', async (path, status, code) => {
    const { ask } = await createPage()
    expect(await (await ask(path)).json()).toMatchObject({ status, code })
  })

  test('what is written in another way comes back as browsers will send it', async () => {
    const { link, follow } = await createPage()
    const url = await link('/v1/./a b?c=d e')
    expect(url).toMatch(/^\/bff\/api\/konpro\/v1\/a%20b\?c=d%20e&/)
    expect((await follow(url)).status).toBe(200)
  })

  test('is for who is signed in, at a provider whose API the proxy calls', async () => {
    const { ask } = await createPage({ ONET_CLIENT_ID: '', ONET_CLIENT_SECRET: '' })
    expect(await (await ask('/api/v1/user', 'seznam')).json()).toMatchObject({
      code: 'not_signed_in',
    })
    expect(await (await ask('/x', 'onet')).json()).toMatchObject({ code: 'provider_off' })
    expect(await (await ask('/x', 'nobody')).json()).toMatchObject({ code: 'unknown_provider' })
  })

  test('takes no more than it needs, and nothing from strangers', async () => {
    const { browser } = await createPage()
    const path = '/bff/tickets/konpro'
    const big = await browser.call('POST', path, { path: '/v1/a', more: 'x'.repeat(10_000) })
    expect(big.status).toBe(413)
    const more = await browser.call('POST', path, { path: '/v1/a', more: 1 })
    expect(await more.json()).toMatchObject({ code: 'invalid_request' })
    expect((await browser.call('GET', path)).headers.get('allow')).toBe('POST')
    const stranger = await browser.send(path, {
      method: 'POST',
      body: '{"path":"/v1/a"}',
      headers: { origin },
    })
    expect(stranger.status).toBe(403)
  })
})
