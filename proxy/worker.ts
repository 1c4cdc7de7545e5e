import { createProxy } from './app'
import { ConfigError, readConfig, type Environment } from './config'
import { createConsoleLog } from './console-log'
import type { Log } from './log'
import { createPages } from './pages'
import { answerNotReady } from './problem'

/** What the platform binds: our variables, and the built app where it serves that too. */
interface Bindings extends Environment {
  ASSETS?: { fetch(input: URL): Promise<Response> }
}

interface Context {
  waitUntil(work: Promise<unknown>): void
}

type App = ReturnType<typeof createProxy>

const apps = new WeakMap<Bindings, App | undefined>()
let log: Log | undefined

/** The edge entry: a module worker without Node built-ins. */
export default {
  async fetch(request: Request, env: Bindings, context: Context): Promise<Response> {
    if (!apps.has(env)) apps.set(env, build(env, (log ??= createConsoleLog())))
    const app = apps.get(env)
    // What is missing stands in the log; a stranger need not know it.
    if (!app) return answerNotReady()
    return await app.fetch(request, {
      address: request.headers.get('cf-connecting-ip') ?? undefined,
      keepAlive: (work) => {
        context.waitUntil(work)
      },
    })
  },
}

function build(env: Bindings, log: Log): App | undefined {
  try {
    // An isolate starts whenever it likes: secrets made at the start would sign people out.
    const config = readConfig(env, { production: true })
    const { ASSETS } = env
    const pages = createPages(config, async (path) => {
      const file = await ASSETS?.fetch(new URL(config.publicOrigin + path))
      return file?.ok ? file : undefined
    })
    return createProxy(config, {
      fetch: (input, init) => fetch(input, init),
      now: Date.now,
      log,
      ...(ASSETS ? { pages } : {}),
    })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    for (const fault of error.faults) log('error', fault)
    return undefined
  }
}
