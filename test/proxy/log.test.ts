import { spawn } from 'node:child_process'
import { writeFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createConsoleLog } from '../../proxy/console-log'
import type { Log } from '../../proxy/log'
import { Secret } from '../../shared/secret'
import { builtServer, startServer } from '../browser/server'
import { freePort } from '../runtime/runtimes'
import { createStage, sessionSecret } from '../stage'

/** What a terminal obeys, what ends a line anywhere, and what turns the direction of text. */
const dangerous = /[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/

describe('a line of the log', () => {
  let written: string[]
  let log: Log

  beforeEach(() => {
    written = []
    for (const name of ['debug', 'info', 'warn', 'error', 'log'] as const)
      vi.spyOn(console, name).mockImplementation((...parts: unknown[]) => {
        written.push(parts.join(' '))
      })
    log = createConsoleLog()
  })
  afterEach(() => {
    vi.restoreAllMocks()
  })

  const anything = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({
      unit: fc.constantFrom(...Array.from('\r\n\t\0\x1b[31m\x7f\x85\x9b\u2028\u202e\ud800"\\{}%')),
    }),
  )

  test('is one line of JSON without a control character, whatever stands in a field or an event', () => {
    fc.assert(
      fc.property(
        anything,
        anything,
        fc.constantFrom('info', 'warning', 'error'),
        (event, value, level) => {
          written.length = 0
          log(level, event, { code: value, [`x${value}`]: 1 })
          expect(written).toHaveLength(1)
          const [line = ''] = written
          expect(line).not.toMatch(dangerous)
          const read = JSON.parse(line) as { message: string; properties: Record<string, unknown> }
          expect(read.message).toBe(event)
          expect(read.properties).toEqual({ code: value, [`x${value}`]: 1 })
        },
      ),
      { numRuns: 2000 },
    )
  })

  test('prints [secret] where a secret got into it', () => {
    const secret = new Secret('c0ffee')
    log('info', `signed in ${String(secret)}`, { token: secret as unknown as string })
    expect(written.join()).toContain('"token":"[secret]"')
    expect(written.join()).not.toContain('c0ffee')
  })
})

interface Line {
  level: string
  event: string
  [field: string]: unknown
}

/** A stage whose requests come from an address, and its log as objects. */
function scene() {
  const stage = createStage()
  const request = stage.app.request.bind(stage.app)
  stage.app.request = (input, init) => request(input, init, { address: '2001:db8:1:2:3:4:5:6' })
  const lines = () => stage.lines.map((line) => JSON.parse(line) as Line)
  return {
    stage: Object.assign(stage, { handle: request }),
    browser: stage.browser(),
    lines,
    of: (event: string) => lines().filter((line) => line.event === event),
  }
}

const id = expect.stringMatching(/^[\da-f-]{36}$/) as string

describe('every request below /bff', () => {
  test('is one line: id, method, pattern, provider, status, code, duration', async () => {
    const { browser, of } = scene()
    const answers = [
      await browser.call('GET', '/bff/session?canary=1'),
      await browser.call('GET', '/bff/accounts/onet/canary'),
      await browser.call('GET', '/bff/accounts/canary'),
      await browser.call('POST', '/bff/accounts/onet/check'),
      await browser.send('/bff/accounts/onet'),
      await browser.call('GET', '/bff/api/onet/resources/userinfo?canary=1'),
    ]
    await browser.call('GET', '/healthz')
    const common = { level: 'info', event: 'request', request: id, ms: 0 }
    expect(of('request')).toEqual([
      { ...common, method: 'GET', route: '/bff/session', status: 200 },
      {
        ...common,
        method: 'GET',
        route: expect.any(String) as string,
        status: 404,
        code: 'not_found',
      },
      {
        ...common,
        method: 'GET',
        route: '/bff/accounts/:provider',
        status: 404,
        code: 'unknown_provider',
      },
      {
        ...common,
        method: 'POST',
        route: '/bff/accounts/:provider/check',
        provider: 'onet',
        status: 405,
        code: 'unsupported',
      },
      { ...common, method: 'GET', route: '/bff/accounts/:provider', status: 403, code: 'csrf' },
      {
        ...common,
        method: 'GET',
        route: '/bff/api/:provider/*',
        provider: 'onet',
        status: 401,
        code: 'not_signed_in',
      },
    ])
    expect(of('request').map(({ request }) => request)).toEqual(
      answers.map(({ headers }) => headers.get('x-request-id')),
    )
    expect(JSON.stringify(of('request'))).not.toContain('canary')
  })

  test('that we fail is a warning with its cause', async () => {
    const { stage, browser, of } = scene()
    await browser.signIn('seznam')
    stage.simulators.seznam.faults.profile = 'cut'
    const answer = await browser.call('GET', '/bff/accounts/seznam/profile')
    expect(answer.status).toBe(502)
    expect(of('request failed')).toMatchObject([
      {
        level: 'warning',
        request: answer.headers.get('x-request-id'),
        route: '/bff/accounts/:provider/profile',
        provider: 'seznam',
        status: 502,
        code: 'provider_unreachable',
        cause: expect.any(String) as string,
      },
    ])
  })

  test.each([new Error('canary'), 'canary', undefined, { canary: 'canary' }])(
    'that meets a mistake of ours (%s) is a problem, an error, and no word of it',
    async (thrown) => {
      const { stage, browser, of } = scene()
      await browser.signIn('seznam')
      const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
      const answer = await stage.handle(
        '/bff/accounts/seznam',
        { method: 'DELETE', headers: { 'x-latchkey': '1', cookie } },
        {
          keepAlive() {
            // eslint-disable-next-line @typescript-eslint/only-throw-error -- anything can be thrown
            throw thrown
          },
        },
      )
      const body = await answer.text()
      expect(answer.status).toBe(500)
      expect(JSON.parse(body)).toMatchObject({ code: 'internal' })
      expect(answer.headers.get('content-type')).toBe('application/problem+json')
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
      expect(of('request failed')).toMatchObject([
        { level: 'error', code: 'internal', status: 500 },
      ])
      expect(body + stage.lines.join()).not.toContain('canary')
    },
  )
})

describe('what becomes of a sign-in is told with provider, request and network:', () => {
  const who = { request: id, network: '2001:db8:1:2' }

  test('that it began, that it ended, and that it came to nothing', async () => {
    const { browser, of } = scene()
    await browser.signIn('seznam')
    await browser.signIn('gearcode', { deny: true })
    await browser.call('POST', '/bff/login/onesait', { username: 'developer', password: 'wrong' })
    await browser.call('DELETE', '/bff/accounts/seznam')
    expect(of('signed in')).toMatchObject([{ provider: 'seznam', ...who }])
    expect(of('sign-in failed')).toMatchObject([
      { provider: 'gearcode', code: 'access_denied', ...who },
      { provider: 'onesait', code: 'invalid_credentials', ...who },
    ])
    expect(of('signed out')).toMatchObject([{ provider: 'seznam', tokens: 'revoked', ...who }])
  })

  test('that its tokens were revoked', async () => {
    const { browser, of } = scene()
    await browser.signIn('seznam')
    await browser.call('POST', '/bff/accounts/seznam/revoke', { token: 'access' })
    expect(of('tokens revoked')).toMatchObject([{ provider: 'seznam', token: 'access', ...who }])
  })

  test('that the provider ended it', async () => {
    const { stage, browser, of } = scene()
    await browser.signIn('gearcode')
    stage.simulators.gearcode.revokeEverything()
    await browser.call('POST', '/bff/accounts/gearcode/refresh')
    expect(of('session ended')).toMatchObject([{ provider: 'gearcode', ...who }])
  })
})

test('what nobody catches is written down, and the server goes on', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-'))
  const mistakes = join(folder, 'mistakes.mjs')
  writeFileSync(
    mistakes,
    `process.on('SIGUSR2', () => {
      Promise.reject(new Error('canary'))
      Promise.reject('canary')
      throw new TypeError('canary')
    })`,
  )
  const server = await startServer(builtServer, {
    PORT: '0',
    PUBLIC_ORIGIN: 'http://localhost:8787',
    SESSION_SECRETS: sessionSecret,
    NODE_OPTIONS: `--import=${mistakes}`,
  })
  try {
    for (let count = 1; count <= 3; count++) {
      server.signal('SIGUSR2')
      await expect
        .poll(() => server.output().match(/"uncaught exception"/g)?.length, { timeout: 8000 })
        .toBe(count)
      expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
    }
    expect(server.output().match(/"unhandled rejection"/g)).toHaveLength(6)
    expect(server.output()).toContain('"cause":"TypeError"')
    expect(server.output()).toContain('mistakes.mjs')
    expect(server.output()).not.toContain('canary')
  } finally {
    await server.stop()
    rmSync(folder, { recursive: true })
  }
})

test('a server whose log nobody reads any more goes on', async () => {
  const port = await freePort()
  const child = spawn(process.execPath, [builtServer], {
    env: { PATH: process.env.PATH, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  try {
    await new Promise<void>((resolve) => {
      child.stdout.on('data', (text: Buffer) => {
        if (text.includes('listening')) resolve()
      })
    })
    // Its next line is written into a closed pipe.
    child.stdout.destroy()
    child.stderr.destroy()
    for (let count = 0; count < 5; count++)
      expect((await fetch(`http://127.0.0.1:${port}/bff/session`)).status).toBe(403)
    expect(child.exitCode).toBeNull()
  } finally {
    child.kill('SIGKILL')
  }
})
