/** The spellings under which a secret is looked for, beside those that `readingsOf` undoes. */
export function spellingsOf(secret: string): string[] {
  return [
    secret,
    Array.from(secret).reverse().join(''),
    Buffer.from(secret).toString('hex'),
    // A JWT's signature alone is enough to know it by.
    ...secret.split('.').filter((part) => part.length >= 40),
  ]
}

/** A text as it stands, and as it reads with percent-encoding, JSON escapes and base64 undone, twice over. */
export function readingsOf(text: string): string[] {
  const once = [text, ...undone(text)]
  return [...once, ...once.slice(1).flatMap(undone)]
}

function undone(text: string): string[] {
  return [
    ...(/%[0-9a-f]{2}/i.test(text) ? [percentDecoded(text)] : []),
    ...(text.includes('\\') ? [text.replaceAll(/\\(?=["/\\])/g, '')] : []),
    ...(text.match(/[\w+/-]{12,}/g) ?? []).flatMap(base64Decoded),
  ]
}

function percentDecoded(text: string): string {
  return text.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
}

/** Read from each of the four places where a group of base64 may begin. */
function base64Decoded(run: string): string[] {
  return [0, 1, 2, 3].map((from) => Buffer.from(run.slice(from), 'base64').toString('latin1'))
}
