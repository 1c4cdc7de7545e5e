import { deflateRawSync } from 'node:zlib'
import { base64url, CompactEncrypt, decodeProtectedHeader, EncryptJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { createSeal, type Purpose } from '../../proxy/session/seal'
import { Secret } from '../../shared/secret'

const first = new Secret('Xq2b9LrT7vK4mZ8nC1wE5yU3iO6pA0sDfGhJkLzXcVb')
const second = new Secret('pO9iU8yT7rE6wQ5aS4dF3gH2jK1lM0nB9vC8xZ7qWeR')
const start = Date.parse('2026-11-01T12:00:00Z')
const minute = 60_000
const content = { a: 'an access token', g: 7, list: ['x', null, true] }

const at = (now: number, ...secrets: Secret[]) => createSeal(secrets, () => now)
const seal = at(start, first)
const until = start + 10 * minute

const purposes: Purpose[] = ['account', 'login', 'logout', 'ticket']

/** The same text with the character at `index` changed to the next of the alphabet. */
function flipped(text: string, index: number): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const next = alphabet[(alphabet.indexOf(text.charAt(index)) + 1) % alphabet.length] ?? '.'
  return text.slice(0, index) + next + text.slice(index + 1)
}

describe('what is sealed', () => {
  test.each(purposes)('for %s opens again, unchanged', async (purpose) => {
    const sealed = await seal.seal(purpose, 'onet', content, until)
    expect(await seal.open(purpose, 'onet', sealed)).toEqual(content)
  })

  test('shows nothing of itself, and no two are alike', async () => {
    const [one, other] = [
      await seal.seal('account', 'onet', content, until),
      await seal.seal('account', 'onet', content, until),
    ]
    expect(one).not.toBe(other)
    const seen = one.split('.').map((part) => Buffer.from(part, 'base64url').toString('latin1'))
    expect(seen.join()).not.toContain('access token')
    expect(seen.join()).not.toContain('onet')
    expect(seen.join()).not.toContain(first.reveal())
  })

  test.each(
    purposes.flatMap((purpose) =>
      purposes.filter((other) => other !== purpose).map((other) => [purpose, other] as const),
    ),
  )('for %s does not open for %s', async (purpose, other) => {
    const sealed = await seal.seal(purpose, 'onet', content, until)
    expect(await seal.open(other, 'onet', sealed)).toBeUndefined()
  })

  test.each(['seznam', 'one', 'onet2', 'ONET', ''])(
    'for one provider does not open for "%s"',
    async (other) => {
      const sealed = await seal.seal('account', 'onet', content, until)
      expect(await seal.open('account', other, sealed)).toBeUndefined()
    },
  )

  test('is compressed for an account, whose tokens must fit into cookies', async () => {
    const tokens = { a: 'eyJhbGciOi'.repeat(140), r: 'eyJhbGciOi'.repeat(140) }
    expect((await seal.seal('account', 'onet', tokens, until)).length).toBeLessThan(1000)
  })
})

describe('secrets rotate:', () => {
  test('the first one seals', async () => {
    const sealed = await at(start, second, first).seal('account', 'onet', content, until)
    expect(await at(start, second).open('account', 'onet', sealed)).toEqual(content)
    expect(await at(start, first).open('account', 'onet', sealed)).toBeUndefined()
  })

  test('an old one still opens while it is listed, at any place', async () => {
    const sealed = await at(start, first).seal('account', 'onet', content, until)
    expect(await at(start, second, first).open('account', 'onet', sealed)).toEqual(content)
    expect(await at(start, first, second).open('account', 'onet', sealed)).toEqual(content)
  })

  test('one that is listed no more opens nothing', async () => {
    const sealed = await at(start, first).seal('account', 'onet', content, until)
    expect(await at(start, second).open('account', 'onet', sealed)).toBeUndefined()
  })

  test('the name of the secret tells nothing of it', async () => {
    const { kid } = decodeProtectedHeader(await seal.seal('account', 'onet', content, until))
    expect(kid).toMatch(/^[\w-]{8}$/)
    expect(first.reveal()).not.toContain(String(kid))
  })
})

describe('it ends by the clock, whatever the cookie says:', () => {
  test.each(purposes)('an %s cookie', async (purpose) => {
    const sealed = await seal.seal(purpose, 'onet', content, until)
    expect(await at(until - 1000, first).open(purpose, 'onet', sealed)).toEqual(content)
    expect(await at(until, first).open(purpose, 'onet', sealed)).toBeUndefined()
    expect(await at(until + 365 * 24 * 60 * minute, first).open(purpose, 'onet', sealed)).toBe(
      undefined,
    )
  })
})

describe('whoever lacks the secret cannot make one:', () => {
  test('every single changed character is refused', async () => {
    const sealed = await seal.seal('account', 'onet', content, until)
    for (let index = 0; index < sealed.length; index++) {
      const forged = flipped(sealed, index)
      expect(await seal.open('account', 'onet', forged), forged).toBeUndefined()
    }
  })

  test('nor write one in another way', async () => {
    const sealed = await seal.seal('account', 'onet', content, until)
    const [header = '', ...rest] = sealed.split('.')
    const others = [
      `${sealed}=`,
      [`${header}==`, ...rest].join('.'),
      sealed.replaceAll('-', '+').replaceAll('_', '/'),
      [Buffer.from(header, 'base64url').toString('base64'), ...rest].join('.'),
      ` ${sealed}`,
      `${sealed}\n`,
      `${sealed}.`,
    ]
    for (const other of others.filter((one) => one !== sealed))
      expect(await seal.open('account', 'onet', other), other).toBeUndefined()
  })

  test('every truncation is refused', async () => {
    const sealed = await seal.seal('account', 'onet', content, until)
    for (let length = 0; length < sealed.length; length++)
      expect(await seal.open('account', 'onet', sealed.slice(0, length))).toBeUndefined()
  })

  test('parts of two that were sealed alike do not fit together', async () => {
    const one = (await seal.seal('account', 'onet', content, until)).split('.')
    const other = (await seal.seal('account', 'onet', content, until)).split('.')
    for (let part = 2; part < one.length; part++) {
      const mixed = one.map((own, index) => (index === part ? (other[part] ?? '') : own))
      expect(await seal.open('account', 'onet', mixed.join('.'))).toBeUndefined()
    }
  })

  test('another algorithm in the header is refused', async () => {
    const parts = (await seal.seal('account', 'onet', content, until)).split('.')
    const header = decodeProtectedHeader(parts.join('.'))
    for (const change of [
      { alg: 'none' },
      { alg: 'A256KW' },
      { alg: 'PBES2-HS256+A128KW', p2c: 1_000_000, p2s: 'AAAAAAAAAAA' },
      { enc: 'A128CBC-HS256' },
      { enc: 'A128GCM' },
      { zip: undefined },
      { typ: 'login.v1' },
      { typ: 'account.v2' },
      { kid: 'other' },
      { kid: undefined },
      { crit: ['x'], x: 1 },
      { jwk: { kty: 'oct', k: 'AAAA' } },
    ]) {
      const forged = base64url.encode(JSON.stringify({ ...header, ...change }))
      const sealed = [forged, ...parts.slice(1)].join('.')
      expect(await seal.open('account', 'onet', sealed), JSON.stringify(change)).toBeUndefined()
    }
  })

  test('an unsigned or merely signed token is none', async () => {
    const claims = { content, aud: 'onet', iat: 1, exp: until / 1000 }
    const body = base64url.encode(JSON.stringify(claims))
    for (const alg of ['none', 'HS256']) {
      const header = base64url.encode(JSON.stringify({ alg, typ: 'account.v1' }))
      expect(await seal.open('account', 'onet', `${header}.${body}.`)).toBeUndefined()
      expect(await seal.open('account', 'onet', `${header}.${body}.${body}`)).toBeUndefined()
    }
  })

  test('one sealed under the secret itself, not under a key for the purpose, is none', async () => {
    const { kid } = decodeProtectedHeader(await seal.seal('account', 'onet', content, until))
    const forged = await new EncryptJWT({ content })
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', typ: 'account.v1', kid: String(kid) })
      .setAudience('onet')
      .setIssuedAt(start / 1000)
      .setExpirationTime(until / 1000)
      .encrypt(new TextEncoder().encode(first.reveal()).slice(0, 32))
    expect(await seal.open('account', 'onet', forged)).toBeUndefined()
  })

  test('a bomb under a stranger’s key never unfolds', async () => {
    const bomb = deflateRawSync(Buffer.alloc(50_000_000, 32))
    const { kid } = decodeProtectedHeader(await seal.seal('account', 'onet', content, until))
    const forged = await new CompactEncrypt(new Uint8Array(bomb))
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', typ: 'account.v1', kid: String(kid) })
      .encrypt(crypto.getRandomValues(new Uint8Array(32)))
    const withZip = [
      base64url.encode(JSON.stringify({ ...decodeProtectedHeader(forged), zip: 'DEF' })),
      ...forged.split('.').slice(1),
    ].join('.')
    expect(await seal.open('account', 'onet', withZip)).toBeUndefined()
  })

  test.each(['', '.', '....', 'undefined', 'null', '{}', '%zz', 'a.b.c.d.e', 'Fe26.2*x*y', '💥'])(
    'garbage is refused and breaks nothing: %s',
    async (garbage) => expect(await seal.open('account', 'onet', garbage)).toBeUndefined(),
  )
})
