/** What the built server tells browsers with every answer: each route, each way it can end. */
import { readdirSync } from 'node:fs'
import { CspEvaluator } from 'csp_evaluator/dist/evaluator.js'
import { Severity } from 'csp_evaluator/dist/finding.js'
import { CspParser } from 'csp_evaluator/dist/parser.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startProcesses, type Processes } from '../processes'

/** OWASP ASVS 5, V3.4; section by section in docs/http.md. */
const everywhere = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'x-frame-options': 'DENY',
  'strict-transport-security': 'max-age=31536000',
}

/** What a page could ask a person or a device for, and the app never does. */
const closed = ['camera', 'microphone', 'geolocation', 'usb', 'payment', 'clipboard-read', 'unload']

const dataPolicy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' https:",
  "connect-src 'self' https://app.konpro.ai https://api.konpro.ai",
  "object-src 'none'",
  "worker-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types svelte-trusted-html',
].join('; ')

/** What an answer is, which decides how long it is kept and what may be done with it. */
const kinds = {
  data: { 'cache-control': 'no-store', 'content-security-policy': dataPolicy },
  page: { 'cache-control': 'no-cache', 'content-security-policy': pagePolicy },
  file: {
    'cache-control': 'public, max-age=31536000, immutable',
    'content-security-policy': pagePolicy,
  },
}

const assets = new URL('../../dist/web/assets/', import.meta.url)
const script = () => readdirSync(assets).find((name) => name.endsWith('.js')) ?? ''

let processes: Processes
let browser: ReturnType<Processes['browser']>

beforeAll(async () => {
  processes = await startProcesses({
    count: 1,
    env: {
      KONPRO_CUSTODY: 'browser',
      KONPRO_URL: 'https://api.konpro.ai',
      KONPRO_APP_URL: 'https://app.konpro.ai',
    },
  })
  browser = processes.browser()
  const { seznam, gearcode } = processes.simulators
  for (const provider of ['onet', 'seznam', 'gearcode', 'onesait'] as const)
    await browser.signIn(0, provider)
  seznam.faults.profile = { status: 500 }
  gearcode.faults.refresh = { status: 429, headers: { 'retry-after': '7' } }
})
afterAll(() => processes.close())

const call = (method: string, path: string, body?: unknown) => () =>
  browser.call(0, method, path, body)
const visit = (path: string) => () => browser.visit(0, path)
const send = (method: string, path: string, headers: Record<string, string> = {}) => {
  return () => browser.send(0, path, { method, headers })
}

type Row = [what: string, status: number, kind: keyof typeof kinds, ask: () => Promise<Response>]

const rows: Row[] = [
  ['GET /', 200, 'page', visit('/')],
  ['HEAD /', 200, 'page', send('HEAD', '/')],
  ['POST /', 405, 'data', send('POST', '/')],
  ['GET /accounts/onet', 200, 'page', visit('/accounts/onet')],
  ['GET /callback/konpro?code=a', 200, 'page', visit('/callback/konpro?code=a')],
  ['GET /nowhere', 404, 'page', visit('/nowhere')],
  ['DELETE /nowhere', 404, 'page', send('DELETE', '/nowhere')],
  ['GET /%ff', 404, 'page', visit('/%ff')],
  ['GET /_headers', 404, 'page', visit('/_headers')],
  ['GET /favicon.svg', 200, 'page', visit('/favicon.svg')],
  ['GET a hashed file', 200, 'file', () => browser.send(0, `/assets/${script()}`)],
  [
    'HEAD a hashed file',
    200,
    'file',
    () => browser.send(0, `/assets/${script()}`, { method: 'HEAD' }),
  ],
  [
    'GET a hashed file, small',
    200,
    'file',
    () => browser.send(0, `/assets/${script()}`, { headers: { 'accept-encoding': 'br' } }),
  ],
  ['GET /assets/start-00000000.js', 404, 'page', send('GET', '/assets/start-00000000.js')],
  ['GET /healthz', 200, 'data', send('GET', '/healthz')],
  ['POST /healthz', 405, 'data', send('POST', '/healthz')],
  ['GET /readyz', 200, 'data', send('GET', '/readyz')],
  ['GET /bff/providers', 200, 'data', call('GET', '/bff/providers')],
  ['GET /bff/session', 200, 'data', call('GET', '/bff/session')],
  ['GET /bff/session from elsewhere', 403, 'data', send('GET', '/bff/session')],
  ['OPTIONS /bff/session', 403, 'data', send('OPTIONS', '/bff/session')],
  ['PUT /bff/session', 405, 'data', call('PUT', '/bff/session')],
  ['GET /bff/session/', 404, 'data', call('GET', '/bff/session/')],
  ['GET /bff', 404, 'data', visit('/bff')],
  ['GET /bff/<script>', 404, 'data', visit('/bff/<script>')],
  ['GET /bff/login/onet', 302, 'data', visit('/bff/login/onet')],
  ['GET /bff/login/nobody', 404, 'data', visit('/bff/login/nobody')],
  ['HEAD /bff/login/onet', 403, 'data', send('HEAD', '/bff/login/onet')],
  ['GET /bff/login/konpro', 405, 'data', visit('/bff/login/konpro')],
  ['POST /bff/login/onesait, badly', 400, 'data', call('POST', '/bff/login/onesait', {})],
  [
    'POST /bff/login/onesait, wrongly',
    401,
    'data',
    call('POST', '/bff/login/onesait', { username: 'developer', password: 'no' }),
  ],
  [
    'POST /bff/login/onesait, at length',
    413,
    'data',
    call('POST', '/bff/login/onesait', { username: 'x'.repeat(20_000) }),
  ],
  ['GET /bff/callback/seznam', 303, 'data', visit('/bff/callback/seznam?code=a&state=b')],
  ['POST /bff/callback/seznam', 405, 'data', call('POST', '/bff/callback/seznam')],
  ['GET /bff/accounts/onet', 200, 'data', call('GET', '/bff/accounts/onet')],
  ['GET /bff/accounts/onet/profile', 200, 'data', call('GET', '/bff/accounts/onet/profile')],
  [
    'GET /bff/accounts/seznam/profile, in trouble',
    502,
    'data',
    call('GET', '/bff/accounts/seznam/profile'),
  ],
  ['POST /bff/accounts/onet/refresh', 200, 'data', call('POST', '/bff/accounts/onet/refresh')],
  [
    'POST /bff/accounts/gearcode/refresh, busy',
    503,
    'data',
    call('POST', '/bff/accounts/gearcode/refresh'),
  ],
  ['POST /bff/accounts/onesait/check', 200, 'data', call('POST', '/bff/accounts/onesait/check')],
  ['POST /bff/accounts/onet/check', 405, 'data', call('POST', '/bff/accounts/onet/check')],
  [
    'POST /bff/accounts/onet/revoke',
    200,
    'data',
    call('POST', '/bff/accounts/onet/revoke', { token: 'access' }),
  ],
  ['DELETE /bff/accounts/onet', 200, 'data', call('DELETE', '/bff/accounts/onet')],
  ['GET /bff/accounts/onet, signed out', 401, 'data', call('GET', '/bff/accounts/onet')],
  ['GET /bff/api/onet/external/..%2fx', 400, 'data', call('GET', '/bff/api/onet/external/..%2fx')],
  ['DELETE /bff/session', 200, 'data', call('DELETE', '/bff/session')],
]

describe('the headers of', () => {
  test.each(rows)('%s, %i, are those of %s', async (_, status, kind, ask) => {
    const answer = await ask()
    expect(answer.status).toBe(status)
    expect(Object.fromEntries(answer.headers)).toMatchObject({ ...everywhere, ...kinds[kind] })
    const policy = answer.headers.get('permissions-policy')?.split(', ')
    expect(policy).toEqual(expect.arrayContaining(closed.map((feature) => `${feature}=()`)))
    // Nothing is open, and nobody is told what runs here.
    expect(policy?.filter((rule) => !/^[a-z-]+=\(\)$/.test(rule))).toEqual([])
    for (const name of ['server', 'x-powered-by', 'access-control-allow-origin'])
      expect(answer.headers.get(name), name).toBeNull()
    if (answer.headers.getSetCookie().length > 0)
      expect(answer.headers.get('cache-control')).toBe('no-store')
  })

  test('what a provider’s API answers are no weaker', async () => {
    await browser.signIn(0, 'onet')
    const answer = await browser.call(0, 'GET', '/bff/api/onet/external/profile')
    expect(answer.status).toBe(200)
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      ...everywhere,
      'cache-control': 'no-store',
    })
    const policy = answer.headers.get('content-security-policy')?.split('; ')
    for (const directive of ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"])
      expect(policy).toContain(directive)
  })
})

/** Findings that are not mere hints; 45 is what the evaluator says of a policy that is not strict. */
function findingsIn(policy: string) {
  return new CspEvaluator(new CspParser(policy).csp)
    .evaluate()
    .filter(({ severity }) => severity <= Severity.STRICT_CSP)
    .map(({ directive, description }) => `${directive}: ${description}`)
}

test('Google’s evaluator finds nothing of weight in the policy of pages, data and APIs', async () => {
  await browser.signIn(0, 'onet')
  for (const path of ['/', '/bff/session', '/bff/api/onet/external/profile']) {
    const answer = await browser.call(0, 'GET', path)
    expect(answer.status, path).toBe(200)
    expect(findingsIn(answer.headers.get('content-security-policy') ?? ''), path).toEqual([])
  }
  const weak = findingsIn("script-src 'self' 'unsafe-inline'").join()
  expect(weak).toMatch(/script-src: 'unsafe-inline'.*object-src: Missing/)
})

test('scripts and styles are let in by their address alone', async () => {
  const answer = await browser.visit(0, '/')
  const policy = answer.headers.get('content-security-policy')
  expect(policy).not.toMatch(/unsafe-|nonce-|data:|blob:|\*/)
  // So the page has none of its own: neither elements nor attributes.
  const page = await answer.text()
  expect(page).not.toMatch(/<script(?![^>]* src=)|<style|\son\w+=|\sstyle=|javascript:/i)
})
