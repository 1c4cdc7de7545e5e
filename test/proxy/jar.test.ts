import { describe, expect, test } from 'vitest'
import { createJar } from '../../proxy/session/jar'

const options = { sameSite: 'Strict', maxAge: 3600 } as const

/** The lines of a jar by cookie name, each with its value and attributes. */
function lines(jar: ReturnType<typeof createJar>) {
  return new Map(
    jar.changes().map((line) => {
      const [pair = '', ...attributes] = line.split('; ')
      const at = pair.indexOf('=')
      return [pair.slice(0, at), { value: pair.slice(at + 1), attributes, line }] as const
    }),
  )
}

/** What a browser sends after the answer: every cookie that was set, none that was deleted. */
function headerAfter(before: string, jar: ReturnType<typeof createJar>): string {
  const kept = new Map(
    before
      .split('; ')
      .filter(Boolean)
      .map((pair) => [pair.slice(0, pair.indexOf('=')), pair] as const),
  )
  for (const [name, { value, attributes }] of lines(jar)) {
    if (attributes.includes('Max-Age=0')) kept.delete(name)
    else kept.set(name, `${name}=${value}`)
  }
  return [...kept.values()].join('; ')
}

/** A value whose every place is known, so that a piece that moved is seen. */
const long = (length: number) =>
  Array.from({ length: Math.ceil(length / 6) }, (_, i) => String(i).padStart(6, '0'))
    .join('')
    .slice(0, length)

describe('a cookie is set', () => {
  test('on https with the __Host- prefix, Secure, HttpOnly, Path=/ and no Domain', () => {
    const jar = createJar(undefined, true)
    jar.set('latchkey_x', 'value', options)
    const cookie = lines(jar).get('__Host-latchkey_x')
    expect(cookie?.value).toBe('value')
    expect(cookie?.attributes.sort()).toEqual([
      'HttpOnly',
      'Max-Age=3600',
      'Path=/',
      'SameSite=Strict',
      'Secure',
    ])
    expect(lines(jar).size).toBe(1)
  })

  test('on http without prefix and without Secure, which a browser would refuse there', () => {
    const jar = createJar(undefined, false)
    jar.set('latchkey_x', 'value', { sameSite: 'Lax', maxAge: 600 })
    const cookie = lines(jar).get('latchkey_x')
    expect(cookie?.attributes.sort()).toEqual(['HttpOnly', 'Max-Age=600', 'Path=/', 'SameSite=Lax'])
  })

  test.each([true, false])('and deleted with the same attributes (https: %s)', (secure) => {
    const prefix = secure ? '__Host-' : ''
    const jar = createJar(`${prefix}latchkey_x=value`, secure)
    jar.delete('latchkey_x')
    const cookie = lines(jar).get(`${prefix}latchkey_x`)
    expect(cookie?.value).toBe('')
    expect(cookie?.attributes).toEqual(
      expect.arrayContaining(['Max-Age=0', 'Path=/', 'HttpOnly', ...(secure ? ['Secure'] : [])]),
    )
    expect(cookie?.line).not.toMatch(/domain/i)
  })

  test('and nothing is deleted that is not there', () => {
    const jar = createJar('latchkey_x=value', false)
    jar.delete('latchkey_y')
    expect(jar.changes()).toEqual([])
  })

  test('and a value set and then deleted in one answer is not set', () => {
    const jar = createJar(undefined, false)
    jar.set('latchkey_x', long(9000), options)
    jar.delete('latchkey_x')
    expect(jar.changes()).toEqual([])
  })
})

describe('a large value', () => {
  test.each([1, 4000, 4096, 4097, 8192, 12_345, 24_000])(
    'of %i characters is read back whole',
    (length) => {
      for (const secure of [true, false]) {
        const jar = createJar(undefined, secure)
        expect(jar.set('latchkey_onesait_AbCdEfGh', long(length), options)).toBe(true)
        const again = createJar(headerAfter('', jar), secure)
        expect(again.get('latchkey_onesait_AbCdEfGh')).toBe(long(length))
        expect([...again.names]).toEqual(['latchkey_onesait_AbCdEfGh'])
      }
    },
  )

  test('is split so that no name and value together exceed 4096 bytes', () => {
    const jar = createJar(undefined, true)
    jar.set('latchkey_onesait_AbCdEfGh', long(24_000), options)
    for (const [name, { value, attributes }] of lines(jar)) {
      expect(name.length + value.length).toBeLessThanOrEqual(4096)
      expect(attributes).toContain('SameSite=Strict')
      expect(attributes).toContain('Max-Age=3600')
    }
    expect(lines(jar).size).toBe(6)
  })

  test('beyond six pieces is refused, and nothing of it is set', () => {
    const jar = createJar('latchkey_x=old', false)
    expect(jar.set('latchkey_x', long(24_577), options)).toBe(false)
    expect(jar.changes()).toEqual([])
  })

  test('that shrinks leaves no piece behind', () => {
    const before = createJar(undefined, false)
    before.set('latchkey_x', long(12_000), options)
    const header = headerAfter('', before)
    for (const [length, pieces] of [
      [8000, 2],
      [100, 1],
    ] as const) {
      const jar = createJar(header, false)
      jar.set('latchkey_x', long(length), options)
      const after = headerAfter(header, jar)
      expect(after.split('; ')).toHaveLength(pieces)
      expect(createJar(after, false).get('latchkey_x')).toBe(long(length))
    }
  })

  test('that grows leaves nothing of the small one behind', () => {
    const jar = createJar('latchkey_x=small', false)
    jar.set('latchkey_x', long(9000), options)
    expect(createJar(headerAfter('latchkey_x=small', jar), false).get('latchkey_x')).toBe(
      long(9000),
    )
  })

  test.each([
    [100, 9000],
    [9000, 100],
    [12_000, 5000],
  ])('is the last one set, when one answer sets %i and then %i characters', (one, other) => {
    const jar = createJar(undefined, false)
    jar.set('latchkey_x', long(one), options)
    jar.set('latchkey_x', `last-${long(other)}`, options)
    const after = headerAfter('', jar)
    expect(createJar(after, false).get('latchkey_x')).toBe(`last-${long(other)}`)
    expect(after.split('; ')).toHaveLength(Math.ceil((other + 5) / 4084))
  })

  test('without one of its pieces is not the value', () => {
    const jar = createJar(undefined, false)
    jar.set('latchkey_x', long(12_000), options)
    const pieces = headerAfter('', jar).split('; ')
    for (const missing of pieces.keys()) {
      const rest = pieces.filter((_, index) => index !== missing).join('; ')
      expect(createJar(rest, false).get('latchkey_x')).not.toBe(long(12_000))
    }
    expect(createJar(pieces.slice(1).join('; '), false).get('latchkey_x')).toBeUndefined()
  })

  test('has pieces .0 to .5 and no other', () => {
    const foreign = ['.6=f', '.06=f', '.10=f', '.999999=f', '.-1=f', '.x=f']
    const header = ['.0=a', '.1=b', '.2=c', '.3=d', '.4=e', '.5=f', ...foreign]
      .map((piece) => `latchkey_x${piece}`)
      .join('; ')
    expect(createJar(header, false).get('latchkey_x')).toBe('abcdef')
  })

  test('of a thousand pieces costs no more than one', () => {
    const header = Array.from({ length: 1000 }, (_, i) => `latchkey_x.${i}=a`).join('; ')
    expect(createJar(header, false).get('latchkey_x')).toBe('aaaaaa')
  })
})

describe('what somebody else may have set is left out:', () => {
  test('a name given twice, either value', () => {
    const jar = createJar('__Host-latchkey_x=evil; __Host-latchkey_x=good', true)
    expect(jar.get('latchkey_x')).toBeUndefined()
    expect([...jar.names]).toEqual([])
  })

  test('a name given three times, equal values too', () => {
    expect(createJar('latchkey_x=a; latchkey_x=a; latchkey_x=a', false).get('latchkey_x')).toBe(
      undefined,
    )
  })

  test('a piece given twice', () => {
    const header = 'latchkey_x.0=a; latchkey_x.1=b; latchkey_x.1=c'
    expect(createJar(header, false).get('latchkey_x')).not.toMatch(/[bc]/)
  })

  test.each([
    ['the prefix in small letters', '__host-latchkey_x=evil'],
    ['the prefix in capitals', '__HOST-latchkey_x=evil'],
    ['no prefix', 'latchkey_x=evil'],
    ['a no-break space before the name', '\u00a0__Host-latchkey_x=evil'],
    ['a no-break space as a byte before the name', '\xa0__Host-latchkey_x=evil'],
    ['a line separator before the name', '\u2028__Host-latchkey_x=evil'],
    ['a vertical tab before the name', '\v__Host-latchkey_x=evil'],
    ['a quoted name', '"__Host-latchkey_x"=evil'],
    ['a nameless cookie', '=__Host-latchkey_x=evil'],
    ['a blank before the equals sign', '__Host-latchkey_x =evil'],
    ['a quoted value', '__Host-latchkey_x="evil"'],
    ['a percent sign in the value', '__Host-latchkey_x=ev%69l'],
    ['no value', '__Host-latchkey_x'],
  ])('%s', (_, header) => {
    expect(createJar(header, true).get('latchkey_x')).toBeUndefined()
    const beside = createJar(`${header}; __Host-latchkey_x=good`, true)
    expect(beside.get('latchkey_x')).toBe('good')
  })

  test('another capital in the name', () => {
    expect(createJar('__Host-LATCHKEY_x=evil', true).get('latchkey_x')).toBeUndefined()
  })

  test.each([undefined, '', ';', '; ;', '=', '%zz', 'a=%E0%A4%A', '\0', 'x'.repeat(100_000)])(
    'a header that says nothing breaks nothing: %#',
    (header) => expect([...createJar(header, true).names]).toEqual([]),
  )
})
