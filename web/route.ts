/** The app's pages. A path that is not here is the "not found" page. */
export type Route =
  | { page: 'accounts' }
  | { page: 'account'; provider: string }
  | { page: 'callback'; provider: string }
  | { page: 'missing' }

/** The page at a path. */
export function routeOf(path: string): Route {
  if (path === '/') return { page: 'accounts' }
  const [, place, provider] = /^\/(accounts|callback)\/([a-z0-9-]{1,32})$/.exec(path) ?? []
  if (provider === undefined) return { page: 'missing' }
  return { page: place === 'accounts' ? 'account' : 'callback', provider }
}

/** The path to return to after a sign-in: only to a page of this app that a person can stay on. */
export function returnPath(path: string): string {
  const { page } = routeOf(path)
  return page === 'accounts' || page === 'account' ? path : '/'
}
