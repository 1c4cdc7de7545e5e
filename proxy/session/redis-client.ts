import { isIP } from 'node:net'
import { Cluster, Redis, type RedisOptions } from 'ioredis'
import type { Secret } from '../../shared/secret'
import { addressIn } from './ledger-url'
import { StoreAway } from './store'

export interface ConnectOptions {
  /** Milliseconds that connecting may take. */
  limit: number
  /** Vouches for the server's certificate, PEM; Node's own list unless stated. */
  ca?: string | undefined
  /** Milliseconds until the next attempt, asked after each that failed. */
  nextPause: () => number
}

/** A client that connects, again and again, and never sends a command twice. */
export function connect(url: Secret, options: ConnectOptions): Redis | Cluster {
  const { limit, ca, nextPause } = options
  const address = addressIn(url.reveal())
  if (!address) throw new StoreAway('no address')
  const { nodes, isCluster, isTls, username, password, db } = address
  const tls = ca === undefined ? {} : { ca }
  const common = {
    ...(username === undefined ? {} : { username }),
    ...(password ? { password: password.reveal() } : {}),
    protocol: 2,
    // Asked by our own first look, which needs no permission for INFO.
    enableReadyCheck: false,
    disableClientInfo: true,
    connectTimeout: limit,
    // Two operations without an answer: the connection may be gone and nobody told us.
    socketTimeout: 2 * limit,
    // A swap that is sent twice finds its own value, and its sender would believe that it lost.
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
  } satisfies RedisOptions
  if (isCluster)
    return new Cluster([...nodes], {
      redisOptions: { ...common, ...(isTls ? { tls } : {}) },
      clusterRetryStrategy: nextPause,
      retryDelayOnFailover: 0,
      slotsRefreshTimeout: limit,
      slotsRefreshInterval: 10_000,
      // Names stay names, for the certificates.
      dnsLookup: (name, found) => {
        found(null, name)
      },
    })
  const [node] = nodes
  return new Redis({
    ...common,
    ...node,
    ...(isTls ? { tls: { ...tls, ...namedFor(node?.host) } } : {}),
    db,
    enableOfflineQueue: false,
    retryStrategy: nextPause,
  })
}

/** Hosted Redis tells its customers apart by the name asked for; an address is no such name (RFC 6066 §3). */
function namedFor(host = ''): { servername?: string } {
  return isIP(host) === 0 ? { servername: host } : {}
}

/**
 * The pauses between attempts to connect: 50 ms doubling to 2 s, of which half is chance. They start
 * anew when Redis has answered: what only takes the connection and drops it is not back.
 */
export function createBackOff() {
  let attempts = 0
  return {
    next: () => {
      attempts += 1
      const longest = Math.min(2_000, 50 * 2 ** Math.min(attempts, 10))
      return Math.max(50, longest * (0.5 + Math.random() / 2))
    },
    reset: () => void (attempts = 0),
  }
}
