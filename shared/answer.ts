import type { Answer } from './provider'

/** Reading foreign JSON by narrowing: each returns the value as the named kind, or undefined. */

export function isAnswer(value: unknown): value is Answer {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Characters, and entries, beyond which no value is a name or a list of them. */
const longest = 1000

/** A text, or a number where the provider writes its identifiers as numbers. */
export function text(value: unknown): string | undefined {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value)
  return typeof value === 'string' && value !== '' && value.length <= longest ? value : undefined
}

export function texts(value: unknown): string[] | undefined {
  return Array.isArray(value)
    ? value.filter((item) => text(item) === item).slice(0, longest)
    : undefined
}

export function answer(value: unknown): Answer {
  return isAnswer(value) ? value : {}
}

/** The parts that are there, joined by spaces. */
export function joined(...parts: unknown[]): string | undefined {
  return parts.map(text).filter(Boolean).join(' ') || undefined
}

/** An https address; anything else could run in the page or leave it (OWASP ASVS 5, V3.2). */
export function httpsUrl(value: unknown): string | undefined {
  const url = text(value)
  return url !== undefined && URL.canParse(url) && new URL(url).protocol === 'https:'
    ? new URL(url).href
    : undefined
}
