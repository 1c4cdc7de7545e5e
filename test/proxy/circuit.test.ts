import { expect, test } from 'vitest'
import { createCircuits } from '../../proxy/circuit'
import { AppError } from '../../shared/failure'
import { NotSent, Refusal } from '../../shared/oauth/refusal'
import { createStage } from '../stage'

/** A clock, an endpoint that does as it is told, and waits that end when the test lets time pass. */
function setUp() {
  const clock = { now: 1_000_000 }
  const lines: string[] = []
  const waits: { until: number; wake: () => void }[] = []
  const convey = createCircuits({
    now: () => clock.now,
    sleep: (ms) => new Promise((wake) => waits.push({ until: clock.now + ms, wake })),
    log: (_level, event) => lines.push(event),
  })
  const provider = {
    calls: 0,
    answer: (): Promise<string> => Promise.resolve('good'),
  }
  const send = () => {
    provider.calls++
    return provider.answer()
  }
  const call = (path = '/token') =>
    convey(
      { name: `https://provider.example${path}`, isPersonal: false },
      send,
      new AbortController().signal,
    ).catch((error: unknown) => error)
  /** Lets time pass and everything happen that was waiting for it. */
  async function pass(ms: number): Promise<void> {
    clock.now += ms
    for (const wait of waits.splice(0)) {
      if (wait.until <= clock.now) wait.wake()
      else waits.push(wait)
    }
    await settled()
  }
  const settled = () => new Promise((resolve) => setImmediate(resolve))
  const fails = (error: Error) => {
    provider.answer = () => Promise.reject(error)
  }
  const recovers = () => {
    provider.answer = () => Promise.resolve('good')
  }
  /** Five failures, one every two seconds. */
  async function goesDown(error: Error = cut): Promise<void> {
    fails(error)
    for (let count = 0; count < 5; count++) {
      if (count > 0) await pass(2000)
      expect(await call()).toBe(error)
    }
  }
  return { clock, lines, provider, call, pass, settled, fails, recovers, goesDown }
}

const cut = new TypeError('fetch failed', { cause: new Error('other side closed') })
const silent = new DOMException('The operation timed out', 'TimeoutError')
const notSent = (code: NotSent['code'], retryAfter: number): unknown =>
  expect.objectContaining({ name: 'NotSent', code, retryAfter })

test.each([
  ['cuts connections', cut],
  ['does not answer in time', silent],
  ['cannot be reached', new NotSent('provider_unreachable')],
  ['answers 500', new Refusal(500)],
  ['answers 503', new Refusal(503, 'unnamed')],
])('an endpoint that %s again and again is left alone', async (_what, error) => {
  const { call, pass, goesDown, provider, lines } = setUp()
  await goesDown(error)
  expect(lines).toEqual(['circuit opened'])
  const waiting = call()
  await pass(1999)
  expect(provider.calls).toBe(5)
  await pass(1)
  expect(await waiting).toBe(error)
  expect(provider.calls).toBe(6)
  expect(await call()).toEqual(notSent('provider_unreachable', 4))
  expect(provider.calls).toBe(6)
})

test('an endpoint is left alone for twice as long each time, up to half a minute', async () => {
  const { call, pass, goesDown } = setUp()
  await goesDown()
  const waiting = call()
  await pass(2000)
  await waiting
  for (const seconds of [4, 8, 16, 30, 30]) {
    expect(await call()).toEqual(notSent('provider_unreachable', seconds))
    await pass(seconds * 1000)
    expect(await call()).toBe(cut)
  }
})

test('fifty failures at one moment open nothing', async () => {
  const { call, pass, fails, recovers, provider, lines } = setUp()
  fails(silent)
  await Promise.all(Array.from({ length: 50 }, () => call()))
  await pass(4999)
  await call()
  recovers()
  expect(await call()).toBe('good')
  expect(provider.calls).toBe(52)
  expect(lines).toEqual([])
})

test('a few failures open nothing, however far apart', async () => {
  const { call, pass, fails, provider } = setUp()
  fails(cut)
  for (let count = 0; count < 4; count++) {
    await call()
    await pass(60_000)
  }
  await call()
  expect(provider.calls).toBe(5)
})

test.each([200, 302, 400, 401, 404, 429])(
  'an answer of %d is one: what came before it no longer counts',
  async (status) => {
    const { call, pass, fails, provider } = setUp()
    for (let count = 0; count < 20; count++) {
      fails(count % 5 === 4 ? new Refusal(status) : cut)
      await call()
      await pass(2000)
    }
    expect(provider.calls).toBe(20)
  },
)

test('one goes first, and the others follow when it is answered', async () => {
  const { call, pass, settled, goesDown, provider, lines } = setUp()
  await goesDown()
  let answer: (value: string) => void = () => undefined
  provider.answer = () => new Promise((resolve) => (answer = resolve))
  const waiting = Array.from({ length: 20 }, () => call())
  await pass(2000)
  const late = call()
  await settled()
  expect(provider.calls).toBe(6)
  provider.answer = () => Promise.resolve('good')
  answer('first')
  expect(await Promise.all([...waiting, late])).toEqual([
    'first',
    ...Array.from({ length: 20 }, () => 'good'),
  ])
  expect(lines).toEqual(['circuit opened', 'circuit closed'])
})

test('where the first one fails, the others are not sent', async () => {
  const { call, pass, goesDown, provider } = setUp()
  await goesDown()
  const waiting = Array.from({ length: 20 }, () => call())
  await pass(2000)
  const [first, ...others] = await Promise.all(waiting)
  expect(first).toBe(cut)
  expect(others).toEqual(Array.from({ length: 19 }, () => notSent('provider_unreachable', 4)))
  expect(provider.calls).toBe(6)
})

test('nobody waits longer than three seconds for the one that went first', async () => {
  const { call, pass, goesDown, provider } = setUp()
  await goesDown()
  provider.answer = () => new Promise(() => undefined)
  const waiting = [call(), call()]
  await pass(2000)
  await pass(1000)
  expect(await waiting[1]).toEqual(notSent('provider_unreachable', 1))
  expect(provider.calls).toBe(6)
})

test('after a good answer everything goes at once', async () => {
  const { call, pass, goesDown, recovers, provider } = setUp()
  await goesDown()
  recovers()
  await pass(2000)
  expect(await call()).toBe('good')
  expect(await Promise.all([call(), call(), call()])).toEqual(['good', 'good', 'good'])
  expect(provider.calls).toBe(9)
})

test('failures of what was sent before it opened do not prolong it', async () => {
  const { call, pass, settled, goesDown, provider } = setUp()
  let fail: (error: Error) => void = () => undefined
  provider.answer = () => new Promise((_, reject) => (fail = reject))
  const early = call()
  await settled()
  await goesDown()
  fail(cut)
  await early
  const waiting = call()
  await pass(2000)
  expect(provider.calls).toBe(7)
  expect(await waiting).toBe(cut)
})

test('one endpoint in trouble does not close another', async () => {
  const { call, goesDown, recovers } = setUp()
  await goesDown()
  recovers()
  expect(await call('/revoke')).toBe('good')
})

test('a server that says how long it is away is believed, up to half a minute', async () => {
  const { call, goesDown } = setUp()
  await goesDown(new Refusal(503, 'unnamed', 900))
  expect(await call()).toEqual(notSent('provider_unreachable', 30))
})

test('who is asked to wait does not ask before that time', async () => {
  const { call, pass, fails, recovers, provider, lines } = setUp()
  const busy = new Refusal(429, 'unnamed', 60)
  fails(busy)
  expect(await call()).toBe(busy)
  recovers()
  await pass(20_000)
  expect(await call()).toEqual(notSent('provider_busy', 40))
  await pass(37_000)
  const waiting = [call(), call()]
  expect(provider.calls).toBe(1)
  await pass(3000)
  expect(await Promise.all(waiting)).toEqual(['good', 'good'])
  expect(lines).toEqual(['circuit opened', 'circuit closed'])
})

test('a 429 that names no time blocks nothing', async () => {
  const { call, settled, fails, provider } = setUp()
  const busy = new Refusal(429)
  fails(busy)
  expect(await call()).toBe(busy)
  provider.answer = () => new Promise(() => undefined)
  for (let count = 0; count < 5; count++) void call()
  await settled()
  expect(provider.calls).toBe(6)
})

test('an answer to an earlier call does not end the pause that was asked for', async () => {
  const { call, settled, fails, provider } = setUp()
  let answer: (value: string) => void = () => undefined
  provider.answer = () => new Promise((resolve) => (answer = resolve))
  const early = call()
  await settled()
  fails(new Refusal(429, 'unnamed', 60))
  await call()
  answer('good')
  await early
  expect(await call()).toEqual(notSent('provider_busy', 60))
})

test('a pause is over with its time, even where nobody answers then', async () => {
  const { call, pass, fails, provider } = setUp()
  fails(new Refusal(429, 'unnamed', 60))
  await call()
  await pass(60_000)
  fails(cut)
  expect(await Promise.all([call(), call()])).toEqual([cut, cut])
  expect(provider.calls).toBe(3)
})

test('a clock that is put back closes nothing for longer', async () => {
  const { call, clock, goesDown, recovers } = setUp()
  await goesDown()
  recovers()
  clock.now -= 3_600_000
  expect(await call()).toBe('good')
})

test('what our own side refuses says nothing about the endpoint', async () => {
  const { call, pass, goesDown, fails, recovers, provider, lines } = setUp()
  const ours = new AppError('not_ready')
  fails(ours)
  for (let count = 0; count < 10; count++) {
    expect(await call()).toBe(ours)
    await pass(2000)
  }
  expect(lines).toEqual([])
  await goesDown()
  fails(ours)
  await pass(2000)
  expect(await call()).toBe(ours)
  recovers()
  expect(await call()).toBe('good')
  expect(provider.calls).toBe(17)
})

test('a person is told when a provider that is down is asked again, and stays signed in', async () => {
  const stage = createStage()
  const browser = stage.browser()
  await browser.signIn('gearcode')
  const { faults, log } = stage.simulators.gearcode
  const refresh = () => browser.call('POST', '/bff/accounts/gearcode/refresh')
  faults.refresh = { status: 503 }
  for (let count = 0; count < 6; count++) {
    expect(await (await refresh()).json()).toMatchObject({ code: 'provider_error' })
    if (count < 4) stage.clock.now += 2000
  }
  const asked = log.length
  const answer = await refresh()
  expect(answer.status).toBe(502)
  expect(answer.headers.get('retry-after')).toBe('4')
  expect(await answer.json()).toMatchObject({ code: 'provider_unreachable' })
  expect(log).toHaveLength(asked)
  expect(stage.lines.filter((line) => line.includes('circuit'))).toEqual([
    expect.stringContaining('https://auth.gearcode.eu/oauth/token'),
  ])

  delete faults.refresh
  expect((await browser.call('GET', '/bff/accounts/gearcode')).status).toBe(200)
  stage.clock.now += 1000
  expect((await refresh()).status).toBe(200)
  expect((await refresh()).status).toBe(200)
})

test('a process that starts anew knows of no circuit', async () => {
  const stage = createStage()
  const browser = stage.browser()
  await browser.signIn('gearcode')
  stage.simulators.gearcode.faults.refresh = { status: 429, headers: { 'retry-after': '600' } }
  const refresh = () => browser.call('POST', '/bff/accounts/gearcode/refresh')
  await refresh()
  delete stage.simulators.gearcode.faults.refresh
  expect((await refresh()).headers.get('retry-after')).toBe('600')
  stage.restart()
  expect((await refresh()).status).toBe(200)
})

test('a pause that the provider asks of those who sign in is none for refreshes', async () => {
  const stage = createStage()
  const browser = stage.browser()
  await browser.signIn('onesait')
  const { faults } = stage.simulators.onesait
  faults.token = { status: 429, headers: { 'retry-after': '600' }, body: '' }
  expect((await stage.browser().signIn('onesait')).status).toBe(503)
  expect((await browser.call('POST', '/bff/accounts/onesait/refresh')).status).toBe(200)
  delete faults.token
  const again = await stage.browser().signIn('onesait')
  expect([again.status, again.headers.get('retry-after')]).toEqual([503, '600'])
})
