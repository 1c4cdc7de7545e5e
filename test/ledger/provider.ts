import { readConfig } from '../../proxy/config'
import type { Offer } from '../../proxy/registration'
import type { PasswordProvider, Provider, RedirectProvider } from '../../shared/provider'

/** What a provider does with its tokens. */
export const kinds = ['rotating', 'reuse detection', 'shared pair', 'not rotating'] as const
export type Kind = (typeof kinds)[number]

/** The id of the one provider of a world. */
export const providerId = 'model'

const common = {
  id: providerId,
  name: 'The model',
  source: 'this file',
  origin: 'https://provider.example',
  profile: { url: '/me' },
}

/** A code for the browser, a family of tokens per sign-in. */
const withCodes = {
  ...common,
  authorize: { url: '/authorize' },
  exchange: { url: '/token', auth: 'basic' },
  refresh: { url: '/token', auth: 'basic' },
  revoke: { url: '/revoke', auth: 'basic', tokens: ['refresh'] },
  person: ({ sub, name }) => ({ subject: String(sub), label: String(name) }),
} satisfies RedirectProvider

/** Passwords, and one pair for all sign-ins of a user. */
const withPasswords = {
  ...common,
  sharedTokens: true,
  password: { url: '/token', auth: 'basic' },
  refresh: { url: '/token', auth: 'basic', forgivesReplay: true },
  revoke: { url: '/revoke', auth: 'basic', body: 'query', tokens: ['access'], endsPair: true },
  person: ({ sub, name }) => ({ subject: String(sub), label: String(name) }),
} satisfies PasswordProvider

const described: Record<Kind, Provider> = {
  rotating: { ...withCodes, refresh: { ...withCodes.refresh, forgivesReplay: true } },
  'reuse detection': withCodes,
  'shared pair': withPasswords,
  'not rotating': { ...withCodes, refresh: { ...withCodes.refresh, forgivesReplay: true } },
}

/** How the proxy is set up for each kind. */
export const configs = Object.fromEntries(
  kinds.map((kind) => [
    kind,
    readConfig(
      {
        PUBLIC_ORIGIN: 'https://app.example',
        SESSION_SECRETS: 'q4GJTd3nmO8sQ2xLr0bK7Vw9zYpUeHcA1iFhXoN5Z6M',
        MODEL_CLIENT_ID: 'latchkey',
        MODEL_CLIENT_SECRET: 'no-secret',
      },
      { providers: [described[kind]] },
    ),
  ]),
) as Record<Kind, ReturnType<typeof readConfig>>

export function offerOf(kind: Kind): Offer {
  const offer = configs[kind].offers.get(providerId)
  if (!offer) throw new Error('the model offers its provider')
  return offer
}

export interface Request {
  path: string
  fields: Record<string, string>
  bearer: string | undefined
}

export interface Answer {
  status: number
  body: Record<string, unknown>
}

/** All tokens that follow from one sign-in; or, where they are shared, from all of one user's. */
export interface Family {
  id: number
  user: string
  /** Counts the pairs: the current one's. */
  current: number
  /** Access tokens that are good, and until when. */
  access: Map<number, number>
  /** What ended it. */
  over?: 'spent twice' | 'revoked' | 'by the provider' | undefined
}

/** The provider's memory, and nothing of ours: it answers what such a server answers. */
export class ModelProvider {
  readonly families: Family[] = []
  readonly #codes = new Map<string, string>()
  #given = 0

  constructor(
    readonly kind: Kind,
    /** Milliseconds an access token is good. */
    readonly lifetime: number,
    readonly now: () => number,
  ) {}

  /** The person said yes at the provider: a code for the browser to bring back. */
  authorize(user: string): string {
    const code = `code-${++this.#given}`
    this.#codes.set(code, user)
    return code
  }

  answer({ path, fields, bearer }: Request): Answer {
    if (path === '/me') return this.#profile(bearer)
    if (path === '/revoke') return this.#revoke(fields.token ?? '')
    if (fields.grant_type === 'refresh_token') return this.#refresh(fields.refresh_token ?? '')
    return this.#grant(fields)
  }

  familyOf(token: string): Family | undefined {
    return this.families[Number(token.split('-')[1]) - 1]
  }

  /** Whether the refresh token is the one that the provider waits for. */
  isCurrent(token: string): boolean {
    const family = this.familyOf(token)
    if (!family || family.over) return false
    return this.kind === 'not rotating' || numberOf(token) === family.current
  }

  #grant({ code = '', username }: Record<string, string>): Answer {
    const user = username ?? this.#codes.get(code)
    this.#codes.delete(code)
    if (user === undefined) return refused
    if (this.kind !== 'shared pair') return this.#renewed(this.#found(user), user)
    const family = this.families.find((one) => one.user === user && !one.over) ?? this.#found(user)
    const until = family.access.get(family.current) ?? 0
    if (until > this.now()) return this.#pair(family, until, user)
    return this.#renewed(family, user)
  }

  #refresh(token: string): Answer {
    const family = this.familyOf(token)
    if (!family || family.over) return refused
    if (this.isCurrent(token)) return this.#renewed(family)
    if (this.kind === 'reuse detection') end(family, 'spent twice')
    return refused
  }

  /** It says 200 to whatever it does not know. */
  #revoke(token: string): Answer {
    const family = this.familyOf(token)
    const isKnown =
      this.kind === 'shared pair' ? this.#isGood(token, forgotten) : this.isCurrent(token)
    if (family && isKnown) end(family, 'revoked')
    return { status: 200, body: {} }
  }

  #profile(token = ''): Answer {
    const family = this.familyOf(token)
    return family && this.#isGood(token)
      ? { status: 200, body: { sub: family.user, name: family.user } }
      : { status: 401, body: { error: 'invalid_token' } }
  }

  #isGood(token: string, after = 0): boolean {
    const until = this.familyOf(token)?.access.get(numberOf(token)) ?? 0
    return token.startsWith('A') && until + after > this.now()
  }

  #found(user: string): Family {
    const family: Family = { id: this.families.length + 1, user, current: 0, access: new Map() }
    this.families.push(family)
    return family
  }

  #renewed(family: Family, user?: string): Answer {
    const until = this.now() + this.lifetime
    family.current++
    if (this.kind === 'shared pair') family.access.clear()
    family.access.set(family.current, until)
    return this.#pair(family, until, user)
  }

  #pair({ id, current, user }: Family, until: number, name = user): Answer {
    const keepsRefresh = this.kind === 'not rotating' && current > 1
    return {
      status: 200,
      body: {
        access_token: `A-${id}-${current}`,
        ...(keepsRefresh ? {} : { refresh_token: `R-${id}-${current}` }),
        token_type: 'bearer',
        expires_in: Math.floor((until - this.now()) / 1000),
        sub: user,
        name,
      },
    }
  }
}

/** Milliseconds for which an access token that has ended can still be named: it may end on its way. */
const forgotten = 15_000

const refused: Answer = { status: 400, body: { error: 'invalid_grant' } }

export function end(family: Family, why: NonNullable<Family['over']>): void {
  family.over = why
  family.access.clear()
}

/** Which pair of its family a token belongs to. */
export function numberOf(token: string): number {
  return Number(token.split('-')[2])
}
