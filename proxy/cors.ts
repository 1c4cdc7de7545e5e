import type { MiddlewareHandler } from 'hono'
import { apiMethods } from '../shared/api-call'
import { AppError } from '../shared/failure'
import { answerHeadersToExpose, requestHeadersToAllow } from './api-headers'
import type { Config } from './config'
import type { ProxyEnv } from './parts'

/**
 * CORS for the app on a sibling origin, by exact comparison, and for nobody else: a preflight from
 * elsewhere is refused as the call itself would be.
 */
export function corsForTheApp({ publicOrigin, webOrigin }: Config): MiddlewareHandler<ProxyEnv> {
  const granted = {
    'access-control-allow-origin': webOrigin,
    'access-control-allow-credentials': 'true',
  }
  const exposed = {
    'access-control-expose-headers': ['Date', 'X-Request-Id', ...answerHeadersToExpose].join(','),
  }
  const allowed = {
    'access-control-allow-headers': ['X-Latchkey', ...requestHeadersToAllow].join(','),
    'access-control-allow-methods': apiMethods.join(','),
    'access-control-max-age': '600',
  }
  return async (c, next) => {
    const isSibling = webOrigin !== publicOrigin && c.req.header('origin') === webOrigin
    if (isPreflight(c.req.raw)) {
      c.header('vary', 'Origin')
      if (!isSibling) throw new AppError('csrf')
      return c.body(null, 204, { ...granted, ...allowed, vary: 'Origin' })
    }
    await next()
    const { headers } = c.res
    headers.append('vary', 'Origin')
    if (isSibling)
      for (const [name, value] of Object.entries({ ...granted, ...exposed }))
        headers.set(name, value)
    return undefined
  }
}

/** The browser's own question before a script's call, which cannot carry our header (Fetch §4.8). */
function isPreflight({ method, headers }: Request): boolean {
  return (
    method === 'OPTIONS' &&
    headers.has('access-control-request-method') &&
    !headers.has('x-latchkey')
  )
}
