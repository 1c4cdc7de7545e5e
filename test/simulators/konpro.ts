import { errorAnswer, jsonAnswer, tokenAnswer } from './answer'
import { createFrontDoor, tellApp } from './front-door'
import { createHost, type Call, type Route, type Routes } from './host'
import { answerPreflight, withCors } from './konpro-cors'
import { konproPages, konproShell } from './konpro-pages'
import { describeAccount, konproUsers, type KonproUser } from './konpro-users'
import { pageAnswer } from './page'
import { randomText, randomUuid } from './random'
import { exactly, forbidHeader, grantOperation, readForm, requireBearer } from './read-request'
import { departs, fails } from './refusal'
import { createStage, type Simulator, type TokenSwitches } from './simulator'
import {
  createTokens,
  readChallenge,
  requireVerifier,
  standardAnswer,
  type IssuedTokens,
} from './tokens'

export interface KonproSwitches extends TokenSwitches {
  /** `account.get` answers `{code, data}` instead of the bare object. */
  envelope: boolean
  /** Exact origins that may call the API host from a browser. */
  corsOrigins: string[]
  /** The app host answers whatever it does not know with its single page, status 200. */
  htmlFromAppHost: boolean
  /** Where a refresh is served. Documented: its own address. */
  refreshAt: 'refresh_token' | 'token'
  /** Status of `invalid_grant`. */
  grantErrorStatus: 400 | 401
  /** API errors as KonPro's pages write them, or numbered as its model does. */
  apiErrors: 'coded' | 'numbered'
}

export type KonproSimulator = Simulator<KonproSwitches, KonproUser>

/** KonPro: a public client with PKCE, people on one host and tokens on another. */
export function createKonpro(
  options: Partial<KonproSwitches> & { now?: () => number } = {},
): KonproSimulator {
  const { now = Date.now, ...switches } = options
  const stage = createStage<KonproSwitches, KonproUser>({
    id: 'konpro',
    origins: { app: 'https://app.konpro.ai', api: 'https://api.konpro.ai' },
    switches: {
      rotate: true,
      omitRefreshToken: false,
      omitExpiresIn: false,
      expiresIn: 864_000,
      reuseDetection: false,
      envelope: true,
      corsOrigins: [],
      htmlFromAppHost: true,
      refreshAt: 'refresh_token',
      grantErrorStatus: 400,
      apiErrors: 'coded',
      ...switches,
    },
    client: {
      id: 'latchkey-demo_app.konpro',
      redirectUris: ['https://app.example/callback/konpro'],
    },
    users: konproUsers,
    now,
  })
  const noteApiTokens = () =>
    Object.values(stage.users).forEach((user) => stage.handOut(user.apiToken))
  noteApiTokens()
  stage.onReset.push(noteApiTokens)
  const tokens = createTokens(stage, {
    code: () => randomText(43),
    access: () => `kp_at_${randomText(48)}`,
    refresh: () => `kp_rt_${randomText(48)}`,
  })
  const door = createFrontDoor(stage, {
    pages: konproPages,
    issueCode: (visit) => tokens.issueCode(visit),
  })

  const authorize: Route = {
    operation: 'authorize',
    sayNo: door.refusedPage,
    handle(call) {
      const redirectUri = call.url.searchParams.get('redirect_uri') ?? ''
      if (call.url.searchParams.get('client_id') !== stage.client.id)
        throw departs('client_id is unknown')
      if (!stage.client.redirectUris.includes(redirectUri))
        throw departs('redirect_uri is not the approved one')
      return tellApp(call, redirectUri, true, () => {
        const query = [...call.url.searchParams]
        const values = exactly(query, [
          'client_id',
          'state',
          'redirect_uri',
          'code_challenge',
          'code_challenge_method',
          'response_type',
        ])
        if (values.response_type !== 'code')
          throw departs('response_type must be code', 'unsupported_response_type')
        const challenge = readChallenge(values)
        return door.open({
          redirectUri,
          state: values.state,
          scopes: [],
          mandatory: [],
          ...(challenge === undefined ? {} : { challenge }),
        })
      })
    },
  }

  const tokenSayNo: Route['sayNo'] = (refusal) =>
    errorAnswer(refusal, refusal.error === 'invalid_grant' ? stage.switches.grantErrorStatus : 400)
  const answer = (issued: IssuedTokens) => tokenAnswer(stage, standardAnswer(issued, 'Bearer'))
  /** A public client: no secret, no header, only its name. */
  const requireClient = (call: Call, clientId: string) => {
    forbidHeader(call, 'authorization')
    forbidHeader(call, 'x-api-key')
    if (clientId !== stage.client.id) throw departs('client_id is unknown', 'invalid_client')
  }
  const exchange = (call: Call): Response => {
    const values = exactly(readForm(call), [
      'grant_type',
      'code',
      'client_id',
      'redirect_uri',
      'code_verifier',
    ])
    requireClient(call, values.client_id)
    const code = tokens.redeem(values.code)
    if (values.redirect_uri !== code.redirectUri)
      throw departs('redirect_uri is not the one of step 1', 'invalid_grant')
    requireVerifier(code.challenge, values.code_verifier)
    return answer(tokens.issue(code, code.family))
  }
  const renew = (call: Call): Response => {
    const values = exactly(readForm(call), ['grant_type', 'client_id', 'refresh_token'])
    if (values.grant_type !== 'refresh_token')
      throw departs('grant_type must be refresh_token', 'unsupported_grant_type')
    requireClient(call, values.client_id)
    return answer(tokens.refresh(values.refresh_token))
  }
  const token: Route = {
    operation: grantOperation,
    sayNo: tokenSayNo,
    handle(call) {
      const grantType = new Map(readForm(call)).get('grant_type')
      if (grantType === 'authorization_code') return exchange(call)
      if (grantType === 'refresh_token' && stage.switches.refreshAt === 'token') return renew(call)
      throw departs(
        'grant_type must be authorization_code at this address',
        'unsupported_grant_type',
      )
    },
  }
  const refresh: Route = {
    operation: 'refresh',
    sayNo: tokenSayNo,
    handle(call) {
      if (stage.switches.refreshAt === 'refresh_token') return renew(call)
      throw departs('this deployment has no refresh address', 'not_found', { status: 404 })
    },
  }

  /** As docs.konpro.ai/api/error-responses, or with the numbers of the API that KonPro is modelled on. */
  const apiSayNo: Route['sayNo'] = (refusal) => {
    const unauthorized = refusal.error === 'invalid_token'
    const status = unauthorized ? 401 : 400
    if (stage.switches.apiErrors === 'numbered') {
      const code = !unauthorized ? 400_112 : refusal.message.includes('expired') ? 401_056 : 401_057
      return jsonAnswer({ code, message: refusal.message }, status)
    }
    const code = unauthorized ? 'INVALID_API_KEY' : 'INVALID_REQUEST'
    const request_id = `req-${randomUuid().slice(-12)}`
    return jsonAnswer(
      { error: { code, message: refusal.message, details: {} }, request_id },
      status,
    )
  }
  /** Bearer or API token, never both. */
  const requireUser = (call: Call): KonproUser => {
    const apiToken = call.request.headers.get('x-api-key')
    if (apiToken === null) {
      const user = stage.users[tokens.requireAccess(requireBearer(call)).user]
      if (!user) throw fails('this person has no account any more', 'invalid_token')
      return user
    }
    if (call.request.headers.has('authorization')) throw departs('both Authorization and X-API-KEY')
    const user = Object.values(stage.users).find((candidate) => candidate.apiToken === apiToken)
    if (!user) throw fails('the API token is unknown', 'invalid_token')
    return user
  }
  const account: Route = {
    operation: 'profile',
    sayNo: apiSayNo,
    handle(call) {
      const user = requireUser(call)
      exactly([...call.url.searchParams], [])
      const data = describeAccount(user, now())
      return jsonAnswer(stage.switches.envelope ? { code: 100, data, message: 'Success' } : data)
    },
  }
  /** The document's example of an API call. */
  const someEndpoint: Route = {
    sayNo: apiSayNo,
    handle: (call) => jsonAnswer({ code: 100, data: { username: requireUser(call).username } }),
  }

  stage.hosts.app = createHost(
    stage,
    'app',
    { 'GET /oauth/authorize': authorize, ...door.routes },
    (refusal, call) => {
      if (!stage.switches.htmlFromAppHost) return errorAnswer(refusal, 404)
      call.entry.refused =
        'the app host has only the authorization page; tokens and API are at the API host'
      return pageAnswer(konproShell)
    },
  )
  const api: Routes = {
    'POST /v1/oauth/token': token,
    'POST /v1/oauth/refresh_token': refresh,
    'GET /v1/pacific/account.get': account,
    'GET /v1/some-endpoint': someEndpoint,
  }
  for (const key of Object.keys(api)) {
    const path = key.slice(key.indexOf(' ') + 1)
    api[`OPTIONS ${path}`] = {
      sayNo: apiSayNo,
      handle: (call) => answerPreflight(call, stage.switches.corsOrigins),
    }
  }
  const served = createHost(stage, 'api', api, (refusal) =>
    jsonAnswer(
      {
        error: { code: 'RESOURCE_NOT_FOUND', message: refusal.message, details: {} },
        request_id: 'req-0',
      },
      refusal.details.status ?? 404,
    ),
  )
  stage.hosts.api = async (request) =>
    withCors(request, await served(request), stage.switches.corsOrigins)
  return stage
}
