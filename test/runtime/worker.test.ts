import { readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { fileURLToPath } from 'node:url'
import { Miniflare } from 'miniflare'
import { afterAll, beforeAll, expect, test } from 'vitest'

const bundle = new URL('../../dist/proxy/worker.js', import.meta.url)
let workerd: Miniflare

const startWorker = (bindings: Record<string, string> = {}) =>
  new Miniflare({
    modules: [{ type: 'ESModule', path: fileURLToPath(bundle) }],
    compatibilityDate: '2026-04-01',
    // With the flag on, or in a plain Node test, a forgotten built-in would go unnoticed.
    compatibilityFlags: ['no_nodejs_compat'],
    bindings: {
      PUBLIC_ORIGIN: 'https://app.example',
      SESSION_SECRETS: 'c2VjcmV0LW9mLXRoZS13b3JrZXItdGVzdC0wMDAwMDE',
      ONET_CLIENT_ID: 'worker-test',
      ONET_CLIENT_SECRET: 'worker-test-secret',
      ONESAIT_CLIENT_ID: 'worker-test',
      ONESAIT_CLIENT_SECRET: 'worker-test-secret',
      // Nobody listens there.
      ONESAIT_URL: 'http://127.0.0.1:1',
      ...bindings,
    },
  })

beforeAll(() => {
  workerd = startWorker()
})

afterAll(() => workerd.dispose())

test('the worker runs where there is no Node', async () => {
  const answer = await workerd.dispatchFetch('https://app.example/healthz')
  expect(answer.status).toBe(200)
})

test('the worker answers as the proxy does', async () => {
  const answer = await workerd.dispatchFetch('https://app.example/bff/session', {
    headers: { 'X-Latchkey': '1', 'Sec-Fetch-Site': 'same-origin' },
  })
  expect(answer.status).toBe(200)
  expect(await answer.json()).toEqual({ accounts: [] })
})

test('the worker refuses a ledger that it could not reach', async () => {
  const shared = startWorker({ LEDGER_URL: 'redis://localhost:6379' })
  const answer = await shared.dispatchFetch('https://app.example/readyz')
  expect(answer.status).toBe(503)
  expect(await answer.json()).toMatchObject({ missing: ['LEDGER_URL'] })
  // It does not know where browsers see it, and gives the strictest headers.
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    'cache-control': 'no-store',
    'content-security-policy':
      "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'strict-transport-security': 'max-age=31536000',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  })
  expect(answer.headers.get('permissions-policy')).toContain('camera=()')
  await shared.dispose()
})

test('a provider that cannot be reached is just that, and no mistake of ours', async () => {
  const answer = await workerd.dispatchFetch('https://app.example/bff/login/onesait', {
    method: 'POST',
    headers: {
      'X-Latchkey': '1',
      'Content-Type': 'application/json',
      Origin: 'https://app.example',
    },
    body: JSON.stringify({ username: 'somebody', password: 'something' }),
  })
  expect(answer.status).toBe(502)
  expect(await answer.json()).toMatchObject({ code: 'provider_unreachable' })
})

test('the worker is one file without imports', () => {
  const code = readFileSync(bundle, 'utf8')
  expect(code).not.toMatch(/^\s*import[\s{*"']/m)
  expect(code).not.toMatch(/\b(?:import|require)\s*\(/)
  const builtin = builtinModules.filter((name) => /^[a-z]/.test(name)).join('|')
  expect(code).not.toMatch(new RegExp(`from\\s*["'](?:node:.*|${builtin})["']`))
})
