import { Secret } from '../../shared/secret'
import type { Faults } from '../faults'

const variable = 'LEDGER_URL'

/** What an address of the shared ledger says. */
export interface RedisAddress {
  /** One, or the nodes of a Cluster that are asked for the others. */
  nodes: readonly { host: string; port: number }[]
  isCluster: boolean
  isTls: boolean
  username: string | undefined
  password: Secret | undefined
  db: number
}

/**
 * Reads `LEDGER_URL`; undefined where it is unset or faulty. Where the runtime cannot open a
 * connection to a database, it must be unset: two instances would believe that they share a ledger.
 */
export function readLedgerUrl(faults: Faults, isReachable: boolean): Secret | undefined {
  const url = faults.value(variable)
  if (url === undefined) return undefined
  if (!isReachable)
    faults.add(variable, 'is of no use here: this runtime cannot connect to Redis; leave it empty')
  else if (!addressIn(url))
    faults.add(
      variable,
      'is not the address of a Redis; write it as redis://host:port, or with TLS as rediss://user:password@host:port, user and password percent-encoded',
    )
  return new Secret(url)
}

const shape = /^(rediss?):\/\/(?:([^/?#]*)@)?([^/?#@]+)(?:\/(\d{0,4}))?(\?cluster=1)?$/i

/**
 * `redis://[[name]:password@]host[:port][,host[:port]…][/db][?cluster=1]`, `rediss:` with TLS. More
 * than one host, or `cluster=1`, is a Redis Cluster. Undefined for anything else.
 */
export function addressIn(url: string): RedisAddress | undefined {
  const [, scheme, credentials, hosts = '', db = '', cluster] = shape.exec(url) ?? []
  if (scheme === undefined) return undefined
  const nodes = hosts.split(',').map(nodeIn)
  const [username, password] = credentialsIn(credentials)
  const isCluster = cluster !== undefined || nodes.length > 1
  // A Cluster has no database but the first.
  if (isCluster && Number(db) > 0) return undefined
  if (credentials !== undefined && password === undefined) return undefined
  if (!nodes.every((node) => node !== undefined)) return undefined
  return {
    nodes,
    isCluster,
    isTls: scheme.toLowerCase() === 'rediss',
    username,
    password,
    db: Number(db),
  }
}

function nodeIn(host: string): { host: string; port: number } | undefined {
  if (!URL.canParse(`redis://${host}`)) return undefined
  const { hostname, port } = new URL(`redis://${host}`)
  if (hostname === '') return undefined
  return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? 6379 : Number(port) }
}

function credentialsIn(text = ''): [string | undefined, Secret | undefined] {
  const [, name = '', password = ''] = /^([^:]*):(.+)$/s.exec(text) ?? []
  try {
    return password === ''
      ? [undefined, undefined]
      : [decodeURIComponent(name) || undefined, new Secret(decodeURIComponent(password))]
  } catch {
    // A "%" that encodes nothing.
    return [undefined, undefined]
  }
}
