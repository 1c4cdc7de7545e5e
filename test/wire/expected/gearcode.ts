import { faultsOf, type Journey } from '../journey'

const login = `GET https://auth.gearcode.eu/oauth/authorize
  ?client_id=sample.webapp.fe9d3e203b164c7e8896369673003291
  ?redirect_uri=https://app.example/bff/callback/gearcode
  ?response_type=code
  ?state=<state 1>`

const exchange = `POST https://auth.gearcode.eu/oauth/token
  accept: application/json
  content-type: application/x-www-form-urlencoded
  client_id=sample.webapp.fe9d3e203b164c7e8896369673003291
  client_secret=c0ffee-gc_Nw4.xV~7q+Rk/2=
  code=<code 1>
  grant_type=authorization_code
  resource_id=sample.webapp.fe9d3e203b164c7e8896369673003291`

const refresh = (token: string) => `POST https://auth.gearcode.eu/oauth/token
  accept: application/json
  content-type: application/x-www-form-urlencoded
  client_id=sample.webapp.fe9d3e203b164c7e8896369673003291
  client_secret=c0ffee-gc_Nw4.xV~7q+Rk/2=
  grant_type=refresh_token
  refresh_token=${token}
  resource_id=sample.webapp.fe9d3e203b164c7e8896369673003291`

/** 899 seconds after eight, as the document's samples have it. */
const somebody = {
  provider: 'gearcode',
  custody: 'proxy',
  subject: null,
  label: 'GearCode user',
  scope: [],
  connectedAt: '2026-11-21T08:00:00.000Z',
  expiresAt: '2026-11-21T08:14:59.000Z',
  refreshable: true,
}

const effects = { local: 'cleared', tokens: 'unsupported', provider: 'unsupported' }
const signedIn = { status: 303, location: '/' }

/** Every operation, as GC.AUTH's "help-user-access" has it. */
export const gearcodeJourneys: Journey<'gearcode'>[] = [
  {
    name: 'a stay at GearCode',
    steps: [
      {
        name: 'is offered',
        act: ({ offered }) => offered(),
        wire: [],
        answer: {
          id: 'gearcode',
          name: 'GearCode',
          custody: 'proxy',
          grant: 'code',
          configured: true,
          simulated: false,
          capabilities: ['refresh', 'api'],
          source: 'GearCode GC.AUTH, "help-user-access" (Polish)',
          // No apiOrigin: the document names the token server only.
          apiPaths: [],
        },
      },
      {
        name: 'signs in without a redirect address in the exchange',
        act: ({ signIn }) => signIn(),
        wire: [login, exchange],
        answer: signedIn,
      },
      {
        name: 'names nobody',
        act: ({ call }) => call('GET', '/bff/accounts/gearcode'),
        wire: [],
        answer: { status: 200, body: { account: somebody } },
      },
      {
        name: 'refreshes',
        act: ({ call, wait }) => {
          wait(60_000)
          return call('POST', '/bff/accounts/gearcode/refresh')
        },
        wire: [refresh('<refresh 1>')],
        answer: {
          status: 200,
          body: { account: { ...somebody, expiresAt: '2026-11-21T08:15:59.000Z' } },
        },
      },
      {
        name: 'refreshes again with the refresh token that came',
        act: async ({ call }) => (await call('POST', '/bff/accounts/gearcode/refresh')).status,
        wire: [refresh('<refresh 2>')],
        answer: 200,
      },
      {
        name: 'has neither profile, check nor revocation',
        act: async ({ call }) => [
          await call('GET', '/bff/accounts/gearcode/profile'),
          await call('POST', '/bff/accounts/gearcode/check'),
          await call('POST', '/bff/accounts/gearcode/revoke', { token: 'refresh' }),
        ],
        wire: [],
        answer: [
          { status: 405, code: 'unsupported' },
          { status: 405, code: 'unsupported' },
          { status: 405, code: 'unsupported' },
        ],
      },
      {
        name: 'signs out without a word to the provider, which takes none',
        act: ({ call }) => call('DELETE', '/bff/accounts/gearcode'),
        wire: [],
        answer: { status: 200, body: { effects } },
      },
    ],
  },
  {
    name: 'GEARCODE_SEND_REDIRECT_URI',
    variables: { GEARCODE_SEND_REDIRECT_URI: '1' },
    arrange: ({ simulator }) => {
      simulator.switches.requireRedirectUriAtToken = true
    },
    steps: [
      {
        name: 'sends it, as RFC 6749 has it',
        act: ({ signIn }) => signIn(),
        wire: [
          login,
          `${exchange}
            redirect_uri=https://app.example/bff/callback/gearcode`,
        ],
        answer: signedIn,
      },
    ],
  },
  {
    name: 'GEARCODE_PKCE',
    variables: { GEARCODE_PKCE: '1' },
    arrange: ({ simulator }) => {
      simulator.switches.pkce = 'enforced'
    },
    steps: [
      {
        name: 'sends challenge and verifier',
        act: ({ signIn }) => signIn(),
        wire: [
          `${login}
            ?code_challenge=<challenge 1>
            ?code_challenge_method=S256`,
          `${exchange}
            code_verifier=<verifier 1>`,
        ],
        answer: signedIn,
      },
    ],
  },
  {
    name: 'GEARCODE_STATELESS',
    variables: { GEARCODE_STATELESS: '1' },
    arrange: ({ simulator }) => {
      simulator.switches.echoState = false
    },
    steps: [
      {
        name: 'signs in though the state does not come back',
        act: ({ signIn }) => signIn(),
        wire: [login, exchange],
        answer: signedIn,
      },
    ],
  },
  {
    name: 'GEARCODE_SUBJECT_CLAIM',
    variables: { GEARCODE_SUBJECT_CLAIM: 'unique_name' },
    steps: [
      {
        name: 'signs in as ever',
        act: ({ signIn }) => signIn(),
        wire: [login, exchange],
        answer: signedIn,
      },
      {
        name: 'names the person by that claim',
        act: ({ call }) => call('GET', '/bff/accounts/gearcode'),
        wire: [],
        answer: {
          status: 200,
          body: {
            account: {
              ...somebody,
              subject: 'jan.kowalczyk@warsztat.example',
              label: 'jan.kowalczyk@warsztat.example',
            },
          },
        },
      },
      {
        name: 'does not start with a claim of two words',
        act: ({ stage }) => faultsOf(stage, { GEARCODE_SUBJECT_CLAIM: 'unique name' }),
        wire: [],
        answer: ['GEARCODE_SUBJECT_CLAIM is not a single word'],
      },
    ],
  },
  {
    name: 'GearCode at a customer’s host',
    variables: { GEARCODE_URL: 'https://auth.factory.test' },
    arrange: ({ simulator }) => {
      simulator.origins = { main: 'https://auth.factory.test' }
    },
    steps: [
      {
        name: 'sends people and programs there',
        act: ({ signIn }) => signIn(),
        wire: [
          login.replace('auth.gearcode.eu', 'auth.factory.test'),
          exchange.replace('auth.gearcode.eu', 'auth.factory.test'),
        ],
        answer: signedIn,
      },
    ],
  },
]
