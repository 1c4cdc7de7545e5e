/**
 * The code under test, in one place: the model runs it as it is, and bundled with a mistake planted
 * in it.
 */
export { Hono } from 'hono'
export { createCircuits } from '../../proxy/circuit'
export { answerProblem } from '../../proxy/problem'
export { accountsRoute } from '../../proxy/routes/accounts'
export { callbackRoute } from '../../proxy/routes/callback'
export { loginRoute } from '../../proxy/routes/login'
export { sessionRoute } from '../../proxy/routes/session'
export { createJar } from '../../proxy/session/jar'
export { createLedger } from '../../proxy/session/ledger'
export { createMemoryStore } from '../../proxy/session/memory-store'
export { createRefresher } from '../../proxy/session/refresher'
export { openSession } from '../../proxy/session/session'
export { StoreAway } from '../../proxy/session/store'

export type System = typeof import('./system')
