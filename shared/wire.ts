/**
 * What the proxy answers: the schemas it validates with, the types both sides share, and the one
 * table of error codes.
 */
import * as v from 'valibot'
import { capabilities } from './provider'

/** Every error code with its HTTP status. The app has a sentence for each; see `web/messages.ts`. */
export const statusOf = {
  // The person's
  access_denied: 403,
  account_too_large: 502,
  csrf: 403,
  invalid_credentials: 401,
  invalid_request: 400,
  login_expired: 400,
  login_forged: 400,
  not_refreshable: 409,
  not_signed_in: 401,
  rate_limited: 429,
  session_ended: 401,
  token_expired: 401,
  // The request's
  headers_too_large: 431,
  method_not_allowed: 405,
  not_found: 404,
  path_not_allowed: 400,
  payload_too_large: 413,
  prefetch_refused: 403,
  provider_off: 404,
  request_timeout: 408,
  unknown_provider: 404,
  unsupported: 405,
  // The provider's
  provider_busy: 503,
  provider_error: 502,
  provider_timeout: 504,
  provider_unreachable: 502,
  // Ours
  internal: 500,
  ledger_unavailable: 503,
  not_ready: 503,
} as const

export type ErrorCode = keyof typeof statusOf

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(statusOf, value)
}

const time = v.pipe(v.string(), v.isoTimestamp())

export const accountSchema = v.object({
  provider: v.string(),
  custody: v.picklist(['proxy', 'browser']),
  /** The provider's identifier of the person; null where it names nobody. */
  subject: v.nullable(v.string()),
  label: v.string(),
  scope: v.array(v.string()),
  connectedAt: time,
  /** When the access token ends; null where the provider does not say. */
  expiresAt: v.nullable(time),
  refreshable: v.boolean(),
  authorities: v.optional(v.array(v.string())),
})
/** An account as a browser may see it: never a token. */
export type Account = v.InferOutput<typeof accountSchema>

export const clientSchema = v.object({
  id: v.string(),
  /** Absolute URL of each protocol step, by the step's name, and of the API. */
  endpoints: v.record(v.string(), v.string()),
  /** Path prefixes of the API that may be called. */
  apiPaths: v.optional(v.array(v.string())),
  redirectUri: v.string(),
  scope: v.array(v.string()),
})
/** What a browser needs to run the flow itself (browser custody only): nothing secret. */
export type Client = v.InferOutput<typeof clientSchema>

export const providerSchema = v.object({
  id: v.string(),
  name: v.string(),
  custody: v.picklist(['proxy', 'browser']),
  grant: v.picklist(['code', 'password']),
  configured: v.boolean(),
  simulated: v.boolean(),
  capabilities: v.array(v.picklist(capabilities)),
  /** Whether an API token may be given in place of a sign-in. */
  apiToken: v.optional(v.boolean()),
  /** Which tokens can be revoked, and whether that ends every sign-in of the person. */
  revokes: v.optional(
    v.object({
      tokens: v.array(v.picklist(['access', 'refresh'])),
      everywhere: v.boolean(),
    }),
  ),
  client: v.optional(clientSchema),
})
export type ProviderView = v.InferOutput<typeof providerSchema>

export const providersSchema = v.object({ providers: v.array(providerSchema) })
export const sessionSchema = v.object({ accounts: v.array(accountSchema) })
export const accountAnswerSchema = v.object({ account: accountSchema })

export const profileSchema = v.object({
  profile: v.object({
    subject: v.nullable(v.string()),
    name: v.optional(v.string()),
    email: v.optional(v.string()),
    /** An https address, or absent. */
    picture: v.optional(v.string()),
    authorities: v.optional(v.array(v.string())),
  }),
  raw: v.record(v.string(), v.unknown()),
})
export type ProfileAnswer = v.InferOutput<typeof profileSchema>

export const checkSchema = v.object({
  active: v.boolean(),
  expiresAt: v.optional(time),
  clientId: v.optional(v.string()),
  subject: v.optional(v.string()),
  scope: v.optional(v.array(v.string())),
  authorities: v.optional(v.array(v.string())),
})
export type CheckAnswer = v.InferOutput<typeof checkSchema>

export const revokeRequestSchema = v.strictObject({ token: v.picklist(['access', 'refresh']) })
export const revokeSchema = v.object({
  account: v.nullable(accountSchema),
  revoked: v.literal(true),
})
export type RevokeAnswer = v.InferOutput<typeof revokeSchema>

export const ticketRequestSchema = v.strictObject({
  /** Path and query below `/bff/api/<provider>`. */
  path: v.pipe(v.string(), v.startsWith('/'), v.maxLength(4096)),
})
export const ticketSchema = v.object({
  /** Path and query at the proxy's origin, good for one GET. */
  url: v.string(),
  expiresAt: time,
})
export type TicketAnswer = v.InferOutput<typeof ticketSchema>

const field = (longest: number) => v.pipe(v.string(), v.minLength(1), v.maxLength(longest))

/** The password lane's body; 1,024 characters are more than any documented limit. */
export const passwordLoginSchema = v.strictObject({
  username: field(256),
  password: field(1024),
  scope: v.optional(field(256)),
})
export const apiTokenLoginSchema = v.strictObject({
  apiToken: v.pipe(v.string(), v.trim(), v.regex(/^[\x21-\x7e]{1,4096}$/)),
})

const effectsSchema = v.object({
  local: v.literal('cleared'),
  tokens: v.picklist(['revoked', 'kept', 'unsupported', 'failed']),
  provider: v.picklist(['ended', 'redirect', 'unsupported']),
})
export const signOutSchema = v.object({
  effects: effectsSchema,
  /** Where to go to end the provider's own session. */
  logoutUrl: v.optional(v.string()),
})
/** What a sign-out did at each level: here, to the tokens, at the provider. */
export type SignOutAnswer = v.InferOutput<typeof signOutSchema>

export const signOutAllSchema = v.object({ accounts: v.record(v.string(), signOutSchema) })

/** Which cookies of others were told to go, and whether there are more than one answer can name. */
export const clearedSchema = v.object({ cleared: v.array(v.string()), more: v.boolean() })
export type ClearedAnswer = v.InferOutput<typeof clearedSchema>

/** RFC 9457 with our stable `code`. */
export const problemSchema = v.looseObject({
  type: v.string(),
  title: v.string(),
  status: v.number(),
  code: v.string(),
})
export type Problem = v.InferOutput<typeof problemSchema>
