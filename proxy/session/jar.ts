import { serialize } from 'hono/utils/cookie'

/** Bytes of name and value together that every browser keeps (RFC 6265bis §5.6). */
const pieceLimit = 4096
/** Pieces one value may be cut into; more would not fit into a request's headers beside the others. */
const mostPieces = 6

/** The cookies of one request and the changes its answer makes to them. */
export interface Jar {
  /** Names present in the request, pieces under the name they belong to. */
  readonly names: ReadonlySet<string>
  get(name: string): string | undefined
  /** False when the value is too large to keep. */
  set(name: string, value: string, options: { sameSite: 'Strict' | 'Lax'; maxAge: number }): boolean
  delete(name: string): void
  /** One Set-Cookie line per change, in order. */
  changes(): string[]
}

/**
 * Reads a Cookie header. A name given twice is left out: somebody else set one of them (cookie tossing).
 * With https, every name carries `__Host-`, which only this origin can set (RFC 6265bis §4.1.3.2).
 */
export function createJar(header: string | undefined, secure: boolean): Jar {
  const prefix = secure ? '__Host-' : ''
  const pairs = readPairs(header)
  const names = new Set(
    [...pairs.keys()]
      .filter((name) => name.startsWith(prefix))
      .map((name) => name.slice(prefix.length).replace(/\.\d$/, '')),
  )
  const changes = new Map<string, string>()

  const write = (piece: string, value: string, sameSite: 'Strict' | 'Lax', maxAge: number) =>
    changes.set(
      piece,
      serialize(prefix + piece, value, {
        path: '/',
        httpOnly: true,
        secure,
        sameSite,
        maxAge,
      }),
    )
  const remove = (piece: string) => write(piece, '', 'Strict', 0)
  const isPresent = (piece: string) => pairs.has(prefix + piece)
  const piecesOf = (name: string) => [
    name,
    ...Array.from({ length: mostPieces }, (_, index) => `${name}.${index}`),
  ]

  return {
    names,
    get(name) {
      const whole = pairs.get(prefix + name)
      if (whole !== undefined) return whole
      let value = ''
      for (let index = 0; index < mostPieces; index++) {
        const piece = pairs.get(`${prefix}${name}.${index}`)
        if (piece === undefined) break
        value += piece
      }
      return value === '' ? undefined : value
    },
    set(name, value, { sameSite, maxAge }) {
      const size = pieceLimit - prefix.length - name.length - 2
      const count = Math.ceil(value.length / size)
      if (count > mostPieces) return false
      const pieces = count === 1 ? [name] : Array.from({ length: count }, (_, i) => `${name}.${i}`)
      for (const piece of piecesOf(name)) changes.delete(piece)
      pieces.forEach((piece, index) => {
        write(piece, value.slice(index * size, (index + 1) * size), sameSite, maxAge)
      })
      // A value that shrank leaves no piece of the longer one behind.
      for (const piece of piecesOf(name))
        if (!pieces.includes(piece) && isPresent(piece)) remove(piece)
      return true
    },
    delete(name) {
      for (const piece of piecesOf(name)) {
        changes.delete(piece)
        if (isPresent(piece)) remove(piece)
      }
    },
    changes: () => [...changes.values()],
  }
}

function readPairs(header: string | undefined): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>()
  const twice = new Set<string>()
  for (const pair of header?.split(';') ?? []) {
    // Only blank and tab are white space here: a no-break space is part of a (foreign) name.
    const match = /^[ \t]*([\w.-]+)=([\w.-]*)[ \t]*$/.exec(pair)
    if (!match) continue
    const [, name = '', value = ''] = match
    if (pairs.has(name)) twice.add(name)
    pairs.set(name, value)
  }
  for (const name of twice) pairs.delete(name)
  return pairs
}
