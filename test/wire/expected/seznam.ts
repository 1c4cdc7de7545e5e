import { answer } from '../../../shared/answer'
import type { Journey } from '../journey'

const login = `GET https://login.szn.cz/api/v1/oauth/auth
  ?claims={"userinfo":{"birthday":{"essential":true}}}
  ?client_id=latchkey_demo-7f3a.seznam
  ?code_challenge=<challenge 1>
  ?code_challenge_method=S256
  ?redirect_uri=https://app.example/bff/callback/seznam
  ?response_type=code
  ?scope=identity,avatar,birthday
  ?state=<state 1>`

const exchange = `POST https://login.szn.cz/api/v1/oauth/token
  accept: application/json
  content-type: application/json
  "client_id": "latchkey_demo-7f3a.seznam"
  "client_secret": "c0ffee_Szn.Q8-rT~yU+1o/P="
  "code": "<code 1>"
  "code_verifier": "<verifier 1>"
  "grant_type": "authorization_code"
  "redirect_uri": "https://app.example/bff/callback/seznam"`

const user = (token: string) => `GET https://login.szn.cz/api/v1/user
  accept: application/json
  authorization: Bearer ${token}`

const refresh = `POST https://login.szn.cz/api/v1/oauth/token
  accept: application/json
  content-type: application/json
  "client_id": "latchkey_demo-7f3a.seznam"
  "client_secret": "c0ffee_Szn.Q8-rT~yU+1o/P="
  "grant_type": "refresh_token"
  "refresh_token": "<refresh 1>"`

const revoke = (bearer: string, kind: 'access' | 'refresh', token: string) =>
  `POST https://login.szn.cz/api/v1/oauth/revoke
    accept: application/json
    authorization: Bearer ${bearer}
    content-type: application/json
    "token": "${token}"
    "token_type_hint": "${kind}_token"`

const krasty = {
  provider: 'seznam',
  custody: 'proxy',
  subject: '0123abcd4567ef89',
  label: 'krasty@seznam.cz',
  scope: ['identity', 'avatar', 'birthday'],
  connectedAt: '2026-11-21T08:00:00.000Z',
  expiresAt: '2027-11-21T08:00:00.000Z',
  refreshable: true,
}

const signedIn = { status: 303, location: '/' }

/** Every operation, as vyvojari.seznam.cz has it. */
export const seznamJourneys: Journey<'seznam'>[] = [
  {
    name: 'a stay at Seznam',
    steps: [
      {
        name: 'is offered',
        act: ({ offered }) => offered(),
        wire: [],
        answer: {
          id: 'seznam',
          name: 'Seznam',
          custody: 'proxy',
          grant: 'code',
          configured: true,
          simulated: false,
          capabilities: ['profile', 'refresh', 'revoke', 'api'],
          revokes: { tokens: ['refresh', 'access'], everywhere: false },
          source: 'vyvojari.seznam.cz, OAuth documentation and scopes',
          apiOrigin: 'https://login.szn.cz',
          apiPaths: ['/api/v1/user'],
        },
      },
      {
        name: 'signs in',
        act: ({ signIn }) => signIn(),
        wire: [login, exchange],
        answer: signedIn,
      },
      {
        name: 'says who signed in, from the token answer alone',
        act: ({ call }) => call('GET', '/bff/accounts/seznam'),
        wire: [],
        answer: { status: 200, body: { account: krasty } },
      },
      {
        name: 'shows the profile',
        act: ({ call }) => call('GET', '/bff/accounts/seznam/profile'),
        wire: [user('<access 1>')],
        answer: {
          status: 200,
          body: {
            profile: {
              subject: '0123abcd4567ef89',
              name: 'Krasty Novák',
              email: 'krasty@seznam.cz',
              picture: 'https://d.example/avatar/0123abcd4567ef89',
            },
            raw: {
              oauth_user_id: '0123abcd4567ef89',
              email: 'krasty@seznam.cz',
              firstname: 'Krasty',
              lastname: 'Novák',
              advert_user_id: 'a8f3d1e290b74c55',
              avatar_url: 'https://d.example/avatar/0123abcd4567ef89',
              birthday: '1988-02-29',
              status: 200,
              message: 'ok',
            },
          },
        },
      },
      {
        name: 'refreshes',
        act: ({ call, wait }) => {
          wait(86_400_000)
          return call('POST', '/bff/accounts/seznam/refresh')
        },
        wire: [refresh],
        answer: {
          status: 200,
          body: { account: { ...krasty, expiresAt: '2027-11-22T08:00:00.000Z' } },
        },
      },
      {
        name: 'takes a 401 for an expired token: one refresh, one more try',
        act: async ({ simulator, call }) => {
          simulator.expireAccessTokens()
          return (await call('GET', '/bff/accounts/seznam/profile')).status
        },
        wire: [user('<access 2>'), refresh, user('<access 3>')],
        answer: 200,
      },
      {
        name: 'revokes the access token and refreshes when it is next needed',
        act: async ({ call }) => {
          const { body } = await call('POST', '/bff/accounts/seznam/revoke', { token: 'access' })
          const { status } = await call('GET', '/bff/accounts/seznam/profile')
          return [body, status]
        },
        wire: [revoke('<access 3>', 'access', '<access 3>'), refresh, user('<access 4>')],
        answer: [
          { account: { ...krasty, expiresAt: '2026-11-22T08:00:00.000Z' }, revoked: true },
          200,
        ],
      },
      {
        name: 'revokes the refresh token',
        act: ({ call }) => call('POST', '/bff/accounts/seznam/revoke', { token: 'refresh' }),
        wire: [revoke('<access 4>', 'refresh', '<refresh 1>')],
        answer: {
          status: 200,
          body: {
            account: { ...krasty, expiresAt: '2027-11-22T08:00:00.000Z', refreshable: false },
            revoked: true,
          },
        },
      },
      {
        name: 'signs out and revokes what is left',
        act: ({ call }) => call('DELETE', '/bff/accounts/seznam'),
        wire: [revoke('<access 4>', 'access', '<access 4>')],
        answer: {
          status: 200,
          body: { effects: { local: 'cleared', tokens: 'revoked', provider: 'unsupported' } },
        },
      },
    ],
  },
  {
    name: 'leaving Seznam',
    steps: [
      {
        name: 'signs in',
        act: ({ signIn }) => signIn(),
        wire: [login, exchange],
        answer: signedIn,
      },
      {
        name: 'revokes the refresh token first, while the access token can vouch for it',
        act: ({ call }) => call('DELETE', '/bff/accounts/seznam'),
        wire: [
          revoke('<access 1>', 'refresh', '<refresh 1>'),
          revoke('<access 1>', 'access', '<access 1>'),
        ],
        answer: {
          status: 200,
          body: { effects: { local: 'cleared', tokens: 'revoked', provider: 'unsupported' } },
        },
      },
    ],
  },
  {
    name: 'leaving Seznam after the access token has expired',
    variables: { SEZNAM_SCOPE: undefined, SEZNAM_ESSENTIAL: undefined },
    arrange: ({ simulator }) => {
      simulator.switches.expiresIn = 3600
    },
    steps: [
      {
        name: 'signs in for the one scope that nobody can refuse',
        act: ({ signIn }) => signIn(),
        wire: [
          `GET https://login.szn.cz/api/v1/oauth/auth
            ?client_id=latchkey_demo-7f3a.seznam
            ?code_challenge=<challenge 1>
            ?code_challenge_method=S256
            ?redirect_uri=https://app.example/bff/callback/seznam
            ?response_type=code
            ?scope=identity
            ?state=<state 1>`,
          exchange,
        ],
        answer: signedIn,
      },
      {
        name: 'refreshes merely to revoke',
        act: async ({ call, wait }) => {
          wait(7_200_000)
          return (await call('DELETE', '/bff/accounts/seznam')).status
        },
        wire: [
          refresh,
          revoke('<access 2>', 'refresh', '<refresh 1>'),
          revoke('<access 2>', 'access', '<access 2>'),
        ],
        answer: 200,
      },
    ],
  },
  {
    name: 'a Seznam user without an e-mail',
    steps: [
      {
        name: 'signs in',
        act: ({ signIn }) => signIn({ user: 'pavla' }),
        wire: [login, exchange],
        answer: signedIn,
      },
      {
        name: 'is known by oauth_user_id, with the account name for a label',
        act: ({ call }) => call('GET', '/bff/accounts/seznam'),
        wire: [],
        answer: {
          status: 200,
          body: { account: { ...krasty, subject: '89ef4567abcd0123', label: 'pavla@email.cz' } },
        },
      },
      {
        name: 'has a profile without it',
        act: async ({ call }) => {
          const { body } = await call('GET', '/bff/accounts/seznam/profile')
          return answer(body).profile
        },
        wire: [user('<access 1>')],
        answer: {
          subject: '89ef4567abcd0123',
          name: 'Pavla',
          picture: 'https://d.example/avatar/89ef4567abcd0123',
        },
      },
    ],
  },
  {
    name: 'Seznam at its newer host',
    variables: { SEZNAM_URL: 'https://login.seznam.cz' },
    arrange: ({ simulator }) => {
      simulator.origins = { main: 'https://login.seznam.cz' }
    },
    steps: [
      {
        name: 'sends people and programs there',
        act: ({ signIn }) => signIn(),
        wire: [
          login.replace('login.szn.cz', 'login.seznam.cz'),
          exchange.replace('login.szn.cz', 'login.seznam.cz'),
        ],
        answer: signedIn,
      },
    ],
  },
]
