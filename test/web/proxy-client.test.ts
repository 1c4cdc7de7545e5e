import { expect, test } from 'vitest'
import { createProxyClient } from '../../web/client/proxy'
import { json, thrownBy } from './browser'

function callTo(answer: () => Response | Promise<Response>, origin = '') {
  const calls: { url: string; init: RequestInit | undefined }[] = []
  const proxy = createProxyClient({
    origin,
    fetch: async (url, init) => {
      calls.push({ url: url instanceof Request ? url.url : url.toString(), init })
      return answer()
    },
  })
  return { proxy, calls }
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
