import * as v from 'valibot'
import type { Tokens } from '../../shared/oauth/tokens'
import { Secret } from '../../shared/secret'

const word = v.pipe(v.string(), v.minLength(1))

/** Tokens as plain data, to be sealed. The short names are for the cookie's size. */
export const sealedTokens = {
  a: word,
  r: v.optional(word),
  e: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(0))),
  k: v.optional(v.literal(true)),
  o: v.string(),
}

const schema = v.object(sealedTokens)
export type SealedTokens = v.InferOutput<typeof schema>

export function tokensToSealed({ accessToken, refreshToken, expiresAt, scheme, scope }: Tokens) {
  return {
    a: accessToken.reveal(),
    r: refreshToken?.reveal(),
    e: expiresAt,
    k: scheme === 'api-token' ? true : undefined,
    o: scope.join(' '),
  }
}

export function tokensIn({ a, r, e, k, o }: SealedTokens): Tokens {
  return {
    scheme: k ? 'api-token' : 'bearer',
    accessToken: new Secret(a),
    refreshToken: r === undefined ? undefined : new Secret(r),
    expiresAt: e,
    scope: o.split(' ').filter(Boolean),
  }
}

/** Tokens that were sealed by themselves, or undefined where it is something else. */
export function readTokens(content: unknown): Tokens | undefined {
  const result = v.safeParse(schema, content)
  return result.success ? tokensIn(result.output) : undefined
}
