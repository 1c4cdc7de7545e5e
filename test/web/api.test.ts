/** One contract for calls to an API, which both custodies keep. */
import { describe, expect, test } from 'vitest'
import type { ProviderView } from '../../shared/wire'
import { sendCall } from '../../web/client/api'
import { storeSignIn } from '../../web/client/browser/account'
import { browserCustody } from '../../web/client/browser/custody'
import * as protocol from '../../web/client/browser/protocol'
import { proxyCustody, type Custody } from '../../web/client/custody'
import { createProxyClient } from '../../web/client/proxy'
import { apiOrigin, createCaller, type Arrived } from '../proxy/api-caller'
import { origin } from '../stage'
import { json, openBrowser, signedIn, thrownBy } from './browser'

type Answer = (arrived: Arrived) => Response | Promise<Response>

/** Somebody who is signed in, in one custody or the other. */
interface Opened {
  custody: Custody
  /** What reached the API. */
  arrived: Arrived[]
  /** Every address anything was sent to beyond us. */
  addresses: string[]
  refreshes: () => number
  signOut: () => Promise<unknown>
}

const view: ProviderView = {
  id: 'konpro',
  name: 'KonPro',
  custody: 'proxy',
  grant: 'code',
  configured: true,
  simulated: false,
  capabilities: ['api'],
}

async function inProxy(answer: Answer): Promise<Opened> {
  const { browser, arrived, addresses, refreshes } = await createCaller('konpro', answer)
  const proxy = createProxyClient({
    origin: '',
    measure: () => () => undefined,
    changed: () => undefined,
    // As a browser's does it: with a length where it knows one, and without an answer once aborted.
    fetch: async (url, init) => {
      init?.signal?.throwIfAborted()
      const headers = new Headers(init?.headers)
      for (const [name, value] of [
        ['origin', origin],
        ['sec-fetch-site', 'same-origin'],
      ] as const)
        headers.set(name, value)
      if (typeof init?.body === 'string') headers.set('content-length', String(init.body.length))
      const response = await browser.send(url as string, { ...init, headers })
      init?.signal?.throwIfAborted()
      return response
    },
  })
  const custody = proxyCustody(view, proxy)
  return { custody, arrived, addresses, refreshes, signOut: custody.signOut }
}

async function inBrowser(answer: Answer): Promise<Opened> {
  const arrived: Arrived[] = []
  const addresses: string[] = []
  let pairs = 0
  const browser = openBrowser(async (request) => {
    request.signal.throwIfAborted()
    addresses.push(request.url)
    if (request.url === 'https://auth.example/refresh') {
      pairs += 1
      const [access_token, refresh_token] = [`access-${pairs}`, `refresh-${pairs}`]
      return json({ token_type: 'Bearer', access_token, refresh_token, expires_in: 3600 })
    }
    const { method, url, headers } = request
    const one = { method, url, headers, body: await request.text() }
    arrived.push(one)
    return await new Promise((resolve, reject) => {
      request.signal.addEventListener('abort', () => {
        reject(request.signal.reason as Error)
      })
      Promise.resolve(one).then(answer).then(resolve, reject)
    })
  })
  const parts = { ...browser.tab(), timeLimit: 200, protocol: () => Promise.resolve(protocol) }
  await storeSignIn('konpro', signedIn(), parts)
  const client = {
    id: 'app',
    endpoints: {
      exchange: 'https://auth.example/v1/oauth/token',
      refresh: 'https://auth.example/refresh',
      api: apiOrigin,
    },
    apiPaths: ['/v1'],
    redirectUri: `${origin}/callback/konpro`,
    scope: [],
  }
  const custody = browserCustody({ ...view, custody: 'browser', client }, parts)
  return { custody, arrived, addresses, refreshes: () => pairs, signOut: custody.signOut }
}

const bearer = ({ headers }: Arrived) => headers.get('authorization')
/** An API whose first tokens have ended, whatever was said of them. */
const refusing = (times: number): Answer => {
  let left = times
  return () => (left-- > 0 ? json({ error: 'ended' }, 401) : json({ ok: true }))
}

describe.each([
  ['the proxy', inProxy],
  ['the browser', inBrowser],
])('an API is called in the custody of %s', (_, open) => {
  test('with the token, the path, the query and the body that the app gives, and no more', async () => {
    const { custody, arrived } = await open(() => json({ ok: true }))
    const answer = await custody.api('/v1/things?a=%41+b&&c', {
      method: 'post',
      body: '{"x":1}',
      headers: {
        'content-type': 'application/json',
        'if-match': '"1"',
        authorization: 'Bearer somebody-else',
        'x-forwarded-for': '1.2.3.4',
        'x-api-key': 'mine',
        cookie: 'a=b',
      },
    })
    expect(answer.status).toBe(200)
    expect(await answer.json()).toEqual({ ok: true })
    expect(arrived).toMatchObject([
      { method: 'POST', url: `${apiOrigin}/v1/things?a=%41+b&&c`, body: '{"x":1}' },
    ])
    const { headers } = arrived[0] as Arrived
    expect(headers.get('if-match')).toBe('"1"')
    expect(headers.get('content-type')).toBe('application/json')
    expect(headers.get('accept')).toMatch(/^application\/json/)
    expect(headers.get('authorization')).toMatch(/^Bearer (?!somebody-else)./)
    for (const name of ['x-forwarded-for', 'x-api-key', 'cookie', 'origin', 'x-latchkey'])
      expect(headers.get(name), name).toBeNull()
  })

  test('and answers what the API answers, without what gives orders', async () => {
    const { custody } = await open(
      () =>
        new Response('{"type":"about:blank","code":"csrf"}', {
          status: 418,
          headers: {
            'content-type': 'application/problem+json',
            etag: '"2"',
            'set-cookie': 'a=b',
            'clear-site-data': '"*"',
            refresh: '0;url=https://evil.example',
          },
        }),
    )
    const answer = await custody.api('/v1/x')
    expect(answer.status).toBe(418)
    expect(await answer.json()).toMatchObject({ code: 'csrf' })
    expect(answer.headers.get('etag')).toBe('"2"')
    for (const name of ['set-cookie', 'clear-site-data', 'refresh', 'authorization'])
      expect(answer.headers.get(name), name).toBeNull()
    expect(answer.url).toBe('')
  })

  test('or nothing, where it has nothing to say', async () => {
    const { custody } = await open(() => new Response(null, { status: 204 }))
    const answer = await custody.api('/v1/x', { method: 'DELETE' })
    expect([answer.status, await answer.text()]).toEqual([204, ''])
  })

  test.each([
    'v1/x',
    '',
    '//evil.example/v1/x',
    '/\\evil.example/v1',
    '@evil.example/v1',
    '/../../session',
    '/../seznam/v1/x',
    '/v1/../v2/x',
    '/v1/%2e%2e/v2',
    '/v1/..%2fx',
    '/v1/x%00',
    '/v1;x',
    '/v1//x',
    '/v1/x#y',
    '/v1/x#',
    '/v10',
    '/v1/oauth/token',
    '/v1/x?access_token=y',
    'https://evil.example/v1',
  ])('and nowhere else: %j', async (path) => {
    const { custody, addresses } = await open(() => json({}))
    for (const method of ['GET', 'DELETE'])
      expect(await thrownBy(custody.api(path, { method }))).toBe('path_not_allowed')
    expect(addresses).toEqual([])
  })

  test('by no method that is not known', async () => {
    const { custody, addresses } = await open(() => json({}))
    expect(await thrownBy(custody.api('/v1/x', { method: 'PROPFIND' }))).toBe('method_not_allowed')
    expect(addresses).toEqual([])
  })

  test('once more with a fresh token where the first has ended', async () => {
    const { custody, arrived, refreshes } = await open(refusing(1))
    const answer = await custody.api('/v1/x', { method: 'PUT', body: 'again' })
    expect(answer.status).toBe(200)
    expect(arrived.map(({ body }) => body)).toEqual(['again', 'again'])
    expect(new Set(arrived.map(bearer)).size).toBe(2)
    expect(refreshes()).toBe(1)
  })

  test('no oftener: a fresh token that is refused is not its age’s fault', async () => {
    const { custody, arrived, refreshes } = await open(refusing(9))
    expect((await custody.api('/v1/x')).status).toBe(401)
    expect([arrived.length, refreshes()]).toEqual([2, 1])
    expect((await custody.api('/v1/x')).status).toBe(401)
    expect([arrived.length, refreshes()]).toEqual([3, 1])
  })

  test('five at once share one refresh', async () => {
    const { custody, refreshes } = await open(({ headers }) => {
      const isFirst = first === undefined || headers.get('authorization') === first
      first ??= headers.get('authorization')
      return isFirst ? json({}, 401) : json({ ok: true })
    })
    let first: string | null | undefined
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => custody.api('/v1/x')))
    expect(answers.map(({ status }) => status)).toEqual(Array(5).fill(200))
    expect(refreshes()).toBe(1)
  })

  test('with a streamed body once: the refusal passes', async () => {
    const { custody, arrived } = await open(refusing(1))
    const body = new Blob(['gone']).stream()
    const answer = await custody.api('/v1/x', { method: 'POST', body })
    expect(answer.status).toBe(401)
    expect(arrived.map((one) => one.body)).toEqual(['gone'])
  })

  test.each([301, 302, 303, 307, 308])('and no redirect is followed: %i', async (status) => {
    const { custody, addresses } = await open(
      () => new Response(null, { status, headers: { location: 'https://evil.example/' } }),
    )
    expect(await thrownBy(custody.api('/v1/x'))).toBe('provider_error')
    expect(addresses).toEqual([`${apiOrigin}/v1/x`])
  })

  test('and what keeps it from answering is told by the same codes', async () => {
    const cut = await open(() => Promise.reject(new TypeError('cut')))
    expect(await thrownBy(cut.custody.api('/v1/x'))).toBe('provider_unreachable')
    const silent = await open(() => new Promise(() => undefined))
    expect(await thrownBy(silent.custody.api('/v1/x'))).toBe('provider_timeout')
    const gone = await open(() => json({}))
    await gone.signOut()
    expect(await thrownBy(gone.custody.api('/v1/x'))).toBe('not_signed_in')
    expect(gone.arrived).toEqual([])
  })

  test('for as long as its answer takes, once that has begun', async () => {
    let end = (): void => undefined
    const { custody } = await open(
      () =>
        new Response(
          new ReadableStream<Uint8Array>({
            start(controller) {
              controller.enqueue(new TextEncoder().encode('data: 1\n\n'))
              end = () => {
                controller.close()
              }
            },
          }),
          { headers: { 'content-type': 'text/event-stream' } },
        ),
    )
    const answer = await custody.api('/v1/events', { headers: { accept: 'text/event-stream' } })
    const reader = answer.body?.getReader()
    const first = await reader?.read()
    expect(new TextDecoder().decode(first?.value)).toBe('data: 1\n\n')
    await new Promise((resolve) => setTimeout(resolve, 300))
    end()
    expect((await reader?.read())?.done).toBe(true)
  })

  test('until the caller gives up', async () => {
    const { custody, arrived } = await open(() => new Promise(() => undefined))
    const caller = new AbortController()
    const call = custody.api('/v1/x', { signal: caller.signal })
    await expect.poll(() => arrived.length).toBe(1)
    caller.abort()
    await expect(call).rejects.toMatchObject({ name: 'AbortError' })
    await expect(custody.api('/v1/x', { signal: caller.signal })).rejects.toMatchObject({
      name: 'AbortError',
    })
  })
})

describe('an answer that is late', () => {
  const late: typeof fetch = (_, init) =>
    new Promise((resolve, reject) => {
      init?.signal?.throwIfAborted()
      const answer = setTimeout(resolve, 50, json({ ok: true }))
      init?.signal?.addEventListener('abort', () => {
        clearTimeout(answer)
        reject(init.signal?.reason as Error)
      })
    })
  const send = (init: RequestInit) =>
    sendCall(late, 'https://api.example/v1', init, 10, (why) => new Error(why))

  test.each([null, '{"x":1}'])('is given up where all was sent at once: %j', async (body) => {
    await expect(send({ method: 'POST', body })).rejects.toThrow('timeout')
  })

  test.each([
    ['a file', new Blob(['film'])],
    ['a long text', 'x'.repeat(20_000)],
  ])('is waited for where %s may still be on its way', async (_, body) => {
    expect((await send({ method: 'PUT', body })).status).toBe(200)
    const signal = AbortSignal.abort()
    await expect(send({ method: 'PUT', body, signal })).rejects.toMatchObject({
      name: 'AbortError',
    })
  })
})

test('the proxy’s custody gives a link for a download, the browser’s cannot', async () => {
  const { browser, arrived } = await createCaller('konpro', () => new Response('a,b'))
  const fetch = (url: unknown, init?: RequestInit) => browser.send(url as string, init)
  const proxy = createProxyClient({
    origin: '',
    measure: () => () => undefined,
    changed: () => undefined,
    fetch,
  })
  const link = await proxyCustody(view, proxy).apiLink?.('/v1/report?year=2026')
  const answer = await browser.send(link ?? '')
  expect(await answer.text()).toBe('a,b')
  expect(arrived.map(({ url }) => url)).toEqual([`${apiOrigin}/v1/report?year=2026`])
  const code = thrownBy(proxyCustody(view, proxy).apiLink?.('/v2') ?? Promise.resolve())
  expect(await code).toBe('path_not_allowed')

  expect((await inBrowser(() => json({}))).custody.apiLink).toBeNull()
})
