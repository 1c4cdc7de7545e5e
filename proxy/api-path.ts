import { AppError } from '../shared/failure'
import { steps, type Registration } from '../shared/provider'
import type { Offer } from './registration'

/** Where a call to the provider's API goes. */
export interface ApiTarget {
  url: URL
  /** Whether the provider's documents name the path, so that what they say of it holds. */
  isDocumented: boolean
}

/**
 * Reads where `/bff/api/<provider>/…` points: the same path at the API's origin, with the query as it
 * came. `asked` is the request's URL as the runtime has parsed it: dot segments and backslashes are
 * resolved, percent-encoding stands. What is outside the allowed prefixes, or could be read in two
 * ways, is refused and never repaired.
 * Throws `path_not_allowed`.
 */
export function apiTarget(
  { provider, registration, apiOrigin, apiPaths }: Offer,
  asked: URL,
): ApiTarget {
  const mount = `/bff/api/${provider.id}`
  const path = asked.pathname.slice(mount.length)
  const isBelowSome = (prefixes: readonly string[]) =>
    prefixes.some((prefix) => isBelow(path, prefix))
  if (
    !registration ||
    apiOrigin === undefined ||
    !isBelow(asked.pathname, mount) ||
    !isUnambiguous(path) ||
    !isBelowSome(apiPaths) ||
    isProtocol(path, registration)
  )
    throw new AppError('path_not_allowed')
  const isDocumented = isBelowSome(provider.api?.paths ?? [])
  const url = new URL(apiOrigin + path + asked.search)
  const wanted = (isDocumented && provider.api?.params?.(registration)) || {}
  for (const [name, value] of Object.entries(wanted))
    // Added to the text: what the app wrote stays as the app wrote it.
    if (value !== undefined && !url.searchParams.has(name))
      url.search += `${url.search ? '&' : ''}${String(new URLSearchParams({ [name]: value }))}`
  return { url, isDocumented }
}

/** By segment: `/v1` holds `/v1` and `/v1/x`, and not `/v10`. */
function isBelow(path: string, prefix: string): boolean {
  const root = prefix.replace(/\/$/, '')
  return path === root || path.startsWith(`${root}/`)
}

/**
 * Where tokens are handed out, refreshed, checked and revoked is no part of the API, though it may be
 * below one of its prefixes. Compared as a careless server would.
 */
function isProtocol(path: string, { endpoints }: Registration): boolean {
  const read = decodeURIComponent(path).toLowerCase()
  return steps
    .filter((step) => step !== 'profile')
    .some((step) => {
      const endpoint = endpoints[step]
      return endpoint !== undefined && isBelow(read, new URL(endpoint).pathname.toLowerCase())
    })
}

/** Only a last segment may be empty: a slash at the end. */
function isUnambiguous(path: string): boolean {
  const segments = path.split('/').slice(1)
  return segments.every((segment, at) =>
    segment === '' ? at === segments.length - 1 : isPlain(segment),
  )
}

/** RFC 3986's `pchar` without `;`, behind which some servers look for parameters. */
const plain = /^(?:[\w~!$&'()*+,=:@.-]|%[\da-f]{2})+$/i

/** What means something to one reader or another once it is decoded. */
const meaningful = /[/\\.;%?#\p{Cc}]/u

function isPlain(segment: string): boolean {
  if (!plain.test(segment)) return false
  const decoded = decode(segment)
  // Windows drops dots and blanks at the end of a name.
  if (decoded === undefined || /^\s|[\s.]$/.test(decoded)) return false
  const encoded = segment.match(/(?:%[\da-f]{2})+/gi) ?? []
  return encoded.every((run) => !meaningful.test(decode(run) ?? '%'))
}

/** Compatibility forms folded, as servers do that take "／" for "/". Undefined where it is not UTF-8. */
function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text).normalize('NFKC')
  } catch {
    return undefined // an overlong "." is no UTF-8 either
  }
}
