/** Where people land after a login: through the real routes, whatever `return_to` said. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { createStage, origin } from '../stage'

const web = 'https://www.app.example'

/** What addresses are made of, and what confuses those who read them (security 2.4, A20). */
const piece = fc.constantFrom(
  ...['/', '//', '///', '\\', '\\\\', '/\\', '.', '..', '/./', '/../', '/.//', '/..//', '/a/..//'],
  ...[
    '%2e',
    '%2E%2e',
    '%2f',
    '%2F%2f',
    '%5C',
    '%25',
    '%252f',
    '%2562',
    '%09',
    '%0a',
    '%0d%0a',
    '%00',
  ],
  ...['\t', '\n', '\r', '\0', ' ', '\v', '\u00a0', '\u2028', '\ufeff', '\ud800', '💥', '%', '%zz'],
  ...[
    'evil.example',
    'app.example',
    'www.app.example',
    '.evil',
    '127.0.0.1',
    '[::1]',
    '。',
    'ⓔvil',
  ],
  ...[
    'https:',
    'http:',
    'hTTps://',
    'https:/',
    'javascript:',
    'java\tscript:',
    'data:',
    'vbscript:',
  ],
  ...[
    'blob:https://app.example/',
    'filesystem:',
    '@',
    ':',
    ':443',
    ':8443',
    'user:pw@',
    ';',
    '&',
    '=',
  ],
  ...['?', '#', '?return_to=//evil.example', 'a', 'accounts', 'accounts/onet', 'callback/konpro'],
  ...['bff', 'BFF', 'b', 'ff', 'bff/session', 'bff/login/onet', 'healthz', 'readyz', 'metrics'],
)
const word = fc.array(piece, { maxLength: 10 }).map((pieces) => pieces.join(''))
const wanted = fc.oneof(
  { weight: 4, arbitrary: word.map((text) => `/${text}`) },
  { weight: 3, arbitrary: word },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 1, arbitrary: fc.webUrl({ withFragments: true, withQueryParameters: true }) },
  { weight: 1, arbitrary: fc.constant(`/${'a'.repeat(10_240)}`) },
)

/** Half a character is none on the wire. */
const wellFormed = (text: string) => new TextDecoder().decode(new TextEncoder().encode(text))

/** What is wrong with where somebody lands, read as a browser and as careless servers read it. */
function faultOf(location: string, webOrigin: string): string | undefined {
  if (!URL.canParse(location, `${origin}/bff/callback/seznam`)) return 'cannot be read'
  const url = new URL(location, `${origin}/bff/callback/seznam`)
  if (url.origin !== webOrigin) return 'another origin'
  if (url.username + url.password !== '') return 'somebody’s name'
  if (!/^[\x21-\x7e]+$/.test(location)) return 'no header value'
  for (let path = url.pathname, round = 0; round < 4; round++) {
    if (/^[/\\]{2}/.test(path)) return 'reads as a host'
    if (/^[/\\]*(?:bff|healthz|readyz|metrics)(?:[/\\;?#]|$)/i.test(path)) return 'no page of ours'
    path = path
      .replace(/%([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
      .replace(/[\t\n\r]/g, '')
  }
  return undefined
}

test.each([
  ['on one origin', origin],
  ['with the app on a sibling', web],
])(
  '%s, everybody lands on a page of ours',
  async (_, webOrigin) => {
    const stage = createStage({ WEB_ORIGIN: webOrigin })
    let count = 0
    const landings = new Set<string>()
    const check = (value: string, answer: Response) => {
      const location = answer.headers.get('location') ?? ''
      expect(answer.status).toBe(303)
      expect(faultOf(location, webOrigin), `${JSON.stringify(value)} became ${location}`).toBe(
        undefined,
      )
      landings.add(location)
      count++
    }
    await fc.assert(
      fc.asyncProperty(wanted, fc.nat(24), async (given, dice) => {
        const value = wellFormed(given)
        const browser = stage.browser()
        const query = new URLSearchParams({ return_to: value })
        const away = await browser.visit(`/bff/login/seznam?${query}`)
        expect(away.status).toBe(302)
        const state = new URL(away.headers.get('location') ?? '').searchParams.get('state') ?? ''
        if (dice === 0) {
          // All the way through the provider.
          check(value, await browser.visit(await browser.away('seznam', {}, value)))
          return
        }
        const said = dice % 2 === 0 ? 'error=access_denied' : 'error=%3Cscript%3E&error_uri=//evil'
        check(value, await browser.visit(`/bff/callback/seznam?${said}&state=${state}`))
        // Its second use knows no way back at all.
        if (dice === 1)
          check(value, await browser.visit(`/bff/callback/seznam?${said}&state=${state}`))
      }),
      { numRuns: 2600 },
    )
    expect(landings.size).toBeGreaterThan(100)
    process.stdout.write(`${count} ways back, ${landings.size} landings\n`)
  },
  120_000,
)
