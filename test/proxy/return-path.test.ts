import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { locationOf, returnPath, withError } from '../../proxy/return-path'

const origin = 'https://app.test'

/** Every reading of a path that some server on the way might have: decoded once or more, slashes turned, dots resolved. */
function readings(path: string): string[] {
  const found = [path]
  for (let at = path, round = 0; round < 4; round++) {
    const decoded = at.replace(/%([\da-f]{2})/gi, (_, hex: string) =>
      String.fromCharCode(parseInt(hex, 16)),
    )
    // Browsers drop these characters wherever they stand (WHATWG URL §4.4).
    const plain = decoded.replace(/[\t\n\r]/g, '').replaceAll('\\', '/')
    const next = new URL(plain.replace(/^\/+/, '/'), origin).pathname
    found.push(decoded, next)
    at = next
  }
  return found
}

/** What is wrong with a Location, if anything; the oracle knows nothing of how it was made. */
function faultOf(location: string, wanted: string): string | undefined {
  const about = `${JSON.stringify(wanted)} became ${JSON.stringify(location)}`
  if (!URL.canParse(location, `${origin}/bff/callback/x`)) return `unreadable: ${about}`
  const url = new URL(location, `${origin}/bff/callback/x`)
  if (url.origin !== origin || url.protocol !== 'https:') return `another origin: ${about}`
  if (url.username !== '' || url.password !== '') return `credentials: ${about}`
  if (/^\/[/\\]/.test(location)) return `reads as a host: ${about}`
  if (/[^\x21-\x7e]/.test(location)) return `not a header value: ${about}`
  if (readings(url.pathname).some((path) => /^[/\\]*bff(?:[/\\;?#]|$)/i.test(path)))
    return `our own route: ${about}`
  return undefined
}

/** Security 2.4, A20; `evil` stands for the other origin. */
const attacks = [
  '//evil.example',
  '/\\evil.example',
  '/\\/evil.example',
  '\\\\evil.example',
  '///evil',
  '/%09/evil',
  '/\t/evil',
  '/\n/evil',
  '/\r/evil',
  '\t//evil',
  ' //evil',
  '\0//evil',
  'https:evil',
  'https:/evil',
  'https:///evil',
  'https:\\\\evil',
  'http:evil',
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  'java\tscript:alert(1)',
  'data:text/html,<script>alert(1)</script>',
  'vbscript:msgbox(1)',
  'blob:https://app.test/x',
  'filesystem:https://app.test/x',
  'https://app.test@evil',
  'https://app.test:443@evil',
  'https://app.test.evil',
  'https://app.test%2eevil',
  'https://evil\\@app.test',
  'https://evil#@app.test',
  'https://app。test',
  '//evil%E3%80%82example',
  'https://user:pw@app.test',
  'https://app.test:8443',
  'http://app.test',
  '%2f%2fevil',
  '/%2f%2fevil',
  '/%5cevil',
  '/..//evil',
  '/.//evil',
  '/./\\evil',
  '/a/..//evil',
  '/%2e/%2e//evil',
  '/\t/\tevil',
  '@evil',
  '.evil',
  ';@evil',
  '?x',
  '#x',
  '',
  `/${'a'.repeat(10_240)}`,
  '/bff',
  '/bff/',
  '/bff/session',
  '/bff/login/onet?return_to=/bff/login/onet',
  '/bff/callback/onet?code=x&state=y',
  '/BFF/login/onet',
  '/%62ff/login/onet',
  '/%2562ff/login/onet',
  '/./bff/login/onet',
  '/x/../bff/login/onet',
  '/x/%2e%2e/bff/login/onet',
  '/x%2f..%2fbff/login/onet',
  '/x/..%2fbff/login/onet',
  '/%2fbff/login/onet',
  '/%5cbff/login/onet',
  '//bff/login/onet',
  '/\\bff/login/onet',
  '/bff;x/login/onet',
  '/bff\\login\\onet',
  '/bff%2flogin%2fonet',
  '/bff%5clogin',
  '/b\tff/login/onet',
  '/b%09ff/login/onet',
  '/%09bff/login/onet',
  '/%09/bff/login/onet',
  '/%0d/%0abff/login/onet',
  '/\ud800',
  '/\udfff?x=\ud800#\udfff',
  '/%',
  '/%zz',
  '/%E0%A4%A',
  '/a\r\nSet-Cookie: x=y',
  '/a%0d%0aSet-Cookie: x=y',
  '/💥',
]

describe('the way back stays in the app:', () => {
  test.each(attacks)('%j', (wanted) => {
    const path = returnPath(wanted, origin)
    expect(faultOf(path, wanted)).toBeUndefined()
    // Checked again when it is used, it is the same.
    expect(returnPath(path, origin)).toBe(path)
    expect(faultOf(withError(path, 'login_expired', 'onet'), wanted)).toBeUndefined()
    expect(faultOf(locationOf(path, 'https://bff.test', origin), wanted)).toBeUndefined()
  })

  test('whatever is put together of the pieces that confuse parsers', () => {
    const piece = fc.constantFrom(
      ...['/', '//', '\\', '.', '..', '/./', '/../', '%2e', '%2E%2e', '%2f', '%5C', '%25', '%2562'],
      ...['bff', 'BFF', 'b', 'ff', 'bff/', '/bff/login/onet', 'healthz', 'accounts/onet', 'a'],
      ...['evil.example', 'app.test', 'localhost', '127.0.0.1', '[::1]', '。', 'ⓔvil', 'xn--a'],
      ...[':', '@', ':443', ':8443', 'https:', 'http://', 'javascript:', 'data:', 'blob:'],
      ...['?', '#', ';', '&', '=', '?return_to=', '%00', '%0d%0a', '%09', '%zz', '%'],
      ...['\t', '\n', '\r', '\0', ' ', '\u00a0', '\u2028', '\ufeff', '\ud800', '💥'],
    )
    const wanted = fc.oneof(
      fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join('')),
      fc.array(piece, { maxLength: 10 }).map((pieces) => `/${pieces.join('')}`),
      fc.string({ unit: 'binary' }),
      fc.webUrl({ withFragments: true, withQueryParameters: true }),
    )
    fc.assert(
      fc.property(wanted, (value) => {
        const path = returnPath(value, origin)
        expect(faultOf(path, value)).toBeUndefined()
        expect(returnPath(path, origin)).toBe(path)
        expect(faultOf(withError(path, 'access_denied', 'onet'), value)).toBeUndefined()
      }),
      { numRuns: 5000 },
    )
  })
})

describe('a page of the app', () => {
  test.each([
    '/',
    '/accounts/onet',
    '/accounts/onet?tab=profile',
    '/accounts/onet?next=//evil.example#part',
    '/?q=/bff/session',
    '/bffoon',
    '/a-bff',
    '/accounts/bff',
  ])('is found again: %s', (wanted) => expect(returnPath(wanted, origin)).toBe(wanted))

  test.each([
    undefined,
    '',
    'accounts/onet',
    'https://app.test/accounts/onet',
    // Of another host: not even its path is kept.
    '//evil.example/accounts/onet',
    '/\\evil.example/accounts/onet',
    '/\t/evil.example/accounts/onet',
    `/${'a'.repeat(600)}`,
  ])('is the start where none can be read: %s', (wanted) =>
    expect(returnPath(wanted, origin)).toBe('/'),
  )
})

describe('the way back says what happened', () => {
  test('beside what it said already', () => {
    expect(withError('/', 'login_expired', 'onet')).toBe('/?error=login_expired&provider=onet')
    expect(withError('/accounts/onet?tab=a#b', 'access_denied', 'onet')).toBe(
      '/accounts/onet?tab=a&error=access_denied&provider=onet#b',
    )
  })

  test('and says it once', () => {
    expect(withError('/?error=a&error=b&provider=c', 'login_forged', 'onet')).toBe(
      '/?error=login_forged&provider=onet',
    )
  })

  test('and a link cannot say it in advance', () => {
    expect(returnPath('/accounts/onet?error=session_ended&tab=a', origin)).toBe(
      '/accounts/onet?tab=a',
    )
  })

  test('as a path on one origin, as an address where the app lives elsewhere', () => {
    expect(locationOf('/x', 'https://app.test', 'https://app.test')).toBe('/x')
    expect(locationOf('/x', 'https://bff.test', 'https://app.test')).toBe('https://app.test/x')
  })
})
