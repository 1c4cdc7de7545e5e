import fc from 'fast-check'
import type { Judge, Loss } from './judge'
import { windows, type Window } from './judge'
import {
  run,
  scripts,
  type Focus,
  type Keeping,
  type Script,
  type Stage,
  type Weather,
} from './model'

/** What many runs came to. */
export interface Tally {
  runs: number
  counts: Judge['counts']
  found: Partial<Record<Loss, number>>
}

/** `LEDGER_RUNS=10` makes ten times as many runs, such as for a night. */
const times = Number(process.env.LEDGER_RUNS ?? 1)
/** `LEDGER_SEED` draws others. */
const seed = Number(process.env.LEDGER_SEED ?? 20_261_121)

export interface Examination extends Stage {
  weather: Weather
  runs: number
  focus?: Focus | undefined
}

/** Runs in which a mistake can show. */
export interface Field {
  keeping: Keeping
  weather: Weather
  focus?: Focus
}

/** Draws runs until one goes wrong or there are enough. Throws the shortest story that goes wrong. */
export async function examine(examination: Examination): Promise<Tally> {
  const tally: Tally = {
    runs: 0,
    counts: { requests: 0, answers: 0, refreshes: 0, longest: 0 },
    found: {},
  }
  const wrong = await firstWrong({ ...examination, runs: examination.runs * times }, tally)
  if (wrong) throw new Error(await told(wrong, examination))
  return tally
}

/** Whether a mistake in the system is noticed: what is then said of it, and after how many runs. */
export async function findsFault(
  system: Stage['system'],
  field: Field,
  runs: number,
): Promise<{ what: string; after: number } | undefined> {
  const tally: Tally = {
    runs: 0,
    counts: { requests: 0, answers: 0, refreshes: 0, longest: 0 },
    found: {},
  }
  const wrong = await firstWrong({ ...field, system, runs, endsOnFailure: true }, tally)
  return wrong && { what: wrong.what, after: tally.runs }
}

interface Wrong {
  script: Script
  what: string
  seed: number
  shrunk: number
}

async function firstWrong(
  {
    weather,
    runs,
    focus,
    endsOnFailure = false,
    ...stage
  }: Examination & { endsOnFailure?: boolean },
  tally: Tally,
): Promise<Wrong | undefined> {
  let isShrinking = false
  const property = fc.asyncProperty(scripts(stage.keeping, weather, focus), async (script) => {
    const { counts, found, violation } = await run(script, stage)
    if (!isShrinking) add(tally, counts, found)
    if (!violation) return
    isShrinking = true
    throw violation
  })
  const details = await fc.check(property, { numRuns: runs, seed, endOnFailure: endsOnFailure })
  if (!details.failed) return undefined
  const [script] = details.counterexample ?? []
  if (!script) throw new Error('nothing was drawn', { cause: details.errorInstance })
  const { errorInstance, numShrinks } = details
  if (!(errorInstance instanceof Error)) throw new Error('a run failed', { cause: errorInstance })
  if (errorInstance.name !== 'Violation') throw errorInstance
  return { script, what: errorInstance.message, seed: details.seed, shrunk: numShrinks }
}

function add(tally: Tally, counts: Judge['counts'], found: Tally['found']): void {
  tally.runs++
  tally.counts.requests += counts.requests
  tally.counts.answers += counts.answers
  tally.counts.refreshes += counts.refreshes
  tally.counts.longest = Math.max(tally.counts.longest, counts.longest)
  for (const [loss, times] of Object.entries(found) as [Loss, number][])
    tally.found[loss] = (tally.found[loss] ?? 0) + times
}

/** The story of a run, for whoever has to find out. */
async function told({ script, what, seed, shrunk }: Wrong, stage: Stage): Promise<string> {
  const { story, violation } = await run(script, { ...stage, isTold: true })
  return [
    violation?.message ?? `${what} (and not when it was told again)`,
    `seed ${seed}, ${shrunk} times made simpler: ${JSON.stringify(script)}`,
    ...story,
  ].join('\n')
}

/** What a tally says, in a few lines. */
export function lines(title: string, { runs, counts, found }: Tally): string {
  const losses = Object.entries(found).map(([loss, times]) => {
    const window = loss.slice(0, 2) as Window
    const what = loss.length > 2 ? 'a sign-out was forgotten' : 'an account was lost'
    return `    ${loss.slice(0, 2)} ${windows[window]}: ${what} ${times} times`
  })
  return [
    `${title}: ${runs} interleavings, ${counts.requests} requests, ${counts.refreshes} refreshes,`,
    `    the longest answer took ${(counts.longest / 1000).toFixed(1)} s of their time`,
    // Each of these would have stopped the examination.
    '    0 sign-outs outside the named windows, 0 tokens knowingly sent twice,',
    '    0 accounts brought back, 0 results given to another account',
    ...losses.sort(),
  ].join('\n')
}
