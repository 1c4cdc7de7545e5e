import { isDeepStrictEqual } from 'node:util'
import { ConfigError, readConfig } from '../../proxy/config'
import { answer } from '../../shared/answer'
import type { Provider } from '../../shared/provider'
import type { Choices, Simulator } from '../simulators'
import { createStage, origin, sessionSecret, type Browser, type Stage } from '../stage'
import { createTranscript, request } from './transcript'

export type ProviderId = keyof Stage['simulators']
type SimulatorOf<Id extends ProviderId> = Stage['simulators'][Id]

/** An answer as far as a program relies on it. */
interface Answered {
  status: number
  location?: string
  /** The code of a problem. */
  code?: string
  body?: unknown
}

/** One provider, its simulator, and somebody at a browser. */
export interface Scene<Id extends ProviderId> {
  stage: Stage
  simulator: SimulatorOf<Id>
  browser: Browser
  /** What arrived at the simulator since the last time. */
  wire: () => string[]
  named: <T>(value: T) => T
  /** Milliseconds pass. */
  wait: (milliseconds: number) => void
  /** Changes the next token answers before they are sent. */
  retell: (change: ((answer: Record<string, unknown>) => unknown) | undefined) => void
  /** To the provider and back, up to the address with which the person returns. */
  away: (choices?: Partial<Choices>, browser?: Browser) => Promise<string>
  /** All the way into the app; at a provider that takes passwords, by typing one. */
  signIn: (choices?: Partial<Choices>, browser?: Browser) => Promise<Answered>
  call: (method: string, path: string, body?: unknown, browser?: Browser) => Promise<Answered>
  visit: (path: string) => Promise<Answered>
  /** The person goes to an address of the provider; the address they are sent on to. */
  follow: (address: string) => Promise<string | null>
  /** How the deployment offers the provider. */
  offered: () => Promise<unknown>
}

/** One thing that is done, with all that follows from it, typed from the provider's documents. */
export interface Step<Id extends ProviderId> {
  /** A sentence. */
  name: string
  act: (scene: Scene<Id>) => unknown
  /** The requests that arrive at the provider, in this order; see `request`. */
  wire: string[]
  answer: unknown
}

/** Steps of one stay at one provider. */
export interface Journey<Id extends ProviderId> {
  name: string
  variables?: Record<string, string | undefined>
  /** The ledger is in a store that processes share. */
  shared?: true
  arrange?: (scene: Scene<Id>) => void
  steps: Step<Id>[]
}

export interface Happened {
  wire: string[]
  answer: unknown
}

async function answered(response: Response): Promise<Answered> {
  const location = response.headers.get('location')
  const type = response.headers.get('content-type') ?? ''
  const body: unknown = type.includes('json') ? await response.json() : undefined
  const isProblem = type.startsWith('application/problem+json')
  return {
    status: response.status,
    ...(location === null ? {} : { location }),
    ...(isProblem ? { code: String(answer(body).code) } : body === undefined ? {} : { body }),
  }
}

/** Sets the scene; throws `ConfigError` where the variables do not fit the descriptions. */
export function createScene<Id extends ProviderId>(
  id: Id,
  variables: Record<string, string | undefined> = {},
  providers?: readonly Provider[],
  shared?: true,
): Scene<Id> {
  const stage = createStage(variables, {
    ...(providers ? { providers } : {}),
    ...(shared ? { shared } : {}),
  })
  const simulator: SimulatorOf<Id> = stage.simulators[id]
  const common: Simulator = stage.simulators[id]
  const browser = stage.browser()
  const transcript = createTranscript(common)
  let retold: ((answer: Record<string, unknown>) => unknown) | undefined
  common.tokenAnswer = (told) => {
    transcript.learn('access', told.access_token)
    transcript.learn('refresh', told.refresh_token)
    return retold ? retold(told) : told
  }

  const scene: Scene<Id> = {
    stage,
    simulator,
    browser,
    wire: () => transcript.take(),
    named: (value) => transcript.named(value),
    wait: (milliseconds) => (stage.clock.now += milliseconds),
    retell: (change) => (retold = change),
    async away(choices = {}, by = browser) {
      if (id === 'onesait') throw new Error('nobody goes to this provider')
      const back = await transcript.person(() => by.away(id, choices))
      transcript.learn('code', new URL(back, origin).searchParams.get('code'))
      return back
    },
    async signIn(choices = {}, by = browser) {
      return await answered(
        id === 'onesait'
          ? await by.signIn(id, choices)
          : await by.visit(await scene.away(choices, by)),
      )
    },
    call: async (method, path, body, by = browser) =>
      await answered(await by.call(method, path, body)),
    visit: async (path) => await answered(await browser.visit(path)),
    async follow(address) {
      return await transcript.person(async () => {
        const { host } = hostOf(common, address)
        const response = await host(new Request(address))
        return response.headers.get('location')
      })
    },
    async offered() {
      const env = { PUBLIC_ORIGIN: origin, SESSION_SECRETS: sessionSecret }
      const offer = readConfig(env, providers ? { providers } : {}).offers.get(id)
      const { body } = await scene.call('GET', '/bff/providers')
      const views: unknown = answer(body).providers
      const list: unknown[] = Array.isArray(views) ? views : []
      const view = list.find((one) => answer(one).id === id)
      return {
        ...answer(view),
        source: offer?.provider.source,
        apiOrigin: offer?.apiOrigin,
        apiPaths: offer?.apiPaths,
      }
    },
  }
  return scene
}

function hostOf(simulator: Simulator, address: string) {
  const { origin: wanted } = new URL(address)
  const name = Object.keys(simulator.origins).find((key) => simulator.origins[key] === wanted)
  const host = simulator.hosts[name ?? '']
  if (!host) throw new Error(`nobody is at ${wanted}`)
  return { host }
}

/** Goes through a journey; what happened at each step beside what should. */
export async function* play<Id extends ProviderId>(
  id: Id,
  journey: Journey<Id>,
  options: { providers?: readonly Provider[]; onScene?: (scene: Scene<Id>) => void } = {},
): AsyncGenerator<{ step: Step<Id>; happened: Happened; expected: Happened }> {
  const scene = createScene(id, journey.variables, options.providers, journey.shared)
  options.onScene?.(scene)
  journey.arrange?.(scene)
  for (const step of journey.steps) {
    const outcome: unknown = await step.act(scene)
    const wire = scene.wire() // first, for it names what the outcome may show
    yield {
      step,
      happened: { wire, answer: scene.named(outcome) },
      expected: { wire: step.wire.map(request), answer: step.answer },
    }
  }
}

/** The first step of these journeys that does not go as expected, or undefined. */
export async function firstDifference<Id extends ProviderId>(
  id: Id,
  journeys: Journey<Id>[],
  providers: readonly Provider[],
): Promise<string | undefined> {
  for (const journey of journeys) {
    let at = 'starts'
    const following = journey.steps.map(({ name }) => name)
    const goOn = () => (at = following.shift() ?? at)
    try {
      const options = { providers, onScene: goOn }
      for await (const { happened, expected } of play(id, journey, options)) {
        if (!isDeepStrictEqual(happened, expected)) return `${journey.name}: ${at}`
        goOn()
      }
    } catch {
      return `${journey.name}: ${at}` // a journey that cannot go on does not go as expected either
    }
  }
  return undefined
}

/** What is wrong with the configuration once these variables change; empty where nothing is. */
export function faultsOf(
  stage: Stage,
  changes: Record<string, string | undefined>,
): readonly string[] {
  try {
    stage.restart(changes)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
}
