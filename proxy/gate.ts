import type { MiddlewareHandler } from 'hono'
import { AppError } from '../shared/failure'
import type { Config } from './config'
import type { ProxyEnv } from './parts'

/**
 * Lets in what the app itself sends: our own header, which no form or image can carry, and neither
 * `Sec-Fetch-Site` nor `Origin` of another site. Refuses with `csrf` before anything happens.
 */
export function fromTheApp({ publicOrigin, webOrigin }: Config): MiddlewareHandler<ProxyEnv> {
  return async (c, next) => {
    const origin = c.req.header('origin')
    const site = c.req.header('sec-fetch-site')
    const isOurs = origin === undefined || origin === publicOrigin || origin === webOrigin
    const isNear =
      site === undefined ||
      site === 'same-origin' ||
      site === 'none' ||
      (site === 'same-site' && origin === webOrigin)
    if (c.req.header('x-latchkey') !== '1' || !isOurs || !isNear) throw new AppError('csrf')
    await next()
  }
}

/**
 * Lets a person's navigation through: a login may be linked from anywhere, but a browser that only
 * prepares for a click, or loads it as a part of a page, changes nothing.
 */
export function byNavigation(): MiddlewareHandler<ProxyEnv> {
  return async (c, next) => {
    const ahead = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz'].some((name) =>
      /prefetch|prerender|preview/i.test(c.req.header(name) ?? ''),
    )
    if (ahead) throw new AppError('prefetch_refused')
    const destination = c.req.header('sec-fetch-dest')
    if (destination !== undefined && destination !== 'document') throw new AppError('csrf')
    await next()
  }
}
