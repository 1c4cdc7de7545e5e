/** By doing things at the same moment, late, twice, or never to the end; and by the clock. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { isRefresh, startProcesses, type Processes } from '../processes'
import { startRedis, type StartedRedis } from '../redis'
import { startResourceServer } from '../several/resource-server'
import type { Simulator } from '../simulators'
import type { Listening } from '../simulators/listen'
import { rawCall } from './raw-call'
import { openStand, type Answered, type Browser, type ProviderId, type Stand } from './stand'

const strict = { rotate: true, reuseDetection: true }
const refresh = '/bff/accounts/gearcode/refresh'

describe('with two processes and one Redis', () => {
  let redis: StartedRedis
  let processes: Processes
  let resources: Listening
  let issued: ReadonlySet<string> = new Set()

  beforeAll(async () => {
    redis = await startRedis({ path: inject('redis') })
    resources = await startResourceServer((token) => issued.has(token))
    processes = await startProcesses({
      count: 2,
      ledgerUrl: redis.url,
      env: { GEARCODE_API_URL: resources.origin, GEARCODE_API_PATHS: '/v1' },
      switches: { gearcode: { ...strict, expiresIn: 1 }, seznam: { ...strict, expiresIn: 1 } },
    })
    issued = processes.simulators.gearcode.issued
  })
  afterAll(async () => {
    await processes.close()
    await resources.close()
    await redis.stop()
  })

  /** Signs in with a token that has ended since; from then on tokens live for an hour. */
  async function atExpiry(provider: 'gearcode' | 'seznam') {
    const simulator = processes.simulators[provider]
    const browser = processes.browser()
    simulator.switches.expiresIn = 1
    await browser.signIn(0, provider)
    await wait(1_100)
    simulator.switches.expiresIn = 3600
    // Long enough for all of them to be there before the first one is answered.
    simulator.before = (operation) => (operation === 'refresh' ? wait(300) : undefined)
    const before = processes.asked(provider, isRefresh)
    return { browser, refreshes: () => processes.asked(provider, isRefresh) - before }
  }

  test.each([
    ['A70 race: fifty calls at expiry at one process are one refresh and fifty answers', [0, 0]],
    ['A71 two instances: the same cookie at two processes at expiry signs nobody out', [0, 1]],
  ])('%s', async (_, places) => {
    const { browser, refreshes } = await atExpiry('gearcode')
    const cookie = browser.header()
    const answers = await Promise.all(
      Array.from({ length: 50 }, (__, nth) =>
        processes
          .browser()
          .call(places[nth % 2] ?? 0, 'GET', '/bff/api/gearcode/v1/things', undefined, {
            headers: { cookie },
          }),
      ),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(200))
    expect(refreshes()).toBe(1)
    // A copy from before: the tab that was asleep, at either process.
    for (const at of [0, 1]) {
      const late = processes.browser()
      const answer = await late.call(at, 'GET', '/bff/api/gearcode/v1/things', undefined, {
        headers: { cookie },
      })
      expect(answer.status).toBe(200)
    }
    expect(refreshes()).toBe(1)
  })

  test('A71 two instances: two people at the same moment never get each other’s account', async () => {
    const { seznam } = processes.simulators
    seznam.switches.expiresIn = 1
    const names = Object.keys(seznam.users).slice(0, 2)
    expect(names).toHaveLength(2)
    const people = await Promise.all(
      names.map(async (user) => {
        const browser = processes.browser()
        await browser.signIn(0, 'seznam', { user })
        const { account } = (await (
          await browser.call(0, 'GET', '/bff/accounts/seznam')
        ).json()) as {
          account: { subject: string }
        }
        return { cookie: browser.header(), subject: account.subject }
      }),
    )
    await wait(1_100)
    seznam.switches.expiresIn = 3600
    const asked = Array.from({ length: 60 }, async (_, nth) => {
      const { cookie, subject } = people[nth % 2] as (typeof people)[number]
      const answer = await processes
        .browser()
        .call((nth >> 1) % 2, 'GET', '/bff/accounts/seznam/profile', undefined, {
          headers: { cookie },
        })
      const { profile } = (await answer.json()) as { profile?: { subject: string } }
      return { is: profile?.subject, should: subject }
    })
    for (const { is, should } of await Promise.all(asked)) expect(is).toBe(should)
  })

  test('A75 logout: at one process it is final at the other, for copies too', async () => {
    const { browser } = await atExpiry('gearcode')
    const thief = browser.copy()
    expect((await browser.call(0, 'DELETE', '/bff/accounts/gearcode')).status).toBe(200)
    for (const at of [0, 1]) {
      expect(await thief.signedIn(at)).toEqual([])
      expect((await thief.call(at, 'GET', '/bff/api/gearcode/v1/things')).status).toBe(401)
    }
  })

  test('A69 Redis: gone, held, emptied or full of nonsense, it signs nobody out and lets nobody in', async () => {
    const { gearcode } = processes.simulators
    delete gearcode.before
    const stays = processes.browser()
    const leaves = processes.browser()
    for (const browser of [stays, leaves]) await browser.signIn(0, 'gearcode')
    // Known to the ledger, so that there is something to lose.
    expect((await stays.call(0, 'POST', refresh)).status).toBe(200)
    const thief = leaves.copy()
    await leaves.call(0, 'DELETE', '/bff/accounts/gearcode')

    const held = () => {
      redis.pause()
      return Promise.resolve()
    }
    const resumed = () => {
      redis.resume()
      return Promise.resolve()
    }
    const troubles: [string, start: () => Promise<unknown>, end: () => Promise<unknown>][] = [
      ['held', held, resumed],
      ['gone', () => redis.kill(), () => redis.restartEmpty()],
      ['emptied', () => redis.flush(), () => Promise.resolve()],
      ['full of nonsense', () => overwriteAll(redis), () => redis.flush()],
    ]
    for (const [what, start, end] of troubles) {
      await start()
      const answers = await Promise.all([
        stays.call(0, 'GET', '/bff/session'),
        thief.call(0, 'GET', '/bff/session'),
        thief.call(0, 'GET', '/bff/api/gearcode/v1/things'),
        processes.browser().call(0, 'GET', '/bff/session'),
        fetch(`${processes.urlOf(0)}/healthz`),
      ])
      const [own, stolen, called, nobody, health] = answers
      expect(health.status, what).toBe(200)
      expect(nobody.status, what).toBe(200)
      expect([200, 503], what).toContain(own.status)
      if (own.status === 200) expect(await own.text(), what).toContain('"provider":"gearcode"')
      // Trouble is never a sign-in.
      expect(stolen.status === 200 ? await stolen.text() : '', what).not.toContain('"provider"')
      expect([401, 503], what).toContain(called.status)
      await end()
      await until(async () => (await fetch(`${processes.urlOf(0)}/readyz`)).status === 200)
      const told = await stays.call(0, 'GET', '/bff/session')
      expect([told.status, await told.text()], what).toEqual([
        200,
        expect.stringContaining('"provider":"gearcode"'),
      ])
      expect(await thief.signedIn(0), what).toEqual([])
    }
  }, 90_000)
})

/** Puts something else in the place of all that the processes share. */
async function overwriteAll(redis: StartedRedis): Promise<void> {
  const keys = (await redis.command('KEYS', '*')) as string[]
  expect(keys.length).toBeGreaterThan(0)
  for (const key of keys)
    await redis.command('SET', key, '{"latest":{"generation":1e999,"__proto__":')
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await wait(50)
}

describe('at one process', () => {
  let stand: Stand
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-clock-'))
  const clock = join(folder, 'ahead')

  beforeAll(async () => {
    writeFileSync(clock, '0')
    const shifted = `import{readFileSync as r}from'node:fs';const n=Date.now;Date.now=()=>n()+Number(r(${JSON.stringify(clock)},'utf8'))`
    stand = await openStand({
      env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(shifted)}` },
      switches: { gearcode: strict, seznam: strict, onet: strict },
    })
  })
  afterAll(async () => {
    await stand.close()
    rmSync(folder, { recursive: true })
  })
  beforeEach(() => {
    stand.forget()
    writeFileSync(clock, '0')
  })
  afterEach(() => {
    for (const simulator of everyOne()) delete simulator.before
  })

  const everyOne = () => Object.values(stand.simulators) as Simulator[]

  async function person(provider: ProviderId = 'gearcode'): Promise<Browser> {
    const browser = stand.browser()
    await browser.signIn(provider)
    stand.forget()
    return browser
  }

  /** Lays the cookies of an answer over a browser's, as one does that lands late. */
  function land(browser: Browser, { cookies }: Pick<Answered, 'cookies'>): void {
    for (const line of cookies) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (/max-age=0/i.test(line)) browser.cookies.delete(name)
      else browser.cookies.set(name, value)
    }
  }

  test('A72 late Set-Cookie: an answer that lands after a newer one undoes nothing', async () => {
    const browser = await person()
    const slowTab = browser.copy()
    let release = () => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    stand.api.answer = (_, response) => {
      void held.then(() => response.end('{}'))
    }
    const slow = slowTab.ask('GET', '/bff/api/gearcode/v1')
    await until(() => Promise.resolve(stand.api.requests.length > 0))
    for (let times = 0; times < 2; times++)
      expect((await browser.ask('POST', refresh)).status).toBe(200)
    release()
    const late = await slow
    expect(late.cookies).toEqual([])
    land(browser, late)
    land(browser, await slowTab.copy().ask('GET', '/bff/session'))
    // With a token of before, this provider would end the account.
    expect((await browser.ask('POST', refresh)).status).toBe(200)
    expect(await browser.signedIn()).toEqual(['gearcode'])
  })

  test('A73 lost response: what was sent is not sent again at once, and ends in one clean 401', async () => {
    const browser = await person()
    stand.simulators.gearcode.faults = { refresh: 'lost' }
    expect((await browser.ask('POST', refresh)).status).toBe(502)
    expect(stand.arrived('gearcode').refresh).toBe(1)
    expect(await browser.signedIn()).toEqual(['gearcode'])
    // Once more, after a rest; this provider takes it for a theft.
    stand.simulators.gearcode.faults = {}
    const ended = await browser.ask('POST', refresh)
    expect(ended).toMatchObject({ status: 401, code: 'session_ended' })
    expect(ended.cookies.join()).toMatch(/max-age=0/i)
    expect(stand.arrived('gearcode').refresh).toBe(2)
    for (let times = 0; times < 3; times++) await browser.ask('POST', refresh)
    expect(stand.arrived('gearcode').refresh).toBe(2)
    expect(await browser.signedIn()).toEqual([])
    await browser.signIn('gearcode')
    expect(await browser.signedIn()).toEqual(['gearcode'])
  })

  test('A74 client aborts: a refresh that nobody waits for is kept all the same', async () => {
    const browser = await person()
    let release = () => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    stand.simulators.gearcode.before = (operation) => (operation === 'refresh' ? held : undefined)
    await stand.raw(rawCall(browser, refresh, { method: 'POST', body: '' }), { patience: 300 })
    expect(stand.arrived('gearcode').refresh).toBe(1)
    release()
    await wait(300)
    delete stand.simulators.gearcode.before
    // The cookie of before: the ledger has what the answer would have brought.
    expect((await browser.ask('POST', refresh)).status).toBe(200)
    expect(stand.arrived('gearcode').refresh).toBe(1)
    expect((await browser.ask('POST', refresh)).status).toBe(200)
    expect(await browser.signedIn()).toEqual(['gearcode'])
  })

  test('A75 logout: it is done here, whatever the provider makes of the revocation', async () => {
    const json = { 'content-type': 'application/json' }
    const answers = [
      { status: 200 },
      { status: 400, headers: json, body: '{"error":"invalid_request"}' },
      { status: 401 },
      { status: 503, headers: { 'retry-after': '1' } },
      { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>' },
      'cut',
      'lost',
      'redirect',
      'huge',
    ] as const
    for (const revoke of answers)
      for (const provider of ['seznam', 'onet', 'onesait'] as const) {
        const browser = await person(provider)
        const thief = browser.copy()
        stand.simulators[provider].faults = { revoke }
        const answer = await browser.ask('DELETE', `/bff/accounts/${provider}`)
        const what = `${JSON.stringify(revoke)} at ${provider}`
        expect(answer.status, what).toBe(200)
        expect(answer.body, what).toContain('"local":"cleared"')
        const left = [...browser.cookies.keys()]
        expect(
          left.filter((name) => name.includes(`latchkey_${provider}_`)),
          what,
        ).toEqual([])
        expect(await browser.signedIn(), what).toEqual([])
        expect(await thief.signedIn(), what).toEqual([])
        expect((await thief.ask('GET', `/bff/accounts/${provider}`)).status, what).toBe(401)
      }
    expect(stand.sentinel.connections).toEqual([])
  }, 60_000)

  test('A75 logout: with nobody signed in, twice, and while the provider says nothing', async () => {
    const nobody = stand.browser()
    for (const path of ['/bff/session', '/bff/accounts/seznam'])
      expect((await nobody.ask('DELETE', path)).status).toBe(200)
    const browser = await person('seznam')
    stand.simulators.seznam.faults = { revoke: 'hang' }
    const [once, twice] = await Promise.all([
      browser.ask('DELETE', '/bff/session'),
      browser.copy().ask('DELETE', '/bff/session'),
    ])
    expect([once.status, twice.status]).toEqual([200, 200])
    expect(await browser.signedIn()).toEqual([])
  }, 60_000)

  test('A75 logout: a refresh under way brings nothing back', async () => {
    const browser = await person()
    const other = browser.copy()
    let release = () => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    stand.simulators.gearcode.before = (operation) => (operation === 'refresh' ? held : undefined)
    const refreshing = other.ask('POST', refresh)
    await until(() => Promise.resolve(stand.arrived('gearcode').refresh === 1))
    const leaving = browser.ask('DELETE', '/bff/accounts/gearcode')
    await wait(200)
    release()
    expect((await leaving).status).toBe(200)
    const late = await refreshing
    expect(late.status).toBe(401)
    land(browser, late)
    expect(await browser.signedIn()).toEqual([])
    expect(await other.signedIn()).toEqual([])
    expect((await other.ask('GET', '/bff/api/gearcode/v1')).status).toBe(401)
    expect(stand.api.requests).toEqual([])
  })

  test('A75 logout: a landing from the provider without a logout begun here signs nobody out', async () => {
    const browser = await person('onet')
    for (const query of ['', '?state=', '?state=x', '?logout=1'])
      await browser.visit(`/bff/callback/onet${query}`, { 'sec-fetch-site': 'cross-site' })
    expect(await browser.signedIn()).toEqual(['onet'])
  })

  test('A76 clock skew: minutes, days and decades either way lose no account that is not over', async () => {
    const minute = 60_000
    const day = 24 * 60 * minute
    for (const ahead of [5 * minute, -5 * minute, day, -day, 120 * day, -120 * day, 0]) {
      const before = await person()
      writeFileSync(clock, String(ahead))
      expect(await before.signedIn(), String(ahead)).toEqual(['gearcode'])
      expect((await before.ask('GET', '/bff/api/gearcode/v1')).status, String(ahead)).toBe(200)
      expect((await before.ask('POST', refresh)).status, String(ahead)).toBe(200)
      const meanwhile = stand.browser()
      const answer = await meanwhile.signIn('gearcode')
      for (const line of answer.cookies.filter((one) => !/max-age=0/i.test(one)))
        expect(Number(/max-age=(-?\d+)/i.exec(line)?.[1]), line).toBeGreaterThan(0)
      // And back, as when the clock is set right.
      writeFileSync(clock, '0')
      expect(await meanwhile.signedIn(), String(ahead)).toEqual(['gearcode'])
      expect((await meanwhile.ask('POST', refresh)).status, String(ahead)).toBe(200)
      expect((await before.ask('POST', refresh)).status, String(ahead)).toBe(200)
    }
    for (const year of ['2038-01-20', '2039-06-01', '2106-02-08']) {
      writeFileSync(clock, String(Date.parse(year) - Date.now()))
      const fresh = stand.browser()
      expect((await fresh.signIn('seznam')).status, year).toBe(303)
      const { status, body } = await fresh.ask('GET', '/bff/session')
      expect(status, year).toBe(200)
      expect(body, year).toContain(`"connectedAt":"${year.slice(0, 4)}-`)
    }
  }, 60_000)

  test('A77 JWKS: no key is ever asked for, whatever key a token claims to be signed with', async () => {
    const forged = (kid: string) =>
      [
        { alg: 'RS256', kid, jku: `${stand.sentinel.url}/jwks`, x5u: `${stand.sentinel.url}/x` },
        { sub: 'x', iss: stand.sentinel.url },
      ]
        .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
        .join('.') + '.c2ln'
    for (const kid of ['a', 'b', '../../x', ''])
      for (const provider of ['onet', 'konpro', 'gearcode', 'seznam', 'onesait'] as const) {
        stand.simulators[provider].tokenAnswer = (answer) => ({
          ...answer,
          id_token: forged(kid),
          ...(provider === 'gearcode' ? { access_token: forged(kid) } : {}),
        })
        expect((await stand.browser().signIn(provider)).status).toBeLessThan(400)
        delete stand.simulators[provider].tokenAnswer
      }
    const paths = everyOne().flatMap(({ log }) => log.map(({ path }) => path))
    expect(paths.filter((path) => /jwks|well-known|certs|keys/i.test(path))).toEqual([])
    expect(stand.sentinel.connections).toEqual([])
  })

  test('A78 password grant brute force: guesses run into a limit, and answers say nothing of the name', async () => {
    const guess = (username: string, password: string, headers: Record<string, string> = {}) =>
      stand.browser().ask('POST', '/bff/login/onesait', {
        body: JSON.stringify({ username, password }),
        headers,
      })
    const known = await guess('developer', 'wrong')
    const unknown = await guess('nobody-of-this-name', 'wrong')
    expect(known).toMatchObject({ status: 401, code: 'invalid_credentials' })
    const { date: _, 'x-request-id': __, ...same } = known.headers
    const { date: ___, 'x-request-id': ____, ...other } = unknown.headers
    expect([unknown.status, unknown.body, other]).toEqual([known.status, known.body, same])

    stand.forget()
    const answers: Answered[] = []
    for (let times = 0; times < 11; times++)
      // Neither the way a name is written nor what a header says makes it another one.
      answers.push(
        await guess(
          ['developer', 'Developer ', 'DEVELOPER', 'ｄeveloper'][times % 4] ?? '',
          `wrong${times}`,
          {
            'x-forwarded-for': `192.0.2.${times}`,
            forwarded: `for=192.0.2.${times}`,
            'x-real-ip': `192.0.2.${times}`,
          },
        ),
      )
    const last = answers.at(-1)
    expect(last).toMatchObject({ status: 429, code: 'rate_limited' })
    expect(Number(last?.headers['retry-after'])).toBeGreaterThan(0)
    expect(stand.arrived('onesait').token).toBeLessThan(12)
    // The right one does not get through either, or the limit would tell which one that is.
    const { password = '' } = stand.simulators.onesait.users.developer ?? {}
    expect((await guess('developer', password)).status).toBe(429)
    expect(stand.log()).not.toMatch(/wrong\d/)
    // Others are not locked out.
    const [, someone = ''] = Object.keys(stand.simulators.onesait.users)
    const { password: theirs = '' } = stand.simulators.onesait.users[someone] ?? {}
    expect((await guess(someone, theirs)).status).toBe(200)
  })

  test('A79 timing oracle: what is nearly right is refused no later than what is all wrong', async () => {
    const browser = await person('seznam')
    const [name = '', sealed = ''] = [...browser.cookies][0] ?? []
    const traveller = stand.browser()
    const back = await traveller.away('onet')
    const state = new URL(back, stand.origin).searchParams.get('state') ?? ''
    const [loginName = '', login = ''] = [...traveller.cookies][0] ?? []
    const flipped = (text: string, at: number) =>
      `${text.slice(0, at)}${text.charAt(at) === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`
    const noise = (text: string) => text.replace(/[\w-]/g, 'A')
    const ask = (path: string, headers: Record<string, string>) => () =>
      fetch(stand.url + path, { headers, redirect: 'manual' }).then((answer) => answer.text())
    const own = { 'x-latchkey': '1' }
    const pairs: Record<string, [near: () => Promise<string>, far: () => Promise<string>]> = {
      'a sealed cookie': [
        ask('/bff/session', { ...own, cookie: `${name}=${flipped(sealed, sealed.length - 4)}` }),
        ask('/bff/session', {
          ...own,
          cookie: `${name}=${flipped(sealed, sealed.lastIndexOf('.') - 200)}`,
        }),
      ],
      'the tag of a sealed cookie': [
        ask('/bff/session', { ...own, cookie: `${name}=${flipped(sealed, sealed.length - 4)}` }),
        ask('/bff/session', {
          ...own,
          cookie: `${name}=${sealed.slice(0, -22)}${noise(sealed.slice(-22))}`,
        }),
      ],
      'a state': [
        ask(`/bff/callback/onet?code=x&state=${flipped(state, state.length - 2)}`, {
          cookie: `${loginName}=${login}`,
        }),
        ask(`/bff/callback/onet?code=x&state=${state.slice(0, 8)}${noise(state.slice(8))}`, {
          cookie: `${loginName}=${login}`,
        }),
      ],
      'our header': [
        ask('/bff/session', { 'x-latchkey': '1x', cookie: browser.header() }),
        ask('/bff/session', { 'x-latchkey': 'zz', cookie: browser.header() }),
      ],
    }
    for (const [what, [near, far]] of Object.entries(pairs)) {
      const times: [number[], number[]] = [[], []]
      for (let round = 0; round < 220; round++)
        for (const at of round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
          const began = performance.now()
          await (at === 0 ? near : far)()
          // The first ones warm up.
          if (round >= 20) times[at].push(performance.now() - began)
        }
      const ratio = median(times[0]) / median(times[1])
      process.stdout.write(`Nearly right against all wrong, ${what}: ×${ratio.toFixed(2)}\n`)
      // A single read more or less would not show in this; a call, an unsealing or a loop does.
      expect(ratio, what).toBeGreaterThan(0.5)
      expect(ratio, what).toBeLessThan(2)
    }
  }, 120_000)
})

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0
}
