/** What the protocol needs from its surroundings; handed in by the entry, never global. */
export interface Ports {
  fetch: typeof fetch
  /** Milliseconds since the epoch. */
  now: () => number
  /** Milliseconds a provider may take for a whole call. 10 s unless stated. */
  timeLimit?: number
}
