import { startProcesses, type Processes } from '../processes'
import { startRedis, type StartedRedis } from '../redis'
import { startSlowWire, type SlowWire } from '../slow-wire'
import { answerOf, type Answer } from './answers'
import { startResourceServer } from './resource-server'

/** A path of each provider's API, below `/bff/api/<provider>`. */
export const apiOf = {
  gearcode: '/v1/things',
  seznam: '/api/v1/user',
  onesait: '/oauth-server/oidc/userinfo',
}

/** The providers that stand for all: one-time tokens, a profile, and tokens shared between sign-ins. */
export type Provider = keyof typeof apiOf

export interface Three {
  redis: StartedRedis
  /** Between the processes and Redis. */
  wire: SlowWire
  processes: Processes
  close(): Promise<void>
}

/**
 * Three processes of the built server, a Redis behind a wire, and providers that spend a refresh
 * token once and end a login whose spent one comes again. `expiresIn`: seconds.
 */
export async function startThree(
  path: string,
  expiresIn: Record<Provider, number>,
): Promise<Three> {
  const redis = await startRedis({ path })
  const wire = await startSlowWire(redis.port)
  let issued: ReadonlySet<string> = new Set()
  const resources = await startResourceServer((token) => issued.has(token))
  const strict = { rotate: true, reuseDetection: true }
  const processes = await startProcesses({
    ledgerUrl: redis.urlAt(wire.port),
    env: { GEARCODE_API_URL: resources.origin, GEARCODE_API_PATHS: '/v1' },
    switches: {
      gearcode: { ...strict, expiresIn: expiresIn.gearcode },
      seznam: { ...strict, expiresIn: expiresIn.seznam },
      onesait: { expiresIn: expiresIn.onesait },
    },
  })
  issued = processes.simulators.gearcode.issued
  return {
    redis,
    wire,
    processes,
    async close() {
      await processes.close()
      await resources.close()
      await wire.close()
      await redis.stop()
    },
  }
}

/** Asks with these cookies, whatever came after them. */
export function askWith(
  cookie: string,
  { processes }: Three,
  at: number,
  [method, url]: readonly [method: string, url: string],
): Promise<Answer> {
  const nobody = processes.browser()
  return answerOf(() => nobody.call(at, method, url, undefined, { headers: { cookie } }))
}
