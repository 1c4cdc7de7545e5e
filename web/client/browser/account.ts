/** An account whose tokens this browser keeps: how it is stored, and the one way it is changed. */
import * as v from 'valibot'
import type { Tokens } from '../../../shared/oauth/tokens'
import { Secret } from '../../../shared/secret'
import { isErrorCode, type Account, type ErrorCode } from '../../../shared/wire'
import { inOneStep } from './locks'
import type { Parts } from './parts'

const secret = v.pipe(
  v.string(),
  v.transform((value) => new Secret(value)),
)

const restSchema = v.object({
  /** How often in a row this generation's refresh failed. */
  failures: v.number(),
  /** What the last one failed with. */
  code: v.custom<ErrorCode>(isErrorCode),
  /** Milliseconds for which the refresh token is not sent again, and until when that is. */
  length: v.number(),
  until: v.number(),
})
/** What a refresh that failed leaves to whoever comes next, in any tab. */
export type Rest = v.InferOutput<typeof restSchema>

const keptSchema = v.object({
  /** Random for each sign-in, so that a late answer of an earlier one is known as such. */
  signIn: v.string(),
  /** Counts the refreshes of this sign-in. */
  generation: v.number(),
  connectedAt: v.number(),
  subject: v.nullable(v.string()),
  label: v.string(),
  authorities: v.optional(v.array(v.string())),
  // A note that another version of the app left and this one cannot read costs nobody the account.
  rest: v.fallback(v.optional(restSchema), undefined),
  tokens: v.object({
    scheme: v.picklist(['bearer', 'api-token']),
    accessToken: secret,
    refreshToken: v.optional(secret),
    expiresAt: v.nullable(v.number()),
    scope: v.array(v.string()),
  }),
})
/** The account with its tokens, as only this folder sees it. */
export type Kept = v.InferOutput<typeof keptSchema>

/** The account as the rest of the app may see it: never a token. */
export function viewOf(provider: string, kept: Kept): Account {
  const { tokens, connectedAt, subject, label, authorities } = kept
  return {
    provider,
    custody: 'browser',
    subject,
    label,
    scope: [...tokens.scope],
    connectedAt: new Date(connectedAt).toISOString(),
    expiresAt: tokens.expiresAt === null ? null : new Date(tokens.expiresAt).toISOString(),
    refreshable: tokens.refreshToken !== undefined,
    ...(authorities ? { authorities } : {}),
  }
}

/** The account, or null where nobody is signed in or what is stored cannot be read. */
export async function readKept(provider: string, { keep }: Parts): Promise<Kept | null> {
  const parsed = v.safeParse(keptSchema, await keep.read(`account/${provider}`))
  return parsed.success ? parsed.output : null
}

/** A new sign-in takes the place of whatever was there. */
export function storeSignIn(provider: string, kept: Kept, parts: Parts): Promise<void> {
  return writing(provider, parts, () => write(provider, kept, parts))
}

/**
 * Stores what followed from `seen`, unless the account moved on meanwhile: a sign-out is not undone
 * and a newer sign-in not overwritten by an answer that was under way. Answers what is kept then.
 */
export function storeNext(
  provider: string,
  seen: Kept,
  tokens: Tokens,
  parts: Parts,
): Promise<Kept | null> {
  return writing(provider, parts, async () => {
    const current = await readKept(provider, parts)
    if (!current || !isSame(current, seen)) return current
    const { rest: _over, ...lasting } = current
    const next = { ...lasting, generation: current.generation + 1, tokens: storable(tokens) }
    await write(provider, next, parts)
    return next
  })
}

/** Leaves a note about a refresh that failed, unless the account moved on meanwhile. */
export function storeRest(provider: string, seen: Kept, rest: Rest, parts: Parts): Promise<void> {
  return writing(provider, parts, async () => {
    const current = await readKept(provider, parts)
    if (current && isSame(current, seen)) await seal(provider, { ...current, rest }, parts)
  })
}

/** Removes the account, if it still is the one that was seen; answers what it held. */
export function dropKept(provider: string, seen: Kept | null, parts: Parts): Promise<Kept | null> {
  return writing(provider, parts, async () => {
    const current = await readKept(provider, parts)
    if (seen && (!current || !isSame(current, seen))) return null
    await parts.keep.delete(`account/${provider}`)
    parts.changed()
    return current
  })
}

/** Whether both are one sign-in after the same number of refreshes. */
export function isSame(one: Kept, other: Kept): boolean {
  return one.signIn === other.signIn && one.generation === other.generation
}

/** Tokens as they are kept: nothing but what the schema reads back. */
export function storable(tokens: Tokens): Kept['tokens'] {
  const { scheme, accessToken, refreshToken, expiresAt, scope } = tokens
  return {
    scheme,
    accessToken,
    ...(refreshToken ? { refreshToken } : {}),
    expiresAt,
    scope: [...scope],
  }
}

/** Held for a read and a write only, never for a call, so a sign-out need not wait for a refresh. */
function writing<T>(provider: string, { locks }: Parts, run: () => Promise<T>): Promise<T> {
  return inOneStep(locks, `latchkey-write:${provider}`, run)
}

async function write(provider: string, kept: Kept, parts: Parts): Promise<void> {
  await seal(provider, kept, parts)
  parts.changed()
}

function seal(provider: string, kept: Kept, { keep }: Parts): Promise<void> {
  const { accessToken, refreshToken, ...rest } = kept.tokens
  return keep.write(`account/${provider}`, {
    ...kept,
    tokens: {
      ...rest,
      accessToken: accessToken.reveal(),
      ...(refreshToken ? { refreshToken: refreshToken.reveal() } : {}),
    },
  })
}
