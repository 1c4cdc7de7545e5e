import { createProxy } from './app'
import { ConfigError, readConfig } from './config'
import type { Environment } from './faults'
import { createConsoleLog } from './console-log'
import type { Log } from './log'
import { createPages } from './pages'
import { answerNotReady } from './problem'

/** What the platform binds: our variables, and the built app where it serves that too. */
export interface Bindings extends Environment {
  ASSETS?: { fetch(input: URL): Promise<Response> }
}

export interface Context {
  waitUntil(work: Promise<unknown>): void
}

type App = ReturnType<typeof createProxy>

/** By its bindings, the proxy or the variables that keep it from being one. */
const apps = new WeakMap<Bindings, App | string[]>()
let log: Log | undefined

/** Answers one request on the edge; a worker that is not configured says so, and its log says why. */
export async function answerAtEdge(
  request: Request,
  env: Bindings,
  context: Context,
): Promise<Response> {
  let built = apps.get(env)
  if (!built) apps.set(env, (built = build(env, (log ??= createConsoleLog()))))
  if (Array.isArray(built)) return answerNotReady(request, built)
  const keepAlive = (work: Promise<unknown>) => {
    context.waitUntil(work)
  }
  const address = request.headers.get('cf-connecting-ip') ?? undefined
  const answer = Promise.resolve(built.fetch(request, { address, keepAlive }))
  // A code that is being exchanged, or a token revoked, is to be done with though the browser leaves.
  keepAlive(answer)
  return await answer
}

function build(env: Bindings, log: Log): App | string[] {
  try {
    // An isolate starts whenever it likes: secrets made at the start would sign people out.
    const config = readConfig(env, { production: true, withoutSockets: true })
    const { ASSETS } = env
    const pages = createPages(config, async (path) => {
      const file = await ASSETS?.fetch(new URL(config.publicOrigin + path))
      return file?.ok ? file : undefined
    })
    return createProxy(config, {
      fetch: (input, init) => fetch(input, init),
      now: Date.now,
      log,
      // An isolate has 128 MB in all.
      mostEntries: 20_000,
      ...(ASSETS ? { pages } : {}),
    })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    for (const fault of error.faults) log('error', fault)
    return error.variables
  }
}
