import fc from 'fast-check'
import { Browser, deeds } from './browser'
import { harmful, harmless, Instance, type Fault } from './instance'
import { Judge, Violation, type Loss } from './judge'
import { end, kinds, ModelProvider, type Kind } from './provider'
import { Link, memoryDatabase, type Database } from './stores'
import type { System } from './system'
import { World } from './world'

/** What may go wrong in a run. `calm`: a provider in trouble, and nothing that can cost an account. */
export type Weather = 'calm' | 'rough'

const harms = ['any', 'kill', 'stall', 'store away', 'store lost', 'answers lost'] as const
export type Harm = (typeof harms)[number]

/** What the processes of a run keep their ledger in. */
export type Keeping = 'own memory' | 'shared'

export type Step =
  | { do: (typeof deeds)[number]; by: number; via: number; stale?: number; aborted?: true }
  | { open: readonly number[] }
  | { flow: true }
  | { flowPast: number }
  | { pass: number }
  | { provider: Fault }
  | { ends: number }
  | { kill: number }
  | { stall: number }
  | { cut: number }
  | { slow: number }
  | { mend: true }
  | { lose: true }

/** One run: who there is, and what happens. */
export interface Script {
  kind: Kind
  processes: number
  browsers: number
  /** Seconds an access token is good. */
  lifetime: number
  /** Values that a process keeps, where they are few. */
  most?: number | undefined
  /** What harm is done in this run: one kind shows more than all at once. */
  harm: Harm
  /** Tokens are due when it begins. */
  isDue: boolean
  steps: readonly Step[]
}

const second = 1000
const minute = 60 * second
const day = 24 * 60 * minute
const gaps = [
  1,
  200,
  second,
  3_000,
  5_000,
  9_000,
  13_000,
  16_000,
  31_000,
  minute,
  95_000,
  15 * minute,
]
const longGaps = [60 * minute, day, 9 * day]

/** What runs are narrowed to, where something shows in few of them. */
export type Focus = Partial<Omit<Script, 'steps'>>

/** All runs of a kind, for fast-check to draw from. */
export function scripts(
  keeping: Keeping,
  weather: Weather,
  focus: Focus = {},
): fc.Arbitrary<Script> {
  const any = fc.nat(5)
  const deed = fc.record(
    {
      do: fc.constantFrom(...deeds, 'call', 'refresh'),
      by: fc.nat(2),
      via: fc.nat(2),
      stale: fc.integer({ min: 1, max: 3 }),
      aborted: fc.constant(true),
    },
    { requiredKeys: ['do', 'by', 'via'], noNullPrototype: true },
  ) as fc.Arbitrary<Step> // optional and exactly optional differ
  const picks = fc.array(fc.nat(9), { minLength: 1, maxLength: 14 })
  const faults = weather === 'calm' ? harmless : [...harmless, ...harmful]
  const always: fc.WeightedArbitrary<Step>[] = [
    { weight: 12, arbitrary: deed },
    { weight: 10, arbitrary: picks.map((open) => ({ open })) },
    { weight: 2, arbitrary: fc.constant({ flow: true }) },
    { weight: 6, arbitrary: fc.nat(9).map((flowPast) => ({ flowPast })) },
    { weight: 6, arbitrary: fc.constantFrom(...gaps).map((pass) => ({ pass })) },
    { weight: 1, arbitrary: fc.constantFrom(...longGaps).map((pass) => ({ pass })) },
    { weight: 2, arbitrary: fc.constantFrom(...faults).map((provider) => ({ provider })) },
  ]
  const rough: fc.WeightedArbitrary<Step>[] = [
    { weight: 2, arbitrary: any.map((kill) => ({ kill })) },
    { weight: 3, arbitrary: any.map((stall) => ({ stall })) },
    { weight: 1, arbitrary: fc.nat(2).map((ends) => ({ ends })) },
  ]
  const roughShared: fc.WeightedArbitrary<Step>[] = [
    { weight: 2, arbitrary: any.map((cut) => ({ cut })) },
    { weight: 1, arbitrary: any.map((slow) => ({ slow })) },
    { weight: 2, arbitrary: fc.constant({ mend: true }) },
    { weight: 2, arbitrary: fc.constant({ lose: true }) },
  ]
  const steps = fc.oneof(
    ...always,
    ...(weather === 'rough' ? rough : []),
    ...(weather === 'rough' && keeping === 'shared' ? roughShared : []),
  )
  const all = fc.record(
    {
      kind: fc.constantFrom(...kinds),
      processes: keeping === 'shared' ? fc.integer({ min: 1, max: 3 }) : fc.constant(1),
      browsers: fc.integer({ min: 1, max: 3 }),
      lifetime: fc.constantFrom(90, 900),
      isDue: fc.boolean(),
      harm: weather === 'rough' ? fc.constantFrom(...harms) : fc.constant('any'),
      ...(weather === 'rough' && keeping === 'own memory' ? { most: fc.constant(3) } : {}),
      steps: fc.array(steps, { minLength: 4, maxLength: 36, size: 'max' }),
    },
    {
      requiredKeys: ['kind', 'processes', 'browsers', 'lifetime', 'isDue', 'harm', 'steps'],
      noNullPrototype: true,
    },
  ) as fc.Arbitrary<Script> // as above
  return all.map((script) => ({ ...script, ...focus }))
}

/** What came of a run. */
export interface Outcome {
  counts: Judge['counts']
  found: Partial<Record<Loss, number>>
  story: readonly string[]
  violation: Violation | undefined
}

export interface Stage {
  system: System
  keeping: Keeping
  /** The shared database, new for each run; one in memory unless stated. */
  database?: (world: World) => Promise<Database>
  isTold?: boolean
}

/** Runs a script to its end, and what follows it: calm, and a look at what everybody has left. */
export async function run(script: Script, stage: Stage): Promise<Outcome> {
  const world = new World()
  const model = new Model(script, stage, world, await stage.database?.(world))
  let violation: Violation | undefined
  try {
    await model.run()
  } catch (error) {
    if (!(error instanceof Violation)) throw error
    violation = error
  }
  const { counts, found } = model.judge
  return { counts, found, story: world.story, violation }
}

class Model {
  readonly judge: Judge
  readonly #provider: ModelProvider
  readonly #database: Database | undefined
  readonly #instances: Instance[]
  readonly #browsers: Browser[]
  readonly #faults: Fault[] = []
  #born = 0

  constructor(
    readonly script: Script,
    readonly stage: Stage,
    readonly world: World,
    database: Database | undefined,
  ) {
    const { kind, processes, browsers, lifetime, most } = script
    world.isTold = stage.isTold ?? false
    this.#provider = new ModelProvider(kind, lifetime * second, () => world.now)
    this.judge = new Judge(world, this.#provider)
    this.judge.isSmall = most !== undefined
    this.judge.isHarmed = most !== undefined
    if (stage.keeping === 'shared') this.#database = database ?? memoryDatabase(stage.system, world)
    this.#instances = Array.from({ length: processes }, (_, index) => this.#start(index))
    this.#browsers = Array.from({ length: browsers }, (_, index) => {
      const user =
        kind === 'shared pair' && index < 2 ? 'ann' : (['ann', 'bob', 'eve'][index] ?? '')
      return new Browser(`browser ${index + 1}`, user, world, this.judge, this.#provider)
    })
  }

  async run(): Promise<void> {
    for (const [index, browser] of this.#browsers.entries()) {
      await this.#begin(browser, index, 'sign in')
      await this.world.flow()
    }
    if (this.script.isDue) await this.world.pass(this.script.lifetime * second)
    for (const step of this.script.steps) {
      if (isLeftOut(step, this.script.harm)) continue
      await this.#take(step)
      this.judge.check()
    }
    await this.#calmDown()
    await this.#lookAround()
  }

  #start(index: number): Instance {
    const { world, judge, stage, script } = this
    const needs = {
      system: stage.system,
      world,
      provider: this.#provider,
      judge,
      most: script.most,
      fault: () => this.#faults.shift(),
    }
    const name = `P${index + 1}${'′'.repeat(this.#born++ < script.processes ? 0 : 1)}`
    const instance: Instance = new Instance(name, { ...needs, link: this.#linkFor(name) })
    if (instance.link) instance.link.needs.party = instance
    return instance
  }

  #linkFor(name: string): Link | undefined {
    const database = this.#database
    if (!database) return undefined
    const { world, judge, stage } = this
    const link: Link = new Link({
      world,
      database,
      party: { name, isAlive: true, isStalled: false },
      StoreAway: stage.system.StoreAway,
      done: (key, value) => {
        judge.looked(link, key)
        if (value !== undefined) judge.wrote('database', key, value)
      },
    })
    return link
  }

  async #begin(
    browser: Browser,
    via: number,
    deed: (typeof deeds)[number],
    manner: { stale?: number; aborted?: true } = {},
  ): Promise<void> {
    const instance = at(this.#instances, via)
    // Elsewhere there is one browser for each person, and no more to end than that one’s sign-in.
    const done = deed === 'everywhere' && this.script.kind !== 'shared pair' ? 'sign out' : deed
    // No two deeds are of one moment.
    await this.world.pass(1)
    await this.world.step(() => void browser.act(done, instance, manner))
  }

  async #take(step: Step): Promise<void> {
    const { world, judge } = this
    if ('do' in step) await this.#begin(at(this.#browsers, step.by), step.via, step.do, step)
    else if ('open' in step) {
      for (const pick of step.open) {
        if (!(await world.open(pick))) break
        judge.check()
      }
    } else if ('flow' in step) await world.flow()
    else if ('flowPast' in step) await world.flowPast(step.flowPast)
    else if ('pass' in step) await this.#pass(step.pass)
    else if ('provider' in step) {
      judge.providerFailed = true
      if (harmful.some((fault) => fault === step.provider)) judge.isHarmed = true
      this.#faults.push(step.provider)
      world.tell(() => `the next request to the provider: ${step.provider}`)
    } else if ('ends' in step) {
      const family = this.#provider.families[step.ends]
      if (family && !family.over) end(family, 'by the provider')
      world.tell(() => `the provider ends family ${step.ends + 1}`)
    } else await this.#harm(step)
  }

  async #pass(ms: number): Promise<void> {
    this.world.tell(() => `${ms / second} s pass`)
    await this.world.pass(ms)
  }

  async #harm(step: Exclude<Step, { do: unknown }>): Promise<void> {
    const { world, judge } = this
    world.tell(() => JSON.stringify(step))
    const links = this.#instances.flatMap(({ link }) => link ?? [])
    if ('mend' in step) await this.#mend()
    else judge.isHarmed = true
    judge.harms++
    if ('kill' in step) {
      const index = step.kill % this.#instances.length
      const instance = at(this.#instances, index)
      instance.kill()
      judge.dies(instance)
      this.#instances[index] = this.#start(index)
    } else if ('stall' in step) {
      const instance = at(this.#instances, step.stall)
      instance.isStalled = !instance.isStalled
      judge.stalls(instance)
    } else if ('cut' in step) {
      const some = step.cut === 0 ? links : [at(links, step.cut)]
      await world.step(() => {
        for (const link of some) link.cut()
      })
    } else if ('slow' in step) at(links, step.slow).isSlow = true
    else if ('lose' in step) {
      await world.step(() => {
        for (const link of links) link.cut()
      })
      await this.#database?.lose()
      judge.loses()
      await this.#mend()
    }
  }

  async #mend(): Promise<void> {
    await this.world.step(() => {
      for (const { link } of this.#instances) if (link?.isAway || link?.isSlow) link.mend()
    })
  }

  /** Whatever was wrong is put right, and all that is under way comes to its end. */
  async #calmDown(): Promise<void> {
    const { world, judge } = this
    world.tell(() => 'calm')
    this.#faults.length = 0
    for (const instance of this.#instances) {
      if (instance.isStalled) judge.stalls(instance)
      instance.isStalled = false
    }
    await this.#mend()
    const limit = world.now + 10 * minute
    await world.flow()
    while (!judge.isQuiet && world.now < limit) {
      await world.pass(Math.max(Math.min(world.nextDue, limit) - world.now, 0))
      await world.flow()
      judge.check()
    }
    if (!judge.isQuiet) judge.violates('a request is never answered')
    // Longer than any rest, circuit, or time in which a store settles.
    for (let rest = 0; rest < 5; rest++) {
      await world.pass(31 * second)
      await world.flow()
    }
    judge.check()
  }

  /** Everybody who ought to be signed in is, and has tokens that work. */
  async #lookAround(): Promise<void> {
    const { world, judge } = this
    for (const [index, browser] of this.#browsers.entries()) {
      await this.#answer(browser, index, 'look')
      await world.pass(this.script.lifetime * second + 1)
      // Where a turn was taken over, a first refusal is not believed yet.
      for (let tries = judge.isHarmed ? 2 : 0; tries > 0; tries--) {
        await this.#act(browser, index + tries, 'call')
        await world.pass(31 * second)
      }
      await this.#answer(browser, index, 'call')
      await this.#answer(browser, index + 1, 'call')
      const live = judge.liveIn(browser)
      const value = live && browser.jar.get(live.cookie)
      if (live && (!value || generationIn(value.value) < live.newest))
        judge.violates(`${browser.name} is left with an older cookie than it had`)
    }
    await world.pass(minute)
    await world.flow()
    judge.closes(this.#instances)
    judge.check()
  }

  async #act(browser: Browser, via: number, deed: 'look' | 'call'): Promise<number | undefined> {
    let status: number | undefined
    const instance = at(this.#instances, via)
    await this.world.step(
      () => void browser.act(deed, instance).then((given) => (status = given?.status)),
    )
    await this.world.flow()
    this.judge.check()
    return status
  }

  async #answer(browser: Browser, via: number, deed: 'look' | 'call'): Promise<void> {
    const { judge } = this
    const isLive = judge.liveIn(browser) !== undefined
    const status = await this.#act(browser, via, deed)
    if (isLive && judge.liveIn(browser) && status !== 200)
      judge.violates(`${browser.name} is answered ${status ?? 'nothing'} when all is calm`)
  }
}

/** Whether a step does harm of another kind than this run's. */
function isLeftOut(step: Step, harm: Harm): boolean {
  if (harm === 'any') return false
  if ('kill' in step) return harm !== 'kill'
  if ('stall' in step) return harm !== 'stall'
  if ('cut' in step || 'slow' in step) return harm !== 'store away'
  if ('lose' in step) return harm !== 'store lost'
  const isLost = 'provider' in step && harmful.some((fault) => fault === step.provider)
  return isLost && harm !== 'answers lost'
}

function generationIn(value: string): number {
  const { content } = JSON.parse(Buffer.from(value, 'base64url').toString()) as {
    content: { g: number }
  }
  return content.g
}

function at<T>(all: readonly T[], index: number): T {
  const found = all[index % all.length]
  if (found === undefined) throw new Error('there is none')
  return found
}
