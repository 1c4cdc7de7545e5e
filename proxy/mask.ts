/** What must not be seen is covered in a body as it passes. */

export interface Mask {
  /** The bytes that may go now. A tail that could be the secret's beginning waits for what follows. */
  pass(bytes: Uint8Array): Uint8Array
  /** What waited, once nothing follows. */
  rest(): Uint8Array
}

const nothing: Uint8Array = new Uint8Array()

/** What `endOf` says where the secret does not stand, and where that is still open. */
const none = -1
const open = -2

const percent = '%'.charCodeAt(0)
const backslash = '\\'.charCodeAt(0)

/** Every byte in the ways in which servers write it and decoders in browsers read it. */
const spellings = Array.from({ length: 256 }, (_, byte) => spellingsOf(byte))

/** Whether a text shows the secret, each of its characters in any spelling. */
export function shows(text: string, secret: string): boolean {
  const bytes = bytesOf(text)
  const hidden = bytesOf(secret)
  return bytes.some((_, start) => endOf(bytes, start, hidden, true) !== none)
}

/** Covers a secret with as many asterisks: the length of a body stays what its header says. */
export function createMask(secret: string): Mask {
  const hidden = bytesOf(secret)
  const pairs = pairsIn(hidden)
  const cover = coverFor(secret)
  let held = nothing

  function pass(bytes: Uint8Array, isLast: boolean): Uint8Array {
    let shown = bytes
    let known = 0
    let start = 0
    while (start < shown.length) {
      const last = Math.min(start + hidden.length, shown.length) - 1
      const possible = possibleStart(shown, Math.max(start, known), last, pairs)
      // No pair is looked at twice, or an API could make every step as long as the secret.
      known = Math.max(known, last)
      if (possible !== none) {
        start = possible
        continue
      }
      const end = endOf(shown, start, hidden, isLast)
      if (end === open) break
      if (end !== none) {
        // The bytes are somebody else's.
        if (shown === bytes) shown = shown.slice()
        shown.fill(cover, start, end)
      }
      start = end === none ? start + 1 : end
    }
    held = shown.slice(start)
    return shown.subarray(0, start)
  }

  return {
    pass: (bytes) => (hidden.length === 0 ? bytes : pass(joined(held, bytes), false)),
    rest: () => pass(held, true),
  }
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** Itself, in a URL or a form, and in JSON, where servers differ in what they escape. */
function spellingsOf(byte: number): Uint8Array[] {
  const char = String.fromCharCode(byte)
  const lower = byte.toString(16).padStart(2, '0')
  const escapes = [lower, lower.toUpperCase()].flatMap((hex) => [`%${hex}`, `\\u00${hex}`])
  if ('"/\\'.includes(char)) escapes.push(`\\${char}`)
  if (char === ' ') escapes.push('+')
  return [Uint8Array.of(byte), ...[...new Set(escapes)].map(bytesOf)]
}

/** A byte that is in no spelling of the secret: what is covered must not be part of another one. */
function coverFor(secret: string): number {
  return (['*', ' ', '-', '_', '.'].find((char) => !secret.includes(char)) ?? '\0').charCodeAt(0)
}

/** Which two bytes may stand side by side in the secret, by both as one number. */
function pairsIn(secret: Uint8Array): Uint8Array {
  const pairs = new Uint8Array(1 << 16)
  const allow = (one = 0, other = 0) => (pairs[(one << 8) | other] = 1)
  for (const byte of new Set(secret))
    for (const spelling of waysOf(byte))
      for (let at = 1; at < spelling.length; at++) allow(spelling[at - 1], spelling[at])
  for (let at = 1; at < secret.length; at++)
    for (const before of waysOf(secret[at - 1]))
      for (const after of waysOf(secret[at])) allow(before.at(-1), after[0])
  return pairs
}

function waysOf(byte = 0): readonly Uint8Array[] {
  return spellings[byte] ?? []
}

/**
 * The secret is not shorter than itself, so it is looked for backwards from where it could end first: after
 * two bytes that it never has side by side it begins later. Few bytes of a long body are looked at.
 */
function possibleStart(bytes: Uint8Array, from: number, last: number, pairs: Uint8Array): number {
  for (let at = last; at > from; at--)
    if (pairs[((bytes[at - 1] ?? 0) << 8) | (bytes[at] ?? 0)] === 0) return at
  return none
}

/**
 * Where the secret ends that starts here. A secret with "%" or "\" of its own can be read in two ways;
 * the longer one counts, for half an escape left over would spoil the JSON around it.
 */
function endOf(bytes: Uint8Array, start: number, secret: Uint8Array, isLast: boolean): number {
  const plain = samePlain(bytes, start, secret)
  let places = [start + plain]
  for (let at = plain; at < secret.length && places.length > 0; at++) {
    const next: number[] = []
    for (const place of places)
      for (const spelling of waysOf(secret[at])) {
        const end = place + sameBytes(bytes, place, spelling)
        if (end === place + spelling.length) {
          if (!next.includes(end)) next.push(end)
        } else if (end === bytes.length && !isLast) return open
      }
    places = next
  }
  return Math.max(none, ...places)
}

/** How far it stands there unescaped and can be read in one way only: what an API can repeat most cheaply. */
function samePlain(bytes: Uint8Array, start: number, secret: Uint8Array): number {
  let count = 0
  while (count < secret.length && bytes[start + count] === secret[count]) {
    if (secret[count] === percent || secret[count] === backslash) break
    count++
  }
  return count
}

/** How many bytes from this place on are those of the spelling. */
function sameBytes(bytes: Uint8Array, place: number, spelling: Uint8Array): number {
  let count = 0
  while (count < spelling.length && bytes[place + count] === spelling[count]) count++
  return count
}

function joined(before: Uint8Array, after: Uint8Array): Uint8Array {
  if (before.length === 0) return after
  const both = new Uint8Array(before.length + after.length)
  both.set(before)
  both.set(after, before.length)
  return both
}
