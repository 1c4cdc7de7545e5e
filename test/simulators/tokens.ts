import { createHash, randomUUID } from 'node:crypto'
import { departs, fails, type Refusal } from './refusal'
import type { Person, Stage, TokenSwitches } from './simulator'

/** What a login gave. */
export interface Grant {
  user: string
  scopes: string[]
}

interface Code extends Grant {
  redirectUri: string
  challenge?: string
  family: string
  expiresAt: number
  spent: boolean
}

/** A live or dead token; `family` is the login it grew from. */
export interface TokenRecord extends Grant {
  family: string
  expiresAt: number
  spent: boolean
}

export interface IssuedTokens extends Grant {
  accessToken: string
  refreshToken?: string
  expiresIn?: number
}

/** How this provider's values look. */
export interface Mint {
  code: () => string
  access: (grant: Grant, expiresAt: number) => string
  refresh: () => string
}

const codeLife = 5 * 60_000
const refreshLife = 365 * 24 * 3_600_000

/** The codes and tokens of one provider; onesait keeps its own, shared ones. */
export interface Tokens {
  issueCode(grant: Grant & { redirectUri: string; challenge?: string }): string
  /** Spends the code before its other parameters are checked: a second try never helps. */
  redeem(code: string): Code
  issue(grant: Grant, family?: string): IssuedTokens
  refresh(refreshToken: string): IssuedTokens
  access(token: string): TokenRecord | undefined
  /** The record of a live access token. */
  requireAccess(token: string): TokenRecord
  refreshRecord(token: string): TokenRecord | undefined
  forget(token: string): boolean
}

export function createTokens<User extends Person>(
  stage: Stage<TokenSwitches, User>,
  mint: Mint,
): Tokens {
  const codes = new Map<string, Code>()
  const accessTokens = new Map<string, TokenRecord>()
  const refreshTokens = new Map<string, TokenRecord>()

  const endFamily = (family: string) => {
    for (const store of [accessTokens, refreshTokens]) {
      for (const [token, record] of store) if (record.family === family) store.delete(token)
    }
  }
  const spentAgain = (what: string, family: string): Refusal => {
    if (!stage.switches.reuseDetection) return fails(`${what} was already used`, 'invalid_grant')
    endFamily(family)
    return fails(`${what} was already used: its whole login is ended`, 'invalid_grant')
  }
  const newRefreshToken = (grant: Grant, family: string): string => {
    const token = stage.handOut(mint.refresh())
    refreshTokens.set(token, {
      ...grant,
      family,
      expiresAt: stage.now() + refreshLife,
      spent: false,
    })
    return token
  }
  const newAccess = (grant: Grant, family: string): IssuedTokens => {
    const { expiresIn, omitExpiresIn } = stage.switches
    const expiresAt = stage.now() + expiresIn * 1000
    const accessToken = stage.handOut(mint.access(grant, expiresAt))
    accessTokens.set(accessToken, { ...grant, family, expiresAt, spent: false })
    return {
      user: grant.user,
      scopes: grant.scopes,
      accessToken,
      ...(omitExpiresIn ? {} : { expiresIn }),
    }
  }

  stage.expireAccessTokens = () => {
    for (const record of accessTokens.values()) record.expiresAt = stage.now()
  }
  stage.expireRefreshTokens = () => {
    for (const record of refreshTokens.values()) record.expiresAt = stage.now()
  }
  stage.revokeEverything = () => {
    for (const store of [codes, accessTokens, refreshTokens]) store.clear()
  }

  return {
    issueCode(grant) {
      const code = stage.handOut(mint.code())
      codes.set(code, {
        ...grant,
        family: randomUUID(),
        expiresAt: stage.now() + codeLife,
        spent: false,
      })
      return code
    },
    redeem(code) {
      const record = codes.get(code)
      if (!record) throw fails('the code is unknown', 'invalid_grant')
      if (record.spent) throw spentAgain('the code', record.family)
      record.spent = true
      if (record.expiresAt <= stage.now()) throw fails('the code has expired', 'invalid_grant')
      return record
    },
    issue(grant, family = randomUUID()) {
      return { ...newAccess(grant, family), refreshToken: newRefreshToken(grant, family) }
    },
    refresh(refreshToken) {
      const record = refreshTokens.get(refreshToken)
      if (!record) throw fails('the refresh token is unknown or revoked', 'invalid_grant')
      if (record.spent) throw spentAgain('the refresh token', record.family)
      if (record.expiresAt <= stage.now())
        throw fails('the refresh token has expired', 'invalid_grant')
      const renewed = newAccess(record, record.family)
      if (stage.switches.rotate) {
        record.spent = true
        return {
          ...renewed,
          refreshToken: newRefreshToken(
            { user: record.user, scopes: record.scopes },
            record.family,
          ),
        }
      }
      return stage.switches.omitRefreshToken ? renewed : { ...renewed, refreshToken }
    },
    access: (token) => accessTokens.get(token),
    requireAccess(token) {
      const record = accessTokens.get(token)
      if (!record) throw fails('the access token is unknown or revoked', 'invalid_token')
      if (record.expiresAt <= stage.now())
        throw fails('the access token has expired', 'invalid_token')
      return record
    },
    refreshRecord: (token) => refreshTokens.get(token),
    forget(token) {
      const wasAccess = accessTokens.delete(token)
      return refreshTokens.delete(token) || wasAccess
    },
  }
}

/** The members of RFC 6749 §5.1 that are there. */
export function standardAnswer(tokens: IssuedTokens, tokenType: string): Record<string, unknown> {
  return {
    access_token: tokens.accessToken,
    token_type: tokenType,
    ...(tokens.expiresIn === undefined ? {} : { expires_in: tokens.expiresIn }),
    ...(tokens.refreshToken === undefined ? {} : { refresh_token: tokens.refreshToken }),
  }
}

/** RFC 7636 §4.6, and RFC 9700 §2.1.1: no verifier where there was no challenge. */
export function requireVerifier(challenge: string | undefined, verifier: string | undefined): void {
  if (challenge === undefined) {
    if (verifier !== undefined)
      throw departs('code_verifier without a code_challenge before it', 'invalid_grant')
    return
  }
  if (verifier === undefined) throw departs('parameter code_verifier is missing', 'invalid_grant')
  if (!/^[\w.~-]{43,128}$/.test(verifier))
    throw departs('code_verifier is not 43 to 128 unreserved characters')
  if (createHash('sha256').update(verifier).digest('base64url') !== challenge) {
    throw departs('code_verifier does not fit the code_challenge', 'invalid_grant')
  }
}

/** A challenge is only good with its method, and only S256 is documented. */
export function readChallenge(values: {
  code_challenge?: string
  code_challenge_method?: string
}): string | undefined {
  const { code_challenge: challenge, code_challenge_method: method } = values
  if (challenge === undefined && method === undefined) return undefined
  if (method !== 'S256') throw departs('code_challenge_method must be S256')
  if (challenge === undefined || !/^[\w-]{43}$/.test(challenge)) {
    throw departs('code_challenge is not the base64url of a SHA-256')
  }
  return challenge
}
