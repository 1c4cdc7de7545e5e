import type { Ports } from '../../../shared/oauth/ports'
import type { Keep } from './keep'
import type { Locks } from './locks'

/** What browser custody stands on; handed in, so that tests can stand two tabs on one store. */
export interface Parts extends Ports {
  keep: Keep
  locks: Locks
}
