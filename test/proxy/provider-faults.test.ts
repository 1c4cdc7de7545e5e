/** What providers do wrong, on real sockets, at every call that is made to them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createStage, morning, type Browser, type Stage } from '../stage'
import { answering, plays, startFaultyServer, type Play } from './faulty-server'

let faulty: Awaited<ReturnType<typeof startFaultyServer>>
beforeAll(async () => {
  faulty = await startFaultyServer()
})
afterAll(() => {
  faulty.close()
})

interface Fault {
  play: Play
  status: number
  code: string
  retryAfter?: string
  /** Seconds for which the provider asked not to be asked. */
  pause?: number
  /** Milliseconds a call may take, where it is going to take them. */
  timeLimit?: number
  /** Only the body is bad; an operation that is done by its status does not see it. */
  isInBody?: true
}

const error = { status: 502, code: 'provider_error' }
const unreachable = { status: 502, code: 'provider_unreachable' }
const timeout = { status: 504, code: 'provider_timeout', timeLimit: 100 }
const busy = { status: 503, code: 'provider_busy' }
const slower = (retryAfter?: string) =>
  answering(429, retryAfter === undefined ? {} : { 'retry-after': retryAfter }, 'slow down')

const faults: Record<string, Fault> = {
  '500 with JSON': { play: plays.errorWithJson, ...error },
  '500 that speaks of the grant': { play: plays.errorWithGrant, ...error },
  '500 without a body': { play: plays.errorWithoutBody, ...error },
  '503 with a page': { play: plays.outOfService, ...error },
  '503 for a minute': { play: answering(503, { 'retry-after': '60' }), ...error },
  '429': { play: slower(), ...busy, retryAfter: '30' },
  '429 for no time': { play: slower('0'), ...busy, retryAfter: '1' },
  '429 for a word': { play: slower('soon'), ...busy, retryAfter: '30' },
  '429 for 60 s': { play: slower('60'), ...busy, retryAfter: '60', pause: 60 },
  '429 until a date': {
    play: slower(new Date(morning + 90_000).toUTCString()),
    ...busy,
    retryAfter: '90',
    pause: 90,
  },
  '429 for years': { play: slower('99999999'), ...busy, retryAfter: '3600', pause: 3600 },
  '200 with a page': { play: plays.page, ...error },
  '200 with a list': { play: plays.list, ...error, isInBody: true },
  'half a body': { play: plays.truncated, ...unreachable, isInBody: true },
  'a gzip bomb': { play: plays.bomb, ...error, isInBody: true },
  'a gzip bomb in another': { play: plays.nestedBomb, ...error, isInBody: true },
  'a body without end': { play: plays.endless, ...error, isInBody: true },
  'two thousand encodings': { play: plays.manyEncodings, ...unreachable },
  '307 to elsewhere': { play: plays.elsewhere, ...error },
  'no answer': { play: plays.silent, ...timeout },
  'a body that stops': { play: plays.stalled, ...timeout, isInBody: true },
  'a body that trickles': { play: plays.trickling, ...timeout, isInBody: true },
  'a connection that is closed': { play: plays.cut, ...unreachable },
  'a connection that is reset': { play: plays.reset, ...unreachable },
}

/** What the app asks for, and what comes of it at the provider. */
const operations: Record<string, { of: string[]; run: (browser: Browser, id: string) => Asked }> = {
  refresh: {
    of: ['onet', 'konpro', 'onesait', 'gearcode', 'seznam'],
    run: (browser, id) => browser.call('POST', `/bff/accounts/${id}/refresh`),
  },
  profile: {
    of: ['onet', 'konpro', 'seznam'],
    run: (browser, id) => browser.call('GET', `/bff/accounts/${id}/profile`),
  },
  check: {
    of: ['onesait'],
    run: (browser, id) => browser.call('POST', `/bff/accounts/${id}/check`),
  },
  revoke: {
    of: ['onet', 'onesait', 'seznam'],
    run: (browser, id) => browser.call('POST', `/bff/accounts/${id}/revoke`, { token: 'access' }),
  },
}
type Asked = Promise<Response>

/** A person's own token vouches: the limit that a 429 speaks of is theirs, and stops nobody else. */
const personal = [
  'profile at onet',
  'profile at konpro',
  'profile at seznam',
  'revoke at onet',
  'revoke at seznam',
]

/** The one operation that is done by its status: the document does not say what the body is. */
const byStatus = ['onet revoke']

const everyFault = Object.entries(faults).map(([name, fault]) => ({ name, ...fault }))

function setUp({ timeLimit = 5000 }: Fault): { stage: Stage; browser: Browser } {
  const stage = createStage({}, { timeLimit })
  stage.sleepPassesTime = true
  return { stage, browser: stage.browser() }
}

async function signedIn(browser: Browser): Promise<string[]> {
  const answer = await browser.call('GET', '/bff/session')
  const { accounts } = (await answer.json()) as { accounts: { provider: string }[] }
  return accounts.map(({ provider }) => provider)
}

/** Runs it while the provider is in trouble. Nothing is asked twice, and nobody is led elsewhere. */
async function inTrouble(stage: Stage, { play }: Fault, run: () => Asked, asked = 1) {
  const before = { ...faulty.seen }
  stage.network = faulty.fetch(play)
  const answer = await run()
  stage.network = undefined
  expect(faulty.seen.requests - before.requests).toBe(asked)
  expect(faulty.seen.elsewhere).toBe(before.elsewhere)
  expect(await faulty.isLetGo()).toBe(true)
  return answer
}

async function expectProblem(answer: Response, { status, code, retryAfter }: Fault) {
  expect(await answer.json()).toMatchObject({ code, status })
  expect(answer.status).toBe(status)
  if (retryAfter !== undefined) expect(answer.headers.get('retry-after')).toBe(retryAfter)
}

/** Whoever was asked to wait asks nobody meanwhile, and says so. */
async function waitsOut(stage: Stage, { pause }: Fault, run: () => Asked): Promise<void> {
  if (pause === undefined) return
  const isRedirect = (answer: Response) => answer.status === 303
  const answer = await inTrouble(stage, { play: plays.errorWithJson, ...error }, run, 0)
  if (isRedirect(answer)) expect(answer.headers.get('location')).toContain('provider_busy')
  else await expectProblem(answer, { play: plays.errorWithJson, ...busy, retryAfter: `${pause}` })
  stage.clock.now += pause * 1000
}

for (const [operation, { of, run }] of Object.entries(operations)) {
  for (const id of of) {
    describe(`${operation} at ${id}`, () => {
      const isByStatus = byStatus.includes(`${id} ${operation}`)
      test.each(everyFault.filter(({ isInBody }) => !(isByStatus && isInBody)))(
        'meets $name: the app is told, nobody is signed out, the next answer is good',
        async (fault) => {
          const { stage, browser } = setUp(fault)
          await browser.signIn(id)
          const cookies = new Map(browser.cookies)

          const answer = await inTrouble(stage, fault, () => run(browser, id))
          await expectProblem(answer, fault)
          expect(await signedIn(browser)).toEqual([id])
          expect(browser.cookies).toEqual(cookies)

          if (!personal.includes(`${operation} at ${id}`))
            await waitsOut(stage, fault, () => run(browser, id))
          expect((await run(browser, id)).status).toBe(200)
        },
      )
      if (isByStatus)
        test.each(everyFault.filter(({ isInBody }) => isInBody))(
          'is done by its status, and does not wait for $name',
          async (fault) => {
            const { stage, browser } = setUp(fault)
            await browser.signIn(id)
            const answer = await inTrouble(stage, fault, () => run(browser, id))
            expect(await answer.json()).toMatchObject({ revoked: true })
          },
        )
    })
  }
}

describe.each(['onet', 'onesait', 'seznam'])('a sign-out at %s', (id) => {
  const isByStatus = byStatus.includes(`${id} revoke`)
  test.each(everyFault)(
    'meets $name: it is done here, and says that the tokens live on',
    async (fault) => {
      const { stage, browser } = setUp(fault)
      await browser.signIn(id)
      const signOut = () => browser.call('DELETE', `/bff/accounts/${id}`)
      const answer = await inTrouble(stage, fault, signOut)
      const tokens = isByStatus && fault.isInBody ? 'revoked' : 'failed'
      expect(await answer.json()).toMatchObject({ effects: { local: 'cleared', tokens } })
      expect(await signedIn(browser)).toEqual([])

      if (fault.pause) stage.clock.now += fault.pause * 1000
      await browser.signIn(id)
      expect(await (await signOut()).json()).toMatchObject({ effects: { tokens: 'revoked' } })
    },
  )
})

describe.each(['onet', 'konpro', 'onesait', 'gearcode', 'seznam'])('a sign-in at %s', (id) => {
  const other = id === 'onet' ? 'seznam' : 'onet'
  test.each(everyFault)(
    'meets $name: it says why, the other account stays, the next sign-in works',
    async (fault) => {
      const { stage, browser } = setUp(fault)
      await browser.signIn(other)
      const begin = async () => {
        const back = id === 'onesait' ? undefined : await browser.away(id as 'onet')
        return () => (back === undefined ? browser.signIn(id) : browser.visit(back))
      }
      const answer = await inTrouble(stage, fault, await begin())
      if (answer.status === 303)
        expect(answer.headers.get('location')).toBe(`/?error=${fault.code}&provider=${id}`)
      else await expectProblem(answer, fault)
      expect(await signedIn(browser)).toEqual([other])

      await waitsOut(stage, fault, await begin())
      await (
        await begin()
      )()
      expect((await signedIn(browser)).sort()).toEqual([id, other].sort())
    },
  )
})

describe.each(['onet', 'konpro'] as const)('a sign-in that is named by a profile at %s', (id) => {
  test.each(everyFault)('meets $name there: it says why', async (fault) => {
    const { stage, browser } = setUp(fault)
    const back = await browser.away(id)
    const bad = faulty.fetch(fault.play)
    stage.onTheWay = () => {
      stage.network = bad
      return Promise.resolve()
    }
    const location = (await browser.visit(back)).headers.get('location')
    expect(location).toBe(`/?error=${fault.code}&provider=${id}`)
    expect(await signedIn(browser)).toEqual([])
  })
})

test('two hundred megabytes in a gzip bomb do not unfold in memory', async () => {
  const { stage, browser } = setUp(faults['a gzip bomb'] as Fault)
  for (const id of ['onet', 'konpro', 'onesait', 'gearcode', 'seznam']) await browser.signIn(id)
  const throwOne = async (play: Play) => {
    stage.network = faulty.fetch(play)
    const asked = Object.values(operations).flatMap(({ of, run }) =>
      of.map((id) => run(browser, id)),
    )
    await Promise.all(asked)
  }
  await throwOne(plays.list)
  const before = process.memoryUsage.rss()
  let peak = before
  const look = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 2)
  for (let round = 0; round < 3; round++)
    for (const play of [plays.bomb, plays.nestedBomb, plays.endless]) await throwOne(play)
  clearInterval(look)
  expect(await faulty.isLetGo()).toBe(true)
  const growth = Math.round((peak - before) / 1024 / 1024)
  process.stdout.write(`Peak while twelve answers at once unfold, nine times: +${growth} MiB\n`)
  expect(growth).toBeLessThan(150)
})

test('a call that is over is not timed out afterwards, where nobody would catch it', async () => {
  const { stage, browser } = setUp({ play: plays.manyEncodings, ...unreachable, timeLimit: 100 })
  await browser.signIn('gearcode')
  const bad = faulty.fetch(plays.manyEncodings)
  let signal: AbortSignal | null | undefined
  stage.network = (input, init) => {
    signal = init?.signal
    return bad(input, init)
  }
  await browser.call('POST', '/bff/accounts/gearcode/refresh')
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(signal?.aborted).toBe(false)
})
