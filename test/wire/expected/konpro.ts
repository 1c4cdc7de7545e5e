import { answer } from '../../../shared/answer'
import type { Journey } from '../journey'

const login = `GET https://app.konpro.ai/oauth/authorize
  ?client_id=latchkey-demo_app.konpro
  ?code_challenge=<challenge 1>
  ?code_challenge_method=S256
  ?redirect_uri=https://app.example/bff/callback/konpro
  ?response_type=code
  ?state=<state 1>`

const exchange = `POST https://api.konpro.ai/v1/oauth/token
  accept: application/json
  content-type: application/x-www-form-urlencoded
  client_id=latchkey-demo_app.konpro
  code=<code 1>
  code_verifier=<verifier 1>
  grant_type=authorization_code
  redirect_uri=https://app.example/bff/callback/konpro`

const account = (token: string) => `GET https://api.konpro.ai/v1/pacific/account.get
  accept: application/json
  authorization: Bearer ${token}`

const accountByApiToken = `GET https://api.konpro.ai/v1/pacific/account.get
  accept: application/json
  x-api-key: c0ffee_kp-ada_3fQx8ZL2.wYp7`

const refresh = (token: string) => `POST https://api.konpro.ai/v1/oauth/refresh_token
  accept: application/json
  content-type: application/x-www-form-urlencoded
  client_id=latchkey-demo_app.konpro
  grant_type=refresh_token
  refresh_token=${token}`

const ada = {
  provider: 'konpro',
  custody: 'proxy',
  subject: '1fa4c0d2e77b4f0b9a3f8d11',
  label: 'ada@studio.example',
  scope: [],
  connectedAt: '2026-11-21T08:00:00.000Z',
  expiresAt: '2026-12-01T08:00:00.000Z',
  refreshable: true,
}

const offered = {
  id: 'konpro',
  name: 'KonPro',
  grant: 'code',
  configured: true,
  simulated: false,
  capabilities: ['profile', 'refresh', 'api'],
  apiToken: true,
  source: 'docs.konpro.ai, "Connecting Your App to KonPro with OAuth 2.0"',
  apiOrigin: 'https://api.konpro.ai',
  apiPaths: ['/v1'],
}

const effects = { local: 'cleared', tokens: 'unsupported', provider: 'unsupported' }
const signedIn = { status: 303, location: '/' }

/** Every operation, as docs.konpro.ai has it. */
export const konproJourneys: Journey<'konpro'>[] = [
  {
    name: 'a stay at KonPro',
    steps: [
      {
        name: 'is offered',
        act: (scene) => scene.offered(),
        wire: [],
        answer: { ...offered, custody: 'proxy' },
      },
      {
        name: 'signs in',
        act: ({ signIn }) => signIn(),
        wire: [login, exchange, account('<access 1>')],
        answer: signedIn,
      },
      {
        name: 'says who signed in',
        act: ({ call }) => call('GET', '/bff/accounts/konpro'),
        wire: [],
        answer: { status: 200, body: { account: ada } },
      },
      {
        name: 'shows the account, opened from its envelope',
        act: async ({ call }) => profileOf(await call('GET', '/bff/accounts/konpro/profile')),
        wire: [account('<access 1>')],
        answer: [
          { subject: '1fa4c0d2e77b4f0b9a3f8d11', email: 'ada@studio.example' },
          ['experiments', 'features', 'space_info', 'user', 'user_plan'],
        ],
      },
      {
        name: 'shows the account that comes bare',
        act: async ({ simulator, call }) => {
          simulator.switches.envelope = false
          return profileOf(await call('GET', '/bff/accounts/konpro/profile'))
        },
        wire: [account('<access 1>')],
        answer: [
          { subject: '1fa4c0d2e77b4f0b9a3f8d11', email: 'ada@studio.example' },
          ['experiments', 'features', 'space_info', 'user', 'user_plan'],
        ],
      },
      {
        name: 'takes any other code in the envelope for a failure',
        act: async ({ simulator, call }) => {
          simulator.faults.profile = {
            status: 200,
            body: '{"code":101,"data":{"user":{"email":"ada@studio.example"}}}',
            headers: { 'content-type': 'application/json' },
          }
          const outcome = await call('GET', '/bff/accounts/konpro/profile')
          simulator.faults = {}
          return outcome
        },
        wire: [account('<access 1>')],
        answer: { status: 502, code: 'provider_error' },
      },
      {
        name: 'refreshes at an address of its own',
        act: ({ call, wait }) => {
          wait(86_400_000)
          return call('POST', '/bff/accounts/konpro/refresh')
        },
        wire: [refresh('<refresh 1>')],
        answer: {
          status: 200,
          body: { account: { ...ada, expiresAt: '2026-12-02T08:00:00.000Z' } },
        },
      },
      {
        name: 'takes a 401 for an expired token: one refresh, one more try',
        act: async ({ simulator, call }) => {
          simulator.expireAccessTokens()
          const { status } = await call('GET', '/bff/accounts/konpro/profile')
          return status
        },
        wire: [account('<access 2>'), refresh('<refresh 2>'), account('<access 3>')],
        answer: 200,
      },
      {
        name: 'has no check and no revocation',
        act: async ({ call }) => [
          await call('POST', '/bff/accounts/konpro/check'),
          await call('POST', '/bff/accounts/konpro/revoke', { token: 'access' }),
        ],
        wire: [],
        answer: [
          { status: 405, code: 'unsupported' },
          { status: 405, code: 'unsupported' },
        ],
      },
      {
        name: 'signs out without a word to the provider, which takes none',
        act: ({ call }) => call('DELETE', '/bff/accounts/konpro'),
        wire: [],
        answer: { status: 200, body: { effects } },
      },
    ],
  },
  {
    name: 'an API token of KonPro',
    steps: [
      {
        name: 'stands in for the bearer, alone',
        act: ({ call }) =>
          call('POST', '/bff/login/konpro', { apiToken: 'c0ffee_kp-ada_3fQx8ZL2.wYp7' }),
        wire: [accountByApiToken],
        answer: {
          status: 200,
          body: { account: { ...ada, expiresAt: null, refreshable: false } },
        },
      },
      {
        name: 'shows the account',
        act: async ({ call }) => (await call('GET', '/bff/accounts/konpro/profile')).status,
        wire: [accountByApiToken],
        answer: 200,
      },
      {
        name: 'cannot be refreshed',
        act: ({ call }) => call('POST', '/bff/accounts/konpro/refresh'),
        wire: [],
        answer: { status: 409, code: 'not_refreshable' },
      },
      {
        name: 'leaves without a word to the provider',
        act: ({ call }) => call('DELETE', '/bff/accounts/konpro'),
        wire: [],
        answer: { status: 200, body: { effects } },
      },
      {
        name: 'that is wrong signs nobody in',
        act: ({ call }) => call('POST', '/bff/login/konpro', { apiToken: 'wrong' }),
        wire: [accountByApiToken.replace('c0ffee_kp-ada_3fQx8ZL2.wYp7', 'wrong')],
        answer: { status: 401, code: 'invalid_credentials' },
      },
    ],
  },
  {
    name: 'KONPRO_REFRESH_AT_TOKEN',
    variables: { KONPRO_REFRESH_AT_TOKEN: '1' },
    arrange: ({ simulator }) => {
      simulator.switches.refreshAt = 'token'
    },
    steps: [
      {
        name: 'signs in as ever',
        act: ({ signIn }) => signIn(),
        wire: [login, exchange, account('<access 1>')],
        answer: signedIn,
      },
      {
        name: 'refreshes at the token address',
        act: async ({ call }) => (await call('POST', '/bff/accounts/konpro/refresh')).status,
        wire: [
          `POST https://api.konpro.ai/v1/oauth/token
            accept: application/json
            content-type: application/x-www-form-urlencoded
            client_id=latchkey-demo_app.konpro
            grant_type=refresh_token
            refresh_token=<refresh 1>`,
        ],
        answer: 200,
      },
    ],
  },
  {
    name: 'KonPro in the custody of the browser',
    variables: { KONPRO_CUSTODY: undefined },
    steps: [
      {
        name: 'is offered with what the browser needs, and with nothing secret',
        act: (scene) => scene.offered(),
        wire: [],
        answer: {
          ...offered,
          custody: 'browser',
          client: {
            id: 'latchkey-demo_app.konpro',
            endpoints: {
              authorize: 'https://app.konpro.ai/oauth/authorize',
              exchange: 'https://api.konpro.ai/v1/oauth/token',
              refresh: 'https://api.konpro.ai/v1/oauth/refresh_token',
              profile: 'https://api.konpro.ai/v1/pacific/account.get',
              api: 'https://api.konpro.ai',
            },
            apiPaths: ['/v1'],
            redirectUri: 'https://app.example/callback/konpro',
            scope: [],
          },
        },
      },
      {
        name: 'is not the proxy’s to sign in',
        act: ({ visit }) => visit('/bff/login/konpro'),
        wire: [],
        answer: { status: 405, code: 'unsupported' },
      },
    ],
  },
  {
    name: 'KonPro at other hosts',
    variables: {
      KONPRO_URL: 'https://api.konpro.test',
      KONPRO_APP_URL: 'https://app.konpro.test',
    },
    arrange: ({ simulator }) => {
      simulator.origins = { app: 'https://app.konpro.test', api: 'https://api.konpro.test' }
    },
    steps: [
      {
        name: 'sends people and programs there',
        act: ({ signIn }) => signIn(),
        wire: [
          login.replace('app.konpro.ai', 'app.konpro.test'),
          exchange.replace('api.konpro.ai', 'api.konpro.test'),
          account('<access 1>').replace('api.konpro.ai', 'api.konpro.test'),
        ],
        answer: signedIn,
      },
    ],
  },
]

/** Who it is, and the names of the sections beside it. */
function profileOf({ body }: { body?: unknown }): unknown {
  const { profile, raw } = answer(body)
  return [profile, Object.keys(answer(raw))]
}
