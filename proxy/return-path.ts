/** Longest way back that is kept; it travels in a cookie. */
const longest = 512

/**
 * Where the app wants its person back, as a path on the app's own origin. It is parsed, never matched
 * by pattern: whatever leaves the origin, names our own routes, or could be read as another host once
 * more, becomes the start page. Checked when a login begins and again when it ends (RFC 9700 §4.11).
 */
export function returnPath(wanted: string | undefined, webOrigin: string): string {
  if (wanted === undefined || wanted.length > longest || !wanted.startsWith('/')) return '/'
  if (!URL.canParse(wanted, webOrigin)) return '/'
  const url = new URL(wanted, webOrigin)
  // Dot segments can leave a path that itself reads as "//host".
  if (url.origin !== webOrigin || /^\/[/\\]/.test(url.pathname)) return '/'
  // An escaped ASCII character, or a parameter, may be read as another path by whoever comes next.
  if (/%[0-7]|%(?![0-9a-f]{2})|;/i.test(url.pathname) || ours.test(url.pathname)) return '/'
  // What the app would read as a failure of ours: a link must not make it say so after a good login.
  if (url.searchParams.has('error')) url.searchParams.delete('error')
  const path = url.pathname + url.search + url.hash
  return path.length > longest ? '/' : path
}

/** Paths that are the server's and no page of the app. */
const ours = /^\/(bff|healthz|readyz|metrics)(?![\w-])/i

/** The way back with what happened, as the app reads it. */
export function withError(path: string, code: string, provider: string): string {
  const url = new URL(path, 'https://app.invalid')
  url.searchParams.set('error', code)
  url.searchParams.set('provider', provider)
  return url.pathname + url.search + url.hash
}

/** As a Location: relative on one origin, absolute where the app lives on a sibling. */
export function locationOf(path: string, publicOrigin: string, webOrigin: string): string {
  return publicOrigin === webOrigin ? path : webOrigin + path
}
