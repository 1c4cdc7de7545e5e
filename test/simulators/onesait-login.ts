import { grantOperation, exactly, readForm } from './read-request'
import type { Call, Route } from './host'
import type { OnesaitStage } from './onesait'
import { requireRealm, springNo } from './onesait-refusal'
import type { Pair, SharedTokens } from './onesait-tokens'
import { departs, fails } from './refusal'

/** `POST /oauth-server/oauth/token`: the password grant, and the refresh. */
export function onesaitLogin(stage: OnesaitStage, tokens: SharedTokens): Route {
  const claimsOf = (user: string, parameters: Record<string, string>) => ({
    name: user,
    principal: user,
    parameters,
    clientId: stage.client.id,
    grantType: parameters.grant_type,
    apps: {},
    authorities: stage.users[user]?.realmRoles ?? [],
  })

  const password = (call: Call): Response => {
    const required = ['grant_type', 'username', 'password', 'clientId', 'scope'] as const
    const values = exactly(readForm(call), required, ['vertical'])
    if (values.clientId !== stage.client.id) {
      throw departs('clientId is not the id of the Basic header')
    }
    const scope = requireScopes(values.scope, stage.switches.scopes)
    requireUser(stage, values.username, values.password)
    // Spring keeps every parameter but the password, and gives them back.
    const { grant_type, username, clientId } = values
    const parameters = { grant_type, username, scope: values.scope, clientId }
    const pair = tokens.login({
      user: username,
      clientId: stage.client.id,
      scope,
      claims: claimsOf(username, parameters),
      validity: stage.switches.expiresIn,
    })
    return answer(stage, pair, parameters)
  }

  const refresh = (call: Call): Response => {
    const { grant_type, refresh_token } = exactly(readForm(call), ['grant_type', 'refresh_token'])
    const pair = tokens.refresh(refresh_token, stage.client.id, (old) => ({
      user: old.user,
      clientId: old.clientId,
      scope: old.scope,
      claims: claimsOf(old.user, { grant_type }),
      validity: stage.switches.expiresIn,
    }))
    return answer(stage, pair, { grant_type, refresh_token })
  }

  return {
    operation: grantOperation,
    sayNo: springNo,
    handle(call) {
      requireRealm(call, stage)
      const form = new Map(readForm(call))
      if (form.has('client_id')) {
        throw departs('client_id in the body: the document has clientId', 'invalid_client', {
          description: 'Given client ID does not match authenticated client',
        })
      }
      const grantType = form.get('grant_type')
      if (grantType === 'password') return password(call)
      if (grantType === 'refresh_token') return refresh(call)
      if (grantType === undefined) {
        throw departs('grant_type is missing', 'invalid_request', {
          description: 'Missing grant type',
        })
      }
      throw departs('a grant type that the document does not have', 'unsupported_grant_type', {
        description: `Unsupported grant type: ${grantType}`,
      })
    },
  }
}

function answer(stage: OnesaitStage, pair: Pair, parameters: Record<string, string>): Response {
  const left = Math.floor((pair.expiresAt - stage.now()) / 1000)
  const body = {
    access_token: pair.accessToken,
    token_type: 'bearer',
    refresh_token: pair.refreshToken,
    // What is left, not what a new token would have: the pair may be shared.
    ...(stage.switches.omitExpiresIn ? {} : { expires_in: left }),
    scope: pair.scope.join(' '),
    ...pair.claims,
    parameters,
    jti: pair.jti,
  }
  return new Response(JSON.stringify(stage.tokenAnswer ? stage.tokenAnswer(body) : body), {
    headers: {
      'content-type': 'application/json;charset=UTF-8',
      'cache-control': 'no-store',
      pragma: 'no-cache',
    },
  })
}

function requireUser(stage: OnesaitStage, username: string, password: string): void {
  const user = stage.users[username]
  if (!user) {
    throw fails('no such user', 'invalid_grant', {
      status: 404,
      description: `Authentication failed. User not exists: ${username}`,
    })
  }
  if (!user.active) {
    throw fails('the user is deactivated', 'unauthorized', {
      status: 401,
      description: `Authentication failed. User deactivated: ${username}`,
    })
  }
  if (user.password !== password) {
    user.wrongPasswords += 1
    user.active = user.wrongPasswords < stage.switches.wrongPasswordLimit
    throw fails('wrong password', 'invalid_grant', {
      status: 400,
      description: `Authentication failed. Password incorrect for ${username}`,
    })
  }
  user.wrongPasswords = 0
  if (!user.realmRoles) {
    throw fails('the user is not in the realm', 'access_denied', {
      status: 403,
      description: `User is not in clientId/Realm. Username: ${username} , clientId: ${stage.client.id}`,
    })
  }
}

function requireScopes(asked: string, allowed: string[]): string[] {
  const scope = asked.split(' ')
  if (scope.every((name) => allowed.includes(name))) return scope
  throw departs('a scope that this client does not have', 'invalid_scope', {
    description: `Unable to narrow the scope of the client authentication to [${asked}].`,
    more: {
      error: 'invalid_scope',
      error_description: `Unable to narrow the scope of the client authentication to [${asked}].`,
      scope: allowed.join(' '),
    },
  })
}
