import { jsonAnswer, tokenAnswer } from './answer'
import { createFrontDoor, tellApp } from './front-door'
import { gearcodePages } from './gearcode-pages'
import { gearcodeUsers, type GearcodeUser } from './gearcode-users'
import { createHost, type Call, type Route } from './host'
import { randomText, randomUuid, signJwt } from './random'
import { exactly, forbidHeader, grantOperation, readForm } from './read-request'
import { departs } from './refusal'
import { createStage, type Simulator, type TokenSwitches } from './simulator'
import {
  createTokens,
  readChallenge,
  requireVerifier,
  standardAnswer,
  type IssuedTokens,
} from './tokens'

export interface GearcodeSwitches extends TokenSwitches {
  /** Whether `state`, which the document does not know, comes back. */
  echoState: boolean
  /** As RFC 6749 §4.1.3 and stock Katana want it; the document has no `redirect_uri` there. */
  requireRedirectUriAtToken: boolean
  /** The document does not know PKCE: its parameters are refused, ignored, or required and verified. */
  pkce: 'undocumented' | 'ignored' | 'enforced'
  /** Access tokens that are no JWT. */
  opaqueAccessToken: boolean
}

export type GearcodeSimulator = Simulator<GearcodeSwitches, GearcodeUser>

/** GC.AUTH: the client id again as `resource_id`, no `redirect_uri` in the exchange, tokens of 15 minutes. */
export function createGearcode(
  options: Partial<GearcodeSwitches> & { now?: () => number } = {},
): GearcodeSimulator {
  const { now = Date.now, ...switches } = options
  const stage = createStage<GearcodeSwitches, GearcodeUser>({
    id: 'gearcode',
    origins: { main: 'https://auth.gearcode.eu' },
    switches: {
      rotate: true,
      omitRefreshToken: false,
      omitExpiresIn: false,
      // 15 minutes less a second, as in the document's samples.
      expiresIn: 899,
      reuseDetection: false,
      echoState: true,
      requireRedirectUriAtToken: false,
      pkce: 'undocumented',
      opaqueAccessToken: false,
      ...switches,
    },
    client: {
      id: 'sample.webapp.fe9d3e203b164c7e8896369673003291',
      secret: 'c0ffee-gc_Nw4.xV~7q+Rk/2=',
      redirectUris: ['https://my.sample.webapp.com/auth-callback'],
    },
    users: gearcodeUsers,
    now,
  })
  const tokens = createTokens(stage, {
    code: () => randomText(64),
    access: (grant, expiresAt) =>
      stage.switches.opaqueAccessToken ? randomText(64) : mintJwt(grant.user, expiresAt),
    refresh: () => randomText(64),
  })
  const mintJwt = (user: string, expiresAt: number): string => {
    const person = stage.users[user]
    return signJwt({
      iss: stage.origins.main ?? '',
      aud: stage.client.id,
      sub: person?.userId ?? user,
      unique_name: person?.login ?? user,
      name: person?.fullName ?? user,
      role: person?.roles ?? [],
      jti: randomUuid(),
      nbf: Math.floor(now() / 1000),
      exp: Math.floor(expiresAt / 1000),
    })
  }
  const door = createFrontDoor(stage, {
    pages: gearcodePages,
    issueCode: (visit) => tokens.issueCode(visit),
    echoState: () => stage.switches.echoState,
  })

  const authorize: Route = {
    operation: 'authorize',
    sayNo: door.refusedPage,
    handle(call) {
      const redirectUri = call.url.searchParams.get('redirect_uri') ?? ''
      if (call.url.searchParams.get('client_id') !== stage.client.id)
        throw departs('client_id is unknown')
      if (!stage.client.redirectUris.includes(redirectUri))
        throw departs('redirect_uri is not on the allowed list')
      const sent = call.url.searchParams.get('state') ?? undefined
      return tellApp(call, redirectUri, stage.switches.echoState, () => {
        const known =
          stage.switches.pkce === 'undocumented'
            ? []
            : (['code_challenge', 'code_challenge_method'] as const)
        const query = [...call.url.searchParams]
        const values = exactly(
          query,
          ['redirect_uri', 'client_id', 'response_type'],
          ['state', ...known],
        )
        if (values.response_type !== 'code')
          throw departs('response_type must be code', 'unsupported_response_type')
        const challenge = stage.switches.pkce === 'enforced' ? readChallenge(values) : undefined
        if (stage.switches.pkce === 'enforced' && challenge === undefined)
          throw departs('code_challenge is missing')
        return door.open({
          redirectUri,
          scopes: [],
          mandatory: [],
          ...(sent === undefined ? {} : { state: sent }),
          ...(challenge === undefined ? {} : { challenge }),
        })
      })
    },
  }

  // Katana's headers; a token error is always 400, also a wrong client.
  const headers = { 'cache-control': 'no-cache', pragma: 'no-cache', expires: '-1' }
  const sayNo: Route['sayNo'] = (refusal) => jsonAnswer({ error: refusal.error }, 400, headers)
  const answer = (issued: IssuedTokens) =>
    tokenAnswer(stage, standardAnswer(issued, 'bearer'), headers)
  const requireClient = (
    call: Call,
    values: { client_id: string; client_secret: string; resource_id: string },
  ) => {
    forbidHeader(call, 'authorization')
    if (values.client_id !== values.client_id.trim())
      throw departs('client_id has a space around it', 'invalid_client')
    if (values.client_id !== stage.client.id || values.client_secret !== stage.client.secret) {
      throw departs('wrong client credentials', 'invalid_client')
    }
    if (values.resource_id !== stage.client.id) throw departs('resource_id is not the client id')
  }
  const credentials = ['client_id', 'client_secret', 'resource_id'] as const

  const exchange = (call: Call): Response => {
    const known = stage.switches.pkce === 'undocumented' ? [] : (['code_verifier'] as const)
    const values = exactly(
      readForm(call),
      ['code', 'grant_type', ...credentials],
      ['redirect_uri', ...known],
    )
    requireClient(call, values)
    const code = tokens.redeem(values.code)
    if (values.redirect_uri === undefined) {
      if (stage.switches.requireRedirectUriAtToken)
        throw departs('parameter redirect_uri is missing', 'invalid_grant')
    } else if (values.redirect_uri !== code.redirectUri) {
      throw departs('redirect_uri is not the one of the authorization request', 'invalid_grant')
    }
    if (stage.switches.pkce === 'enforced') requireVerifier(code.challenge, values.code_verifier)
    return answer(tokens.issue(code, code.family))
  }
  const refresh = (call: Call): Response => {
    const values = exactly(readForm(call), ['grant_type', 'refresh_token', ...credentials])
    requireClient(call, values)
    return answer(tokens.refresh(values.refresh_token))
  }
  const token: Route = {
    operation: grantOperation,
    sayNo,
    handle(call) {
      const grantType = new Map(readForm(call)).get('grant_type')
      if (grantType === 'authorization_code') return exchange(call)
      if (grantType === 'refresh_token') return refresh(call)
      throw departs(
        'grant_type is neither authorization_code nor refresh_token',
        'unsupported_grant_type',
      )
    },
  }

  stage.hosts.main = createHost(stage, 'main', {
    'GET /oauth/authorize': authorize,
    'POST /oauth/token': token,
    ...door.routes,
  })
  return stage
}
