import type { Journey, Scene } from '../journey'

/** "Latchkey-Demo_Realm.v1:c0ffee.Realm-Key_2Zq~8+hT/w=", raw. */
const basic = 'Basic TGF0Y2hrZXktRGVtb19SZWFsbS52MTpjMGZmZWUuUmVhbG0tS2V5XzJacX44K2hUL3c9'

const login = (user: string, password: string, scope = 'openid') =>
  `POST https://www.onesaitplatform.online/oauth-server/oauth/token
    accept: application/json
    authorization: ${basic}
    content-type: application/x-www-form-urlencoded
    clientId=Latchkey-Demo_Realm.v1
    grant_type=password
    password=${password}
    scope=${scope}
    username=${user}`

const developerLogin = login('developer', 'faro-developer')

const refresh = (token: string) =>
  `POST https://www.onesaitplatform.online/oauth-server/oauth/token
    accept: application/json
    authorization: ${basic}
    content-type: application/x-www-form-urlencoded
    grant_type=refresh_token
    refresh_token=${token}`

const check = (token: string) =>
  `POST https://www.onesaitplatform.online/oauth-server/oauth/check_token
    accept: application/json
    authorization: ${basic}
    content-type: application/x-www-form-urlencoded
    token=${token}`

const revoke = (token: string) =>
  `POST https://www.onesaitplatform.online/oauth-server/openplatform-oauth/revoke_token
    ?token=${token}
    accept: application/json
    authorization: ${basic}
    content-type: application/x-www-form-urlencoded`

const developer = {
  provider: 'onesait',
  custody: 'proxy',
  subject: 'developer',
  label: 'developer',
  scope: ['openid'],
  connectedAt: '2026-11-21T08:00:00.000Z',
  expiresAt: '2026-11-21T20:00:00.000Z',
  refreshable: true,
  authorities: ['ROLE_TEST', 'ROLE_EDITOR'],
}

const signedIn = { status: 200, body: { account: developer } }
const revoked = { local: 'cleared', tokens: 'revoked', provider: 'unsupported' }

/** Every operation, as the wiki page "OAuth2 token management" and the platform's sources have it. */
export const onesaitJourneys: Journey<'onesait'>[] = [
  {
    name: 'a user whom onesait names otherwise than they typed',
    arrange: ({ simulator }) => {
      simulator.tokenAnswer = (answer) => ({ ...answer, principal: 'developer-7' })
    },
    steps: [
      {
        name: 'is called as onesait calls them',
        act: ({ signIn }) => signIn(),
        wire: [developerLogin],
        answer: {
          status: 200,
          body: { account: { ...developer, subject: 'developer-7', label: 'developer-7' } },
        },
      },
    ],
  },
  {
    name: 'a stay at onesait',
    steps: [
      {
        name: 'is offered',
        act: ({ offered }) => offered(),
        wire: [],
        answer: {
          id: 'onesait',
          name: 'onesait Platform',
          custody: 'proxy',
          grant: 'password',
          configured: true,
          simulated: false,
          capabilities: ['refresh', 'check', 'revoke', 'api'],
          revokes: { tokens: ['access'], everywhere: true },
          source: 'onesait Platform wiki, "OAuth2 token management"; onesaitplatform-cloud sources',
          apiOrigin: 'https://www.onesaitplatform.online',
          apiPaths: ['/oauth-server/oidc/userinfo'],
        },
      },
      {
        name: 'signs in by user name and password',
        act: ({ signIn }) => signIn(),
        wire: [developerLogin],
        answer: signedIn,
      },
      {
        name: 'checks the token',
        act: ({ call }) => call('POST', '/bff/accounts/onesait/check'),
        wire: [check('<access 1>')],
        answer: {
          status: 200,
          body: {
            active: true,
            expiresAt: '2026-11-21T20:00:00.000Z',
            clientId: 'Latchkey-Demo_Realm.v1',
            subject: 'developer',
            scope: ['openid'],
            authorities: ['ROLE_TEST', 'ROLE_EDITOR'],
          },
        },
      },
      {
        name: 'refreshes',
        act: ({ call, wait }) => {
          wait(3_600_000)
          return call('POST', '/bff/accounts/onesait/refresh')
        },
        wire: [refresh('<refresh 1>')],
        answer: {
          status: 200,
          body: { account: { ...developer, expiresAt: '2026-11-21T21:00:00.000Z' } },
        },
      },
      {
        name: 'checks a token that the provider forgot: not active, and no error',
        act: ({ simulator, call }) => {
          simulator.revokeEverything()
          return call('POST', '/bff/accounts/onesait/check')
        },
        wire: [check('<access 2>')],
        answer: { status: 200, body: { active: false } },
      },
      {
        name: 'ends when the refresh token is unknown (401 invalid_grant)',
        act: ({ call }) => call('POST', '/bff/accounts/onesait/refresh'),
        wire: [refresh('<refresh 2>')],
        answer: { status: 401, code: 'session_ended' },
      },
      {
        name: 'signs in again, with a scope of its own',
        act: async ({ call }) => {
          const { status } = await call('POST', '/bff/login/onesait', {
            username: 'developer',
            password: 'faro-developer',
            scope: 'openid authorization_code',
          })
          return status
        },
        wire: [login('developer', 'faro-developer', 'openid authorization_code')],
        answer: 200,
      },
      {
        name: 'ends when the refresh token has expired (401 invalid_token)',
        act: ({ simulator, call }) => {
          simulator.expireRefreshTokens()
          return call('POST', '/bff/accounts/onesait/refresh')
        },
        wire: [refresh('<refresh 3>')],
        answer: { status: 401, code: 'session_ended' },
      },
      {
        name: 'signs in once more',
        act: async ({ signIn }) => (await signIn()).status,
        wire: [developerLogin],
        answer: 200,
      },
      {
        name: 'revokes the pair by either of its tokens, and is signed out',
        act: async ({ call }) => [
          await call('POST', '/bff/accounts/onesait/revoke', { token: 'refresh' }),
          await call('GET', '/bff/accounts/onesait'),
        ],
        wire: [revoke('<access 4>')],
        answer: [
          { status: 200, body: { account: null, revoked: true } },
          { status: 401, code: 'not_signed_in' },
        ],
      },
    ],
  },
  {
    name: 'leaving onesait alone',
    steps: [
      { name: 'signs in', act: ({ signIn }) => signIn(), wire: [developerLogin], answer: signedIn },
      {
        name: 'revokes the pair that nobody else holds',
        act: ({ call }) => call('DELETE', '/bff/accounts/onesait'),
        wire: [revoke('<access 1>')],
        answer: { status: 200, body: { effects: revoked } },
      },
    ],
  },
  {
    name: 'leaving onesait after the access token has expired',
    steps: [
      { name: 'signs in', act: ({ signIn }) => signIn(), wire: [developerLogin], answer: signedIn },
      {
        name: 'refreshes merely to revoke, for the pair is found by its access token',
        act: ({ call, wait }) => {
          wait(13 * 3_600_000)
          return call('DELETE', '/bff/accounts/onesait')
        },
        wire: [refresh('<refresh 1>'), revoke('<access 2>')],
        answer: { status: 200, body: { effects: revoked } },
      },
    ],
  },
  {
    name: 'two browsers of one onesait user',
    steps: [
      { name: 'signs in', act: ({ signIn }) => signIn(), wire: [developerLogin], answer: signedIn },
      {
        name: 'signs in elsewhere, with what is left of the same pair',
        act: async (scene) => {
          scene.wait(3_600_000)
          return await scene.signIn({}, second(scene))
        },
        wire: [developerLogin],
        answer: {
          status: 200,
          body: { account: { ...developer, connectedAt: '2026-11-21T09:00:00.000Z' } },
        },
      },
      {
        name: 'refreshes here, which kills the old pair',
        act: async ({ call }) => (await call('POST', '/bff/accounts/onesait/refresh')).status,
        wire: [refresh('<refresh 1>')],
        answer: 200,
      },
      {
        name: 'goes on elsewhere with the new pair',
        act: async (scene) => {
          const { body } = await scene.call(
            'POST',
            '/bff/accounts/onesait/check',
            undefined,
            second(scene),
          )
          return body
        },
        wire: [check('<access 2>')],
        answer: {
          active: true,
          expiresAt: '2026-11-21T21:00:00.000Z',
          clientId: 'Latchkey-Demo_Realm.v1',
          subject: 'developer',
          scope: ['openid'],
          authorities: ['ROLE_TEST', 'ROLE_EDITOR'],
        },
      },
      {
        name: 'leaves here and keeps the pair for the other',
        act: ({ call }) => call('DELETE', '/bff/accounts/onesait'),
        wire: [],
        answer: { status: 200, body: { effects: { ...revoked, tokens: 'kept' } } },
      },
      {
        name: 'leaves elsewhere, last, and revokes it',
        act: (scene) => scene.call('DELETE', '/bff/accounts/onesait', undefined, second(scene)),
        wire: [revoke('<access 2>')],
        answer: { status: 200, body: { effects: revoked } },
      },
    ],
  },
  {
    name: 'onesait while the shared ledger is away',
    shared: true,
    steps: [
      { name: 'signs in', act: ({ signIn }) => signIn(), wire: [developerLogin], answer: signedIn },
      {
        name: 'refreshes alone: a refresh token that came twice would merely not be found',
        act: async ({ stage, simulator, wait, call }) => {
          stage.store.leave()
          wait(13 * 3600 * 1000)
          simulator.expireAccessTokens()
          return (await call('POST', '/bff/accounts/onesait/refresh')).status
        },
        wire: [refresh('<refresh 1>')],
        answer: 200,
      },
    ],
  },
  {
    name: 'ONESAIT_CHECK_BY_GET',
    variables: { ONESAIT_CHECK_BY_GET: '1' },
    arrange: ({ simulator }) => {
      simulator.switches.legacyCheck = true
    },
    steps: [
      { name: 'signs in', act: ({ signIn }) => signIn(), wire: [developerLogin], answer: signedIn },
      {
        name: 'checks by GET',
        act: async ({ call }) => (await call('POST', '/bff/accounts/onesait/check')).status,
        wire: [
          `GET https://www.onesaitplatform.online/oauth-server/oauth/check_token
            ?token=<access 1>
            accept: application/json
            authorization: ${basic}`,
        ],
        answer: 200,
      },
    ],
  },
  {
    name: 'onesait at another host, with another scope',
    variables: {
      ONESAIT_URL: 'https://onesait.test',
      ONESAIT_SCOPE: 'openid,authorization_code',
    },
    arrange: ({ simulator }) => {
      simulator.origins = { main: 'https://onesait.test' }
    },
    steps: [
      {
        name: 'signs in there, with spaces between the scopes',
        act: async ({ signIn }) => (await signIn()).status,
        wire: [
          login('developer', 'faro-developer', 'openid authorization_code').replace(
            'www.onesaitplatform.online',
            'onesait.test',
          ),
        ],
        answer: 200,
      },
    ],
  },
]

const others = new WeakMap<object, Scene<'onesait'>['browser']>()

/** The other browser of a scene. */
function second({ stage }: Scene<'onesait'>): Scene<'onesait'>['browser'] {
  const known = others.get(stage) ?? stage.browser()
  others.set(stage, known)
  return known
}
