/**
 * Who may call, in full: every mix of what a request can say of its origin, at every route, by every
 * method. What is expected is written from the contract's words and from nothing in the code; what
 * counts is that no provider hears of a refused request, and that nobody is signed out by it.
 */
import { expect, test } from 'vitest'
import { createStage, origin, type Stage } from '../stage'

const sibling = 'https://www.app.example'

/** Values by what they are; undefined is a header that is not sent. */
type Values = Record<string, string | undefined>

const headerValues: Values = { ours: '1', none: undefined, other: '0' }
const sites: Values = {
  'same-origin': 'same-origin',
  'same-site': 'same-site',
  'cross-site': 'cross-site',
  none: 'none',
  bogus: 'bogus',
  absent: undefined,
}
const origins: Values = {
  own: origin,
  sibling,
  evil: 'https://evil.example',
  null: 'null',
  absent: undefined,
  longer: `${origin}.evil`,
  capitals: 'https://APP.EXAMPLE',
  port: `${origin}:443`,
  dot: `${origin}.`,
}
const types: Values = {
  json: 'application/json',
  absent: undefined,
  text: 'text/plain',
  TEXT: 'TEXT/PLAIN',
  form: 'application/x-www-form-urlencoded',
  multipart: 'multipart/form-data; boundary=x',
  report: 'application/csp-report',
}
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

const everyMethod = (status: number) => Object.fromEntries(methods.map((name) => [name, status]))

/**
 * Every route, with what each of its methods answers to the app while nobody is signed in; any other
 * method is 405. The body is one that revocation takes and logins and tickets do not.
 */
const routes: Record<string, Record<string, number>> = {
  '/bff/providers': { GET: 200 },
  '/bff/login/onet': { GET: 302 },
  '/bff/login/onesait': { POST: 400 },
  '/bff/callback/onet?code=a&state=b': { GET: 303 },
  '/bff/session': { GET: 200, DELETE: 200 },
  '/bff/cookies': { DELETE: 200 },
  '/bff/accounts/onet': { GET: 401, DELETE: 200 },
  '/bff/accounts/onet/profile': { GET: 401 },
  '/bff/accounts/onet/refresh': { POST: 401 },
  '/bff/accounts/onesait/check': { POST: 401 },
  '/bff/accounts/onet/revoke': { POST: 401 },
  '/bff/tickets/onet': { POST: 400 },
  '/bff/api/onet/external/profile': everyMethod(401),
}
const body = new TextEncoder().encode('{"token":"access"}')

interface Cell {
  route: string
  method: string
  header: string
  site: string
  from: string
  type: string
}

function* cells(): Generator<Cell> {
  for (const route of Object.keys(routes))
    for (const method of methods)
      for (const header of Object.keys(headerValues))
        for (const site of Object.keys(sites))
          for (const from of Object.keys(origins))
            for (const type of Object.keys(types)) yield { route, method, header, site, from, type }
}

/** "Everything under `/bff` except the two GET navigations … must carry the header `X-Latchkey: 1`". */
function isNavigation({ route, method }: Cell): boolean {
  return method === 'GET' && /^\/bff\/(?:login|callback)\//.test(route)
}

/**
 * "… or it is refused with 403 `csrf` and has no effect; a foreign `Origin`, `Sec-Fetch-Site: cross-site`,
 * and `same-site` unless the Origin is `WEB_ORIGIN`, are refused likewise."
 */
function isRefused(cell: Cell, webOrigin: string): boolean {
  if (isNavigation(cell)) return false
  const value = origins[cell.from]
  const isForeign = value !== undefined && value !== origin && value !== webOrigin
  return (
    cell.header !== 'ours' ||
    isForeign ||
    cell.site === 'cross-site' ||
    // Of what no browser sends we say in our own documents that it is not let in.
    cell.site === 'bogus' ||
    (cell.site === 'same-site' && value !== webOrigin)
  )
}

function expected(cell: Cell, webOrigin: string): string {
  if (isRefused(cell, webOrigin)) return '403 csrf'
  const status = routes[cell.route]?.[cell.method] ?? 405
  // What says that it is no JSON is not read, whoever asks: our own documents.
  const isRead = cell.route.endsWith('/revoke') && status === 401
  return String(isRead && ['form', 'multipart', 'report'].includes(cell.type) ? 400 : status)
}

function requestOf({ route, method, header, site, from, type }: Cell, cookie: string): Request {
  const headers = Object.entries({
    'x-latchkey': headerValues[header],
    'sec-fetch-site': sites[site],
    origin: origins[from],
    'content-type': types[type],
    cookie: cookie || undefined,
  }).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const init = { method, headers }
  return new Request(
    origin + route,
    method === 'GET' || method === 'HEAD' ? init : { ...init, body },
  )
}

const heard = ({ simulators }: Stage) =>
  Object.values(simulators).reduce((sum, { log }) => sum + log.length, 0)

test.each([
  ['on one origin', origin],
  ['with the app on a sibling', sibling],
])(
  '%s, what is refused is what the contract refuses, and does nothing',
  async (_, webOrigin) => {
    const stage = createStage({ WEB_ORIGIN: webOrigin })
    const browser = stage.browser()
    for (const provider of ['onet', 'onesait']) await browser.signIn(provider)
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const accounts = async () => await (await browser.call('GET', '/bff/session')).text()
    const before = { heard: heard(stage), accounts: await accounts() }

    const wrong: string[] = []
    const counts = { refused: 0, answered: 0 }
    for (const cell of cells()) {
      const want = expected(cell, webOrigin)
      const refused = want === '403 csrf'
      // Somebody who is signed in is the victim; whoever is let in here is nobody, and changes nothing.
      const answer = await stage.app.request(requestOf(cell, refused ? cookie : ''))
      const text = answer.status === 403 && cell.method !== 'HEAD' ? await answer.text() : ''
      const code = text.includes('"code":"csrf"') || cell.method === 'HEAD' ? ' csrf' : ''
      const is = answer.status === 403 ? `403${code}` : String(answer.status)
      const leaves = refused && answer.headers.has('set-cookie') ? ' and sets a cookie' : ''
      if (is + leaves !== want) wrong.push(`${JSON.stringify(cell)}: ${is}${leaves}, not ${want}`)
      counts[refused ? 'refused' : 'answered']++
    }

    expect(wrong.slice(0, 20)).toEqual([])
    expect({ heard: heard(stage), accounts: await accounts() }).toEqual(before)
    const all = Object.keys(routes).length * methods.length * 3 * 6 * 9 * 7
    expect(counts.refused + counts.answered).toBe(all)
    process.stdout.write(`${all} cells: ${counts.refused} refused, ${counts.answered} answered\n`)
  },
  120_000,
)
