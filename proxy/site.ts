import { getDomain } from 'tldts'

/**
 * Whether browsers hold two origins to be of one site (RFC 6265bis §5.2): one scheme, one registrable
 * domain. Public suffixes count as browsers count them: two hosts of pages.dev are two sites.
 */
export function sameSite(one: string, other: string): boolean {
  if (one === other) return true
  const [a, b] = [new URL(one), new URL(other)]
  if (a.protocol !== b.protocol) return false
  if (a.hostname === b.hostname) return true
  const domain = getDomain(a.hostname, { allowPrivateDomains: true })
  return domain !== null && domain === getDomain(b.hostname, { allowPrivateDomains: true })
}
