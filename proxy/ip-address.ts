/** The eight groups of an IPv6 address, or undefined where it is none (RFC 4291 §2.2). */
export function groupsOf(address: string): number[] | undefined {
  const text = address.replace(/%.*$/, '').replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, asTwoGroups)
  const halves = text.split('::')
  if (!text.includes(':') || halves.length > 2) return undefined
  const [front = [], back = []] = halves.map((half) => (half === '' ? [] : half.split(':')))
  const missing = 8 - front.length - back.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined
  const groups = [...front, ...Array<string>(missing).fill('0'), ...back]
  return groups.every((group) => /^[\da-f]{1,4}$/i.test(group))
    ? groups.map((group) => parseInt(group, 16))
    : undefined
}

/**
 * The IPv4 address that an IPv6 address stands for: mapped (RFC 4291 §2.5.5), or translated on its way
 * (RFC 6052 §2.1).
 */
export function ipv4In(groups: readonly number[]): string | undefined {
  const [a, b, c, d, e, f, high = 0, low = 0] = groups
  const isMapped = !a && !b && !c && !d && !e && (f === 0xffff || (f === 0 && high !== 0))
  const isTranslated = a === 0x64 && b === 0xff9b && !c && !d && !e && !f
  if (!isMapped && !isTranslated) return undefined
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

function asTwoGroups(_text: string, ...bytes: string[]): string {
  const [a = 0, b = 0, c = 0, d = 0] = bytes.slice(0, 4).map(Number)
  if ([a, b, c, d].some((byte) => byte > 255)) return 'none'
  return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
}
