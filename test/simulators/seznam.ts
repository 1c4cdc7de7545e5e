import { jsonAnswer, tokenAnswer } from './answer'
import { createFrontDoor, tellApp } from './front-door'
import { createHost, type Call, type Route } from './host'
import { randomHex } from './random'
import {
  contentType,
  exactly,
  forbidHeader,
  grantOperation,
  readForm,
  readJson,
  requireBearer,
} from './read-request'
import { departs, fails } from './refusal'
import { seznamPages } from './seznam-pages'
import { fieldsOf, readEssential, readScopes } from './seznam-scopes'
import { seznamUsers, type SeznamUser } from './seznam-users'
import { createStage, type Simulator, type TokenSwitches } from './simulator'
import {
  createTokens,
  readChallenge,
  requireVerifier,
  standardAnswer,
  type IssuedTokens,
} from './tokens'

export interface SeznamSwitches extends TokenSwitches {
  /** Token and revocation requests may be forms too; integrators disagree on it. */
  acceptForm: boolean
  /** HTTP says the same as `status` in the body; else it is 200 whatever happened. */
  httpStatusMirrorsBody: boolean
  /** Scopes may also be separated by spaces. */
  looseScopeSeparator: boolean
  requirePkce: boolean
}

export type SeznamSimulator = Simulator<SeznamSwitches, SeznamUser>

/** "All URLs used as a redirect_uri are transformed to https, excluding the localhost hostname." */
export function toHttps(address: string): string {
  if (!URL.canParse(address)) return address
  const url = new URL(address)
  return url.protocol === 'http:' && url.hostname !== 'localhost'
    ? address.replace(/^http:/i, 'https:')
    : address
}

/** Seznam: JSON token requests, scopes by commas that a person may refuse, revocation by bearer. */
export function createSeznam(
  options: Partial<SeznamSwitches> & { now?: () => number } = {},
): SeznamSimulator {
  const { now = Date.now, ...switches } = options
  const stage = createStage<SeznamSwitches, SeznamUser>({
    id: 'seznam',
    origins: { main: 'https://login.szn.cz' },
    switches: {
      rotate: false,
      omitRefreshToken: false,
      omitExpiresIn: false,
      expiresIn: 31_536_000,
      reuseDetection: false,
      acceptForm: false,
      httpStatusMirrorsBody: true,
      looseScopeSeparator: false,
      requirePkce: false,
      ...switches,
    },
    client: {
      id: 'latchkey_demo-7f3a.seznam',
      secret: 'c0ffee_Szn.Q8-rT~yU+1o/P=',
      redirectUris: ['https://app.example/callback'],
    },
    users: seznamUsers,
    now,
  })
  const mint = () => randomHex(64)
  const tokens = createTokens(stage, { code: mint, access: mint, refresh: mint })
  const door = createFrontDoor(stage, {
    pages: seznamPages,
    issueCode: (visit) => tokens.issueCode(visit),
  })

  const authorize: Route = {
    operation: 'authorize',
    sayNo: door.refusedPage,
    handle(call) {
      const redirectUri = toHttps(call.url.searchParams.get('redirect_uri') ?? '')
      if (call.url.searchParams.get('client_id') !== stage.client.id)
        throw departs('client_id is unknown')
      if (!stage.client.redirectUris.map(toHttps).includes(redirectUri))
        throw departs('redirect_uri is not registered')
      return tellApp(call, redirectUri, true, () => {
        const query = [...call.url.searchParams]
        const required = ['client_id', 'scope', 'response_type', 'redirect_uri', 'state'] as const
        const values = exactly(query, required, [
          'claims',
          'code_challenge',
          'code_challenge_method',
        ])
        if (values.response_type !== 'code')
          throw departs('response_type must be code', 'unsupported_response_type')
        const scopes = readScopes(values.scope, stage.switches.looseScopeSeparator)
        const challenge = readChallenge(values)
        if (stage.switches.requirePkce && challenge === undefined)
          throw departs('code_challenge is missing')
        // "adulthood: user cannot refuse it" (vyvojari.seznam.cz/oauth/scopes)
        const fixed = ['identity', 'adulthood', ...readEssential(values.claims, scopes)]
        return door.open({
          redirectUri,
          state: values.state,
          scopes,
          mandatory: scopes.filter((scope) => fixed.includes(scope)),
          ...(challenge === undefined ? {} : { challenge }),
        })
      })
    },
  }

  const sayNo: Route['sayNo'] = (refusal) => {
    const status = refusal.details.status ?? (refusal.error === 'invalid_token' ? 401 : 400)
    const body = { status, message: refusal.message, error: refusal.error }
    return jsonAnswer(body, stage.switches.httpStatusMirrorsBody ? status : 200)
  }
  const requireAccept = (call: Call) => {
    if (!(call.request.headers.get('accept') ?? '').includes('application/json')) {
      throw departs('Accept must be application/json')
    }
  }
  const readBody = (call: Call): [string, string][] => {
    requireAccept(call)
    const isForm = contentType(call) === 'application/x-www-form-urlencoded'
    return stage.switches.acceptForm && isForm ? readForm(call) : readJson(call)
  }
  const requireClient = (call: Call, values: { client_id: string; client_secret: string }) => {
    forbidHeader(call, 'authorization')
    if (values.client_id !== stage.client.id || values.client_secret !== stage.client.secret) {
      throw departs('wrong client credentials', 'invalid_client', { status: 401 })
    }
  }
  const answer = (issued: IssuedTokens): Response => {
    const user = stage.users[issued.user]
    if (!user) throw fails('this person has no account any more', 'invalid_grant')
    return tokenAnswer(stage, {
      ...standardAnswer(issued, 'bearer'),
      scopes: issued.scopes,
      account_name: user.account_name,
      oauth_user_id: user.oauth_user_id,
      status: 200,
      message: 'ok',
    })
  }
  const exchange = (call: Call): Response => {
    const required = ['grant_type', 'code', 'redirect_uri', 'client_secret', 'client_id'] as const
    const values = exactly(readBody(call), required, ['code_verifier'])
    requireClient(call, values)
    const code = tokens.redeem(values.code)
    if (toHttps(values.redirect_uri) !== code.redirectUri)
      throw departs('redirect_uri is not the one of the redirection', 'invalid_grant')
    requireVerifier(code.challenge, values.code_verifier)
    return answer(tokens.issue(code, code.family))
  }
  const refresh = (call: Call): Response => {
    const values = exactly(readBody(call), [
      'grant_type',
      'refresh_token',
      'client_secret',
      'client_id',
    ])
    requireClient(call, values)
    return answer(tokens.refresh(values.refresh_token))
  }
  const token: Route = {
    operation: grantOperation,
    sayNo,
    handle(call) {
      const grantType = new Map(readBody(call)).get('grant_type')
      if (grantType === 'authorization_code') return exchange(call)
      if (grantType === 'refresh_token') return refresh(call)
      throw departs(
        'grant_type is neither authorization_code nor refresh_token',
        'unsupported_grant_type',
      )
    },
  }
  const user: Route = {
    operation: 'profile',
    sayNo,
    handle(call) {
      requireAccept(call)
      exactly([...call.url.searchParams], [])
      const grant = tokens.requireAccess(requireBearer(call, true))
      const person = stage.users[grant.user]
      if (!person) throw fails('this person has no account any more', 'invalid_token')

      return jsonAnswer({ ...fieldsOf(person, grant.scopes), status: 200, message: 'ok' })
    },
  }
  const revoke: Route = {
    operation: 'revoke',
    sayNo,
    handle(call) {
      const bearer = tokens.requireAccess(requireBearer(call, true))
      const { token, token_type_hint: hint } = exactly(readBody(call), ['token_type_hint', 'token'])
      if (hint !== 'refresh_token' && hint !== 'access_token')
        throw departs('token_type_hint is neither of the two')
      const target = hint === 'access_token' ? tokens.access(token) : tokens.refreshRecord(token)
      if (!target) throw fails('the token is unknown, or not of this kind', 'invalid_request')
      if (target.user !== bearer.user) throw departs('the token is another person’s')
      tokens.forget(token)
      return jsonAnswer({ status: 200, message: 'ok' })
    },
  }

  stage.hosts.main = createHost(
    stage,
    'main',
    {
      'GET /api/v1/oauth/auth': authorize,
      'POST /api/v1/oauth/token': token,
      'GET /api/v1/user': user,
      'POST /api/v1/oauth/revoke': revoke,
      ...door.routes,
    },
    sayNo,
  )
  return stage
}
