import { randomUuid, signJwt } from './random'
import { fails } from './refusal'
import type { Person, Stage } from './simulator'

/** Whom and what a pair of tokens is for; with the client it is the key by which pairs are shared. */
export interface Authentication {
  user: string
  clientId: string
  scope: string[]
}

/** A live pair. There is never more than one for the same authentication. */
export interface Pair extends Authentication {
  accessToken: string
  refreshToken: string
  expiresAt: number
  refreshExpiresAt: number
  /** What stands in the access token and in the answer alike. */
  claims: Record<string, unknown>
  jti: string
}

interface Wanted extends Authentication {
  claims: Record<string, unknown>
  validity: number
}

/** As DefaultTokenServices keeps them: shared between all logins of a user in a client. */
export interface SharedTokens {
  /** The live pair of this authentication, or a new one. */
  login(wanted: Wanted): Pair
  /** Old access and refresh token die together, at once. */
  refresh(refreshToken: string, clientId: string, renew: (pair: Pair) => Wanted): Pair
  byAccess(accessToken: string): Pair | undefined
  forget(pair: Pair): void
}

const refreshLife = 30 * 24 * 3_600_000

export function createSharedTokens<Switches extends object, User extends Person>(
  stage: Stage<Switches, User>,
): SharedTokens {
  const pairs = new Map<string, Pair>()
  const keyOf = (who: Authentication) =>
    JSON.stringify([who.clientId, who.user, [...who.scope].sort()])
  const forget = (pair: Pair) => pairs.delete(keyOf(pair))

  const mint = (wanted: Wanted, kept?: Pair): Pair => {
    const { user, clientId, scope, claims, validity } = wanted
    const jti = randomUuid()
    const expiresAt = stage.now() + validity * 1000
    const refreshExpiresAt = kept?.refreshExpiresAt ?? stage.now() + refreshLife
    const common = { ...claims, user_name: user, scope, client_id: clientId }
    const accessToken = stage.handOut(
      signJwt({ ...common, exp: Math.floor(expiresAt / 1000), jti }),
    )
    const refreshToken =
      kept?.refreshToken ??
      stage.handOut(
        signJwt({
          ...common,
          ati: jti,
          exp: Math.floor(refreshExpiresAt / 1000),
          jti: randomUuid(),
        }),
      )
    const pair = {
      user,
      clientId,
      scope,
      claims,
      jti,
      accessToken,
      refreshToken,
      expiresAt,
      refreshExpiresAt,
    }
    pairs.set(keyOf(pair), pair)
    return pair
  }

  stage.expireAccessTokens = () => {
    for (const pair of pairs.values()) pair.expiresAt = stage.now()
  }
  stage.expireRefreshTokens = () => {
    for (const pair of pairs.values()) pair.refreshExpiresAt = stage.now()
  }
  stage.revokeEverything = () => pairs.clear()

  return {
    login(wanted) {
      const live = pairs.get(keyOf(wanted))
      if (!live) return mint(wanted)
      if (live.expiresAt > stage.now()) return live
      // An expired access token is replaced, while the refresh token that others may hold stays.
      return mint(wanted, live.refreshExpiresAt > stage.now() ? live : undefined)
    },
    refresh(refreshToken, clientId, renew) {
      const pair = [...pairs.values()].find((candidate) => candidate.refreshToken === refreshToken)
      if (!pair) {
        throw fails('the refresh token is unknown or used', 'invalid_grant', {
          description: `Invalid refresh token: ${refreshToken}`,
        })
      }
      if (pair.clientId !== clientId) {
        throw fails('the refresh token is of another client', 'invalid_grant', {
          description: `Wrong client for this refresh token: ${refreshToken}`,
        })
      }
      if (pair.refreshExpiresAt <= stage.now()) {
        forget(pair)
        const description = `Invalid refresh token (expired): ${refreshToken}`
        throw fails('the refresh token has expired', 'invalid_token', {
          description,
          headers: {
            'www-authenticate': `Bearer error="invalid_token", error_description="${description}"`,
          },
        })
      }
      const wanted = renew(pair)
      forget(pair)
      return mint(wanted)
    },
    byAccess: (accessToken) => [...pairs.values()].find((pair) => pair.accessToken === accessToken),
    forget,
  }
}
