import type { Ports } from '../../../shared/oauth/ports'
import type { Keep } from './keep'

/** Web Locks, as far as we use them: one holder at a time over all tabs of this browser. */
export interface Locks {
  request: <T>(name: string, run: () => Promise<T>) => Promise<T>
}

/** What browser custody stands on; handed in, so that tests can stand two tabs on one store. */
export interface Parts extends Ports {
  keep: Keep
  locks: Locks
}
