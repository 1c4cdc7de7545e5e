import * as v from 'valibot'
import type { Tokens } from '../../shared/oauth/tokens'
import type { Answer } from '../../shared/provider'
import type { Account } from '../../shared/wire'
import { sealedTokens, tokensIn, tokensToSealed } from './sealed-tokens'

/** One sign-in of one person at one provider, as its cookie carries it and the ledger knows it. */
export interface SignIn {
  provider: string
  /** Random per sign-in; the cookie's name ends in its first eight characters. */
  seat: string
  /** What is refreshed and ended as one: the seat, or all seats that share one pair of tokens. */
  lineage: string
  /** Milliseconds on the ledger's clock, growing with every refresh: the greater is the fresher. */
  generation: number
  tokens: Tokens
  subject: string | null
  label: string
  authorities?: string[] | undefined
  /** Milliseconds since the epoch. */
  connectedAt: number
  /** When the cookie's life ends, whatever the tokens say. Milliseconds since the epoch. */
  until: number
}

/** How long a sign-in is kept at most: half a year, below the 400 days browsers allow. */
export const signInLifetime = 180 * 24 * 3600 * 1000

/** What the browser may know of it. */
export function accountOf({
  provider,
  subject,
  label,
  tokens,
  authorities,
  ...rest
}: SignIn): Account {
  return {
    provider,
    custody: 'proxy',
    subject,
    label,
    scope: [...tokens.scope],
    connectedAt: new Date(rest.connectedAt).toISOString(),
    expiresAt: tokens.expiresAt === null ? null : new Date(tokens.expiresAt).toISOString(),
    refreshable: tokens.refreshToken !== undefined,
    authorities,
  }
}

/** As plain data, to be sealed. The short names are for the cookie's size. */
export function toSealed({ tokens, subject, label, authorities, ...signIn }: SignIn): Answer {
  return {
    s: signIn.seat,
    l: signIn.lineage === signIn.seat ? undefined : signIn.lineage,
    g: signIn.generation,
    ...tokensToSealed(tokens),
    i: subject,
    n: label,
    u: authorities,
    c: signIn.connectedAt,
    t: signIn.until,
  }
}

const time = v.pipe(v.number(), v.integer(), v.minValue(0))
const word = v.pipe(v.string(), v.minLength(1))
const sealedSchema = v.object({
  ...sealedTokens,
  s: v.pipe(v.string(), v.regex(/^[\w-]{22}$/)),
  l: v.optional(word),
  g: time,
  i: v.nullable(v.string()),
  n: v.string(),
  u: v.optional(v.array(v.string())),
  c: time,
  t: time,
})

/** The sign-in a sealed cookie carried, or undefined where it is not one of this version. */
export function fromSealed(provider: string, content: unknown): SignIn | undefined {
  const result = v.safeParse(sealedSchema, content)
  if (!result.success) return undefined
  const { s, l, g, i, n, u, c, t } = result.output
  return {
    provider,
    seat: s,
    lineage: l ?? s,
    generation: g,
    tokens: tokensIn(result.output),
    subject: i,
    label: n,
    authorities: u,
    connectedAt: c,
    until: t,
  }
}
