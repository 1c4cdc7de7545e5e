import { expect, test } from 'vitest'
import { returnPath, routeOf } from '../../web/route'

test.each([
  ['/', { page: 'accounts' }],
  ['/accounts/acme', { page: 'account', provider: 'acme' }],
  ['/callback/acme', { page: 'callback', provider: 'acme' }],
])('%s is a page', (path, route) => {
  expect(routeOf(path)).toEqual(route)
})

test.each(['/accounts', '/accounts/', '/accounts/acme/', '/accounts/%2e%2e', '//', '/bff/session'])(
  '%s is no page',
  (path) => {
    expect(routeOf(path)).toEqual({ page: 'missing' })
  },
)

test.each(['/', '/accounts/acme'])('a sign-in may return to %s', (path) => {
  expect(returnPath(path)).toBe(path)
})

test.each([
  '//evil.example',
  '/\\evil.example',
  'https://evil.example/',
  'javascript:alert(1)',
  '/..//evil.example',
  '/.//evil.example',
  '/callback/acme',
  '/bff/login/acme',
  '/accounts/acme?x=//evil.example',
  '\t//evil.example',
  '',
])('a sign-in that would return to %j returns to the accounts', (path) => {
  expect(returnPath(path)).toBe('/')
})
