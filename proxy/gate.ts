import type { MiddlewareHandler } from 'hono'
import { AppError } from '../shared/failure'
import type { Config } from './config'
import type { Parts, ProxyEnv } from './parts'
import { openTicket, takeTicket, usedTicketKey } from './session/tickets'

/**
 * Lets in what the app itself sends: our own header, which no form or image can carry, and neither
 * `Sec-Fetch-Site` nor `Origin` of another site. Refuses with `csrf` before anything happens. A header
 * that came twice is none of the values we know.
 */
export function fromTheApp(config: Config): MiddlewareHandler<ProxyEnv> {
  return async (c, next) => {
    if (!carriesOurHeader(c.req.raw, config)) throw new AppError('csrf')
    await next()
  }
}

function carriesOurHeader({ headers }: Request, config: Config): boolean {
  const site = headers.get('sec-fetch-site')
  const isNear =
    site === null ||
    site === 'same-origin' ||
    // A program's call, or an extension's: no page can send it together with our header.
    site === 'none' ||
    (site === 'same-site' && headers.get('origin') === config.webOrigin)
  return headers.get('x-latchkey') === '1' && isNear && hasOwnOrigin(headers, config)
}

function hasOwnOrigin(headers: Headers, { publicOrigin, webOrigin }: Config): boolean {
  const origin = headers.get('origin')
  return origin === null || origin === publicOrigin || origin === webOrigin
}

/**
 * Lets a person's navigation through: a login may be linked from anywhere, but a browser that only
 * prepares for a click, or loads it as a part of a page, changes nothing.
 */
export function byNavigation(): MiddlewareHandler<ProxyEnv> {
  return async (c, next) => {
    if (isAhead(c.req.raw)) throw new AppError('prefetch_refused')
    const destination = c.req.header('sec-fetch-dest')
    if (destination !== undefined && destination !== 'document') throw new AppError('csrf')
    // A WebSocket's handshake is a GET that any page may send, and browsers tell nothing of its kind.
    if (c.req.header('upgrade')?.toLowerCase() === 'websocket') throw new AppError('csrf')
    await next()
  }
}

/** Whether a browser only prepares for a click that may never come. */
function isAhead({ headers }: Request): boolean {
  return ['sec-purpose', 'purpose', 'x-purpose', 'x-moz'].some((name) =>
    /prefetch|prerender|preview/i.test(headers.get(name) ?? ''),
  )
}

/** Nothing here is ever the script of a service worker, which would sit between the app and us. */
export function noWorkers(): MiddlewareHandler<ProxyEnv> {
  return async (c, next) => {
    if (isForWorker(c.req.raw)) throw new AppError('csrf')
    await next()
  }
}

/** The header is of Service Workers §"Update". */
function isForWorker({ headers }: Request): boolean {
  return headers.has('service-worker') || headers.get('sec-fetch-dest') === 'serviceworker'
}

/** How a page asks where it cannot add a header: every value as browsers write them, none left out. */
interface Manner {
  site: string
  mode: string
  dest: readonly string[]
  origin: readonly (string | null)[]
  accept?: string
}

/**
 * What an API may be asked without our header. A script of another origin can make none of these:
 * `same-origin` is the browser's word, and so is the `Origin` of a sibling.
 */
function manners({ publicOrigin, webOrigin }: Config): readonly Manner[] {
  const events = { mode: 'cors', dest: ['empty'], accept: 'text/event-stream' }
  return [
    { ...events, site: 'same-origin', origin: [null, publicOrigin] },
    // A link; one with the attribute `download` is for no document in Chromium.
    { site: 'same-origin', mode: 'navigate', dest: ['document', 'empty'], origin: [null] },
    ...(webOrigin === publicOrigin ? [] : [{ ...events, site: 'same-site', origin: [webOrigin] }]),
  ]
}

function isIn(manner: Manner, { headers }: Request): boolean {
  return (
    headers.get('sec-fetch-site') === manner.site &&
    headers.get('sec-fetch-mode') === manner.mode &&
    manner.dest.includes(headers.get('sec-fetch-dest') ?? '') &&
    manner.origin.includes(headers.get('origin')) &&
    (manner.accept === undefined || headers.get('accept') === manner.accept)
  )
}

/**
 * The gate of an API: our header, or a GET in one of the manners of a page that cannot send it, or one
 * with a ticket. A ticket leaves the address before anybody else reads it; `redeemed` uses it up.
 */
export function towardsApi({ config, seal }: Parts): MiddlewareHandler<ProxyEnv> {
  const known = manners(config)
  return async (c, next) => {
    const { raw } = c.req
    const { asked, sealed } = takeTicket(new URL(raw.url))
    c.set('asked', asked)
    if (!carriesOurHeader(raw, config)) {
      if (raw.method !== 'GET' || raw.headers.has('x-latchkey') || isAhead(raw))
        throw new AppError('csrf')
      if (!known.some((manner) => isIn(manner, raw))) {
        const mayShow = raw.headers.get('sec-fetch-site') !== 'cross-site'
        const ticket =
          sealed !== undefined && mayShow && hasOwnOrigin(raw.headers, config)
            ? await openTicket(c.req.param('provider') ?? '', sealed, asked, seal)
            : undefined
        if (!ticket) throw new AppError('csrf')
        c.set('ticket', ticket)
      }
    }
    await next()
  }
}

/** Uses the ticket up, if the request came by one: in the browser of its sign-in, and once. */
export function redeemed({ ledger }: Parts): MiddlewareHandler<ProxyEnv> {
  return async (c, next) => {
    const ticket = c.get('ticket')
    if (ticket) {
      const signIn = c.get('session').find(c.get('offer').provider.id)
      // Longer than it lives, for the clocks of two processes.
      if (
        signIn?.seat !== ticket.seat ||
        !(await ledger.useOnce(usedTicketKey(ticket), ticket.until + 60_000))
      )
        throw new AppError('csrf')
    }
    await next()
  }
}
