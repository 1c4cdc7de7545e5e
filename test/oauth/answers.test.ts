import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { readConfig } from '../../proxy/config'
import { traceOf } from '../../proxy/log'
import { AppError } from '../../shared/failure'
import { authorize } from '../../shared/oauth/authorize'
import { readCallback } from '../../shared/oauth/callback'
import { check } from '../../shared/oauth/check'
import { exchange } from '../../shared/oauth/exchange'
import { password } from '../../shared/oauth/password'
import type { Ports } from '../../shared/oauth/ports'
import { profile } from '../../shared/oauth/profile'
import { refresh } from '../../shared/oauth/refresh'
import { revoke } from '../../shared/oauth/revoke'
import type { Tokens } from '../../shared/oauth/tokens'
import type { PasswordProvider, Registration, RedirectProvider } from '../../shared/provider'
import { Secret } from '../../shared/secret'

const now = Date.parse('2026-11-01T12:00:00Z')
const year = 365 * 24 * 3600 * 1000

/** A provider that departs from no RFC. */
const plain = {
  id: 'plain',
  name: 'Plain',
  source: 'RFC 6749, RFC 7009, RFC 7662',
  origin: 'https://plain.example',
  authorize: { url: '/authorize' },
  exchange: { url: '/token', auth: 'basic' },
  refresh: { url: '/token', auth: 'basic' },
  profile: { url: '/me' },
  check: { url: '/introspect', auth: 'basic' },
  revoke: { url: '/revoke', auth: 'basic', tokens: ['refresh', 'access'] },
  person: ({ sub }) => ({ subject: typeof sub === 'string' ? sub : null }),
} satisfies RedirectProvider

/** The same, but for people who type their password. */
const typed = {
  id: 'typed',
  name: 'Typed',
  source: 'RFC 6749 §4.3',
  origin: 'https://typed.example',
  password: { url: '/token', auth: 'basic' },
  person: () => ({ subject: null }),
} satisfies PasswordProvider

function registered(id: string, env: Record<string, string> = {}): Registration {
  const ID = id.toUpperCase()
  const credentials = { [`${ID}_CLIENT_ID`]: 'client', [`${ID}_CLIENT_SECRET`]: 'client-secret' }
  const providers = id === 'plain' || id === 'typed' ? { providers: [plain, typed] } : {}
  const config = readConfig({ ...credentials, ...env }, providers)
  const registration = config.offers.get(id)?.registration
  if (!registration) throw new Error(`${id} is off`)
  return registration
}

const old: Tokens = {
  scheme: 'bearer',
  accessToken: new Secret('old-access'),
  refreshToken: new Secret('old-refresh'),
  expiresAt: now + 1000,
  scope: [],
}

type Play = (request: Request) => Response | Promise<Response>

/** Ports whose network is a script: each request gets the next answer, the last one again and again. */
function playing(...script: Play[]) {
  const asked: Request[] = []
  const ports: Ports = {
    now: () => now,
    fetch: async (input, init) => {
      const request = new Request(input, init)
      const play = script[Math.min(asked.length, script.length - 1)]
      asked.push(request)
      if (!play) throw new Error('nothing to play')
      return await play(request)
    },
  }
  return { ports, asked }
}

const json =
  (body: string, status = 200, headers: Record<string, string> = {}): Play =>
  () =>
    new Response(body, { status, headers: { 'content-type': 'application/json', ...headers } })

const typedAs =
  (type: string, body: string, status = 200): Play =>
  () =>
    new Response(body, { status, headers: { 'content-type': type } })

async function signInAt(registration: Registration, ports: Ports) {
  const { login } = await authorize(registration, now)
  const parameters = new URLSearchParams({ code: 'a-code', state: login.state })
  return await exchange(registration, login, readCallback(registration, login, parameters), ports)
}

async function failureOf(work: Promise<unknown>): Promise<AppError> {
  const outcome = await work.then(
    () => 'no failure',
    (error: unknown) => error,
  )
  if (outcome instanceof AppError) return outcome
  throw new Error('it did not fail as our errors do', { cause: outcome })
}

/** Every step that reads a token answer. */
const steps = [
  ['the exchange', async (ports: Ports) => (await signInAt(registered('plain'), ports)).tokens],
  ['a refresh', (ports: Ports) => refresh(registered('plain'), old, ports)],
  [
    'a password',
    async (ports: Ports) => {
      const credentials = { username: 'u', password: new Secret('p') }
      return (await password(registered('typed'), credentials, ports)).tokens
    },
  ],
] as const

describe.each(steps)('whatever the lifetime says, %s keeps both tokens:', (_, run) => {
  test.each([
    ['', null],
    [',"expires_in":3600', now + 3600_000],
    [',"expires_in":"3600"', now + 3600_000],
    [',"expires_in":899.7', now + 899_000],
    [',"expires_in":0', now],
    [',"expires_in":"0"', now],
    [',"expires_in":-1', now],
    [',"expires_in":"-1"', now],
    [',"expires_in":null', null],
    [',"expires_in":true', null],
    [',"expires_in":""', null],
    [',"expires_in":"3600abc"', null],
    [',"expires_in":"Infinity"', null],
    [',"expires_in":[3600]', null],
    [',"expires_in":{"s":3600}', null],
    [',"expires_in":31536001', now + year],
    [',"expires_in":9007199254740992', now + year],
    [',"expires_in":1e300', now + year],
    [',"expires_in":1e400', now + year],
    [',"expires_in":-1e400', now],
  ])('{…%s}', async (lifetime, expiresAt) => {
    const answer = `{"access_token":"new-access","token_type":"bearer","refresh_token":"new-refresh"${lifetime}}`
    const tokens = await run(playing(json(answer)).ports)
    expect(tokens.accessToken.reveal()).toBe('new-access')
    expect(tokens.refreshToken?.reveal()).toBe('new-refresh')
    expect(tokens.expiresAt).toBe(expiresAt)
  })
})

describe('a refresh answer', () => {
  test.each([
    ['without a refresh token', ''],
    ['with an empty one', ',"refresh_token":""'],
    ['with null', ',"refresh_token":null'],
    ['with false', ',"refresh_token":false'],
    ['with a number', ',"refresh_token":7'],
    ['with one no header can carry', ',"refresh_token":"a\\r\\nX: 1"'],
  ])('%s keeps the old one', async (_, field) => {
    const { ports } = playing(json(`{"access_token":"new","token_type":"bearer"${field}}`))
    const tokens = await refresh(registered('plain'), old, ports)
    expect(tokens.accessToken.reveal()).toBe('new')
    expect(tokens.refreshToken?.reveal()).toBe('old-refresh')
  })

  test('with a new one replaces the old one', async () => {
    const { ports } = playing(
      json('{"access_token":"a","token_type":"bearer","refresh_token":"r"}'),
    )
    expect((await refresh(registered('plain'), old, ports)).refreshToken?.reveal()).toBe('r')
  })

  test('is asked for once, whatever came of it', async () => {
    for (const play of [json('{}'), json('{}', 500), typedAs('text/html', '<p>', 200)]) {
      const { ports, asked } = playing(play)
      await failureOf(refresh(registered('plain'), old, ports))
      expect(asked).toHaveLength(1)
    }
  })
})

describe.each(steps)('%s', (_, run) => {
  test.each(['bearer', 'Bearer', 'BEARER', 'bEaReR'])('takes the token type %s', async (type) => {
    const { ports } = playing(json(`{"access_token":"new","token_type":"${type}"}`))
    expect((await run(ports)).accessToken.reveal()).toBe('new')
  })

  test.each(['mac', 'MAC', 'DPoP', 'N_A', 'bearer '])('refuses the token type %s', async (type) => {
    const { ports } = playing(json(`{"access_token":"new","token_type":"${type}"}`))
    expect((await failureOf(run(ports))).code).toBe('provider_error')
  })

  test.each([
    ['a line break', 'a\\r\\nX-Evil: 1'],
    ['a lone line feed', 'a\\n'],
    ['a NUL', 'a\\u0000'],
    ['a letter beyond ASCII', 'tokén'],
    ['a blank', 'a b'],
    ['64 kB', 'a'.repeat(65_536)],
    ['nothing', ''],
  ])('refuses an access token with %s', async (_, token) => {
    const { ports } = playing(json(`{"access_token":"${token}","token_type":"bearer"}`))
    expect((await failureOf(run(ports))).code).toBe('provider_error')
  })

  test.each(['null', '7', 'true', '["a"]', '{"a":1}'])(
    'refuses an access token that is %s',
    async (token) => {
      const { ports } = playing(json(`{"access_token":${token},"token_type":"bearer"}`))
      expect((await failureOf(run(ports))).code).toBe('provider_error')
    },
  )
})

/** What a provider may know of a person; none of it may be in an error of ours. */
const canary = 'eyJhbGciOiJIUzI1NiJ9.c2VjcmV0.canary'

const boot = `{"timestamp":"2026-11-01T12:00:00Z","status":401,"error":"Unauthorized","message":"Full authentication is required for ${canary}","path":"/oauth-server/oauth/token"}`

interface Refused {
  name: string
  play: Play
}

/** Answers that say the refresh token is dead. */
const dead: Refused[] = [
  { name: '400, OAuth’s word', play: json('{"error":"invalid_grant"}', 400) },
  {
    name: '401, OAuth’s word, with the token in the description',
    play: json(
      `{"error":"invalid_grant","error_description":"Invalid refresh token: ${canary}"}`,
      401,
    ),
  },
  {
    name: 'JSON of another media type',
    play: typedAs('application/problem+json; charset=utf-8', '{"error":"invalid_grant"}', 400),
  },
  { name: '200 with an error in the body', play: json('{"error":"invalid_grant"}', 200) },
  {
    name: '200 with a status in the body',
    play: json('{"status":400,"message":"invalid_grant"}', 200),
  },
  {
    name: 'an object with the word as its code',
    play: json(`{"error":{"code":"invalid_grant","message":"${canary}"}}`, 400),
  },
]

/** Answers that say nothing of the refresh token, whatever they look like. */
const trouble: Refused[] = [
  ...[
    'invalid_client',
    'invalid_request',
    'invalid_scope',
    'invalid_token',
    'unauthorized_client',
    'unsupported_grant_type',
    'temporarily_unavailable',
    'Invalid_Grant',
    'not invalid_grant',
  ].flatMap((word) =>
    [400, 401].map((status) => ({
      name: `${status}, ${word}`,
      play: json(`{"error":"${word}","error_description":"${canary}"}`, status),
    })),
  ),
  {
    name: 'the word in the description',
    play: json('{"error":"x","error_description":"invalid_grant"}', 400),
  },
  {
    name: 'KonPro’s object',
    play: json(
      `{"error":{"code":"INVALID_API_KEY","message":"${canary}","details":{"field":"x"}},"request_id":"req-1"}`,
      401,
    ),
  },
  {
    name: 'a number and a message',
    play: json(`{"code":401056,"message":"Access token expired ${canary}"}`, 401),
  },
  {
    name: 'Seznam’s status in the body, with HTTP 200',
    play: json(`{"status":401,"message":"not authorized, ${canary}"}`, 200),
  },
  { name: 'a status of 503 in the body, with HTTP 200', play: json('{"status":503}', 200) },
  { name: 'Spring Boot’s page', play: json(boot, 401) },
  {
    name: 'Spring Boot’s page with the dead word',
    play: json('{"status":400,"error":"invalid_grant","path":"/x"}', 400),
  },
  ...[200, 400, 401, 404, 500, 502, 503].flatMap((status) => [
    {
      name: `HTML with ${status}`,
      play: typedAs('text/html', `<html><title>invalid_grant</title>${canary}</html>`, status),
    },
    { name: `HTML called JSON with ${status}`, play: json(`<html>${canary}</html>`, status) },
    { name: `nothing with ${status}`, play: json('', status) },
  ]),
  ...[400, 401, 403, 404, 405, 410, 500].map((status) => ({
    name: `an empty object with ${status}`,
    play: json('{}', status),
  })),
  {
    name: 'the right words in plain text',
    play: typedAs('text/plain', '{"error":"invalid_grant"}', 400),
  },
  {
    name: 'the right words without a media type',
    play: () =>
      new Response(new TextEncoder().encode('{"error":"invalid_grant"}'), { status: 400 }),
  },
  ...['[]', '[{"error":"invalid_grant"}]', '"invalid_grant"', 'null', '0', '{"error":', '{'].map(
    (body) => ({ name: `JSON that is ${body}`, play: json(body, 400) }),
  ),
  { name: 'JSON cut in the middle', play: json('{"access_token":"new","token_ty') },
  // A server in trouble signs nobody out, whatever word it uses.
  { name: '500 with the dead word', play: json('{"error":"invalid_grant"}', 500) },
  { name: '503 with the dead word', play: json('{"error":"invalid_grant"}', 503) },
  {
    name: '503 in the body, with the dead word',
    play: json('{"status":503,"message":"invalid_grant"}'),
  },
]

describe('a refresh that the provider refuses', () => {
  test.each(dead)('ends the session: $name', async ({ play }) => {
    const { code, status } = await failureOf(refresh(registered('plain'), old, playing(play).ports))
    expect({ code, status }).toEqual({ code: 'session_ended', status: 401 })
  })

  test.each(trouble)('does not end the session: $name', async ({ play }) => {
    const { code, status } = await failureOf(refresh(registered('plain'), old, playing(play).ports))
    expect({ code, status }).toEqual({ code: 'provider_error', status: 502 })
  })

  test.each([...dead, ...trouble])('tells nothing of the answer: $name', async ({ play }) => {
    const error = await failureOf(refresh(registered('plain'), old, playing(play).ports))
    const told = [error.message, String(error), JSON.stringify(error), traceOf(error)].join('\n')
    for (const secret of [canary, 'canary', 'authentication', 'old-refresh', 'client-secret'])
      expect(told).not.toContain(secret)
  })

  test.each([
    ['as its word', '{"error":"TOKEN"}', 400],
    ['as its message', '{"status":400,"message":"TOKEN"}', 200],
    ['as its code', '{"code":"TOKEN"}', 400],
    ['as the code of its error', '{"error":{"code":"TOKEN"}}', 400],
    ['in the token type', '{"access_token":"x","token_type":"TOKEN"}', 200],
  ])('tells nothing of a token that the provider used %s', async (_, body, status) => {
    // As a token of Onet looks, and one of onesait: both pass for a word.
    for (const token of ['7f3a9c0de1b24f5a8c6d7e8f90a1b2c3cs', 'eyJhbGciOi.c2VjcmV0.c2ln']) {
      const { ports } = playing(json(body.replace('TOKEN', token), status))
      const error = await failureOf(refresh(registered('plain'), old, ports))
      expect(`${error.message}\n${traceOf(error)}`).not.toContain(token)
    }
  })

  test('ends it by the provider’s own word, where its documents have one', async () => {
    const play = json(`{"error":"invalid_token","error_description":"${canary}"}`, 401)
    const error = await failureOf(refresh(registered('onesait'), old, playing(play).ports))
    expect(error.code).toBe('session_ended')
  })
})

describe('a code that the provider refuses', () => {
  test.each(dead)('was too old or used: $name', async ({ play }) => {
    const error = await failureOf(signInAt(registered('plain'), playing(play).ports))
    expect(error.code).toBe('login_expired')
  })

  test.each(trouble)('is the provider’s trouble: $name', async ({ play }) => {
    const error = await failureOf(signInAt(registered('plain'), playing(play).ports))
    expect(error.code).toBe('provider_error')
  })
})

describe('a password that the provider refuses', () => {
  const signIn = (play: Play) =>
    failureOf(
      password(
        registered('onesait'),
        { username: 'developer', password: new Secret('wrong-password') },
        playing(play).ports,
      ),
    )

  test.each([
    ['wrong password', 400, 'invalid_grant', 'Authentication failed. Password incorrect for u'],
    ['unknown user', 404, 'invalid_grant', 'Authentication failed. User not exists: u'],
    ['not in the realm', 403, 'access_denied', 'User is not in clientId/Realm. Username: u'],
    ['deactivated', 401, 'invalid_grant', 'Authentication failed. User deactivated: u'],
  ])('is one and the same for the person: %s', async (_, status, error, description) => {
    const body = JSON.stringify({ error, error_description: description })
    const failure = await signIn(json(body, status))
    expect({ code: failure.code, status: failure.status }).toEqual({
      code: 'invalid_credentials',
      status: 401,
    })
    expect(`${failure.message}${traceOf(failure)}`).not.toContain('Authentication')
  })

  test.each([
    ['bad Basic', json(boot, 401)],
    ['bad client', json('{"error":"invalid_client"}', 401)],
    ['a scope it does not have', json('{"error":"invalid_scope"}', 401)],
    ['a gateway’s page', typedAs('text/html', '<h1>404</h1>', 404)],
    ['a gateway’s JSON', json('{"message":"no Route matched with those values"}', 404)],
    ['nothing', json('', 401)],
    ['an empty object', json('{}', 400)],
    ['a server in trouble', json('{"error":"invalid_grant"}', 500)],
  ])('blames nobody’s typing for %s', async (_, play) => {
    expect((await signIn(play)).code).toBe('provider_error')
  })
})

describe('a profile', () => {
  test('refused with 401 means an expired access token, and no ended session', async () => {
    for (const play of [json('{"error":"invalid_token"}', 401), json('', 401)]) {
      const error = await failureOf(profile(registered('plain'), old, playing(play).ports))
      expect(error.code).toBe('token_expired')
    }
  })

  test.each([400, 403, 404, 500])('refused with %i is the provider’s trouble', async (status) => {
    const { ports } = playing(json('{"error":"invalid_grant"}', status))
    expect((await failureOf(profile(registered('plain'), old, ports))).code).toBe('provider_error')
  })

  test.each(trouble.filter(({ name }) => /200/.test(name)))(
    'in an answer of another kind is none: $name',
    async ({ play, name }) => {
      const { ports } = playing(play)
      const isRefused = name.startsWith('Seznam')
      expect((await failureOf(profile(registered('plain'), old, ports))).code).toBe(
        isRefused ? 'token_expired' : 'provider_error',
      )
    },
  )
})

describe('a check', () => {
  test.each([
    ['{"active":true,"client_id":"client","exp":1793534400}', true],
    ['{"active":false}', false],
    // Spring before 2.3.7 leaves `active` out.
    ['{"user_name":"u","client_id":"client","exp":1793534400}', true],
  ])('believes what the provider says: %s', async (body, active) => {
    const { ports } = playing(json(body))
    expect((await check(registered('plain'), old, ports)).active).toBe(active)
  })

  test('of a token the provider does not know is no failure', async () => {
    for (const status of [200, 400, 401]) {
      const { ports } = playing(json('{"error":"invalid_token"}', status))
      expect(await check(registered('plain'), old, ports)).toEqual({ active: false })
    }
  })

  test.each(['', '{}', '{"active":"false"}', '{"active":null}', '{"status":200,"message":"ok"}'])(
    'never takes an answer that says nothing for a yes: %s',
    async (body) => {
      const outcome = await check(registered('plain'), old, playing(json(body)).ports).catch(
        (error: unknown) => error,
      )
      expect(outcome).not.toMatchObject({ active: true })
    },
  )
})

describe('a revocation', () => {
  test.each(['', '{}', '{"state":"invalid_token","access_token":"old-access"}'])(
    'is done where the provider names no error: %s',
    async (body) => {
      await revoke(registered('plain'), old, 'access', playing(json(body)).ports)
    },
  )

  test.each(['access_denied', 'invalid_token'])(
    'is not done where a 200 names one: %s',
    async (word) => {
      const { ports } = playing(json(`{"error":"${word}","error_description":"${canary}"}`))
      const error = await failureOf(revoke(registered('plain'), old, 'access', ports))
      expect(error.code).toBe('provider_error')
      expect(`${error.message}${traceOf(error)}`).not.toContain('canary')
    },
  )
})

describe('a provider that asks to slow down', () => {
  test.each([
    ['7', 7],
    ['0', 1],
    ['99999999', 3600],
    ['Sun, 01 Nov 2026 12:00:30 GMT', 30],
    ['Sun, 01 Nov 2026 11:00:00 GMT', 1],
  ])('is left alone for as long as it says: Retry-After: %s', async (retryAfter, seconds) => {
    const play = json('{"error":"invalid_grant"}', 429, { 'retry-after': retryAfter })
    const error = await failureOf(refresh(registered('plain'), old, playing(play).ports))
    expect([error.code, error.retryAfter]).toEqual(['provider_busy', seconds])
  })

  test.each([undefined, '', 'soon', '-5', '1.5'])(
    'is left alone for a while where it does not say for how long: Retry-After: %s',
    async (retryAfter) => {
      const headers = retryAfter === undefined ? {} : { 'retry-after': retryAfter }
      for (const play of [json('{}', 429, headers), json('', 429, headers)]) {
        const error = await failureOf(refresh(registered('plain'), old, playing(play).ports))
        expect(error.code).toBe('provider_busy')
        expect(error.retryAfter).toBeGreaterThanOrEqual(10)
        expect(error.retryAfter).toBeLessThanOrEqual(60)
      }
    },
  )
})

async function listen(handler: RequestListener): Promise<string> {
  const server = createServer(handler).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('over a real network', () => {
  const real: Ports = { fetch: (input, init) => fetch(input, init), now: () => now }

  test.each([301, 302, 303, 307, 308])(
    'a %i is never followed: its target gets neither secret nor token',
    async (status) => {
      let stolen = 0
      const thief = await listen((_, answer) => {
        stolen += 1
        answer.setHeader('content-type', 'application/json')
        answer.end('{"access_token":"stolen","token_type":"bearer","active":true,"sub":"thief"}')
      })
      const origin = await listen((request, answer) => {
        answer.writeHead(status, { location: `${thief}${request.url ?? ''}` }).end()
      })
      const registration = registered('plain', { PLAIN_URL: origin })
      for (const work of [
        () => signInAt(registration, real),
        () => refresh(registration, old, real),
        () => profile(registration, old, real),
        () => check(registration, old, real),
        () => revoke(registration, old, 'refresh', real),
      ])
        expect((await failureOf(work())).code).toBe('provider_error')
      expect(stolen).toBe(0)
    },
  )

  test('a server that is not there cannot be reached', async () => {
    const registration = registered('plain', { PLAIN_URL: 'http://127.0.0.1:9' })
    const error = await failureOf(refresh(registration, old, real))
    expect(error.code).toBe('provider_unreachable')
  })

  test('a connection cut in the middle of an answer is no answer', async () => {
    const origin = await listen((_, answer) => {
      answer.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' })
      answer.write('{"access_token":', () => answer.destroy())
    })
    const error = await failureOf(refresh(registered('plain', { PLAIN_URL: origin }), old, real))
    expect(error.code).toBe('provider_unreachable')
  })

  test.each([
    ['before its first byte', () => undefined],
    [
      'after its headers',
      (answer: Parameters<RequestListener>[1]) => {
        answer.writeHead(200, { 'content-type': 'application/json' })
        answer.write('{"access_token":')
      },
    ],
  ])('an answer that hangs %s ends in time', async (_, begin) => {
    const origin = await listen((_, answer) => {
      begin(answer)
    })
    const began = performance.now()
    const ports = { ...real, timeLimit: 100 }
    const error = await failureOf(refresh(registered('plain', { PLAIN_URL: origin }), old, ports))
    expect(error.code).toBe('provider_timeout')
    expect(performance.now() - began).toBeLessThan(3000)
  })

  test('an answer that drips on forever ends in time', async () => {
    const origin = await listen((_, answer) => {
      answer.writeHead(200, { 'content-type': 'application/json' })
      const drip = setInterval(() => answer.write(' '), 20)
      answer.on('close', () => {
        clearInterval(drip)
      })
    })
    const ports = { ...real, timeLimit: 200 }
    const error = await failureOf(refresh(registered('plain', { PLAIN_URL: origin }), old, ports))
    expect(error.code).toBe('provider_timeout')
  })
})

describe('an answer', () => {
  const mebibyte = 1024 * 1024
  const start = '{"access_token":"new","token_type":"bearer"'
  const sized = (bytes: number) => `${start}${' '.repeat(bytes - start.length - 1)}}`

  test('of a whole mebibyte is read', async () => {
    const { ports } = playing(json(sized(mebibyte)))
    expect((await refresh(registered('plain'), old, ports)).accessToken.reveal()).toBe('new')
  })

  test('above that is refused', async () => {
    const { ports } = playing(json(sized(mebibyte + 1)))
    expect((await failureOf(refresh(registered('plain'), old, ports))).code).toBe('provider_error')
  })

  test('without end is let go of', async () => {
    let sent = 0
    let isLetGo = false
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 65_536
        controller.enqueue(new Uint8Array(65_536).fill(32))
      },
      cancel() {
        isLetGo = true
      },
    })
    const { ports } = playing(
      () => new Response(endless, { headers: { 'content-type': 'application/json' } }),
    )
    expect((await failureOf(refresh(registered('plain'), old, ports))).code).toBe('provider_error')
    expect(isLetGo).toBe(true)
    expect(sent).toBeLessThan(2 * mebibyte)
  })

  test('of a fetch that does not listen to its signal ends in time all the same', async () => {
    const { ports, asked } = playing(() => new Promise<Response>(() => undefined))
    const error = await failureOf(refresh(registered('plain'), old, { ...ports, timeLimit: 50 }))
    expect(error.code).toBe('provider_timeout')
    expect(asked[0]?.signal.aborted).toBe(true)
  })
})
