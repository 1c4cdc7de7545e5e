/**
 * Three processes of the built server with one Redis, killed one after the other under a load of
 * sign-ins, refreshes and calls. Nobody may be lost but whose process died between the provider's
 * answer and the ledger's write, the window that docs/ledger.md names W1.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { answerLimit, print, seconds, slowest, tally } from './answers'
import { createDice, seed } from './dice'
import { createPeople, type Account, type Deed } from './people'
import { startTargets, type Kill, type Moment, type Targets } from './targets'
import type { Renewal } from './witness'

const path = inject('redis')

const deeds = { 'sign in': 400, refresh: 800, call: 800 } as const
const moments = { random: 14, arrival: 4, answer: 4 } as const
/** Milliseconds that the ledger may take to be told: a process that lives longer has told it. */
const writeLimit = 5_000

function times<T>(counts: Readonly<Record<string, number>>): T[] {
  return Object.entries(counts).flatMap(([what, count]) => Array<T>(count).fill(what as T)) // the keys of the two above
}

describe('processes that are killed under load', () => {
  const dice = createDice(seed)
  let targets: Targets
  let people: ReturnType<typeof createPeople>
  let lost: Account[]

  beforeAll(async () => {
    targets = await startTargets(path, dice)
    people = createPeople(targets, dice)
  })
  afterAll(() => targets.close())

  /** The kill that ended the process before it can have told the ledger. */
  function killBefore({ to, token, answeredAt }: Renewal): Kill | undefined {
    const { kills, witness } = targets
    const next = kills.find(({ at, time }) => at === to && time >= answeredAt)
    const isInTime = next !== undefined && next.time - answeredAt <= writeLimit
    return isInTime && !witness.writtenAt.has(token) ? next : undefined
  }

  /** Milliseconds from the provider's answer to the ledger's write, of those that were written. */
  function windows(from = 0): number[] {
    return targets.witness.renewals
      .slice(from)
      .flatMap(
        ({ token, answeredAt }) => (targets.witness.writtenAt.get(token) ?? NaN) - answeredAt,
      )
      .filter((ms) => !Number.isNaN(ms))
      .sort((a, b) => a - b)
  }

  function describeWindow(name: string, all: readonly number[]): string {
    const at = (share: number) => (all[Math.ceil(share * all.length) - 1] ?? NaN).toFixed(1)
    return `W1 ${name}, of ${all.length}: median ${at(0.5)} ms, 99 % ${at(0.99)} ms, longest ${at(1)} ms`
  }

  test('the window is seen from outside, with nothing else to do', async () => {
    await people.perform('sign in')
    for (let round = 0; round < 100; round++) await people.perform('refresh')
    await wait(100)
    expect(windows()).toHaveLength(100)
    print(describeWindow('at rest', windows()))
    people.answers.length = 0
  })

  test('all they do is done, while one process after the other is killed', async () => {
    const atRest = targets.witness.renewals.length
    const early = 50
    const joining = Array<Deed>(early).fill('sign in')
    const rest = dice.shuffled(times<Deed>({ ...deeds, 'sign in': deeds['sign in'] - early }))
    const plan = [...joining, ...rest]
    const hunt = dice.shuffled(times<Moment>(moments))
    /** Before which deeds somebody is shot; the last ones are done in peace. */
    const due = new Set<number>()
    while (due.size < hunt.length) due.add(100 + dice.below(plan.length - 400))

    const underway = new Set<Promise<void>>()
    const failures: unknown[] = []
    let shooting = Promise.resolve()
    let waiting = 0
    for (const [nth, deed] of plan.entries()) {
      if (due.has(nth)) {
        waiting++
        shooting = shooting
          .then(() => targets.shoot(hunt.pop() ?? 'random'))
          .finally(() => waiting--)
      }
      while (underway.size >= 16 || waiting > 2 || !people.canDo(deed)) await wait(5)
      const done = people
        .perform(deed)
        .catch((error: unknown) => failures.push(error))
        .then(() => void underway.delete(done))
      underway.add(done)
      await wait(8)
    }
    await Promise.all([...underway, shooting])
    await targets.standing()

    const { kills, witness } = targets
    const killed = (moment: Moment) => kills.filter((one) => one.moment === moment).length
    print(
      `seed ${seed}: ${deeds['sign in']} sign-ins, ${deeds.refresh} refreshes asked for, ${deeds.call} calls; ` +
        `${witness.renewals.length - atRest} refreshes answered; ${kills.length} kills ` +
        `(${killed('random')} at random, ${killed('arrival')} as a refresh arrived at the provider, ` +
        `${killed('answer')} as its answer left); ${people.brokenOff()} requests broken off`,
    )
    print(`answers: ${tally(people.answers)}; slowest ${seconds(slowest(people.answers))}`)
    print(describeWindow('under load', windows(atRest)))
    expect(failures).toEqual([])
    expect(killed('random')).toBeGreaterThanOrEqual(10)
    expect(people.accounts).toHaveLength(deeds['sign in'] + 1)
    expect(people.brokenOff()).toBeGreaterThan(0)
  }, 120_000)

  test('nobody waits longer than the limits', () => {
    expect(people.answers.filter(({ ms }) => ms > answerLimit)).toEqual([])
  })

  test('whoever is lost had a process that died between the answer and the write', async () => {
    const { witness } = targets
    const left = [...people.accounts]
    lost = []
    const check = async () => {
      for (let account = left.pop(); account; account = left.pop()) {
        const { status } = await people.use(account, 'refresh')
        if (status !== 200) lost.push(account)
      }
    }
    await Promise.all(Array.from({ length: 20 }, check))

    const accounts: string[] = []
    const unexplained: string[] = []
    for (const { user, seat } of lost) {
      const last = witness.renewals.filter((one) => one.user === user).at(-1)
      const kill = last && killBefore(last)
      if (last && kill && (await witness.held(seat)) !== last.token)
        accounts.push(
          `${user}: process ${kill.at} killed (${kill.moment}) ${(kill.time - last.answeredAt).toFixed(1)} ms after the answer`,
        )
      else unexplained.push(user)
    }
    print(
      `lost: ${lost.length} of ${people.accounts.length} accounts, ${accounts.length} by W1${accounts.map((line) => `\n  ${line}`).join('')}`,
    )
    expect(unexplained).toEqual([])
    // The aim is good: whoever is hit there is lost, so that this test would see it anywhere else.
    expect(lost.length).toBeGreaterThan(0)
  }, 120_000)

  test('every other answer of the provider is in the ledger', () => {
    const { witness } = targets
    const missing = witness.renewals.filter(
      (renewal) => !witness.writtenAt.has(renewal.token) && !killBefore(renewal),
    )
    expect(missing).toEqual([])
  })
})
