import { expect, test } from 'vitest'
import { takeArrival } from '../../web/arrival'

function arriveAt(address: string) {
  const urls: unknown[] = []
  const history = { replaceState: (_: unknown, __: string, url?: unknown) => void urls.push(url) }
  const arrival = takeArrival(new URL(address, 'https://app.test'), history)
  return { arrival, urls }
}

test('code and state leave the URL of a callback and stay in memory', () => {
  const { arrival, urls } = arriveAt('/callback/acme?code=c&state=s#f')
  expect(urls).toEqual(['/callback/acme'])
  expect(arrival.callback?.toString()).toBe('code=c&state=s')
})

test('a callback without a query leaves the history alone', () => {
  expect(arriveAt('/callback/acme').urls).toEqual([])
})

test('a failed sign-in leaves the URL; the rest of the URL stays', () => {
  const { arrival, urls } = arriveAt('/accounts/acme?error=access_denied&provider=acme&x=1#f')
  expect(urls).toEqual(['/accounts/acme?x=1#f'])
  expect(arrival).toEqual({ failed: { code: 'access_denied', provider: 'acme' } })
})

test('a failure of nobody in particular is one too', () => {
  expect(arriveAt('/?error=login_forged').arrival).toEqual({
    failed: { code: 'login_forged', provider: '' },
  })
})

test('any other page brings nothing along', () => {
  expect(arriveAt('/accounts/acme?code=c')).toEqual({ arrival: {}, urls: [] })
})
