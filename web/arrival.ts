/** What a navigation brought along in the URL: kept in memory, and no longer in the URL. */
export interface Arrival {
  /** Parameters of an authorization response; see `/callback/<provider>`. */
  callback?: URLSearchParams
  /** What the proxy says of a sign-in that failed, as received: never to be shown as it is. */
  failed?: { code: string; provider: string }
}

/** Takes code, state and error out of the URL and of the history entry. */
export function takeArrival(
  location: Pick<Location, 'pathname' | 'search' | 'hash'>,
  history: Pick<History, 'replaceState'>,
): Arrival {
  const { pathname, search, hash } = location
  const parameters = new URLSearchParams(search)

  if (pathname.startsWith('/callback/')) {
    if (search || hash) history.replaceState(null, '', pathname)
    return { callback: parameters }
  }

  const code = parameters.get('error')
  if (code === null) return {}
  const provider = parameters.get('provider') ?? ''
  parameters.delete('error')
  parameters.delete('provider')
  const rest = parameters.toString()
  history.replaceState(null, '', pathname + (rest && `?${rest}`) + hash)
  return { failed: { code, provider } }
}
