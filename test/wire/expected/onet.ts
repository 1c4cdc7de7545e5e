import { faultsOf, type Journey, type Scene } from '../journey'

/** The client of the document's own examples ("Integrate with Onet Konto", step 1). */
export const onetSeed = {
  ONET_CLIENT_ID: 'demo.front.onetapi.pl',
  ONET_CLIENT_SECRET: 's7ZVWXjydoWmOBUngQUWj4mHGnrHVd6f',
}

/** Makes it the simulator's client too. */
export function registered({ simulator }: Scene<'onet'>): void {
  simulator.client.id = 'demo.front.onetapi.pl'
  simulator.client.secret = 's7ZVWXjydoWmOBUngQUWj4mHGnrHVd6f'
}

/** The header of the document's own token request (step 2). */
const basic = 'Basic ZGVtby5mcm9udC5vbmV0YXBpLnBsOnM3WlZXWGp5ZG9XbU9CVW5nUVVXajRtSEduckhWZDZm'

const login = `GET https://konto.onet.pl/checkSSO/login.html
  ?client_id=demo.front.onetapi.pl
  ?redirect_uri=/bff/callback/onet
  ?state=<state 1>`

const exchange = `POST https://connect.okonto.pl/oauth2/token
  accept: application/json
  authorization: ${basic}
  content-type: application/x-www-form-urlencoded
  code=<code 1>
  grant_type=authorization_code
  redirect_uri=https://app.example/bff/callback/onet`

const userinfo = (token: string) => `GET https://connect.okonto.pl/resources/userinfo
  ?client_id=demo.front.onetapi.pl
  accept: application/json
  authorization: Bearer ${token}`

const refresh = (token: string) => `POST https://connect.okonto.pl/oauth2/token
  accept: application/json
  authorization: ${basic}
  content-type: application/x-www-form-urlencoded
  grant_type=refresh_token
  refresh_token=${token}`

const revoke = (token: string) => `GET https://connect.okonto.pl/oauth2/revoke
  ?client_id=demo.front.onetapi.pl
  accept: application/json
  authorization: Bearer ${token}`

const extended = (token: string) => `GET https://connect.okonto.pl/external/profile
  ?client_id=demo.front.onetapi.pl
  accept-encoding: identity
  accept: application/json, */*;q=0.5
  authorization: Bearer ${token}`

const logout = `GET https://konto.onet.pl/checkSSO/logout.html
  ?client_id=demo.front.onetapi.pl`

const anna = {
  provider: 'onet',
  custody: 'proxy',
  subject: '71c97af0-662f-4b7a-9236-93c688d15916',
  label: 'anna.nowak@konto.onet.pl',
  scope: [],
  connectedAt: '2026-11-21T08:00:00.000Z',
  expiresAt: '2026-11-21T18:00:00.000Z',
  refreshable: true,
}

const annasProfile = {
  profile: {
    subject: '71c97af0-662f-4b7a-9236-93c688d15916',
    email: 'anna.nowak@konto.onet.pl',
  },
  raw: {
    sub: '71c97af0-662f-4b7a-9236-93c688d15916',
    email: 'anna.nowak@konto.onet.pl',
  },
}

const signedIn = { status: 303, location: '/' }

/** Every operation, as the document and developer.okonto.pl have it. */
export const onetJourneys: Journey<'onet'>[] = [
  {
    name: 'a stay at Onet',
    variables: onetSeed,
    arrange: registered,
    steps: [
      {
        name: 'is offered',
        act: ({ offered }) => offered(),
        wire: [],
        answer: {
          id: 'onet',
          name: 'Onet Konto',
          custody: 'proxy',
          grant: 'code',
          configured: true,
          simulated: false,
          capabilities: ['profile', 'refresh', 'revoke', 'logout', 'api'],
          revokes: { tokens: ['access'], everywhere: false },
          source: 'Onet Konto, "Integrate with Onet Konto"; developer.okonto.pl',
          apiOrigin: 'https://connect.okonto.pl',
          apiPaths: ['/resources/userinfo', '/external/profile'],
        },
      },
      {
        name: 'signs in',
        act: ({ signIn }) => signIn(),
        wire: [login, exchange, userinfo('<access 1>')],
        answer: signedIn,
      },
      {
        name: 'says who signed in',
        act: ({ call }) => call('GET', '/bff/accounts/onet'),
        wire: [],
        answer: { status: 200, body: { account: anna } },
      },
      {
        name: 'shows the profile',
        act: ({ call }) => call('GET', '/bff/accounts/onet/profile'),
        wire: [userinfo('<access 1>')],
        answer: { status: 200, body: annasProfile },
      },
      {
        name: 'refreshes',
        act: ({ call, wait }) => {
          wait(3_600_000)
          return call('POST', '/bff/accounts/onet/refresh')
        },
        wire: [refresh('<refresh 1>')],
        answer: {
          status: 200,
          body: { account: { ...anna, expiresAt: '2026-11-21T19:00:00.000Z' } },
        },
      },
      {
        name: 'takes a 400 from userinfo for an expired token: one refresh, one more try',
        act: ({ simulator, call }) => {
          simulator.expireAccessTokens()
          return call('GET', '/bff/accounts/onet/profile')
        },
        wire: [userinfo('<access 2>'), refresh('<refresh 2>'), userinfo('<access 3>')],
        answer: { status: 200, body: annasProfile },
      },
      {
        name: 'has no revocation of the refresh token',
        act: ({ call }) => call('POST', '/bff/accounts/onet/revoke', { token: 'refresh' }),
        wire: [],
        answer: { status: 405, code: 'unsupported' },
      },
      {
        name: 'revokes the access token, whatever the body of the 200 is',
        act: async ({ simulator, call }) => {
          simulator.faults.revoke = { status: 200, body: '<p>OK</p>' }
          const answer = await call('POST', '/bff/accounts/onet/revoke', { token: 'access' })
          simulator.faults = {}
          simulator.expireAccessTokens()
          return answer
        },
        wire: [revoke('<access 3>')],
        answer: {
          status: 200,
          body: {
            account: { ...anna, expiresAt: '2026-11-21T09:00:00.000Z' },
            revoked: true,
          },
        },
      },
      {
        name: 'signs out, with a refresh first because only a live token can revoke itself',
        act: ({ call }) => call('DELETE', '/bff/accounts/onet'),
        wire: [refresh('<refresh 3>'), revoke('<access 4>')],
        answer: {
          status: 200,
          body: {
            effects: { local: 'cleared', tokens: 'revoked', provider: 'redirect' },
            logoutUrl: 'https://konto.onet.pl/checkSSO/logout.html?client_id=demo.front.onetapi.pl',
          },
        },
      },
      {
        name: 'leads to the logout of the SSO domain, which comes back without a code',
        act: ({ follow }) =>
          follow('https://konto.onet.pl/checkSSO/logout.html?client_id=demo.front.onetapi.pl'),
        wire: [logout],
        answer: 'https://app.example/bff/callback/onet',
      },
      {
        name: 'takes that landing for the end of the logout',
        act: ({ visit }) => visit('/bff/callback/onet'),
        wire: [],
        answer: { status: 303, location: '/' },
      },
    ],
  },
  {
    name: 'signing out while the access token lives',
    variables: onetSeed,
    arrange: registered,
    steps: [
      {
        name: 'signs in',
        act: ({ signIn }) => signIn(),
        wire: [login, exchange, userinfo('<access 1>')],
        answer: signedIn,
      },
      {
        name: 'revokes that token and no other',
        act: async ({ call }) => {
          const { status, body } = await call('DELETE', '/bff/session')
          return { status, body }
        },
        wire: [revoke('<access 1>')],
        answer: {
          status: 200,
          body: {
            accounts: {
              onet: {
                effects: { local: 'cleared', tokens: 'revoked', provider: 'redirect' },
                logoutUrl:
                  'https://konto.onet.pl/checkSSO/logout.html?client_id=demo.front.onetapi.pl',
              },
            },
          },
        },
      },
    ],
  },
  {
    name: 'calling the API of Onet',
    variables: onetSeed,
    arrange: registered,
    steps: [
      {
        name: 'signs in',
        act: ({ signIn }) => signIn(),
        wire: [login, exchange, userinfo('<access 1>')],
        answer: signedIn,
      },
      {
        name: 'sends the client id along',
        act: async ({ call }) => (await call('GET', '/bff/api/onet/external/profile')).status,
        wire: [extended('<access 1>')],
        answer: 200,
      },
      {
        name: 'takes a 400 for an expired token: one refresh, one more try',
        act: async ({ simulator, call }) => {
          simulator.expireAccessTokens()
          return (await call('GET', '/bff/api/onet/external/profile')).status
        },
        wire: [extended('<access 1>'), refresh('<refresh 1>'), extended('<access 2>')],
        answer: 200,
      },
    ],
  },
  {
    name: 'ONET_DIRECT',
    variables: { ...onetSeed, ONET_DIRECT: '1' },
    arrange: registered,
    steps: [
      {
        name: 'signs in at the authorization endpoint, in standard terms',
        act: ({ signIn }) => signIn(),
        wire: [
          `GET https://connect.okonto.pl/oauth2/authorize
            ?client_id=demo.front.onetapi.pl
            ?redirect_uri=https://app.example/bff/callback/onet
            ?response_type=code
            ?state=<state 1>`,
          exchange,
          userinfo('<access 1>'),
        ],
        answer: signedIn,
      },
    ],
  },
  {
    name: 'ONET_PKCE',
    variables: { ...onetSeed, ONET_DIRECT: '1', ONET_PKCE: '1' },
    arrange: (scene) => {
      registered(scene)
      scene.simulator.switches.pkce = 'rfc9700'
    },
    steps: [
      {
        name: 'sends challenge and verifier',
        act: ({ signIn }) => signIn(),
        wire: [
          `GET https://connect.okonto.pl/oauth2/authorize
            ?client_id=demo.front.onetapi.pl
            ?code_challenge=<challenge 1>
            ?code_challenge_method=S256
            ?redirect_uri=https://app.example/bff/callback/onet
            ?response_type=code
            ?state=<state 1>`,
          `${exchange}
            code_verifier=<verifier 1>`,
          userinfo('<access 1>'),
        ],
        answer: signedIn,
      },
    ],
  },
  {
    name: 'Onet at other hosts',
    variables: {
      ...onetSeed,
      ONET_URL: 'https://connect.onet.test',
      ONET_SSO_URL: 'https://konto.onet.test',
      ONET_SSO_REDIRECT_URI: undefined,
    },
    arrange: (scene) => {
      registered(scene)
      scene.simulator.origins = {
        sso: 'https://konto.onet.test',
        connect: 'https://connect.onet.test',
      }
    },
    steps: [
      {
        name: 'sends people and programs there, and the whole address where no path is given',
        act: ({ signIn }) => signIn(),
        wire: [
          `GET https://konto.onet.test/checkSSO/login.html
            ?client_id=demo.front.onetapi.pl
            ?redirect_uri=https://app.example/bff/callback/onet
            ?state=<state 1>`,
          exchange.replace('connect.okonto.pl', 'connect.onet.test'),
          userinfo('<access 1>').replace('connect.okonto.pl', 'connect.onet.test'),
        ],
        answer: signedIn,
      },
      {
        name: 'does not start with a redirect address that is neither path nor address',
        act: ({ stage }) => faultsOf(stage, { ONET_SSO_REDIRECT_URI: 'authorize' }),
        wire: [],
        answer: [
          'ONET_SSO_REDIRECT_URI is not a path that begins with one "/", or an absolute https address',
        ],
      },
    ],
  },
]
