import { errorAnswer, jsonAnswer, tokenAnswer } from './answer'
import type { Call, Route, Routes } from './host'
import type { OnetStage } from './onet'
import { pkceParameters } from './onet-pkce'
import type { OnetUser } from './onet-users'
import {
  exactly,
  forbidHeader,
  grantOperation,
  readForm,
  requireBasic,
  requireBearer,
} from './read-request'
import { departs, fails } from './refusal'
import { requireVerifier, standardAnswer, type IssuedTokens, type Tokens } from './tokens'

/** The host of tokens and of what they open. */
export function onetConnectRoutes(stage: OnetStage, tokens: Tokens): Routes {
  /** 400 for every client-side error, never 401 (developer.okonto.pl, token and userinfo). */
  const sayNo: Route['sayNo'] = (refusal) => {
    switch (stage.switches.errors) {
      case 'json':
        return errorAnswer(refusal, 400)
      case 'empty':
        return new Response(null, { status: 400 })
      case 'html':
        return new Response('<!doctype html><title>400</title><h1>Bad Request</h1>', {
          status: 400,
          headers: { 'content-type': 'text/html; charset=utf-8' },
        })
    }
  }
  const answer = (issued: IssuedTokens) => tokenAnswer(stage, standardAnswer(issued, 'bearer'))

  const exchange = (call: Call): Response => {
    requireBasic(call, stage.client)
    const required = ['grant_type', 'code', 'redirect_uri'] as const
    const values = exactly(readForm(call), required, pkceParameters(stage, 'code_verifier'))
    const code = tokens.redeem(values.code)
    if (values.redirect_uri !== code.redirectUri) {
      throw departs('redirect_uri is not the registered, absolute one', 'invalid_grant')
    }
    if (stage.switches.pkce === 'rfc9700') requireVerifier(code.challenge, values.code_verifier)
    return answer(tokens.issue(code, code.family))
  }
  const refresh = (call: Call): Response => {
    // Basic, or both credentials in the body (developer.okonto.pl, refresh); never a mixture.
    const inHeader = call.request.headers.has('authorization')
    const credentials = inHeader ? [] : (['client_id', 'client_secret'] as const)
    const values = exactly(readForm(call), ['grant_type', 'refresh_token', ...credentials])
    if (inHeader) requireBasic(call, stage.client)
    else if (values.client_id !== stage.client.id || values.client_secret !== stage.client.secret) {
      throw departs('wrong client credentials', 'invalid_client')
    }
    return answer(tokens.refresh(values.refresh_token))
  }
  const token: Route = {
    operation: grantOperation,
    sayNo,
    handle(call) {
      const grantType = new Map(readForm(call)).get('grant_type')
      if (grantType === 'authorization_code') return exchange(call)
      if (grantType === 'refresh_token') return refresh(call)
      const reason = 'grant_type is neither authorization_code nor refresh_token'
      throw departs(reason, 'unsupported_grant_type')
    },
  }

  /** Bearer in the header and `client_id` in the query, on everything that a token opens. */
  const requireUser = (call: Call): { accessToken: string; user: OnetUser } => {
    const values = exactly([...call.url.searchParams], ['client_id'])
    if (values.client_id !== stage.client.id)
      throw departs('client_id is unknown', 'invalid_client')
    forbidHeader(call, 'content-type')
    const accessToken = requireBearer(call)
    const user = stage.users[tokens.requireAccess(accessToken).user]
    if (!user) throw fails('this person has no account any more', 'invalid_token')
    return { accessToken, user }
  }
  return {
    'POST /oauth2/token': token,
    'GET /resources/userinfo': {
      operation: 'profile',
      sayNo,
      handle(call) {
        const { sub, email } = requireUser(call).user
        return jsonAnswer({ sub, email })
      },
    },
    'GET /external/profile': {
      operation: 'profile',
      sayNo,
      handle(call) {
        const { sub, email, name, surname, date_of_birth, gender } = requireUser(call).user
        return jsonAnswer({ sub, email, name, surname, date_of_birth, gender })
      },
    },
    // The access token only (developer.okonto.pl, revoke).
    'GET /oauth2/revoke': {
      operation: 'revoke',
      sayNo,
      handle(call) {
        tokens.forget(requireUser(call).accessToken)
        return new Response(null, { status: 200 })
      },
    },
  }
}
