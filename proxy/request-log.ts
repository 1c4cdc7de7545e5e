import type { Context, MiddlewareHandler } from 'hono'
import { routePath } from 'hono/route'
import { AppError } from '../shared/failure'
import { traceOf, type Log, type Sender } from './log'
import { networkOf } from './network'
import type { ProxyEnv } from './parts'

interface Needs {
  log: Log
  now: () => number
  isOurs: (path: string) => boolean
}

/**
 * One line per request of ours, when its answer begins, and one wherever we fail. The route is named
 * by its pattern: neither path nor query of a request is ever written.
 */
export function requestLog({ log, now, isOurs }: Needs): MiddlewareHandler<ProxyEnv> {
  return async (c, next) => {
    const begun = now()
    await next()
    const failure = c.get('failure')
    const isFault = failure !== undefined && failure.status >= 500
    if (!isFault && !isOurs(c.req.path)) return
    const { status } = c.res
    c.res.headers.set('x-request-id', c.get('requestId'))
    const offer = c.get('offer') as ProxyEnv['Variables']['offer'] | undefined
    const level = failure?.status === 500 ? 'error' : isFault ? 'warning' : 'info'
    log(level, isFault ? 'request failed' : 'request', {
      request: c.get('requestId'),
      method: c.req.method.slice(0, 16),
      route: routePath(c),
      provider: offer?.provider.id,
      status,
      code: failure?.code,
      ms: Math.max(now() - begun, 0),
      cause: isFault && failure.cause !== undefined ? traceOf(failure.cause) : undefined,
    })
  }
}

/** Which request it was, and from where, for events that tell of a person's account. */
export function senderOf(c: Context<ProxyEnv>): Sender {
  const { address } = c.get('arrival')
  return {
    request: c.get('requestId'),
    network: address === undefined ? undefined : networkOf(address),
  }
}

/** Notes that a sign-in came to nothing, and answers why. */
export function signInFailed(c: Context<ProxyEnv>, error: unknown, log: Log): AppError {
  const failure = error instanceof AppError ? error : new AppError('internal', { cause: error })
  c.set('failure', failure)
  log('info', 'sign-in failed', {
    provider: c.get('offer').provider.id,
    code: failure.code,
    cause: failure.cause === undefined ? undefined : traceOf(failure.cause),
    ...senderOf(c),
  })
  return failure
}
