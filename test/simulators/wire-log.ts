/** One request as it came over the wire, secrets included: this is a test's log. */
export interface WireEntry {
  provider: string
  /** Which of the provider's hosts: `sso`, `connect`, `app`, `api` or `main`. */
  host: string
  method: string
  /** Path without the query. */
  path: string
  query: [string, string][]
  /** Names in lower case. */
  headers: Record<string, string>
  body: string
  /** 0 while unanswered, and for ever when the request was left hanging or cut. */
  status: number
  /** Why the document does not allow this request. Never quotes a secret. */
  refused?: string
  /** A failure that the document foresees: a wrong password, a spent code. Never quotes a secret. */
  failed?: string
}

/** Writes down a request before anybody answers it. */
export function noteRequest(
  provider: string,
  host: string,
  request: Request,
  body: string,
): WireEntry {
  const url = new URL(request.url)
  return {
    provider,
    host,
    method: request.method,
    path: url.pathname,
    query: [...url.searchParams],
    headers: Object.fromEntries(request.headers),
    body,
    status: 0,
  }
}

/** One line for a person, without the query, the body or any header. */
export function describeEntry(entry: WireEntry): string {
  const why = entry.refused === undefined ? '' : ` refused: ${entry.refused}`
  return `simulated ${entry.provider} (${entry.host}) ${entry.method} ${entry.path} ${String(entry.status)}${why}`
}
