import { Hono, type Context } from 'hono'
import { AppError } from '../../shared/failure'
import type { ProxyEnv } from '../parts'

/**
 * `/healthz`: the process answers. `/readyz`: it may be sent people; 503 `not_ready` with what is
 * missing while it may not.
 */
export function healthRoutes(missing: () => readonly string[]) {
  const noStore = { 'cache-control': 'no-store' }
  return new Hono<ProxyEnv>()
    .get('/healthz', (c) => c.json({ status: 'ok' }, 200, noStore))
    .get('/readyz', (c) => {
      const lacking = missing()
      if (lacking.length === 0) return c.json({ status: 'ok', missing: [] }, 200, noStore)
      throw new AppError('not_ready', { missing: lacking })
    })
    .all('/healthz', onlyRead)
    .all('/readyz', onlyRead)
}

function onlyRead(c: Context<ProxyEnv>): never {
  c.header('allow', 'GET, HEAD')
  throw new AppError('method_not_allowed')
}
