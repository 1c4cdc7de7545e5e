import { createProxy } from '../proxy/app'
import { clientAddress } from '../proxy/client-address'
import { readConfig, type Config } from '../proxy/config'
import type { Environment } from '../proxy/faults'
import { createConsoleLog } from '../proxy/console-log'
import { inOneLine, pageHeaders, pagePolicy } from '../proxy/headers'
import { isPageOf } from '../proxy/pages'
import { createRedisLimiter } from '../proxy/redis-limiter'
import { openRedisStore } from '../proxy/session/redis-store'
import { startSimulators } from './simulators/start'

/** What `vite dev` hands in: one request's surroundings, and what outlives a reload of the code. */
interface Surroundings {
  memory: Map<string, unknown>
  address: string
}

let configured: Promise<Config> | undefined
let app: Promise<ReturnType<typeof createProxy>> | undefined

/** Answers one request in `vite dev`, by the proxy as its code stands now. */
export async function handle(request: Request, { memory, address: peer }: Surroundings) {
  configured ??= configure(memory)
  const { trustedProxies } = await configured
  const address = clientAddress(peer, request.headers.get('x-forwarded-for'), trustedProxies)
  app ??= configured.then((config) => build(config, memory))
  return await (await app).fetch(request, { address })
}

/**
 * The status and the headers with which the built product would serve a page at this path; but that
 * Vite's styles, which are elements in dev, come in by their nonce.
 */
export async function pageHead(
  path: string,
  nonce: string,
  { memory }: Pick<Surroundings, 'memory'>,
) {
  configured ??= configure(memory)
  const config = await configured
  const { 'style-src': styles = [], ...policy } = pagePolicy(config)
  return {
    status: isPageOf(config, path) ? 200 : 404,
    headers: {
      ...pageHeaders(config),
      'content-security-policy': inOneLine({
        ...policy,
        'style-src': [...styles, `'nonce-${nonce}'`],
      }),
    },
  }
}

async function configure(memory: Map<string, unknown>): Promise<Config> {
  // One secret for the whole run, so that a change of the code signs nobody out.
  const env: Environment = { SESSION_SECRETS: kept(memory, 'secret', newSecret), ...process.env }
  const isConfigured = [...readConfig(env).offers.values()].some((offer) => offer.registration)
  const simulators = isConfigured
    ? undefined
    : await kept(memory, 'simulators', () =>
        startSimulators({ appOrigin: readConfig(env).publicOrigin }),
      )
  return readConfig({ ...env, ...simulators?.env }, { simulated: simulators !== undefined })
}

async function build(config: Config, memory: Map<string, unknown>) {
  const log = createConsoleLog()
  const { ledgerUrl } = config
  const store = ledgerUrl && (await kept(memory, 'store', () => openRedisStore(ledgerUrl, { log })))
  return createProxy(config, {
    fetch: (input, init) => fetch(input, init),
    now: Date.now,
    log,
    ...(store ? { store, createLimiter: createRedisLimiter(store.client) } : {}),
  })
}

function kept<T>(memory: Map<string, unknown>, name: string, make: () => T): T {
  if (!memory.has(name)) memory.set(name, make())
  return memory.get(name) as T // only ever what `make` of this name made
}

function newSecret(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url')
}
