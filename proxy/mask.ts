/** What must not be seen is covered in a body as it passes. */

export interface Mask {
  /** The bytes that may go now. A tail that could be the secret's beginning waits for what follows. */
  pass(bytes: Uint8Array): Uint8Array
  /** What waited, once nothing follows. */
  rest(): Uint8Array
}

const nothing: Uint8Array = new Uint8Array()

/** Whether a text shows the secret, in any of the ways in which servers write one. */
export function shows(text: string, secret: string): boolean {
  return writingsOf(secret).some((writing) => text.includes(writing))
}

/** Covers a secret with as many asterisks: the length of a body stays what its header says. */
export function createMask(secret: string): Mask {
  const masks = writingsOf(secret).map(createMaskOf)
  return {
    pass: (bytes) => masks.reduce<Uint8Array>((left, mask) => mask.pass(left), bytes),
    rest: () =>
      masks.reduce<Uint8Array>((left, mask) => joined(mask.pass(left), mask.rest()), nothing),
  }
}

/** As it is, in a URL, and in the JSON of servers that write "/" as "\/", as PHP does. */
function writingsOf(secret: string): string[] {
  return [...new Set([secret, encodeURIComponent(secret), secret.replaceAll('/', '\\/')])]
}

function createMaskOf(text: string): Mask {
  const secret = new TextEncoder().encode(text)
  const cover = (text.includes('*') ? ' ' : '*').charCodeAt(0)
  const steps = stepsOf(secret)
  let held = nothing
  return {
    pass(bytes) {
      if (secret.length === 0) return bytes
      let shown = joined(held, bytes)
      let end = 0
      for (let at = find(shown, secret, steps, 0); at >= 0; at = find(shown, secret, steps, end)) {
        // The bytes are somebody else's.
        if (end === 0) shown = shown.slice()
        end = at + secret.length
        shown.fill(cover, at, end)
      }
      const whole = shown.length - beginningAtEnd(shown, end, secret)
      held = shown.slice(whole)
      return shown.subarray(0, whole)
    },
    rest() {
      const last = held
      held = nothing
      return last
    },
  }
}

function joined(before: Uint8Array, after: Uint8Array): Uint8Array {
  if (before.length === 0) return after
  const both = new Uint8Array(before.length + after.length)
  both.set(before)
  both.set(after, before.length)
  return both
}

/** By its last byte, how far a search may go on: Horspool's table. It looks at few bytes of a long body. */
function stepsOf(secret: Uint8Array): Uint32Array {
  const steps = new Uint32Array(256).fill(secret.length)
  secret.subarray(0, -1).forEach((byte, at) => (steps[byte] = secret.length - 1 - at))
  return steps
}

function find(bytes: Uint8Array, secret: Uint8Array, steps: Uint32Array, from: number): number {
  const last = secret.length - 1
  for (let end = from + last; end < bytes.length; end += steps[bytes[end] ?? 0] ?? 1) {
    let at = last
    while (at >= 0 && bytes[end - last + at] === secret[at]) at--
    if (at < 0) return end - last
  }
  return -1
}

/** How many bytes at the end are those with which the secret begins. */
function beginningAtEnd(bytes: Uint8Array, from: number, secret: Uint8Array): number {
  let start = Math.max(from, bytes.length - secret.length + 1)
  for (; start < bytes.length; start++) {
    let at = start
    while (at < bytes.length && bytes[at] === secret[at - start]) at++
    if (at === bytes.length) break
  }
  return bytes.length - start
}
