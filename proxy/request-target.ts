/**
 * What a request line and its Host header ask for, judged before anything is made of them. Nothing
 * but path and query is kept: no answer depends on the host that a client names.
 */

/** Where the request goes, as path and query; undefined where it cannot be told for sure. */
export function readTarget(target: string): string | undefined {
  const path = withoutOrigin(target)
  // Other bytes than these belong into no target (RFC 9112 §3.2), and are read in more than one way.
  if (path === undefined || !/^\/[\x21-\x7e]*$/.test(path)) return undefined
  // Up to the query, for the adapter takes a backslash behind a "#" for one in the path, and throws.
  const [before = ''] = path.split('?', 1)
  // As every URL parser reads it, so that Node and the edge judge the same path.
  return before.replaceAll('\\', '/') + path.slice(before.length)
}

/** The absolute form is the same request as the origin form (RFC 9112 §3.2.2). */
function withoutOrigin(target: string): string | undefined {
  if (target.startsWith('/')) return target
  const [, host = '', rest = ''] = /^https?:\/\/([^/\\?#]*)(.*)$/is.exec(target) ?? []
  if (!isHost(host)) return undefined
  return rest.startsWith('/') ? rest : `/${rest}`
}

/** Whether a request is HTTP/1 and names its host in a way that can be read only once (RFC 9112 §3.2). */
export function isOfOneHost({ rawHeaders, httpVersion }: RequestHead): boolean {
  const hosts = rawHeaders.filter(
    (_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === 'host',
  )
  const [host] = hosts
  if (host === undefined) return httpVersion === '1.0'
  return hosts.length === 1 && isHost(host) && /^1\.[01]$/.test(httpVersion)
}

/** What Node knows of a request's head. */
interface RequestHead {
  rawHeaders: readonly string[]
  httpVersion: string
}

/** A name or an address, and perhaps a port; no user, no percent signs, no blanks. */
function isHost(text: string): boolean {
  return /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{0,5})?$/i.test(text)
}
