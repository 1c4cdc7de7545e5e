import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  signInThrough,
  startSimulators,
  type Simulator,
  type StartedSimulators,
} from '../simulators'
import { sessionSecret, somebody } from '../stage'
import { freePort, runtimes, type Runtime } from './runtimes'

/** What one request came to, as far as it must be the same everywhere. */
interface Outcome {
  status: number
  headers: Record<string, string>
  cookies: string[]
  body: unknown
}

/** Promise 6 of the product: the same status codes, headers and cookies on every runtime. */
describe.each(Object.keys(runtimes))('on %s', (name) => {
  let port = 0
  let origin = ''
  let runtime: Runtime | undefined
  let simulated: StartedSimulators | undefined
  const jar = new Map<string, string>()

  beforeAll(async () => {
    port = await freePort()
    origin = `http://localhost:${port}`
    simulated = await startSimulators({ appOrigin: origin, ports: 0 })
    const env = {
      ...simulated.env,
      PUBLIC_ORIGIN: origin,
      SESSION_SECRETS: sessionSecret,
      KONPRO_CUSTODY: 'proxy',
    }
    runtime = await runtimes[name]?.(port, env)
  })
  afterAll(async () => {
    await runtime?.close()
    await simulated?.close()
  })

  async function send(
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: object,
  ) {
    const response = await fetch(origin + path, {
      method,
      redirect: 'manual',
      headers: {
        ...headers,
        ...(body ? { 'content-type': 'application/json' } : {}),
        cookie: [...jar].map(([key, value]) => `${key}=${value}`).join('; '),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    for (const line of response.headers.getSetCookie()) {
      const [, key = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (/max-age=0/i.test(line)) jar.delete(key)
      else jar.set(key, value)
    }
    return response
  }
  const call = async (method: string, path: string, body?: object) =>
    outcomeOf(await send(method, path, { 'x-latchkey': '1', origin }, body))
  const visit = async (path: string) => outcomeOf(await send('GET', path, {}))

  async function outcomeOf(response: Response): Promise<Outcome> {
    const text = await response.text()
    const kept = [
      'content-type',
      'cache-control',
      'content-security-policy',
      'x-content-type-options',
      'referrer-policy',
      'cross-origin-opener-policy',
      'cross-origin-resource-policy',
      'x-frame-options',
      'location',
      'allow',
    ]
    return {
      status: response.status,
      headers: Object.fromEntries(
        kept.flatMap((key) => {
          const value = response.headers.get(key)
          return value === null ? [] : [[key, value.replace(/\?.*/, '')]]
        }),
      ),
      cookies: response.headers
        .getSetCookie()
        .map((line) => line.replace(/_[\w-]{8}(\.\d)?=[^;]*/, '_…=…').replace(/=\d{5,}/, '=…')),
      body: text === '' ? undefined : (JSON.parse(text) as unknown),
    }
  }

  async function signIn(provider: string): Promise<Outcome> {
    if (provider === 'onesait') {
      const password = simulated?.simulators.onesait.users.developer?.password
      return await call('POST', '/bff/login/onesait', { username: 'developer', password })
    }
    const away = await send('GET', `/bff/login/${provider}`, {})
    const back = await signInThrough(
      simulated?.simulators[provider as 'onet'] as Simulator,
      away.headers.get('location') ?? '',
      { user: somebody[provider] ?? '' },
    )
    return await visit(back.slice(origin.length))
  }

  const policy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
  const sandboxPolicy = `${policy}; sandbox`
  const data = {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'content-security-policy': policy,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'x-frame-options': 'DENY',
  }
  const problem = { ...data, 'content-type': 'application/problem+json' }

  test.each(Object.keys(somebody))(
    'a person signs in at %s, refreshes and signs out',
    async (id) => {
      const answer = await signIn(id)
      const cookie = `latchkey_${id}_…=…; Max-Age=…; Path=/; HttpOnly; SameSite=Strict`
      expect(answer.cookies.at(-1)).toBe(cookie)
      if (id !== 'onesait') {
        expect(answer).toMatchObject({ status: 303, headers: { location: '/' } })
        expect(answer.cookies).toHaveLength(2)
      }
      expect(await call('GET', '/bff/session')).toMatchObject({
        status: 200,
        headers: data,
        cookies: [],
        body: { accounts: [{ provider: id }] },
      })
      expect(await call('POST', `/bff/accounts/${id}/refresh`)).toMatchObject({
        status: 200,
        headers: data,
        cookies: [cookie],
        body: { account: { provider: id, refreshable: true } },
      })
      const gone = await call('DELETE', `/bff/accounts/${id}`)
      expect(gone).toMatchObject({ status: 200, headers: data })
      expect(gone.cookies[0]).toBe(
        `latchkey_${id}_…=…; Max-Age=0; Path=/; HttpOnly; SameSite=Strict`,
      )
      expect(await call('GET', `/bff/accounts/${id}`)).toMatchObject({
        status: 401,
        headers: problem,
      })
    },
  )

  test.each([
    ['onet', '/external/profile', 'sub'],
    ['konpro', '/v1/pacific/account.get', 'data'],
    ['onesait', '/oauth-server/oidc/userinfo', 'username'],
    ['seznam', '/api/v1/user?', 'oauth_user_id'],
  ])('the API of %s is called on the person’s behalf', async (id, path, member) => {
    await signIn(id)
    const answer = await call('GET', `/bff/api/${id}${path}`)
    const ours = { ...data, 'content-security-policy': sandboxPolicy }
    expect(answer).toMatchObject({ status: 200, headers: ours, cookies: [] })
    expect(answer.body).toHaveProperty(member)
    // The simulator's own word, whatever it looks like.
    const other = await send('DELETE', `/bff/api/${id}${path}`, { 'x-latchkey': '1', origin }, {})
    expect(other.status).toBe(405)
    expect(other.headers.get('cache-control')).toBe('no-store')
    for (const ambiguous of ['/..%2f', '//', '/%252e', '/;'])
      expect(await call('GET', `/bff/api/${id}${path.replace('?', '')}${ambiguous}`)).toMatchObject(
        {
          status: 400,
          headers: problem,
          body: { code: 'path_not_allowed' },
        },
      )
    await call('DELETE', `/bff/accounts/${id}`)
  })

  test('many who ask at once share one refresh', async () => {
    await signIn('gearcode')
    const log = simulated?.simulators.gearcode.log ?? []
    const before = log.length
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => call('POST', '/bff/accounts/gearcode/refresh')),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200))
    expect(log.length - before).toBe(1)
    await call('DELETE', '/bff/accounts/gearcode')
  })

  test.each([
    ['POST', '/bff/accounts/onet/check', 405, 'unsupported'],
    ['GET', '/bff/accounts/onet', 401, 'not_signed_in'],
    ['GET', '/bff/accounts/nobody', 404, 'unknown_provider'],
    ['PUT', '/bff/session', 405, 'method_not_allowed'],
    ['GET', '/bff/nothing', 404, 'not_found'],
    ['GET', '/bff/session/', 404, 'not_found'],
    ['GET', '/bff/%73ession', 200, undefined],
    ['POST', '/bff/login/onesait', 400, 'invalid_request'],
  ])('%s %s is %i', async (method, path, status, code) => {
    const answer = await call(method, path)
    expect(answer.status).toBe(status)
    if (code) expect(answer).toMatchObject({ headers: problem, body: { code, status } })
  })

  test('what does not come from the app is refused', async () => {
    for (const headers of [{}, { 'x-latchkey': '1', origin: 'https://evil.example' }])
      expect(
        await outcomeOf(await send('GET', '/bff/session', headers as Record<string, string>)),
      ).toMatchObject({
        status: 403,
        headers: problem,
        body: { code: 'csrf' },
      })
  })

  test('a callback nobody waits for leads home with the reason', async () => {
    expect(await visit('/bff/callback/seznam?code=a&state=b')).toMatchObject({
      status: 303,
      headers: { location: '/', 'cache-control': 'no-store' },
    })
  })
})
