import { groupsOf, ipv4In } from './ip-address'

/** Where clouds tell their machines who they are, beside the link-local addresses. */
const elsewhere = [
  'metadata',
  'metadata.google.internal',
  'metadata.goog',
  'instance-data',
  'instance-data.ec2.internal',
  '100.100.100.200', // Alibaba Cloud
  '168.63.129.16', // Azure's host
  '192.0.0.192', // Oracle Cloud
  '[fd00:ec2::254]', // Amazon EC2
  '[fd20:ce::254]', // Google Cloud
]

/**
 * Whether a host, as `URL` writes it, is one that hands out a machine's own credentials, or any other
 * on the same link (RFC 3927, RFC 4291 §2.5.6): no provider lives there. Decimal, octal and hexadecimal
 * spellings are none any more in a parsed URL. What a name resolves to is not known here.
 */
export function isMetadataHost(hostname: string): boolean {
  const host = hostname.toLowerCase().replace(/\.$/, '')
  if (elsewhere.includes(host)) return true
  const groups = host.startsWith('[') ? groupsOf(host.slice(1, -1)) : undefined
  const v4 = groups ? ipv4In(groups) : host
  if (v4 !== undefined) return v4.startsWith('169.254.') || elsewhere.includes(v4)
  return ((groups?.[0] ?? 0) & 0xffc0) === 0xfe80
}
