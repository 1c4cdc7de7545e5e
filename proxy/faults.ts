import * as v from 'valibot'
import { isMetadataHost } from './metadata-host'

/** The environment: variables as text. What other platforms bind beside them is ignored. */
export type Environment = Readonly<Record<string, unknown>>

/** Collects what is wrong with the environment; a fault names the variable and the fix, never a value. */
export class Faults {
  readonly found: string[] = []
  readonly #env: Environment

  constructor(env: Environment) {
    this.#env = env
  }

  add(variable: string, fault: string): void {
    this.found.push(`${variable} ${fault}`)
  }

  /** The variable's text; an empty variable counts as unset. */
  value(variable: string): string | undefined {
    const value = this.#env[variable]
    return typeof value === 'string' && value !== '' ? value : undefined
  }

  /** The variable read by a schema, or undefined where it is unset or faulty. */
  parse<T>(variable: string, schema: v.GenericSchema<string, T>, expected: string): T | undefined {
    const value = this.value(variable)
    if (value === undefined) return undefined
    const result = v.safeParse(schema, value)
    if (result.success) return result.output
    this.add(variable, `is not ${expected}`)
    return undefined
  }

  /** The set variables whose name begins with the prefix. */
  namesWith(prefix: string): string[] {
    return Object.keys(this.#env).filter(
      (name) => name.startsWith(prefix) && this.value(name) !== undefined,
    )
  }
}

/** An origin that secrets and cookies may go to: https, or http on this machine; no link-local address. */
const originSchema = v.pipe(
  v.string(),
  v.check((value) => URL.canParse(value)),
  v.transform((value) => new URL(value)),
  v.check(
    (url) =>
      url.pathname === '/' &&
      url.search === '' &&
      url.hash === '' &&
      url.username === '' &&
      url.password === '' &&
      isTrustworthy(url) &&
      !isMetadataHost(url.hostname),
  ),
  v.transform((url) => url.origin),
)

/** The origin a variable names, or undefined where it is unset or faulty. */
export function originOf(faults: Faults, variable: string): string | undefined {
  return faults.parse(
    variable,
    originSchema,
    'an origin; give scheme and host only, with https (http only for localhost), of no link-local or metadata address, such as https://app.example.com',
  )
}

export function isTrustworthy(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))
}

/** Names and addresses that never leave this machine (RFC 6761 §6.3). */
function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127(\.\d{1,3}){3}$/.test(hostname)
  )
}
