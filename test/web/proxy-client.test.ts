import { expect, test, vi } from 'vitest'
import { createProxyClient } from '../../web/client/proxy'
import { json, thrownBy } from './browser'

function callTo(answer: () => Response | Promise<Response>, origin = '') {
  const calls: { url: string; init: RequestInit | undefined }[] = []
  const dates: (string | null)[] = []
  const changed = vi.fn()
  const proxy = createProxyClient({
    origin,
    measure: () => (date) => void dates.push(date),
    changed,
    fetch: async (url, init) => {
      calls.push({ url: url instanceof Request ? url.url : url.toString(), init })
      return answer()
    },
  })
  return { proxy, calls, dates, changed }
}

const problem = (code: string, status: number) =>
  json({ type: 'about:blank', title: code, status, code }, status)

test('every call carries the header that no other site can send', async () => {
  const { proxy, calls } = callTo(() => json({ accounts: [] }))
  await proxy.session()
  expect(calls[0]?.url).toBe('/bff/session')
  expect(new Headers(calls[0]?.init?.headers).get('x-latchkey')).toBe('1')
  expect(calls[0]?.init?.credentials).toBe('same-origin')
})

test('a proxy on a sibling origin gets its cookies too', async () => {
  const { proxy, calls } = callTo(() => json({ accounts: [] }), 'https://api.app.test')
  await proxy.session()
  expect(calls[0]?.url).toBe('https://api.app.test/bff/session')
  expect(calls[0]?.init?.credentials).toBe('include')
})

test('a problem is its code, with the wait it asks for', async () => {
  const { proxy } = callTo(() => {
    const answer = problem('rate_limited', 429)
    answer.headers.set('retry-after', '30')
    return answer
  })
  await expect(proxy.refresh('acme')).rejects.toMatchObject({
    code: 'rate_limited',
    retryAfter: 30,
  })
})

test.each([
  ['no connection', () => Promise.reject(new TypeError('failed')), 'offline'],
  ["a gateway's page", () => new Response('<h1>502', { status: 502 }), 'offline'],
  ['an unknown code', () => problem('made_up', 400), 'internal'],
  ['a foreign page with 200', () => new Response('<!doctype html>'), 'internal'],
  ['an answer of another shape', () => json({ accounts: [{ provider: 1 }] }), 'internal'],
])('%s is %3$s', async (_, answer, code) => {
  expect(await thrownBy(callTo(answer).proxy.session())).toBe(code)
})

test('what the schema does not name goes no further', async () => {
  const { proxy } = callTo(() => json({ accounts: [], accessToken: 'canary' }))
  expect(await proxy.session()).toEqual({ accounts: [] })
})

test('only an answer of the proxy itself tells the time', async () => {
  const dated = (answer: Response) => {
    answer.headers.set('date', 'Sun, 22 Nov 2026 12:00:00 GMT')
    return answer
  }
  const { proxy, dates } = callTo(() => dated(json({ accounts: [] })))
  await proxy.session()
  expect(dates).toEqual(['Sun, 22 Nov 2026 12:00:00 GMT'])
  const gateway = callTo(() => dated(new Response('<h1>502', { status: 502 })))
  await thrownBy(gateway.proxy.session())
  const page = callTo(() => dated(new Response('<!doctype html>')))
  await thrownBy(page.proxy.session())
  expect([...gateway.dates, ...page.dates]).toEqual([])
})

const revocation = { account: null, revoked: true }
const effects = { local: 'cleared', tokens: 'revoked', provider: 'unsupported' }

test('every answer that may have changed an account is told, and no reading is', async () => {
  const told = async (answer: () => Response | Promise<Response>, act: Act) => {
    const { proxy, changed } = callTo(answer)
    await thrownBy(act(proxy))
    return changed.mock.calls.length
  }
  type Act = (proxy: ReturnType<typeof createProxyClient>) => Promise<unknown>
  const profile: Act = (proxy) => proxy.profile('acme')
  expect(await told(() => json({ profile: { subject: null }, raw: {} }), profile)).toBe(1)
  expect(
    await told(
      () => json(revocation),
      (proxy) => proxy.revoke('acme', 'access'),
    ),
  ).toBe(1)
  expect(
    await told(
      () => json({ effects }),
      (proxy) => proxy.signOut('acme'),
    ),
  ).toBe(1)
  expect(await told(() => problem('session_ended', 401), profile)).toBe(1)
  expect(await told(() => Promise.reject(new TypeError('failed')), profile)).toBe(0)
  expect(
    await told(
      () => json({ accounts: [] }),
      (proxy) => proxy.session(),
    ),
  ).toBe(0)
  expect(
    await told(
      () => json({ providers: [] }),
      (proxy) => proxy.time(),
    ),
  ).toBe(0)
})
