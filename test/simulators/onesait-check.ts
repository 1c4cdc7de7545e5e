import { jsonAnswer } from './answer'
import type { Call, Route, Routes } from './host'
import type { OnesaitStage } from './onesait'
import { requireRealm, springNo } from './onesait-refusal'
import type { Pair, SharedTokens } from './onesait-tokens'
import { contentType, exactly, readForm, requireBasic, requireBearer } from './read-request'
import { departs, fails } from './refusal'

const form = 'application/x-www-form-urlencoded'

/** Everything that is asked about a token once it is there. */
export function onesaitCheckRoutes(stage: OnesaitStage, tokens: SharedTokens): Routes {
  const requireLive = (accessToken: string): Pair => {
    const pair = tokens.byAccess(accessToken)
    if (!pair) {
      const description = 'Token was not recognised'
      throw fails('the token is unknown', 'invalid_token', { description })
    }
    if (pair.expiresAt <= stage.now()) {
      throw fails('the token has expired', 'invalid_token', { description: 'Token has expired' })
    }
    return pair
  }

  const check: Route = {
    operation: 'check',
    sayNo: springNo,
    handle(call) {
      requireRealm(call, stage)
      const { user, clientId, scope, expiresAt, jti, claims } = requireLive(tokenParameter(call))
      const { apps: _, ...known } = claims
      const exp = Math.floor(expiresAt / 1000)
      return jsonAnswer({
        user_name: user,
        scope,
        exp,
        jti,
        ...known,
        client_id: clientId,
        active: true,
      })
    },
  }
  const checkByGet: Route = {
    ...check,
    handle(call) {
      if (stage.switches.legacyCheck) return check.handle(call)
      throw departs('check_token takes POST only', 'method_not_allowed', {
        status: 405,
        description: "Request method 'GET' not supported",
      })
    },
  }
  const platformCheck: Route = {
    operation: 'check',
    sayNo: platformNo((token) => `Invalid access token: ${token}`),
    handle(call) {
      requireBasic(call, stage.client)
      const { user, clientId, jti, expiresAt, claims } = requireLive(tokenParameter(call))
      return jsonAnswer({
        scope: [clientId],
        name: claims.name,
        user_name: user,
        principal: claims.principal,
        jti,
        exp: Math.floor(expiresAt / 1000),
        grant_type: claims.grantType,
        client_id: clientId,
        authorities: claims.authorities,
      })
    },
  }
  const revoke: Route = {
    operation: 'revoke',
    sayNo: platformNo((token) => token),
    handle(call) {
      requireBasic(call, stage.client)
      if (contentType(call) !== form) throw departs(`Content-Type must be ${form}`)
      const accessToken = tokenParameter(call)
      const pair = tokens.byAccess(accessToken)
      if (!pair) throw fails('the token is unknown', 'invalid_token')
      tokens.forget(pair)
      return jsonAnswer({ access_token: accessToken, state: 'invalid_token' })
    },
  }
  const userinfo: Route = {
    operation: 'profile',
    sayNo: springNo,
    handle(call) {
      if (!stage.switches.userinfo) {
        throw departs('this installation has no userinfo', 'not_found', { status: 404 })
      }
      const { user: username } = requireLive(requireBearer(call))
      const user = stage.users[username]
      if (!user) throw fails('no such user', 'invalid_token')
      const { mail, fullName: name, role } = user
      const userid = `(${username})`
      return jsonAnswer({ mail, username, sub: username, name, role, userid, extra_fields: {} })
    },
  }
  return {
    'POST /oauth-server/oauth/check_token': check,
    'GET /oauth-server/oauth/check_token': checkByGet,
    'POST /oauth-server/openplatform-oauth/check_token': platformCheck,
    'POST /oauth-server/openplatform-oauth/revoke_token': revoke,
    'GET /oauth-server/oidc/userinfo': userinfo,
  }
}

/** The document says only "parameter", and Spring reads query and form alike, but one value of them. */
function tokenParameter(call: Call): string {
  const inBody = call.body !== ''
  return exactly(inBody ? readForm(call) : [...call.url.searchParams], ['token']).token
}

/** Always 200: what happened stands in the body alone. */
function platformNo(describe: (token: string) => string): Route['sayNo'] {
  return (refusal, call) => {
    if (!call.request.headers.has('authorization')) {
      return jsonAnswer({ status: 400, error: 'Bad Request', path: call.url.pathname }, 400)
    }
    const inQuery = call.url.searchParams.get('token')
    const token = inQuery ?? new URLSearchParams(call.body).get('token') ?? ''
    return refusal.error === 'invalid_client'
      ? jsonAnswer({ error: 'access_denied', error_description: token })
      : jsonAnswer({ error: 'invalid_token', error_description: describe(token) })
  }
}
