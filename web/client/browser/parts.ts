import type { Ports } from '../../../shared/oauth/ports'
import type { Keep } from './keep'
import type { Locks } from './locks'

/** What browser custody stands on; handed in, so that tests can stand two tabs on one store. */
export interface Parts extends Ports {
  keep: Keep
  locks: Locks
  /** Resolves once `now` can be relied on, even after the machine's clock was set. */
  settle: () => Promise<void>
  /** Told of every account that was stored or removed. */
  changed: () => void
  /** False only where nothing can have left this machine. */
  isOnline: () => boolean
}
