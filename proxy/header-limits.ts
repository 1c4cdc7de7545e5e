import type { MiddlewareHandler } from 'hono'
import { AppError } from '../shared/failure'
import type { ProxyEnv } from './parts'

/** Bytes of a request's head, as far as they have a limit. */
export interface HeaderSize {
  cookies: number
  others: number
}

/** Five accounts at the bound of their cookies, with logins under way and some cookies of others. */
const mostCookies = 144 * 1024
/** What cookies are cleared down to, where they are: one more account fits. */
export const roomyCookies = mostCookies - 28 * 1024
/** Address and all other headers; a browser's are some 2 kB, a callback's code may be long. */
const mostOthers = 64 * 1024

/** Counts headers given as name, value, name, value. */
export function countHeaders(headers: readonly string[]): HeaderSize {
  const size = { cookies: 0, others: 0 }
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] ?? ''
    const length = headers[at + 1]?.length ?? 0
    if (name.toLowerCase() === 'cookie') size.cookies += length
    else size.others += name.length + length
  }
  return size
}

/**
 * Refuses heads that are too large with 431. Cookies only count where they are read, so that pages
 * come up whatever somebody else has planted, and can say what is wrong.
 */
export function headerLimits(readsCookies: (path: string) => boolean): MiddlewareHandler<ProxyEnv> {
  return async (c, next) => {
    const { cookies, others } = c.get('arrival').size ?? countHeaders([...c.req.raw.headers].flat())
    if (
      others + c.req.url.length > mostOthers ||
      (cookies > mostCookies && readsCookies(c.req.path))
    )
      throw new AppError('headers_too_large')
    await next()
  }
}
