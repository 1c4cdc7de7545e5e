/** A hundred thousand requests that nobody in their right mind would send, to the built server. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startProcesses, type Processes } from '../processes'
import { createDice, seed } from '../several/dice'
import { listen, type Listening } from '../simulators/listen'
import { signInThrough, type Simulator, type WireEntry } from '../simulators'
import { createGrammar } from './fuzz/grammar'
import { emptyTally, fire } from './fuzz/volley'
import { sizeOf } from './memory'

const count = 100_000
/** Mebibytes that it may grow by after the first tenth; a leak of a kilobyte a request is a hundred. */
const growthLimit = 64

let processes: Processes
let resources: Listening
/** What arrived at the API that only the owner may call. */
const arrived: { url: string; authorization: string | null }[] = []

beforeAll(async () => {
  resources = await listen(
    (request) => {
      arrived.push({ url: request.url, authorization: request.headers.get('authorization') })
      return Promise.resolve(Response.json({ thing: 'yours' }))
    },
    '127.0.0.1',
    0,
  )
  processes = await startProcesses({
    count: 1,
    env: { GEARCODE_API_URL: resources.origin, GEARCODE_API_PATHS: '/v1' },
  })
})
afterAll(async () => {
  await processes.close()
  await resources.close()
})

test('a hundred thousand broken requests: it lives, stays small, never says 500, and asks no provider', async () => {
  const browser = processes.browser()
  for (const provider of ['gearcode', 'seznam'] as const) await browser.signIn(0, provider)
  const accounts = new Map(browser.cookies)
  const traveller = processes.browser()
  for (const provider of ['onet', 'konpro', 'seznam'])
    await traveller.visit(0, `/bff/login/${provider}`)
  const grammar = createGrammar(createDice(seed), { accounts, logins: traveller.cookies })
  const logs: WireEntry[][] = Object.values(processes.simulators).map(({ log }: Simulator) => log)
  const asked = () => logs.reduce((sum, log) => sum + log.length, 0)
  const [askedBefore, pid] = [asked(), processes.pidOf(0) ?? 0]

  const began = performance.now()
  const tally = emptyTally()
  const sizes: number[] = []
  for (const share of [0.1, 0.5, 1]) {
    await fire(Number(new URL(processes.urlOf(0)).port), () => grammar.next(), count * share, tally)
    sizes.push(sizeOf(pid))
  }
  const seconds = (performance.now() - began) / 1000
  const statuses = [...tally.statuses].sort(([a], [b]) => a - b)
  print(
    `Seed ${seed}: ${tally.done} requests in ${seconds.toFixed(0)} s; ` +
      statuses.map(([status, times]) => `${status || 'closed'} ×${times}`).join(', '),
  )
  print(`Resident at 10 %, 50 % and 100 %: ${sizes.map((size) => `${size} MiB`).join(', ')}`)

  expect(tally.firsts.get(500)).toBeUndefined()
  expect((await fetch(`${processes.urlOf(0)}/healthz`)).status).toBe(200)
  expect(processes.pidOf(0)).toBe(pid)
  const [warm = 0, , end = 0] = sizes
  expect(end - warm).toBeLessThan(growthLimit)
  expect(troubleIn(processes.output())).toEqual([])

  expect(asked()).toBe(askedBefore)
  print(`At the API: ${arrived.length} requests of its owner`)
  expect(arrived.length).toBeGreaterThan(100)
  const { issued } = processes.simulators.gearcode
  for (const { url, authorization } of arrived) {
    expect(new URL(url).pathname).toMatch(/^\/v1(\/|$)/)
    expect(issued.has(authorization?.replace('Bearer ', '') ?? '')).toBe(true)
  }
  expect((await browser.signedIn(0)).sort()).toEqual(['gearcode', 'seznam'])
}, 300_000)

test('a login that was under way all along can still be finished', async () => {
  const browser = processes.browser()
  const away = await browser.visit(0, '/bff/login/seznam')
  const to = away.headers.get('location') ?? ''
  const back = new URL(await signInThrough(processes.simulators.seznam, to, { user: 'krasty' }))
  await browser.visit(0, back.pathname + back.search)
  expect(await browser.signedIn(0)).toEqual(['seznam'])
})

/** Lines that are not what the log is made of, or speak of a fault of ours. */
function troubleIn(output: string): string[] {
  return output
    .split('\n')
    .filter(
      (line) => line !== '' && (!line.startsWith('{') || /"level":"(error|fatal)"/i.test(line)),
    )
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
