import * as v from 'valibot'
import type { ApiOffer } from '../shared/api-path'
import {
  endpointsOf,
  isRedirect,
  withSwitches,
  type Call,
  type Provider,
  type Registration,
  type SettingKind,
} from '../shared/provider'
import { Secret } from '../shared/secret'
import { isTrustworthy, originOf, type Faults } from './faults'

/** One provider as this deployment offers it. */
export interface Offer extends ApiOffer {
  custody: 'proxy' | 'browser'
  /** Absent while the provider is off. */
  registration?: Registration | undefined
}

const switchSchema = v.pipe(
  v.picklist(['0', '1']),
  v.transform((value) => value === '1'),
)
/** RFC 6749 appendix A.1 and A.2: visible ASCII; a line break or a blank at an end is a pasting error. */
const credentialSchema = v.pipe(v.string(), v.regex(/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/))
const namesSchema = v.pipe(
  v.string(),
  v.transform((value) => value.split(/[\s,]+/).filter(Boolean)),
  v.minLength(1),
  v.everyItem((name) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(name)),
)
const pathsSchema = v.pipe(
  v.string(),
  v.transform((value) =>
    value
      .split(',')
      .map((path) => path.trim())
      .filter(Boolean),
  ),
  v.everyItem((path) => /^\/$|^(\/[\w~-][\w.~-]*)+\/?$/.test(path)),
)
const custodySchema = v.picklist(['browser', 'proxy'])
const settingSchemas: Record<SettingKind, { schema: v.GenericSchema<string, string>; is: string }> =
  {
    redirect: {
      schema: v.pipe(
        v.string(),
        v.check(
          (value) =>
            /^\/(?![/\\])[\x21-\x7e]*$/.test(value) ||
            (URL.canParse(value) && isTrustworthy(new URL(value))),
        ),
      ),
      is: 'a path that begins with one "/", or an absolute https address',
    },
    word: { schema: v.pipe(v.string(), v.regex(/^[\x21-\x7e]{1,128}$/)), is: 'a single word' },
  }

/** Where browsers see the proxy, and the app. */
interface Origins {
  public: string
  web: string
}

/**
 * Reads how this deployment is registered with one provider. Every variable a provider knows follows
 * from its description; any other with its prefix is a fault, so that a misspelt one is found.
 */
export function readRegistration(faults: Faults, described: Provider, origins: Origins): Offer {
  const prefix = `${described.id.toUpperCase()}_`
  const on = (suffix: string) => prefix + suffix
  const chosen = Object.keys(described.switches ?? {}).filter((key) =>
    faults.parse(on(key), switchSchema, '1 (on) or 0 (off)'),
  )
  const provider = withSwitches(described, chosen)
  const known = knownSuffixes(described)
  for (const name of faults.namesWith(prefix))
    if (!known.includes(name.slice(prefix.length)))
      faults.add(name, `is unknown; remove it, or use one of ${known.map(on).join(', ')}`)

  const origin = originOf(faults, on('URL')) ?? provider.origin
  const front =
    (provider.front && originOf(faults, on(provider.front.variable))) ?? provider.front?.origin
  const apiOrigin =
    originOf(faults, on('API_URL')) ?? (provider.api?.elsewhere ? undefined : origin)
  const extraPaths =
    faults.parse(
      on('API_PATHS'),
      pathsSchema,
      'a comma-separated list of path prefixes, each beginning with "/"',
    ) ?? []
  const custody =
    (provider.custody && faults.parse(on('CUSTODY'), custodySchema, 'browser or proxy')) ??
    provider.custody ??
    'proxy'
  const scope = readScope(faults, provider, on)
  const settings = readSettings(faults, provider, on)
  const clientId = faults.parse(on('CLIENT_ID'), credentialSchema, credentialRule)
  const clientSecret = faults.parse(on('CLIENT_SECRET'), credentialSchema, credentialRule)
  requirePair(faults, provider, on, clientId !== undefined, clientSecret !== undefined)

  return {
    provider,
    custody,
    apiOrigin,
    apiPaths: [...(provider.api?.paths ?? []), ...extraPaths],
    registration:
      clientId === undefined
        ? undefined
        : {
            provider,
            clientId,
            clientSecret: clientSecret === undefined ? undefined : new Secret(clientSecret),
            // Where the tokens are kept, the code must arrive.
            redirectUri:
              custody === 'browser'
                ? `${origins.web}/callback/${provider.id}`
                : `${origins.public}/bff/callback/${provider.id}`,
            endpoints: endpointsOf(provider, origin, front ?? origin),
            settings,
            ...scope,
          },
  }
}

const credentialRule = 'plain text without blanks at its ends'

/** The suffixes of every variable this provider knows. */
function knownSuffixes(provider: Provider): string[] {
  return [
    'CLIENT_ID',
    ...(isPublic(provider) ? [] : ['CLIENT_SECRET']),
    'URL',
    ...(provider.front ? [provider.front.variable] : []),
    ...(provider.custody ? ['CUSTODY'] : []),
    ...(provider.scope ? ['SCOPE'] : []),
    ...(provider.scope?.essential ? ['ESSENTIAL'] : []),
    ...Object.keys(provider.settings ?? {}),
    ...Object.keys(provider.switches ?? {}),
    'API_URL',
    'API_PATHS',
  ]
}

/** A public client has no secret (RFC 6749 §2.1). */
function isPublic(provider: Provider): boolean {
  const call: Call = isRedirect(provider) ? provider.exchange : provider.password
  return call.auth === 'public'
}

function requirePair(
  faults: Faults,
  provider: Provider,
  on: (suffix: string) => string,
  hasId: boolean,
  hasSecret: boolean,
): void {
  if (isPublic(provider) || hasId === hasSecret) return
  const [missing, other] = hasId ? ['CLIENT_SECRET', 'CLIENT_ID'] : ['CLIENT_ID', 'CLIENT_SECRET']
  if (faults.value(on(missing)) === undefined)
    faults.add(
      on(missing),
      `is missing while ${on(other)} is set; set both, or neither to switch ${provider.name} off`,
    )
}

function readScope(faults: Faults, provider: Provider, on: (suffix: string) => string) {
  if (!provider.scope) return { scope: [], essential: [] }
  const expected = 'a comma-separated list of scope names'
  const scope = faults.parse(on('SCOPE'), namesSchema, expected) ?? provider.scope.names
  const essential = provider.scope.essential
    ? (faults.parse(on('ESSENTIAL'), namesSchema, expected) ?? [])
    : []
  if (!essential.every((name) => scope.includes(name)))
    faults.add(on('ESSENTIAL'), `names a scope that is not asked for; add it to ${on('SCOPE')}`)
  return { scope, essential }
}

function readSettings(faults: Faults, provider: Provider, on: (suffix: string) => string) {
  const entries = Object.entries(provider.settings ?? {}).flatMap(([key, kind]) => {
    const { schema, is } = settingSchemas[kind]
    const value = faults.parse(on(key), schema, is)
    return value === undefined ? [] : [[key, value] as const]
  })
  return Object.fromEntries(entries)
}
