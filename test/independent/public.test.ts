import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type Provider from 'oidc-provider'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest'
import { launchFlags } from '../chromium'
import { startProvider, type IndependentProvider } from './provider'

let app: string
let server: ChildProcess
let op: IndependentProvider
let browser: Browser
let context: BrowserContext
let page: Page

/** A port that is free now, for an app whose address its provider must know beforehand. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, 'localhost')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}

/** KonPro knows no scope: a server's default applies (RFC 6749 §3.3), and oidc-provider has none of its own. */
function assumesScope(provider: Provider): void {
  provider.use(async (context, next) => {
    if (context.path === '/oauth/authorize')
      context.query = { ...context.query, scope: 'openid profile' }
    await next()
  })
}

/** The account as KonPro's document has it, for whoever shows a live access token. */
function answersAccount(provider: Provider): void {
  provider.use(async (context, next) => {
    if (context.path !== '/v1/pacific/account.get') {
      await next()
      return
    }
    context.set('access-control-allow-origin', app)
    context.set('access-control-allow-headers', 'authorization')
    context.status = 204
    if (context.method === 'OPTIONS') return
    const presented = /^Bearer (.+)$/.exec(context.get('authorization'))?.[1] ?? ''
    const token = await provider.AccessToken.find(presented)
    context.status = token ? 200 : 401
    context.body = token
      ? { code: 100, data: { user: { email: 'ada@plain.example', username: token.accountId } } }
      : { code: 401056, message: 'Access token expired' }
  })
}

beforeAll(async () => {
  const port = await freePort()
  app = `http://localhost:${port}`
  op = await startProvider(
    {
      client_id: 'browser-client',
      redirect_uris: [`${app}/callback/konpro`],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    },
    {
      routes: { authorization: '/oauth/authorize', token: '/v1/oauth/token' },
      extend: (provider) => {
        assumesScope(provider)
        answersAccount(provider)
      },
    },
  )
  const entry = fileURLToPath(new URL('../../dist/proxy/node.js', import.meta.url))
  server = spawn(process.execPath, [entry], {
    env: {
      PATH: process.env.PATH,
      HOST: 'localhost',
      PORT: String(port),
      KONPRO_CLIENT_ID: 'browser-client',
      KONPRO_URL: op.url,
      KONPRO_APP_URL: op.url,
      KONPRO_REFRESH_AT_TOKEN: '1',
      SESSION_SECRETS: 'qZ3vN8xK1mR5tY7wB2cD4fG6hJ9pL0sA8eUiOkXcVbN',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await new Promise<void>((resolve, reject) => {
    server.once('exit', () => reject(new Error('the server did not start')))
    server.stdout?.on('data', (chunk: Buffer) => {
      if (chunk.toString().includes('listening')) resolve()
    })
  })
  browser = await chromium.launch({ executablePath: inject('chromium'), args: launchFlags })
})

afterAll(async () => {
  await browser.close()
  server.kill('SIGTERM')
  await op.close()
})

beforeEach(async () => {
  context = await browser.newContext()
  context.setDefaultTimeout(10_000)
  page = await context.newPage()
  // The provider's pages ask for a font from the network.
  await context.route(
    ({ origin }) => origin !== app && origin !== op.url,
    (route) => route.abort(),
  )
})
afterEach(() => context.close())

const card = (state: string) => page.locator(`[data-provider=konpro][data-state=${state}]`)
const control = (action: string) => page.locator(`[data-provider=konpro] [data-action=${action}]`)

async function signIn(): Promise<void> {
  await page.goto(app)
  await card('signed-out').waitFor()
  await control('sign-in').click()
  await page.locator('input[name=login]').fill('ada')
  await page.locator('input[name=password]').fill('any')
  await page.locator('button[type=submit]').click()
  await page.locator('form:has(input[name=prompt][value=consent]) button[type=submit]').click()
  await card('signed-in').waitFor()
}

test('signs in with PKCE and no secret, and shows who it is', async () => {
  await signIn()
  expect(await card('signed-in').textContent()).toContain('ada@plain.example')
  expect(page.url()).not.toMatch(/code=|state=/)
  expect(op.refused).toEqual([])
})

test('each refresh spends the token that the one before it brought', async () => {
  await signIn()
  const before = op.spent.length
  for (const turn of [1, 2, 3]) {
    await control('refresh').click()
    await expect.poll(() => op.spent.length).toBe(before + turn)
    await card('signed-in').waitFor()
  }
  expect(new Set(op.spent.slice(before)).size).toBe(3)
  // A token spent twice would have ended the grant.
  expect(op.refused).toEqual([])
})

test('two tabs that refresh at the same time spend no token twice', async () => {
  await signIn()
  const other = await context.newPage()
  await other.goto(app)
  await other.locator('[data-provider=konpro][data-state=signed-in]').waitFor()
  const before = op.spent.length
  await Promise.all([
    control('refresh').click(),
    other.locator('[data-provider=konpro] [data-action=refresh]').click(),
  ])
  await expect.poll(() => op.spent.length).toBeGreaterThan(before)
  await card('signed-in').waitFor()
  await other.locator('[data-provider=konpro][data-state=signed-in]').waitFor()
  expect(new Set(op.spent.slice(before)).size).toBe(op.spent.length - before)
  expect(op.refused).toEqual([])
})

test('a reload stays signed in, and the refreshed token still opens the account', async () => {
  await signIn()
  const before = op.spent.length
  await control('refresh').click()
  await expect.poll(() => op.spent.length).toBe(before + 1)
  await card('signed-in').waitFor()
  await page.reload()
  await card('signed-in').waitFor()
  await control('open').click()
  await page.getByText('ada@plain.example').first().waitFor()
  expect(op.refused).toEqual([])
})

test('a sign-out forgets the account in this browser', async () => {
  await signIn()
  await control('sign-out').click()
  await card('signed-out').waitFor()
  await page.reload()
  await card('signed-out').waitFor()
})
