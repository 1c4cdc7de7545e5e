import { Hono } from 'hono'
import type { ProxyEnv } from '../parts'

/** `/healthz`: the process answers. `/readyz`: it may be sent people. */
export function healthRoutes() {
  return new Hono<ProxyEnv>()
    .get('/healthz', (c) => c.json({ status: 'ok' }, 200, { 'cache-control': 'no-store' }))
    .get('/readyz', (c) =>
      c.json({ status: 'ok', missing: [] }, 200, { 'cache-control': 'no-store' }),
    )
}
