import { expect } from 'vitest'

/** Requests as the documents write them, for the simulators' own tests. */
export interface Sent {
  url: string
  method?: string
  headers?: Record<string, string>
  form?: Record<string, string> | [string, string][]
  json?: unknown
  body?: string
}

/** Sends one request, and reads the answer whether it is JSON or not. */
export async function send(
  fetch: typeof globalThis.fetch,
  { url, method = 'POST', headers = {}, form, json, body }: Sent,
): Promise<{ status: number; headers: Headers; text: string; json: Record<string, unknown> }> {
  const written = json === undefined ? body : JSON.stringify(json)
  const response = await fetch(url, {
    method,
    redirect: 'manual',
    headers: { ...(json === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(form
      ? { body: new URLSearchParams(form) }
      : written === undefined
        ? {}
        : { body: written }),
  })
  const text = await response.text()
  const isJson = (response.headers.get('content-type') ?? '').startsWith('application/json')
  const parsed: unknown = isJson && text !== '' ? JSON.parse(text) : {}
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: isObject(parsed) ? parsed : {},
  }
}

/** The Basic header as it is documented: raw, not percent-encoded. */
export function basic(client: { id: string; secret?: string }): string {
  return `Basic ${Buffer.from(`${client.id}:${client.secret ?? ''}`).toString('base64')}`
}

/** A clock that a test moves. */
export function createClock(): { now: () => number; pass: (seconds: number) => void } {
  let now = Date.UTC(2026, 10, 22, 12)
  return { now: () => now, pass: (seconds) => (now += seconds * 1000) }
}

/** RFC 7636, appendix B. */
export const pkceSample = {
  verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
  challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
}

/** The address with parameters; `undefined` leaves one out. */
export function address(base: string, parameters: Record<string, string | undefined>): string {
  const url = new URL(base)
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) url.searchParams.append(name, value)
  }
  return url.href
}

/** Without these members. */
export function without<Whole extends object>(
  whole: Whole,
  ...names: (keyof Whole)[]
): Partial<Whole> {
  const left = Object.entries(whole).filter(([name]) => !names.includes(name as keyof Whole))
  return Object.fromEntries(left) as Partial<Whole> // only members were taken away
}

/** Any text of this form, as an expected value. */
export function like(pattern: RegExp): unknown {
  return expect.stringMatching(pattern)
}

/** The members of an answer, by name. */
export function namesOf(value: unknown): string[] {
  return isObject(value) ? Object.keys(value) : []
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
