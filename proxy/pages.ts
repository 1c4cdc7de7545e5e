import type { Config } from './config'
import { keptForever, pageHeaders } from './headers'

/** A file of the built app by its path, `/` for the page itself; undefined where there is none. */
export type BuiltFile = (path: string, request: Request) => Promise<Response | undefined>

/**
 * Serves the app: its files, its page at every address it knows, and the same page with 404 at any
 * other, so that the app can say so in its own words.
 */
export function createPages(config: Config, file: BuiltFile) {
  const headers = pageHeaders(config)

  return async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url)
    const isPage = isPageOf(config, pathname)
    const found = isPage ? undefined : await file(pathname, request)
    if ((isPage || found) && request.method !== 'GET' && request.method !== 'HEAD') {
      await found?.body?.cancel()
      return new Response(null, { status: 405, headers: { allow: 'GET, HEAD' } })
    }
    if (found) {
      const isHashed = pathname.startsWith('/assets/')
      return answer(found, found.status, {
        ...headers,
        ...(isHashed ? { 'cache-control': keptForever } : {}),
      })
    }
    const page = await file('/', request)
    if (!page) return new Response('The app is not built.', { status: 503 })
    return answer(page, isPage ? page.status : 404, headers)
  }
}

function answer(file: Response, status: number, set: Record<string, string>): Response {
  const headers = new Headers(file.headers)
  for (const [name, value] of Object.entries(set)) headers.set(name, value)
  return new Response(file.body, { status, headers })
}

/** Whether the app has a page at this path: the accounts, one of them, or where browser custody comes back. */
export function isPageOf({ offers }: Config, pathname: string): boolean {
  const [, place, id = '', ...deeper] = pathname.split('/')
  if (pathname === '/') return true
  const offer = deeper.length === 0 ? offers.get(id) : undefined
  if (place === 'accounts') return offer !== undefined
  return place === 'callback' && offer?.custody === 'browser' && offer.registration !== undefined
}
