import { Hono } from 'hono'
import type { Parts, ProxyEnv } from '../parts'
import { accountOf } from '../session/sign-in'
import { signOut } from '../session/sign-out'

/** `/bff/session`: everybody who is signed in, and out with them all. */
export function sessionRoute(parts: Parts) {
  return (
    new Hono<ProxyEnv>()
      // Never writes: an answer that lands late must not undo a newer one.
      .get('/', (c) => c.json({ accounts: c.get('session').accounts().map(accountOf) }))
      .delete('/', async (c) => {
        const session = c.get('session')
        for (const id of parts.config.offers.keys())
          if (session.leaving(id).length === 0) session.clear(id)
        const left = [...parts.config.offers].filter(([id]) => session.leaving(id).length > 0)
        const effects = await Promise.all(
          left.map(async ([id, offer]) => [id, await signOut(c, offer, parts)] as const),
        )
        return c.json({ accounts: Object.fromEntries(effects) })
      })
  )
}
