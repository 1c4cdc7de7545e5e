/** Open redirects: wherever a login ends, it is on a page of ours. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { origin } from '../stage'
import { resealed } from './keys'
import { altered, crossSite, loginCookies, parameter } from './oracle'
import { openStand, type Answered, type Browser, type Stand } from './stand'

const web = 'https://web.app.example'

let stand: Stand
beforeAll(async () => {
  stand = await openStand()
})
afterAll(() => stand.close())

const { host } = new URL(origin)

/** As they stand in the address, not yet encoded. */
const payloads = [
  '//evil.example',
  '/\\evil.example',
  '/\\/evil.example',
  '\\\\evil.example',
  '\\/evil.example',
  '///evil.example',
  '////evil.example',
  '/%09/evil.example',
  '/\t/evil.example',
  '/\n/evil.example',
  '/\r/evil.example',
  '/\r\nLocation: https://evil.example',
  '/x\r\nSet-Cookie: evil=1',
  '\t//evil.example',
  ' //evil.example',
  '\0//evil.example',
  '/\0/evil.example',
  '\u00a0//evil.example',
  '\ufeff//evil.example',
  'https:evil.example',
  'https:/evil.example',
  'https://evil.example',
  'https:///evil.example',
  'https:\\\\evil.example',
  'http:evil.example',
  'HTTPS://EVIL.EXAMPLE',
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  'java\tscript:alert(1)',
  '/javascript:alert(1)',
  'data:text/html,<script>alert(1)</script>',
  'vbscript:msgbox(1)',
  `blob:${origin}/x`,
  `filesystem:${origin}/temporary/x`,
  `https://${host}@evil.example`,
  `https://${host}:443@evil.example`,
  `https://${host}.evil.example`,
  `https://${host}%2eevil.example`,
  `https://evil.example\\@${host}`,
  `https://evil.example#@${host}`,
  `https://evil.example?@${host}`,
  'https://app。example',
  '//evil%E3%80%82example',
  '//evil。example',
  `https://user:pw@${host}`,
  `//user:pw@${host}`,
  `${origin}:8443`,
  `http://${host}`,
  `//${host}`,
  '%2f%2fevil.example',
  '/%2f%2fevil.example',
  '/%2fevil.example',
  '/%5cevil.example',
  '/%252f%252fevil.example',
  // Of our origin for a parser, and "//evil.example" where only their path is written out.
  '/..//evil.example',
  '/.//evil.example',
  '/./\\evil.example',
  '/a/..//evil.example',
  '/%2e/%2e//evil.example',
  '/%2e%2e//evil.example',
  '/a/../..//evil.example',
  '/./..//evil.example/..//evil.example',
  '/accounts/..//evil.example',
  '/\t./..//evil.example',
  '@evil.example',
  '.evil.example',
  ':@evil.example',
  ';@evil.example',
  '/;@evil.example',
  '?x',
  '#x',
  '',
  '/',
  `/${'a'.repeat(10_000)}`,
  '/bff/session',
  '/bff/login/onet?return_to=//evil.example',
  '/bff/login/seznam',
  '/BFF/login/seznam',
  '/%62ff/login/seznam',
  '/bff%2flogin/seznam',
  '/bff\\login\\seznam',
  '/./bff/login/seznam',
  '/bff;x/login/seznam',
  '//bff/login/seznam',
  '/healthz',
  '/metrics',
  '/?error=access_denied&provider=onet',
  '/\u2028/evil.example',
  '/\u{1d4bb}//evil.example',
  '/a?x=//evil.example#//evil.example',
]

/** Written into the address as they are. */
const encoded = [
  ...payloads.map((payload) => `return_to=${encodeURIComponent(payload)}`),
  'return_to=/a&return_to=//evil.example',
  'return_to=//evil.example&return_to=/a',
  'return_to[]=//evil.example',
  'returnTo=//evil.example',
  'return_to=%2f%2fevil.example',
  'return_to=%5c%5cevil.example',
  'return_to=/%ed%a0%80/evil.example',
  'return_to=%ff//evil.example',
  'return_to=/%zz//evil.example',
  'return_to=+//evil.example',
  'next=//evil.example&redirect=//evil.example&url=//evil.example',
  'return_to',
]

/** Where a browser goes from here, by the one parser that counts; with that page shown. */
async function expectOurs(answer: Answered, browser: Browser, home: string): Promise<void> {
  const { status, location = '' } = answer
  expect(status).toBe(303)
  expect(location).toMatch(/^[\x21-\x7e]+$/)
  expect(answer.cookies.join()).not.toContain('evil')
  const request = `${origin}/bff/callback/seznam`
  const { href, origin: where, protocol, pathname } = new URL(location, request)
  expect({ href, where }).toEqual({ href, where: home })
  expect(protocol).toBe('https:')
  // However often it is read again, and by whoever strips the origin.
  for (const read of [pathname, decoded(pathname)]) expect(new URL(read, home).origin).toBe(home)
  expect(pathname).not.toMatch(/^\/[/\\]|[\\]/)
  const page = await browser.visit(pathname)
  expect(page.location).toBeUndefined()
  expect(page.headers['content-type']).toMatch(/^text\/html/)
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

/** A login with this query, to its end: `code`, or a code that is wrong, or a person who says no. */
async function endOf(query: string, how: 'success' | 'denial' | 'failure') {
  const provider = how === 'success' ? 'seznam' : 'konpro'
  const browser = stand.browser()
  const deny = how === 'denial'
  const callback = await browser.away(provider, { query: `?${query}`, deny })
  expect(callback).toMatch(/^\/bff\/callback\//)
  const asked = how === 'failure' ? altered(callback, { code: 'wrong' }) : callback
  const answer = await browser.visit(asked, crossSite)
  expect(answer.code).toBe(
    { success: undefined, denial: 'access_denied', failure: 'login_expired' }[how],
  )
  return { browser, answer }
}

test.each(['success', 'denial', 'failure'] as const)(
  'A20 open redirect: a login that ends with %s never leaves our origin',
  async (how) => {
    for (const query of encoded) {
      const { browser, answer } = await endOf(query, how)
      await expectOurs(answer, browser, origin)
    }
    // That the way back works at all.
    const { answer } = await endOf(`return_to=${encodeURIComponent('/accounts/onet?a=1#b')}`, how)
    expect(answer.location).toMatch(/^\/accounts\/onet\?a=1.*#b$/)
  },
)

test('A20 open redirect: the way back is judged again when the login ends', async () => {
  for (const returnTo of payloads) {
    const browser = stand.browser()
    const callback = await browser.away('seznam')
    for (const name of loginCookies(browser)) {
      const value = browser.cookies.get(name) ?? ''
      const changed = await resealed('login', 'seznam', value, (login) => ({ ...login, returnTo }))
      // Some are too long for any cookie.
      browser.cookies.set(name, changed.length > 4000 ? value : changed)
    }
    await expectOurs(await browser.visit(callback, crossSite), browser, origin)
  }
})

test('A20 open redirect: a callback, a logout and the app’s own pages take no address', async () => {
  const person = stand.browser()
  await person.signIn('onet')
  for (const payload of ['//evil.example', 'https://evil.example', '/..//evil.example']) {
    const extra = ['return_to', 'returnTo', 'next', 'post_logout_redirect_uri', 'redirect_uri']
      .map((name) => `${name}=${encodeURIComponent(payload)}`)
      .join('&')
    const callback = await person.away('seznam')
    const answer = await person.visit(`${callback}&${extra}`, crossSite)
    expect(answer.location).toBe('/')
    const forged = await person.visit(`/bff/callback/seznam?${extra}`, crossSite)
    expect(forged.location).toBe('/?error=login_forged&provider=seznam')
    const landing = await person.visit(`/callback/konpro?code=1&state=2&${extra}`)
    expect(landing.location).toBeUndefined()
    const left = await person.ask('DELETE', `/bff/accounts/onet?${extra}`)
    const { logoutUrl } = JSON.parse(left.body) as { logoutUrl?: string }
    expect(logoutUrl ?? '').not.toContain('evil')
    if (logoutUrl !== undefined)
      expect(new URL(logoutUrl).origin).toBe(stand.simulators.onet.origins.sso)
    await person.signIn('onet')
  }
})

test('A20 open redirect: where the app lives on a sibling, every login ends there', async () => {
  const sibling = await openStand({ env: { WEB_ORIGIN: web } })
  try {
    for (const query of encoded) {
      const browser = sibling.browser()
      const callback = await browser.away('seznam', { query: `?${query}` })
      const { location = '' } = await browser.visit(
        altered(callback, { code: undefined, error: 'access_denied' }),
        crossSite,
      )
      expect(new URL(location).origin).toBe(web)
      expect(new URL(location).pathname).not.toMatch(/^\/[/\\]/)
      expect(parameter(location, 'error')).toBe('access_denied')
    }
  } finally {
    await sibling.close()
  }
})
