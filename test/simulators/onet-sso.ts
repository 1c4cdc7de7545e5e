import { redirectTo } from './answer'
import { createFrontDoor, tellApp, type Visit } from './front-door'
import type { Call, Route, Routes } from './host'
import type { OnetStage } from './onet'
import { onetPages } from './onet-pages'
import { pkceParameters } from './onet-pkce'
import { exactly } from './read-request'
import { randomUUID } from 'node:crypto'
import { departs } from './refusal'
import { readChallenge, type Tokens } from './tokens'

type Request = Omit<Visit, 'id' | 'startedAt'>

const cookieName = 'sim_onet_sso'
/** "about 3 months" (developer.okonto.pl, sso) */
const ssoLife = 90 * 24 * 3600

/** The SSO domain, which remembers people, and the authorize endpoint, which sends browsers there. */
export function onetSsoRoutes(stage: OnetStage, tokens: Tokens): { sso: Routes; authorize: Route } {
  const sessions = new Map<string, { user: string; until: number }>()
  const consents = new Set<string>()
  /** Authorization requests on their way from the other host. */
  const underWay = new Map<string, Request>()
  stage.onReset.push(() => {
    sessions.clear()
    consents.clear()
    underWay.clear()
  })
  const door = createFrontDoor(stage, {
    pages: onetPages,
    issueCode: (visit) => tokens.issueCode(visit),
    consented: (user) => consents.add(user),
    remember(user) {
      const value = randomUUID()
      sessions.set(value, { user, until: stage.now() + ssoLife * 1000 })
      return { 'set-cookie': cookie(value, ssoLife) }
    },
  })
  const checkSso = (call: Call, request: Request): Response => {
    const session = sessions.get(readCookie(call))
    if (!session || session.until <= stage.now() || !stage.users[session.user]) {
      return door.open(request)
    }
    return door.open({ ...request, user: session.user }, consents.has(session.user))
  }

  const login: Route = {
    operation: 'authorize',
    sayNo: door.refusedPage,
    handle(call) {
      // A path of the app here, the whole address at the token endpoint (seed, steps 1 and 2).
      const redirectUri = requireClient(stage, call, true)
      return tellApp(call, redirectUri, true, () => {
        const known = pkceParameters(stage, 'code_challenge', 'code_challenge_method')
        const required = ['client_id', 'redirect_uri'] as const
        const { state } = exactly([...call.url.searchParams], required, ['state', ...known])
        return checkSso(call, visitTo(redirectUri, state))
      })
    },
  }
  const authorize: Route = {
    operation: 'authorize',
    sayNo: door.refusedPage,
    handle(call) {
      const redirectUri = requireClient(stage, call, false)
      return tellApp(call, redirectUri, true, () => {
        const known = pkceParameters(stage, 'code_challenge', 'code_challenge_method')
        const required = ['client_id', 'redirect_uri', 'response_type'] as const
        const values = exactly([...call.url.searchParams], required, ['state', ...known])
        if (values.response_type !== 'code') {
          throw departs('response_type must be code', 'invalid_response_type')
        }
        const challenge = stage.switches.pkce === 'rfc9700' ? readChallenge(values) : undefined
        const ticket = randomUUID()
        underWay.set(ticket, visitTo(redirectUri, values.state, challenge))
        return redirectTo(`${stage.origins.sso ?? ''}/checkSSO/continue.html`, { ticket })
      })
    },
  }
  const resume: Route = {
    sayNo: door.refusedPage,
    handle(call) {
      const ticket = call.url.searchParams.get('ticket') ?? ''
      const request = underWay.get(ticket)
      if (!request) throw departs('this login is over')
      underWay.delete(ticket)
      return checkSso(call, request)
    },
  }
  const logout: Route = {
    sayNo: door.refusedPage,
    handle(call) {
      const known = stage.switches.echoState ? (['state'] as const) : []
      const values = exactly([...call.url.searchParams], ['client_id'], known)
      if (values.client_id !== stage.client.id) throw departs('client_id is unknown')
      sessions.delete(readCookie(call))
      const registered = stage.client.redirectUris[0] ?? ''
      return redirectTo(registered, { state: values.state }, { 'set-cookie': cookie('', 0) })
    },
  }
  return {
    authorize,
    sso: {
      'GET /checkSSO/login.html': login,
      'GET /checkSSO/continue.html': resume,
      'GET /checkSSO/logout.html': logout,
      ...door.routes,
    },
  }
}

/** Unknown client or address: a page, as there is nowhere safe to go. */
function requireClient(stage: OnetStage, call: Call, alsoRelative: boolean): string {
  const given = call.url.searchParams.get('redirect_uri') ?? ''
  if (call.url.searchParams.get('client_id') !== stage.client.id)
    throw departs('client_id is unknown')
  const found = stage.client.redirectUris.find(
    (uri) => uri === given || (alsoRelative && given === new URL(uri).pathname),
  )
  if (found === undefined) throw departs('redirect_uri is not the registered one')
  return found
}

function visitTo(redirectUri: string, state: string | undefined, challenge?: string): Request {
  return {
    redirectUri,
    scopes: [],
    mandatory: [],
    ...(state === undefined ? {} : { state }),
    ...(challenge === undefined ? {} : { challenge }),
  }
}

/** Browsers do not separate cookies by port, so the name carries the provider. */
function cookie(value: string, life: number): string {
  return `${cookieName}=${value}; Path=/; Max-Age=${String(life)}; HttpOnly; SameSite=Lax`
}

function readCookie(call: Call): string {
  const header = call.request.headers.get('cookie') ?? ''
  return new RegExp(`(?:^|; )${cookieName}=([^;]*)`).exec(header)?.[1] ?? ''
}
