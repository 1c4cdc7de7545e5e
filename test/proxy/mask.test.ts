import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createMask, shows } from '../../proxy/mask'

const bytesOf = (text: string) => new TextEncoder().encode(text)
const textOf = (bytes: Uint8Array) => new TextDecoder('latin1').decode(bytes)

/** Each piece as it comes out, and last what had waited. */
function passed(secret: string, pieces: readonly string[]): string[] {
  const mask = createMask(secret)
  return [...pieces.map((piece) => textOf(mask.pass(bytesOf(piece)))), textOf(mask.rest())]
}

/** The text in pieces, cut at these places. */
function cut(text: string, places: readonly number[]): string[] {
  const sorted = [0, ...places.map((place) => place % (text.length + 1)), text.length].sort(
    (one, other) => one - other,
  )
  return sorted.slice(1).map((end, at) => text.slice(sorted[at], end))
}

describe('a secret in a body', () => {
  test.each([
    [['before tok123 after'], ['before ****** after', '']],
    [['tok123'], ['******', '']],
    [['tok123tok123'], ['************', '']],
    [
      ['to', 'k1', '23'],
      ['', '', '******', ''],
    ],
    [
      ['a to', 'ad'],
      ['a ', 'toad', ''],
    ],
    [
      ['totok', '123'],
      ['to', '******', ''],
    ],
    [['tok12'], ['', 'tok12']],
    [
      ['data: tok123\n\n', 'data: tok\n\n'],
      ['data: ******\n\n', 'data: tok\n\n', ''],
    ],
  ])('%j is covered: %j', (pieces, wanted) => {
    expect(passed('tok123', pieces)).toEqual(wanted)
  })

  test('is covered in the ways in which servers write it', () => {
    expect(passed('a/b+c=', ['"a\\/b+c=" a%2Fb%2Bc%3D a/b+c=']).join('')).toBe(
      '"*******" ************ ******',
    )
    expect(shows('x a\\/b+c= x', 'a/b+c=')).toBe(true)
    expect(shows('x a%2Fb%2Bc%3D x', 'a/b+c=')).toBe(true)
    expect(shows('x a/b+c x', 'a/b+c=')).toBe(false)
  })

  test('never gets through, however it is cut, and however often it is there', () => {
    const secret = fc.stringMatching(/^[ab/*+]{2,6}$/)
    const words = fc.array(fc.constantFrom('SECRET', 'PART', 'a', 'b', 'ab', '/', '*', ' ', '\n'), {
      maxLength: 30,
    })
    fc.assert(
      fc.property(secret, words, fc.array(fc.nat(), { maxLength: 12 }), (hidden, text, places) => {
        const body = text
          .join('')
          .replaceAll('SECRET', hidden)
          .replaceAll('PART', hidden.slice(0, -1))
        const shown = passed(hidden, cut(body, places)).join('')
        expect(shown).not.toContain(hidden)
        expect(shown).toHaveLength(body.length)
      }),
      { numRuns: 20_000 },
    )
  })

  test('that is not there changes no byte, and waits for none that is not its own', () => {
    const any = fc
      .array(fc.constantFrom(90, 90, 90, 0, 10, 255), { maxLength: 300 })
      .map((bytes) => Uint8Array.from(bytes))
    fc.assert(
      fc.property(fc.array(any, { maxLength: 8 }), (pieces) => {
        const hidden = 'Z'.repeat(400)
        const mask = createMask(hidden)
        let there = 0
        let back = 0
        const shown = pieces.map((piece) => {
          const out = Buffer.from(mask.pass(piece))
          there += piece.length
          back += out.length
          // Only what the secret begins with is held.
          const last = Buffer.concat(pieces).subarray(back, there)
          expect(last.every((byte) => byte === 'Z'.charCodeAt(0))).toBe(true)
          return out
        })
        expect(Buffer.concat([...shown, mask.rest()]).equals(Buffer.concat(pieces))).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })

  test('is covered in a copy: the bytes that were handed in stay as they are', () => {
    const bytes = bytesOf('x tok123 y')
    createMask('tok123').pass(bytes)
    expect(textOf(bytes)).toBe('x tok123 y')
  })
})
