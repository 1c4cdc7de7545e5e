import * as v from 'valibot'
import { isRedirect, type Provider } from '../shared/provider'
import { providers as everyProvider } from '../shared/providers'
import type { Secret } from '../shared/secret'
import { Faults, originOf, type Environment } from './faults'
import { readRegistration, type Offer } from './registration'
import { readLedgerUrl } from './session/ledger-url'
import { readSessionSecrets } from './session/secrets'
import { sameSite } from './site'

export interface Config {
  host: string
  port: number
  /** How many proxies of ours a request passes on its way here. */
  trustedProxies: number
  /** Where browsers see the app and the proxy. */
  publicOrigin: string
  /** Where the app lives: the same, or a sibling of the same site. */
  webOrigin: string
  sessionSecrets: readonly Secret[]
  /** The Redis in which processes share their ledger; this process's memory where it is absent. */
  ledgerUrl?: Secret | undefined
  /** By provider id, in the list's order. */
  offers: ReadonlyMap<string, Offer>
  /** Whether the providers in use are simulators. */
  simulated: boolean
  /** What works but deserves a line in the log. */
  warnings: readonly string[]
}

/** Everything that is wrong with the environment, one line per fault, without any value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly faults: readonly string[]

  /** The variables at fault. */
  get variables(): string[] {
    return [...new Set(this.faults.map((fault) => fault.replace(/ .*/s, '')))]
  }

  constructor(faults: readonly string[]) {
    super(
      `The configuration has ${faults.length} fault(s):\n${faults.map((f) => `  - ${f}`).join('\n')}`,
    )
    this.faults = faults
  }
}

const portSchema = v.pipe(v.string(), v.regex(/^\d{1,5}$/), v.transform(Number), v.maxValue(65535))
const countSchema = v.pipe(v.string(), v.regex(/^\d$/), v.transform(Number))
const hostSchema = v.pipe(v.string(), v.regex(/^[\w.:-]{1,255}$/))

export interface ReadOptions {
  /** The providers in use are simulators. */
  simulated?: boolean
  /** No generated secrets; taken from NODE_ENV unless stated. */
  production?: boolean
  /** Where this runs, no connection to a database can be opened. */
  withoutSockets?: boolean
  providers?: readonly Provider[]
}

/**
 * Reads the whole configuration from the environment. Throws `ConfigError` with every fault at once,
 * each naming its variable and its fix.
 */
export function readConfig(env: Environment, options: ReadOptions = {}): Config {
  const providers = options.providers ?? everyProvider
  const faults = new Faults(env)
  const production = options.production ?? faults.value('NODE_ENV') === 'production'

  const port = faults.parse('PORT', portSchema, 'a port number from 0 to 65535') ?? 8787
  const host = faults.parse('HOST', hostSchema, 'a host name or an IP address') ?? '127.0.0.1'
  const trustedProxies =
    faults.parse(
      'TRUSTED_PROXIES',
      countSchema,
      'how many proxies of yours are in front, 0 to 9',
    ) ?? 0
  if (trustedProxies > 0 && options.withoutSockets === true)
    faults.add('TRUSTED_PROXIES', 'has no meaning on the edge, which names the client; remove it')
  if (port === 0 && faults.value('PUBLIC_ORIGIN') === undefined)
    faults.add('PUBLIC_ORIGIN', 'is missing; set it where PORT is 0, since any port may be taken')
  const publicOrigin = originOf(faults, 'PUBLIC_ORIGIN') ?? `http://localhost:${port}`
  const webOrigin = originOf(faults, 'WEB_ORIGIN') ?? publicOrigin
  if (!sameSite(publicOrigin, webOrigin))
    faults.add(
      'WEB_ORIGIN',
      'is not of the same site as PUBLIC_ORIGIN, so browsers would withhold the cookies; serve both below one registrable domain',
    )
  const { secrets, warnings } = readSessionSecrets(faults, production)
  const ledgerUrl = readLedgerUrl(faults, options.withoutSockets !== true)
  if (production && faults.value('NODE_TLS_REJECT_UNAUTHORIZED') === '0')
    faults.add('NODE_TLS_REJECT_UNAUTHORIZED', 'switches TLS off in production; remove it')

  const origins = { public: publicOrigin, web: webOrigin }
  const offers = new Map(
    providers.map((provider) => [provider.id, readRegistration(faults, provider, origins)]),
  )
  if (production && [...offers.values()].every((offer) => !offer.registration))
    warnings.push('No provider is configured: set <PROVIDER>_CLIENT_ID for each you want to offer.')
  const takesPasswords = [...offers.values()].some(
    ({ provider, registration }) => registration && !isRedirect(provider),
  )
  // The server speaks no TLS itself: with https something stands in front, and says who calls.
  const isBehind = publicOrigin.startsWith('https:') && options.withoutSockets !== true
  if (production && isBehind && takesPasswords && faults.value('TRUSTED_PROXIES') === undefined)
    warnings.push(
      'TRUSTED_PROXIES is not set: wrong passwords of all people count together, as those of the proxy in front. Set it to the number of proxies, or to 0.',
    )

  if (faults.found.length > 0) throw new ConfigError(faults.found)
  return {
    host,
    port,
    trustedProxies,
    publicOrigin,
    webOrigin,
    sessionSecrets: secrets,
    ledgerUrl,
    offers,
    simulated: options.simulated ?? false,
    warnings,
  }
}
