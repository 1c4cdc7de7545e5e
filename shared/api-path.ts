/** The judgement of a path of a provider's API: the proxy's, and the app's own in browser custody. */
import { AppError } from './failure'
import { steps, type Registration } from './provider'

/** Whose API, where it is, and what of it may be called. */
export interface ApiOffer {
  provider: Registration['provider']
  registration?: Registration | undefined
  /** Absent where the API's host is not known. */
  apiOrigin: string | undefined
  /** Path prefixes of the API that may be called. */
  apiPaths: readonly string[]
}

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
 * Throws `path_not_allowed`, and `not_found` where the mount itself is written in another way.
 */
export function apiTarget(
  { provider, registration, apiOrigin, apiPaths }: ApiOffer,
  asked: URL,
): ApiTarget {
  const mount = mountOf(provider)
  const path = asked.pathname.slice(mount.length)
  // Routers decode what leads here, and another spelling of it is no address of ours.
  if (!isBelow(asked.pathname, mount)) throw new AppError('not_found')
  if (
    !registration ||
    apiOrigin === undefined ||
    !isCallable(path, apiPaths, registration) ||
    carriesSecret(asked.search) ||
    // A request has no fragment: one who sends it wants two readers to see two addresses.
    asked.href.includes('#')
  )
    throw new AppError('path_not_allowed')
  const isDocumented = isBelowSome(path, provider.api?.paths ?? [])
  const url = new URL(apiOrigin + path + asked.search)
  const wanted = (isDocumented && provider.api?.params?.(registration)) || {}
  for (const [name, value] of Object.entries(wanted))
    // Added to the text: what the app wrote stays as the app wrote it.
    if (value !== undefined && !url.searchParams.has(name))
      url.search += `${url.search ? '&' : ''}${String(new URLSearchParams({ [name]: value }))}`
  return { url, isDocumented }
}

/** The address that a page means by path and query below a provider's API, as it would send it. */
export function askedFor(provider: { id: string }, path: string, origin: string): URL {
  const address = origin + mountOf(provider) + path
  if (!path.startsWith('/') || !URL.canParse(address)) throw new AppError('path_not_allowed')
  const url = new URL(address)
  // Fetched as it is, it would be another address of ours.
  if (!isBelow(url.pathname, mountOf(provider)) || url.href.includes('#'))
    throw new AppError('path_not_allowed')
  return url
}

function mountOf({ id }: { id: string }): string {
  return `/bff/api/${id}`
}

/**
 * Whether a path may be called: below one of the prefixes, with nothing in it that could be read in two
 * ways, and not where tokens are handed out. It is judged as a URL's `pathname` gives it: dot segments
 * and backslashes are resolved, percent-encoding stands.
 */
function isCallable(
  path: string,
  prefixes: readonly string[],
  { endpoints }: Pick<Registration, 'endpoints'>,
): boolean {
  return isUnambiguous(path) && isBelowSome(path, prefixes) && !isProtocol(path, endpoints)
}

/** Whoever logs or caches an address keeps what is in its query: these travel in headers and bodies. */
const secretNames = /^(?:access_token|refresh_token|id_token|client_secret)$/

/** Whether a query would carry a token or a secret, as the most generous server reads its names. */
function carriesSecret(query: string): boolean {
  // Some servers split at `;` too; PHP cuts a name at NUL and "[", and reads dots and blanks as "_".
  const names = new URLSearchParams(query.replaceAll(';', '&')).keys()
  return [...names].some((name) =>
    secretNames.test(
      name
        .normalize('NFKC')
        .toLowerCase()
        .trim()
        .replace(/[\0[].*/s, '')
        .replaceAll(/[ .]/g, '_'),
    ),
  )
}

/** By segment: `/v1` holds `/v1` and `/v1/x`, and not `/v10`. */
function isBelow(path: string, prefix: string): boolean {
  const root = prefix.replace(/\/$/, '')
  return path === root || path.startsWith(`${root}/`)
}

function isBelowSome(path: string, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => isBelow(path, prefix))
}

/**
 * Where tokens are handed out, refreshed, checked and revoked is no part of the API, though it may be
 * below one of its prefixes. Compared as a careless server would.
 */
function isProtocol(path: string, endpoints: Registration['endpoints']): boolean {
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
