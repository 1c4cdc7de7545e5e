import { groupsOf, ipv4In } from './ip-address'

/**
 * The network an address belongs to: whoever has one IPv6 address has a /64 of them, and an IPv4
 * address may come written as IPv6.
 */
export function networkOf(address: string): string {
  const groups = groupsOf(address)
  if (!groups) return address
  return (
    ipv4In(groups) ??
    groups
      .slice(0, 4)
      .map((group) => group.toString(16))
      .join(':')
  )
}
