import { afterAll, beforeAll, expect, test } from 'vitest'
import { createProxy } from '../../proxy/app'
import { readConfig } from '../../proxy/config'
import type { RedirectProvider } from '../../shared/provider'
import { startProvider, type IndependentProvider } from './provider'
import { createVisitor, signInAt } from './visitor'

/** By the RFCs: only what has no default is said. */
const plain = {
  id: 'plain',
  name: 'Plain',
  source: 'OpenID Connect Core; RFC 6749, RFC 7009, RFC 7636, RFC 7662',
  origin: 'https://plain.example',
  scope: { names: ['openid', 'profile', 'email'] },
  pkce: true,
  authorize: { url: '/auth' },
  exchange: { url: '/token', auth: 'basic' },
  refresh: { url: '/token', auth: 'basic' },
  profile: { url: '/me' },
  check: { url: '/token/introspection', auth: 'basic' },
  revoke: { url: '/token/revocation', auth: 'basic', tokens: ['refresh', 'access'] },
  namedBy: 'profile',
  person: ({ sub, name, email }) => ({
    subject: typeof sub === 'string' ? sub : null,
    name: typeof name === 'string' ? name : undefined,
    email: typeof email === 'string' ? email : undefined,
  }),
} satisfies RedirectProvider

const app = 'https://app.test'
const clientSecret = 'canary-of-the-client-0123456789'
let op: IndependentProvider

beforeAll(async () => {
  op = await startProvider({
    client_id: 'plain-client',
    client_secret: clientSecret,
    redirect_uris: [`${app}/bff/callback/plain`],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'client_secret_basic',
  })
})
afterAll(() => op.close())

/** A proxy and a browser before it. `issued` are the tokens that came, `received` all that the browser got. */
function begin() {
  let now = Date.now()
  const issued: string[] = []
  const asked: string[] = []
  let received = ''
  const log: string[] = []
  const config = readConfig(
    {
      PUBLIC_ORIGIN: app,
      SESSION_SECRETS: 'qZ3vN8xK1mR5tY7wB2cD4fG6hJ9pL0sA8eUiOkXcVbN',
      PLAIN_CLIENT_ID: 'plain-client',
      PLAIN_CLIENT_SECRET: clientSecret,
      PLAIN_URL: op.url,
    },
    { providers: [plain] },
  )
  const proxy = createProxy(config, {
    now: () => now,
    log: (...line) => log.push(JSON.stringify(line)),
    fetch: async (input, init) => {
      const answer = await fetch(input, init)
      const { pathname } = new URL(input instanceof Request ? input.url : input)
      asked.push(pathname)
      if (pathname === '/token') {
        const { access_token, refresh_token } = (await answer.clone().json()) as Partial<
          Record<string, string>
        >
        issued.push(...[access_token, refresh_token].filter((token) => token !== undefined))
      }
      return answer
    },
  })
  const browser = createVisitor(async (url, init) => {
    if (!url.startsWith(app)) return await fetch(url, init)
    const answer = await proxy.request(url, init)
    received += [...answer.headers].join('\n') + (await answer.clone().text())
    return answer
  })
  const call = async (method: string, path: string, body?: object, headers = {}) => {
    const answer = await browser.visit(app + path, {
      method,
      headers: { 'x-latchkey': '1', 'content-type': 'application/json', ...headers },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    return { status: answer.status, body: (await answer.json()) as unknown }
  }
  return {
    browser,
    call,
    issued,
    asked,
    log,
    received: () => received,
    pass: (milliseconds: number) => {
      now += milliseconds
    },
    signIn: async (person: string) => {
      const away = await browser.visit(`${app}/bff/login/plain?return_to=/accounts/plain`)
      const back = await signInAt(away.headers.get('location') ?? '', person, browser)
      return { back, answer: await browser.visit(back) }
    },
  }
}

/** What the provider itself says of a token. */
async function isLive(token: string | undefined): Promise<boolean> {
  const answer = await fetch(`${op.url}/token/introspection`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${btoa(`plain-client:${clientSecret}`)}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({ token: token ?? '' }).toString(),
  })
  return ((await answer.json()) as { active: boolean }).active
}

const account = {
  provider: 'plain',
  custody: 'proxy',
  subject: 'ada',
  label: 'Ada Lovelace',
  refreshable: true,
}

test('signs in with code, PKCE and a secret, and knows who it is', async () => {
  const { signIn, call } = begin()
  const { answer } = await signIn('ada')
  expect(answer.status).toBe(303)
  expect(answer.headers.get('location')).toBe('/accounts/plain')
  expect(await call('GET', '/bff/accounts/plain')).toMatchObject({ status: 200, body: { account } })
  expect(await call('GET', '/bff/accounts/plain/profile')).toMatchObject({
    status: 200,
    body: { profile: { subject: 'ada', name: 'Ada Lovelace', email: 'ada@plain.example' } },
  })
  expect(await call('POST', '/bff/accounts/plain/check')).toMatchObject({
    status: 200,
    body: { active: true, clientId: 'plain-client', subject: 'ada' },
  })
})

test('a callback is good once', async () => {
  const { signIn, browser, asked } = begin()
  const { back } = await signIn('ada')
  const before = asked.length
  const again = await browser.visit(back)
  expect(again.headers.get('location')).toBe('/?error=login_expired&provider=plain')
  expect(asked).toHaveLength(before)
})

test('each refresh spends the token that the one before it brought', async () => {
  const { signIn, call, issued, browser } = begin()
  await signIn('ada')
  const spentBefore = op.spent.length
  const early = browser.cookiesFor(app)
  for (let turn = 0; turn < 3; turn++)
    expect(await call('POST', '/bff/accounts/plain/refresh')).toMatchObject({
      status: 200,
      body: { account },
    })
  const [, first, , second, , third, , fourth] = issued
  expect(op.spent.slice(spentBefore)).toEqual([first, second, third])
  expect(new Set([first, second, third, fourth]).size).toBe(4)
  expect(await isLive(fourth)).toBe(true)

  // A cookie from before the first refresh asks for what has happened: no token is spent twice.
  const late = await call('POST', '/bff/accounts/plain/refresh', undefined, { cookie: early })
  expect(late).toMatchObject({ status: 200, body: { account } })
  expect(op.spent).toHaveLength(spentBefore + 3)
  expect(await isLive(fourth)).toBe(true)
  expect(op.refused).toEqual([])
})

test('a token that is due is refreshed once for all who ask at the same time', async () => {
  const { signIn, call, pass } = begin()
  await signIn('ada')
  const spentBefore = op.spent.length
  pass(3600_000 - 30_000)
  const all = await Promise.all(
    Array.from({ length: 8 }, () => call('GET', '/bff/accounts/plain/profile')),
  )
  expect(all.map(({ status }) => status)).toEqual(Array(8).fill(200))
  expect(op.spent).toHaveLength(spentBefore + 1)
  expect(op.refused).toEqual([])
})

test('a revoked access token is dead, and the account ends where the refresh token died with it', async () => {
  const { signIn, call, issued } = begin()
  await signIn('ada')
  expect(await isLive(issued[0])).toBe(true)
  expect(await call('POST', '/bff/accounts/plain/revoke', { token: 'access' })).toMatchObject({
    status: 200,
    body: { revoked: true, account },
  })
  // This provider revokes all of a grant's tokens with any of them (RFC 7009 §2.1 leaves it open).
  expect(await isLive(issued[0])).toBe(false)
  expect(await isLive(issued[1])).toBe(false)
  const refusedBefore = op.refused.length
  expect(await call('GET', '/bff/accounts/plain/profile')).toMatchObject({
    status: 401,
    body: { code: 'session_ended' },
  })
  expect(op.refused.splice(refusedBefore)).toEqual(['invalid_grant'])
  expect(await call('GET', '/bff/session')).toEqual({ status: 200, body: { accounts: [] } })
})

test('a revoked refresh token is dead at the provider, and the account has none any more', async () => {
  const { signIn, call, issued } = begin()
  await signIn('ada')
  expect(await call('POST', '/bff/accounts/plain/revoke', { token: 'refresh' })).toMatchObject({
    status: 200,
    body: { revoked: true, account: { ...account, refreshable: false } },
  })
  expect(await isLive(issued[1])).toBe(false)
  expect(await call('POST', '/bff/accounts/plain/refresh')).toMatchObject({
    status: 409,
    body: { code: 'not_refreshable' },
  })
})

test('a sign-out revokes both tokens, and no copied cookie brings the account back', async () => {
  const { signIn, call, issued, browser } = begin()
  await signIn('ada')
  await call('POST', '/bff/accounts/plain/refresh')
  const copied = browser.cookiesFor(app)
  expect(await call('DELETE', '/bff/accounts/plain')).toEqual({
    status: 200,
    body: { effects: { local: 'cleared', tokens: 'revoked', provider: 'unsupported' } },
  })
  expect(browser.cookiesFor(app)).toBe('')
  for (const token of issued) expect(await isLive(token)).toBe(false)
  expect(await call('GET', '/bff/session')).toEqual({ status: 200, body: { accounts: [] } })
  expect(await call('GET', '/bff/session', undefined, { cookie: copied })).toEqual({
    status: 200,
    body: { accounts: [] },
  })
})

test('a grant that the provider ended ends the account', async () => {
  const { signIn, call, issued, browser } = begin()
  await signIn('ada')
  // As when a person withdraws their consent at the provider.
  await fetch(`${op.url}/token/revocation`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${btoa(`plain-client:${clientSecret}`)}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({ token: issued[1] ?? '' }).toString(),
  })
  const refusedBefore = op.refused.length
  expect(await call('POST', '/bff/accounts/plain/refresh')).toMatchObject({
    status: 401,
    body: { code: 'session_ended' },
  })
  expect(op.refused.splice(refusedBefore)).toEqual(['invalid_grant'])
  expect(browser.cookiesFor(app)).toBe('')
})

test('nothing the browser or the log got holds a token or the secret', async () => {
  const { signIn, call, issued, received, log } = begin()
  await signIn('ada')
  await call('GET', '/bff/accounts/plain/profile')
  await call('POST', '/bff/accounts/plain/refresh')
  await call('POST', '/bff/accounts/plain/check')
  await call('DELETE', '/bff/session')
  expect(issued).toHaveLength(4)
  for (const secret of [...issued, clientSecret]) {
    expect(received()).not.toContain(secret)
    expect(log.join('\n')).not.toContain(secret)
  }
})

test('a person who says no is told so', async () => {
  const { browser } = begin()
  const away = await browser.visit(`${app}/bff/login/plain`)
  const toProvider = new URL(away.headers.get('location') ?? '')
  let answer = await browser.visit(toProvider.href)
  answer = await browser.visit(new URL(answer.headers.get('location') ?? '', op.url).href)
  const abort = /href="([^"]+\/abort)"/.exec(await answer.text())?.[1]
  answer = await browser.visit(new URL(abort ?? '', op.url).href)
  const resumed = await browser.visit(new URL(answer.headers.get('location') ?? '', op.url).href)
  const back = await browser.visit(resumed.headers.get('location') ?? '')
  expect(back.headers.get('location')).toBe('/?error=access_denied&provider=plain')
})
