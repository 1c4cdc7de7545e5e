/**
 * The network an address belongs to: whoever has one IPv6 address has a /64 of them, and an IPv4
 * address may come written as IPv6 (RFC 4291 §2.5.5.2).
 */
export function networkOf(address: string): string {
  const v4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (v4 !== undefined) return v4
  if (!address.includes(':')) return address
  const [head = '', tail = ''] = address.replace(/%.*$/, '').split('::')
  const front = head.split(':').filter(Boolean)
  const back = tail.split(':').filter(Boolean)
  const missing = Math.max(8 - front.length - back.length, 0)
  const zeros = address.includes('::') ? Array<string>(missing).fill('0') : []
  return [...front, ...zeros, ...back]
    .slice(0, 4)
    .map((part) => part.toLowerCase().replace(/^0+(?=.)/, ''))
    .join(':')
}
