import { createHmac, randomBytes } from 'node:crypto'

/** Stands in every token, code and secret that a simulator makes, so that a leak can be searched for. */
export const canary = 'c0ffee'

/** Hexadecimal, canary first. */
export function randomHex(length: number): string {
  return (
    canary +
    randomBytes(length)
      .toString('hex')
      .slice(0, length - canary.length)
  )
}

/** Base64url, canary first. */
export function randomText(length: number): string {
  return (
    canary +
    randomBytes(length)
      .toString('base64url')
      .slice(0, length - canary.length)
  )
}

/** A UUID in form, canary first. */
export function randomUuid(): string {
  const hex = randomHex(32)
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join('-')
}

const signingKey = randomBytes(32)

/** A JWT signed with HS256; nobody outside the simulator can check it, as with the real ones. */
export function signJwt(claims: Record<string, unknown>): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`
  return `${signed}.${createHmac('sha256', signingKey).update(signed).digest('base64url')}`
}
