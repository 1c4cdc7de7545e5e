import type { AppError } from '../shared/failure'
import type { Ports } from '../shared/oauth/ports'
import type { BodyWaits } from './body-limit'
import type { Config } from './config'
import type { HeaderSize } from './header-limits'
import type { Log } from './log'
import type { Offer } from './registration'
import type { Jar } from './session/jar'
import type { Ledger } from './session/ledger'
import type { Refresher } from './session/refresher'
import type { Seal } from './session/seal'
import type { Session } from './session/session'
import type { Ticket } from './session/tickets'
import type { Throttle } from './throttle'
import type { Limits, Upstream } from './upstream'

/** What the routes are made of; put together once, in `app.ts`. */
export interface Parts {
  config: Config
  ports: Ports & Required<Pick<Ports, 'sleep'>>
  upstream: Upstream
  limits: Limits
  log: Log
  seal: Seal
  ledger: Ledger
  refresher: Refresher
  throttle: Throttle
  /** How long our own bodies may take; as usual unless stated. */
  bodyWaits?: BodyWaits | undefined
}

/** What a runtime's entry tells about one request. */
export interface Arrival {
  /** The network address the request came from. */
  address?: string | undefined
  /** Bytes of its head, where the entry has counted them. */
  size?: HeaderSize | undefined
  /** Keeps the runtime alive until the work is done, after the answer or after the browser has gone. */
  keepAlive?: ((work: Promise<unknown>) => void) | undefined
}

/** Hono's types for our routes. */
export interface ProxyEnv {
  Bindings: Arrival
  Variables: {
    arrival: Arrival
    jar: Jar
    session: Session
    offer: Offer
    requestId: string
    /** What a call to an API asks for: the request's address without its ticket. */
    asked: URL
    /** By which a request without our header came. */
    ticket: Ticket | undefined
    /** What the request failed with, for the log. */
    failure: AppError | undefined
  }
}
