import { isIP } from 'node:net'

/**
 * The address of whoever sent a request through this many proxies of ours, each of which added the
 * address it was called from at the end of `X-Forwarded-For`. What stands further left came with the
 * request and is not believed; without proxies nothing of it is.
 */
export function clientAddress(
  peer: string | undefined,
  forwardedFor: string | null | undefined,
  trustedProxies: number,
): string | undefined {
  if (trustedProxies === 0) return peer
  const added = (forwardedFor ?? '').split(',').slice(-trustedProxies)
  // Fewer than there are proxies: the request took a shorter way, whose first is the furthest known.
  return addressIn(added[0] ?? '') ?? peer
}

/** Characters of the longest address, with a port and some blanks. */
const longest = 80

/** An address, which some proxies write with its port. */
function addressIn(entry: string): string | undefined {
  // The pattern takes its time for what is long.
  if (entry.length > longest) return undefined
  const [, bare] = /^\s*\[?(.*?)\]?(?:(?<=\]|^[\s\d.]*):\d+)?\s*$/.exec(entry) ?? []
  return bare !== undefined && isIP(bare) !== 0 ? bare : undefined
}
