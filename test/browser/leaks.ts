/** Searches what was written down for what must never be in it, however it is written. */

/** Something that was seen, and where. */
export interface Seen {
  where: string
  text: string
}

/** How deep encodings are undone: a token in base64 in a percent-encoded parameter is two. */
const depth = 3

/**
 * Where one of the secrets stands: as it is, or in base64, base64url, hexadecimal, percent-encoding or
 * JSON's escapes. The end of a long secret is a leak as well as the whole.
 */
export function findLeaks(seen: readonly Seen[], secrets: Iterable<string>): string[] {
  const wanted = [...secrets].flatMap((secret) =>
    secret.length > 40 ? [secret, secret.slice(-20)] : [secret],
  )
  return seen.flatMap(({ where, text }) => {
    const readings = readingsOf(text)
    return [...new Set(wanted)]
      .filter((secret) => readings.some((reading) => reading.includes(secret)))
      .map((secret) => `${secret.slice(0, 12)}… in ${where}`)
  })
}

/** The text, and what it says once its encodings are undone. */
function readingsOf(text: string): string[] {
  const readings = new Set([text])
  let last = [text]
  for (let level = 0; level < depth; level += 1) {
    last = last.flatMap(decoded).filter((reading) => !readings.has(reading))
    last.forEach((reading) => readings.add(reading))
  }
  return [...readings]
}

function decoded(text: string): string[] {
  return [
    text.replace(/(?:%[0-9a-f]{2})+/gi, (run) =>
      Buffer.from(run.replaceAll('%', ''), 'hex').toString('latin1'),
    ),
    text.replace(/\\(?:u([0-9a-f]{4})|([/"\\]))/gi, (_, code?: string, plain?: string) =>
      code === undefined ? (plain ?? '') : String.fromCharCode(Number.parseInt(code, 16)),
    ),
    ...[...text.matchAll(/[0-9a-f]{16,}/gi)].flatMap(([run]) => shifted(run, 2, 'hex')),
    // Node reads both alphabets alike. A run may begin in the middle of a group of four.
    ...[...text.matchAll(/[\w+/-]{12,}/g)].flatMap(([run]) => shifted(run, 4, 'base64')),
  ]
}

/** Decodes a run from each place where a group may begin; keeps what looks like text. */
function shifted(run: string, group: number, encoding: 'hex' | 'base64'): string[] {
  return Array.from({ length: group }, (_, start) =>
    Buffer.from(run.slice(start), encoding).toString('latin1'),
  ).filter((reading) => /[\x20-\x7e]{6}/.test(reading))
}
