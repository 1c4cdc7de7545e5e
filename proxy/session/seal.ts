import { base64url, EncryptJWT, jwtDecrypt, errors } from 'jose'
import type { Secret } from '../../shared/secret'
import type { Answer } from '../../shared/provider'

/** What is sealed: a cookie of some kind, a ticket, or a pair in the ledger. Each purpose has a key of its own, so one can never be taken for another. */
export type Purpose = 'account' | 'login' | 'logout' | 'ticket' | 'ledger'

/** Encrypts and authenticates what a cookie carries; JWE with direct A256GCM. */
export interface Seal {
  /** `until` in milliseconds since the epoch; it is sealed in, not only a cookie attribute. */
  seal(purpose: Purpose, provider: string, content: Answer, until: number): Promise<string>
  /** The content, or undefined for whatever cause: a stranger learns nothing from the difference. */
  open(purpose: Purpose, provider: string, sealed: string): Promise<Answer | undefined>
}

/** Opened cookies remembered, so that a busy page does not pay for each of its requests. */
const mostOpened = 1000

/** The version of what is sealed; a change of shape gets a new one. */
const version = 'v1'

/** The first secret seals, every one opens; `kid` says which. */
export function createSeal(secrets: readonly Secret[], now: () => number): Seal {
  const keys = new Map<string, Promise<CryptoKey>>()
  const ids = Promise.all(secrets.map(idOf))
  const opened = new Map<string, { content: Answer; until: number }>()

  async function keyFor(purpose: Purpose, kid: string | undefined): Promise<CryptoKey> {
    const secret = secrets[(await ids).indexOf(kid ?? '')]
    if (!secret) throw new errors.JWEDecryptionFailed('no secret of that id')
    const name = `${purpose} ${kid ?? ''}`
    const key = keys.get(name) ?? deriveKey(secret, purpose)
    keys.set(name, key)
    return await key
  }

  function remember(name: string, content: Answer, until: number): void {
    const [oldest] = opened.keys()
    if (opened.size >= mostOpened && oldest !== undefined) opened.delete(oldest)
    opened.set(name, { content, until })
  }

  return {
    async seal(purpose, provider, content, until) {
      const [kid = ''] = await ids
      return await new EncryptJWT({ content })
        .setProtectedHeader({
          alg: 'dir',
          enc: 'A256GCM',
          typ: `${purpose}.${version}`,
          kid,
          // Four accounts of 1.4 kB tokens would exceed Node's 16 kB of headers uncompressed.
          ...(holdsTokens(purpose) ? { zip: 'DEF' } : {}),
        })
        .setAudience(provider)
        .setIssuedAt(Math.floor(now() / 1000))
        .setExpirationTime(Math.ceil(until / 1000))
        .encrypt(await keyFor(purpose, kid))
    },

    async open(purpose, provider, sealed) {
      const name = `${purpose} ${provider} ${sealed}`
      const known = opened.get(name)
      if (known) return known.until > now() ? known.content : undefined
      // Nobody else writes it otherwise: padding, or bits that decoding drops (RFC 4648 §3.5).
      if (!sealed.split('.').every(isCanonical)) return undefined
      try {
        const { payload } = await jwtDecrypt<{ content: Answer }>(
          sealed,
          async ({ kid }) => await keyFor(purpose, kid),
          {
            typ: `${purpose}.${version}`,
            audience: provider,
            requiredClaims: ['iat', 'exp', 'content'],
            currentDate: new Date(now()),
            keyManagementAlgorithms: ['dir'],
            contentEncryptionAlgorithms: ['A256GCM'],
          },
        )
        remember(name, payload.content, (payload.exp ?? 0) * 1000)
        return payload.content
      } catch {
        // Forged, expired, of another purpose or provider, or sealed by a secret no longer listed.
        return undefined
      }
    },
  }
}

function isCanonical(part: string): boolean {
  try {
    return base64url.encode(base64url.decode(part)) === part
  } catch {
    return false // not base64url at all
  }
}

function holdsTokens(purpose: Purpose): boolean {
  return purpose === 'account' || purpose === 'ledger'
}

const text = new TextEncoder()

/** A name for the secret that says nothing about it. */
async function idOf(secret: Secret): Promise<string> {
  return base64url.encode(new Uint8Array(await derive(secret, 'kid', 48)))
}

async function deriveKey(secret: Secret, purpose: Purpose): Promise<CryptoKey> {
  const bits = await derive(secret, `seal ${purpose}`, 256)
  return await crypto.subtle.importKey('raw', bits, 'AES-GCM', false, ['encrypt', 'decrypt'])
}

/** A key for one use. HKDF (RFC 5869): the secrets are random, so that no salt is needed. */
export async function derive(secret: Secret, info: string, bits: number): Promise<ArrayBuffer> {
  const material = await crypto.subtle.importKey(
    'raw',
    text.encode(secret.reveal()),
    'HKDF',
    false,
    ['deriveBits'],
  )
  return await crypto.subtle.deriveBits(
    {
      name: 'HKDF',
      hash: 'SHA-256',
      salt: new Uint8Array(),
      info: text.encode(`latchkey ${info}`),
    },
    material,
    bits,
  )
}
