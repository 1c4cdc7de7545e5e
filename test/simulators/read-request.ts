import type { Call } from './host'
import { departs, type RefusalDetails } from './refusal'
import type { RegisteredClient } from './simulator'

type Pairs = [string, string][]
type Values<Required extends string, Optional extends string> = Record<Required, string> &
  Partial<Record<Optional, string>>

/** Exactly these parameters, each once and none empty. */
export function exactly<Required extends string, Optional extends string = never>(
  pairs: Pairs,
  required: readonly Required[],
  optional: readonly Optional[] = [],
): Values<Required, Optional> {
  const known = new Set<string>([...required, ...optional])
  const values: Record<string, string> = {}
  for (const [name, value] of pairs) {
    if (!known.has(name)) throw departs(`the document has no parameter ${name} here`)
    if (name in values) throw departs(`parameter ${name} is given twice`)
    if (value === '') throw departs(`parameter ${name} is empty`)
    values[name] = value
  }
  for (const name of required) {
    if (!(name in values)) throw departs(`parameter ${name} is missing`)
  }
  return values as Values<Required, Optional> // every required name was just found, and no unknown one
}

/** The media type without its parameters. */
export function contentType(call: Call): string {
  return (call.request.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
}

/** A form in the body, and nothing in the query. */
export function readForm(call: Call): Pairs {
  if (contentType(call) !== 'application/x-www-form-urlencoded') {
    throw departs('Content-Type must be application/x-www-form-urlencoded')
  }
  if (call.url.search !== '') throw departs('parameters travel in the body, not in the query')
  return [...new URLSearchParams(call.body)]
}

/** A flat JSON object of strings in the body, and nothing in the query. */
export function readJson(call: Call): Pairs {
  if (contentType(call) !== 'application/json')
    throw departs('Content-Type must be application/json')
  if (call.url.search !== '') throw departs('parameters travel in the body, not in the query')
  const parsed = parseJson(call.body)
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw departs('the body is not a JSON object')
  }
  return Object.entries(parsed).map(([name, value]) => {
    if (typeof value !== 'string') throw departs(`member ${name} is not a string`)
    return [name, value]
  })
}

/** Undefined when it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // a caller says what it expected instead
  }
}

/** Whose credentials the Basic header carries; raw, as the documents show it. */
export function requireBasic(
  call: Call,
  client: RegisteredClient,
  details: RefusalDetails = {},
): void {
  const header = call.request.headers.get('authorization')
  if (header === null)
    throw departs('the Authorization header is missing', 'invalid_client', details)
  if (!header.startsWith('Basic ')) {
    throw departs('the Authorization header is not of the scheme Basic', 'invalid_client', details)
  }
  const given = Buffer.from(header.slice('Basic '.length), 'base64').toString()
  const expected = `${client.id}:${client.secret ?? ''}`
  if (given === expected) return
  const reason =
    decoded(given) === expected
      ? 'credentials are percent-encoded; the document sends them raw'
      : 'wrong client credentials'
  throw departs(reason, 'invalid_client', details)
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text // not percent-encoding, so nothing to explain
  }
}

/** The token of a Bearer header. The scheme in any case only where the document itself writes it small. */
export function requireBearer(call: Call, anyCase = false): string {
  const header = call.request.headers.get('authorization')
  if (header === null) throw departs('the Authorization header is missing', 'invalid_token')
  const scheme = anyCase ? /^bearer /i : /^Bearer /
  if (!scheme.test(header))
    throw departs('the Authorization header is not of the scheme Bearer', 'invalid_token')
  return header.slice('Bearer '.length)
}

/** Refuses credentials in a place that the document does not use. */
export function forbidHeader(call: Call, name: string): void {
  if (call.request.headers.has(name)) throw departs(`the document has no ${name} header here`)
}

/** Whether a token request is a refresh; read leniently, only to choose which fault applies. */
export function grantOperation(call: Call): 'token' | 'refresh' {
  return /grant_type"?\s*[=:]\s*"?refresh_token/.test(call.body) ? 'refresh' : 'token'
}
