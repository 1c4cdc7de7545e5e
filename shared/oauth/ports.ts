/** Milliseconds a provider may take for a whole call. */
export const callLimit = 10_000

/** What the protocol needs from its surroundings; handed in by the entry, never global. */
export interface Ports {
  fetch: typeof fetch
  /** Milliseconds since the epoch. */
  now: () => number
  /** Milliseconds a provider may take for a whole call; `callLimit` unless stated, and never more. */
  timeLimit?: number
  /** Waits this many milliseconds. By `setTimeout` unless stated. */
  sleep?: (ms: number) => Promise<void>
  /** What stands between a call and the provider. The call is sent at once unless stated. */
  convey?: Convey
}

/** What a request is sent to. */
export interface Endpoint {
  /** The address without its query, and the grant type where one is asked for. */
  name: string
  /** A person's own token vouches for the call, so that a limit that it meets is that person's. */
  isPersonal: boolean
}

/**
 * Carries out `send`, one request to this endpoint, and answers what it answers. It may wait first,
 * send again what has not left, or throw `NotSent` in its place. All within `signal`.
 */
export type Convey = <T>(
  endpoint: Endpoint,
  send: () => Promise<T>,
  signal: AbortSignal,
) => Promise<T>

/** Waits in real time: what `Ports.sleep` does unless stated. */
export async function sleep(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms))
}
