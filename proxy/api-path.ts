import { carriesSecret, isBelow, isBelowSome, isCallable } from '../shared/api-path'
import { AppError } from '../shared/failure'
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
  if (
    !registration ||
    apiOrigin === undefined ||
    !isBelow(asked.pathname, mount) ||
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
