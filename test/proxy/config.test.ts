import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { ConfigError, readConfig, type Config } from '../../proxy/config'
import type { Environment } from '../../proxy/faults'
import { addressIn } from '../../proxy/session/ledger-url'
import { authorize } from '../../shared/oauth/authorize'

const secret = (fill: string) => `canary-${fill.repeat(36)}`.slice(0, 43)
const strong = 'canary-qZ3vN8xK1mR5tY7wB2cD4fG6hJ9pL0sA8eUi'

interface Bad {
  name: string
  env: Environment
  /** The variable of each fault, in any order. */
  faulty: string[]
}

const origins = [
  'PUBLIC_ORIGIN',
  'WEB_ORIGIN',
  'ONET_URL',
  'ONET_SSO_URL',
  'ONET_API_URL',
  'KONPRO_URL',
  'KONPRO_APP_URL',
  'KONPRO_API_URL',
  'ONESAIT_URL',
  'ONESAIT_API_URL',
  'GEARCODE_URL',
  'GEARCODE_API_URL',
  'SEZNAM_URL',
  'SEZNAM_API_URL',
]

/** Every value that is wrong carries the word `canary`, or is listed as telling in its own right. */
const bad: Bad[] = [
  ...['ONET', 'ONESAIT', 'GEARCODE', 'SEZNAM'].flatMap((prefix) => [
    {
      name: `${prefix}: a client id without its secret`,
      env: { [`${prefix}_CLIENT_ID`]: 'canary-id' },
      faulty: [`${prefix}_CLIENT_SECRET`],
    },
    {
      name: `${prefix}: a client secret without its id`,
      env: { [`${prefix}_CLIENT_SECRET`]: 'canary-secret' },
      faulty: [`${prefix}_CLIENT_ID`],
    },
  ]),
  {
    name: 'an empty client secret beside a client id',
    env: { ONET_CLIENT_ID: 'canary-id', ONET_CLIENT_SECRET: '' },
    faulty: ['ONET_CLIENT_SECRET'],
  },
  {
    name: 'a variable no provider knows',
    env: { GEARCODE_TENANT: 'canary' },
    faulty: ['GEARCODE_TENANT'],
  },
  {
    name: 'a misspelt variable',
    env: { ONET_CLIENT_ID: 'canary-id', ONET_CLIENT_SECRT: 'canary-secret' },
    faulty: ['ONET_CLIENT_SECRT', 'ONET_CLIENT_SECRET'],
  },
  {
    name: 'a secret for the public client',
    env: { KONPRO_CLIENT_ID: 'canary-id', KONPRO_CLIENT_SECRET: 'canary-secret' },
    faulty: ['KONPRO_CLIENT_SECRET'],
  },
  {
    name: 'a setting of one provider given to another',
    env: { ONESAIT_ESSENTIAL: 'canary' },
    faulty: ['ONESAIT_ESSENTIAL'],
  },
  {
    name: 'a session secret of 31 bytes',
    env: { SESSION_SECRETS: strong.slice(0, 42) },
    faulty: ['SESSION_SECRETS'],
  },
  {
    name: 'a short second session secret',
    env: { SESSION_SECRETS: `${strong},canary-too-short` },
    faulty: ['SESSION_SECRETS'],
  },
  {
    name: 'a session secret that is no base64url',
    env: { SESSION_SECRETS: `${strong} and a canary` },
    faulty: ['SESSION_SECRETS'],
  },
  {
    name: 'session secrets that name none',
    env: { SESSION_SECRETS: ' , ' },
    faulty: ['SESSION_SECRETS'],
  },
  {
    name: 'production without session secrets',
    env: { NODE_ENV: 'production' },
    faulty: ['SESSION_SECRETS'],
  },
  {
    name: 'a session secret of one repeated letter in production',
    env: { NODE_ENV: 'production', SESSION_SECRETS: 'canary'.replace(/./g, 'c').repeat(8) },
    faulty: ['SESSION_SECRETS'],
  },
  {
    name: 'TLS switched off in production',
    env: { NODE_ENV: 'production', SESSION_SECRETS: strong, NODE_TLS_REJECT_UNAUTHORIZED: '0' },
    faulty: ['NODE_TLS_REJECT_UNAUTHORIZED'],
  },
  ...origins.map((variable) => ({
    name: `${variable} without TLS on another machine`,
    env: { [variable]: 'http://canary.example' },
    faulty: [variable],
  })),
  {
    name: 'http to a host that only begins like loopback',
    env: { ONET_URL: 'http://127.0.0.1.canary.example' },
    faulty: ['ONET_URL'],
  },
  {
    name: 'http to a private network',
    env: { ONET_URL: 'http://169.254.169.254' },
    faulty: ['ONET_URL'],
  },
  ...[
    '169.254.169.254',
    '169.254.0.1:8443',
    '169.254.169.254.',
    '169.254.43518',
    '169.16689662',
    '2852039166',
    '0xa9fea9fe',
    '0xA9.0xFE.0xA9.0xFE',
    '0251.0376.0251.0376',
    '１６９。２５４。１６９。２５４',
    '[fe80::1]',
    '[febf::1]',
    '[::ffff:169.254.169.254]',
    '[::ffff:a9fe:a9fe]',
    '[::169.254.169.254]',
    '[64:ff9b::169.254.169.254]',
    '[fd00:ec2::254]',
    '100.100.100.200',
    'metadata.google.internal',
    'METADATA.google.internal.',
  ].flatMap((host) =>
    ['ONET_URL', 'ONET_SSO_URL', 'SEZNAM_API_URL', 'KONPRO_APP_URL'].map((variable) => ({
      name: `${variable} at the link-local or metadata address ${host}`,
      env: { [variable]: `https://${host}` },
      faulty: [variable],
    })),
  ),
  {
    name: 'an origin with a path',
    env: { PUBLIC_ORIGIN: 'https://canary.example/app' },
    faulty: ['PUBLIC_ORIGIN'],
  },
  {
    name: 'an origin with a query',
    env: { SEZNAM_URL: 'https://canary.example/?a=canary' },
    faulty: ['SEZNAM_URL'],
  },
  {
    name: 'an origin with credentials',
    env: { PUBLIC_ORIGIN: 'https://canary:canary-password@canary.example' },
    faulty: ['PUBLIC_ORIGIN'],
  },
  {
    name: 'an origin with a user name only',
    env: { PUBLIC_ORIGIN: 'https://canary@canary.example' },
    faulty: ['PUBLIC_ORIGIN'],
  },
  {
    name: 'an origin without a scheme',
    env: { PUBLIC_ORIGIN: 'canary.example' },
    faulty: ['PUBLIC_ORIGIN'],
  },
  {
    name: 'an origin of another scheme',
    env: { PUBLIC_ORIGIN: 'ftp://canary.example' },
    faulty: ['PUBLIC_ORIGIN'],
  },
  { name: 'a port that is a word', env: { PORT: 'canary' }, faulty: ['PORT'] },
  { name: 'a port that is too large', env: { PORT: '65536' }, faulty: ['PORT'] },
  { name: 'a port below zero', env: { PORT: '-18787' }, faulty: ['PORT'] },
  ...['canary', '-1', '1.5', '0x1', '10'].map((count) => ({
    name: `${count} trusted proxies`,
    env: { TRUSTED_PROXIES: count },
    faulty: ['TRUSTED_PROXIES'],
  })),
  { name: 'a host with a path', env: { HOST: 'canary.example/x' }, faulty: ['HOST'] },
  {
    name: 'an app on another site',
    env: { PUBLIC_ORIGIN: 'https://canary.example', WEB_ORIGIN: 'https://canary.test' },
    faulty: ['WEB_ORIGIN'],
  },
  {
    name: 'an app on another scheme of the same host',
    env: { PUBLIC_ORIGIN: 'https://canary.localhost', WEB_ORIGIN: 'http://canary.localhost' },
    faulty: ['WEB_ORIGIN'],
  },
  {
    name: 'app and proxy on two hosts of a public suffix',
    env: { PUBLIC_ORIGIN: 'https://canary-a.pages.dev', WEB_ORIGIN: 'https://canary-b.pages.dev' },
    faulty: ['WEB_ORIGIN'],
  },
  ...[
    'https://canary.example',
    'canary.example:7000',
    'redis:canary',
    'redis://?cluster=1',
    'redis://:canary@',
    'redis://canary@canary.example',
    'redis://:canary%@canary.example',
    'redis://canary.example:canary',
    'redis://canary.example/canary',
    'redis://canary.example?canary=1',
    'redis://canary.example,canary.example/1',
    'rediss://canary.example/1?cluster=1',
  ].map((url) => ({
    name: `a ledger at ${url}`,
    env: { LEDGER_URL: url },
    faulty: ['LEDGER_URL'],
  })),
  {
    name: 'a custody that does not exist',
    env: { KONPRO_CUSTODY: 'canary' },
    faulty: ['KONPRO_CUSTODY'],
  },
  {
    name: 'a switch that is neither on nor off',
    env: { ONET_PKCE: 'canary' },
    faulty: ['ONET_PKCE'],
  },
  {
    name: 'a scope with a character that no scope has',
    env: { SEZNAM_SCOPE: 'identity,"canary"' },
    faulty: ['SEZNAM_SCOPE'],
  },
  { name: 'a scope of nothing', env: { ONESAIT_SCOPE: ' , ' }, faulty: ['ONESAIT_SCOPE'] },
  {
    name: 'an essential scope that is not asked for',
    env: { SEZNAM_SCOPE: 'identity', SEZNAM_ESSENTIAL: 'identity,canary' },
    faulty: ['SEZNAM_ESSENTIAL'],
  },
  {
    name: 'an API path that climbs',
    env: { ONET_API_PATHS: '/canary/../admin' },
    faulty: ['ONET_API_PATHS'],
  },
  {
    name: 'an API path without its first slash',
    env: { ONET_API_PATHS: '/canary,canary' },
    faulty: ['ONET_API_PATHS'],
  },
  {
    name: 'an API path that is another host',
    env: { ONET_API_PATHS: '//canary.example' },
    faulty: ['ONET_API_PATHS'],
  },
  {
    name: 'a line break in a client secret',
    env: { ONET_CLIENT_ID: 'canary-id', ONET_CLIENT_SECRET: 'canary-secret\n' },
    faulty: ['ONET_CLIENT_SECRET'],
  },
  {
    name: 'a blank before a client id',
    env: { SEZNAM_CLIENT_ID: ' canary-id', SEZNAM_CLIENT_SECRET: 'canary-secret' },
    faulty: ['SEZNAM_CLIENT_ID'],
  },
  {
    name: 'a redirect URI on another scheme',
    env: { ONET_SSO_REDIRECT_URI: 'javascript:canary' },
    faulty: ['ONET_SSO_REDIRECT_URI'],
  },
  {
    name: 'a redirect path that is another host',
    env: { ONET_SSO_REDIRECT_URI: '//canary.example/authorize' },
    faulty: ['ONET_SSO_REDIRECT_URI'],
  },
  {
    name: 'a claim of two words',
    env: { GEARCODE_SUBJECT_CLAIM: 'canary claim' },
    faulty: ['GEARCODE_SUBJECT_CLAIM'],
  },
  {
    name: 'many faults at once',
    env: {
      NODE_ENV: 'production',
      PORT: 'canary',
      PUBLIC_ORIGIN: 'http://canary.example',
      SESSION_SECRETS: 'canary,canary-2',
      LEDGER_URL: 'canary',
      NODE_TLS_REJECT_UNAUTHORIZED: '0',
      ONET_CLIENT_ID: 'canary-id',
      KONPRO_CLIENT_SECRET: 'canary-secret',
      ONESAIT_CLIENT_SECRET: 'canary-secret',
      GEARCODE_URL: 'http://canary.example',
      SEZNAM_CLIENT: 'canary-id',
    },
    faulty: [
      'GEARCODE_URL',
      'KONPRO_CLIENT_SECRET',
      'LEDGER_URL',
      'NODE_TLS_REJECT_UNAUTHORIZED',
      'ONESAIT_CLIENT_ID',
      'ONET_CLIENT_SECRET',
      'PORT',
      'PUBLIC_ORIGIN',
      'SESSION_SECRETS',
      'SESSION_SECRETS',
      'SEZNAM_CLIENT',
    ],
  },
]

function faultsOf(env: Environment): ConfigError {
  try {
    readConfig(env)
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error('the start did not fail')
}

const innocent = ['http', 'https', 'redis', 'rediss', 'cluster', 'production', 'identity']

/** What of the environment a message quotes, if anything. Modes and switches are no secrets. */
function quoted(message: string, env: Environment): string[] {
  const values = Object.values(env).map(String)
  const telling = values
    .flatMap((value) => [value.trim(), ...value.split(/[\s,;:@/?&=]+/)])
    .filter((part) => part.length > 3 && !innocent.includes(part))
  return [...telling, 'canary'].filter((part) => message.includes(part))
}

describe('a bad configuration fails the start, with every fault named and no value printed:', () => {
  test.each(bad)('$name', ({ env, faulty }) => {
    const { faults, message } = faultsOf(env)
    expect(faults.map((fault) => fault.split(' ', 1)[0]).sort()).toEqual([...faulty].sort())
    expect(quoted(message, env)).toEqual([])
    // One line each, and more on it than "is wrong".
    for (const fault of faults) {
      expect(message.split('\n')).toContain(`  - ${fault}`)
      expect(fault.split(' ').length).toBeGreaterThan(4)
    }
  })

  test('there are at least twenty of them', () => expect(bad.length).toBeGreaterThanOrEqual(20))
})

describe('the built server', () => {
  const server = fileURLToPath(new URL('../../dist/proxy/node.js', import.meta.url))

  async function run(env: Environment, until?: string) {
    expect(existsSync(server), 'dist/proxy/node.js is built').toBe(true)
    const child = spawn(process.execPath, [server], {
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let printed = ''
    const listen = (chunk: Buffer) => {
      printed += chunk.toString()
      if (until !== undefined && printed.includes(until)) child.kill('SIGTERM')
    }
    child.stdout.on('data', listen)
    child.stderr.on('data', listen)
    const limit = setTimeout(() => child.kill('SIGKILL'), 15_000)
    const [code] = (await once(child, 'close')) as [number | null]
    clearTimeout(limit)
    return { code, printed }
  }

  const started = [
    'ONET: a client secret without its id',
    'a misspelt variable',
    'a short second session secret',
    'production without session secrets',
    'TLS switched off in production',
    'an origin with credentials',
    'app and proxy on two hosts of a public suffix',
    'a line break in a client secret',
    'a ledger at redis://canary@canary.example',
    'many faults at once',
  ]

  test.each(bad.filter(({ name }) => started.includes(name)))(
    'does not start with $name',
    async ({ env, faulty }) => {
      const { code, printed } = await run(env)
      expect(code).toBe(1)
      const named = [...printed.matchAll(/^ {2}- (\S+) /gm)].map(([, variable]) => variable)
      expect(named.sort()).toEqual([...faulty].sort())
      expect(quoted(printed, env)).toEqual([])
      expect(printed).not.toMatch(/^\s+at /m)
    },
  )

  test('each of those rows is one of the table', () => {
    expect(bad.filter(({ name }) => started.includes(name))).toHaveLength(started.length)
  })

  test('starts with a good configuration, prints no secret, and stops when told to', async () => {
    const env = {
      NODE_ENV: 'production',
      PORT: '0',
      PUBLIC_ORIGIN: 'https://app.example.com',
      SESSION_SECRETS: strong,
      SEZNAM_CLIENT_ID: 'client-of-seznam',
      SEZNAM_CLIENT_SECRET: 'canary-of-seznam',
    }
    const { code, printed } = await run(env, 'listening')
    expect(code).toBe(0)
    expect(printed).toContain('listening')
    expect(printed).not.toContain('canary')
  })
})

/** Every provider with what it cannot do without. */
const registered = {
  ONET_CLIENT_ID: 'onet-id',
  ONET_CLIENT_SECRET: 'onet-secret',
  KONPRO_CLIENT_ID: 'konpro-id',
  ONESAIT_CLIENT_ID: 'onesait-id',
  ONESAIT_CLIENT_SECRET: 'onesait-secret',
  GEARCODE_CLIENT_ID: 'gearcode-id',
  GEARCODE_CLIENT_SECRET: 'gearcode-secret',
  SEZNAM_CLIENT_ID: 'seznam-id',
  SEZNAM_CLIENT_SECRET: 'seznam-secret',
}

function offer(config: Config, id: string) {
  const found = config.offers.get(id)
  if (!found) throw new Error(`no offer of ${id}`)
  return found
}

function registration(config: Config, id: string) {
  const { registration } = offer(config, id)
  if (!registration) throw new Error(`${id} is off`)
  return registration
}

describe('the address of a ledger', () => {
  const alone = { isCluster: false, isTls: false, db: 0 }

  test.each([
    ['redis://localhost', ['localhost:6379'], alone],
    ['redis://10.0.0.1:6380/', ['10.0.0.1:6380'], alone],
    ['redis://[::1]:6380/3', ['::1:6380'], { ...alone, db: 3 }],
    ['rediss://r.example', ['r.example:6379'], { ...alone, isTls: true }],
    ['REDISS://name:p@r.example/', ['r.example:6379'], { ...alone, isTls: true }],
    ['redis://c.example:7000?cluster=1', ['c.example:7000'], { ...alone, isCluster: true }],
    ['redis://a.example:7000,b.example', ['a.example:7000', 'b.example:6379'], { isCluster: true }],
  ])('%s is read', (url, nodes, expected) => {
    const address = addressIn(url)
    expect(address).toMatchObject(expected)
    expect(address?.nodes.map(({ host, port }) => `${host}:${port}`)).toEqual(nodes)
  })

  test('brings name and password, decoded', () => {
    const { username, password } = addressIn('redis://latchkey:p%40ss:w%2Frd,@r.example') ?? {}
    expect([username, password?.reveal()]).toEqual(['latchkey', 'p@ss:w/rd,'])
    expect(addressIn('redis://:p@r.example')?.username).toBeUndefined()
  })

  test('is none without a variable', () => expect(readConfig({}).ledgerUrl).toBeUndefined())

  test('is kept as a secret', () => {
    const config = readConfig({ LEDGER_URL: 'redis://:canary@canary.example' })
    expect(config.ledgerUrl?.reveal()).toBe('redis://:canary@canary.example')
    expect(JSON.stringify(config) + inspect(config, { depth: 9 })).not.toContain('canary')
  })

  test('is a fault where no connection can be opened', () => {
    const env = { LEDGER_URL: 'redis://canary.example' }
    expect(() => readConfig(env, { withoutSockets: true })).toThrow(/LEDGER_URL .*leave it empty/)
    expect(() => readConfig({}, { withoutSockets: true })).not.toThrow()
  })
})

describe('the defaults are those of the contract:', () => {
  const config = readConfig(registered)

  test('where it listens and where browsers see it', () => {
    expect(config).toMatchObject({
      host: '127.0.0.1',
      port: 8787,
      publicOrigin: 'http://localhost:8787',
      webOrigin: 'http://localhost:8787',
      simulated: false,
    })
  })

  test('the public origin follows the port, the app follows the public origin', () => {
    expect(readConfig({ PORT: '9000' })).toMatchObject({
      port: 9000,
      publicOrigin: 'http://localhost:9000',
      webOrigin: 'http://localhost:9000',
    })
    expect(readConfig({ PUBLIC_ORIGIN: 'https://app.example.com' })).toMatchObject({
      publicOrigin: 'https://app.example.com',
      webOrigin: 'https://app.example.com',
    })
  })

  test.each([
    ['onet', 'authorize', 'https://konto.onet.pl/checkSSO/login.html'],
    ['onet', 'exchange', 'https://connect.okonto.pl/oauth2/token'],
    ['onet', 'refresh', 'https://connect.okonto.pl/oauth2/token'],
    ['onet', 'profile', 'https://connect.okonto.pl/resources/userinfo'],
    ['onet', 'revoke', 'https://connect.okonto.pl/oauth2/revoke'],
    ['onet', 'logout', 'https://konto.onet.pl/checkSSO/logout.html'],
    ['konpro', 'authorize', 'https://app.konpro.ai/oauth/authorize'],
    ['konpro', 'exchange', 'https://api.konpro.ai/v1/oauth/token'],
    ['konpro', 'refresh', 'https://api.konpro.ai/v1/oauth/refresh_token'],
    ['konpro', 'profile', 'https://api.konpro.ai/v1/pacific/account.get'],
    ['onesait', 'password', 'https://www.onesaitplatform.online/oauth-server/oauth/token'],
    ['onesait', 'refresh', 'https://www.onesaitplatform.online/oauth-server/oauth/token'],
    ['onesait', 'check', 'https://www.onesaitplatform.online/oauth-server/oauth/check_token'],
    [
      'onesait',
      'revoke',
      'https://www.onesaitplatform.online/oauth-server/openplatform-oauth/revoke_token',
    ],
    ['gearcode', 'authorize', 'https://auth.gearcode.eu/oauth/authorize'],
    ['gearcode', 'exchange', 'https://auth.gearcode.eu/oauth/token'],
    ['gearcode', 'refresh', 'https://auth.gearcode.eu/oauth/token'],
    ['seznam', 'authorize', 'https://login.szn.cz/api/v1/oauth/auth'],
    ['seznam', 'exchange', 'https://login.szn.cz/api/v1/oauth/token'],
    ['seznam', 'refresh', 'https://login.szn.cz/api/v1/oauth/token'],
    ['seznam', 'profile', 'https://login.szn.cz/api/v1/user'],
    ['seznam', 'revoke', 'https://login.szn.cz/api/v1/oauth/revoke'],
  ] as const)('%s: %s is %s', (id, step, url) => {
    expect(registration(config, id).endpoints[step]).toBe(url)
  })

  test('who keeps the tokens', () => {
    const custodies = [...config.offers.values()].map(({ provider, custody }) => [
      provider.id,
      custody,
    ])
    expect(custodies).toEqual([
      ['onet', 'proxy'],
      ['konpro', 'browser'],
      ['onesait', 'proxy'],
      ['gearcode', 'proxy'],
      ['seznam', 'proxy'],
    ])
  })

  test('what is asked for', () => {
    expect(registration(config, 'onesait').scope).toEqual(['openid'])
    expect(registration(config, 'seznam').scope).toEqual(['identity'])
    expect(registration(config, 'seznam').essential).toEqual([])
  })

  test('the callback is absolute, below the public origin', async () => {
    expect(registration(config, 'gearcode').redirectUri).toBe(
      'http://localhost:8787/bff/callback/gearcode',
    )
    const { url } = await authorize(registration(config, 'onet'), 0)
    expect(url.searchParams.get('redirect_uri')).toBe('http://localhost:8787/bff/callback/onet')
  })

  test('a provider without a client id is off, and says nothing about it', () => {
    const none = readConfig({ SESSION_SECRETS: strong })
    expect([...none.offers.keys()]).toEqual(['onet', 'konpro', 'onesait', 'gearcode', 'seznam'])
    expect([...none.offers.values()].every((one) => one.registration === undefined)).toBe(true)
    expect(none.warnings).toEqual([])
  })

  test('session secrets are made at the start where there are none, with a warning', () => {
    const [one, other] = [readConfig({}), readConfig({})]
    expect(one.sessionSecrets).toHaveLength(1)
    expect(one.sessionSecrets[0]?.reveal().length).toBeGreaterThanOrEqual(43)
    expect(one.sessionSecrets[0]?.reveal()).not.toBe(other.sessionSecrets[0]?.reveal())
    expect(one.warnings).toHaveLength(1)
    expect(one.warnings[0]).toMatch(/^SESSION_SECRETS /)
  })
})

describe('a good configuration is taken as it was given:', () => {
  test('the origins of a provider', () => {
    const config = readConfig({
      ...registered,
      ONET_URL: 'https://connect.example',
      ONET_SSO_URL: 'https://sso.example',
      KONPRO_URL: 'http://127.0.0.1:4001',
      KONPRO_APP_URL: 'http://[::1]:4002',
      SEZNAM_API_URL: 'https://api.example',
      SEZNAM_API_PATHS: '/api/v2, /mail',
    })
    expect(registration(config, 'onet').endpoints).toMatchObject({
      authorize: 'https://sso.example/checkSSO/login.html',
      exchange: 'https://connect.example/oauth2/token',
    })
    expect(registration(config, 'konpro').endpoints).toMatchObject({
      authorize: 'http://[::1]:4002/oauth/authorize',
      exchange: 'http://127.0.0.1:4001/v1/oauth/token',
    })
    // Credentials never follow the API's address.
    expect(registration(config, 'seznam').endpoints.exchange).toBe(
      'https://login.szn.cz/api/v1/oauth/token',
    )
    expect(offer(config, 'seznam')).toMatchObject({
      apiOrigin: 'https://api.example',
      apiPaths: ['/api/v1/user', '/api/v2', '/mail'],
    })
  })

  test('the app on a sibling of the same site', () => {
    const env = { PUBLIC_ORIGIN: 'https://bff.example.co.uk', WEB_ORIGIN: 'https://example.co.uk' }
    expect(readConfig(env)).toMatchObject({
      publicOrigin: 'https://bff.example.co.uk',
      webOrigin: 'https://example.co.uk',
    })
  })

  test('another custody, scopes, essentials and a redirect path', async () => {
    const config = readConfig({
      ...registered,
      KONPRO_CUSTODY: 'proxy',
      SEZNAM_SCOPE: 'identity,avatar',
      SEZNAM_ESSENTIAL: 'avatar',
      ONET_SSO_REDIRECT_URI: '/authorize',
    })
    expect(offer(config, 'konpro').custody).toBe('proxy')
    expect(registration(config, 'seznam')).toMatchObject({
      scope: ['identity', 'avatar'],
      essential: ['avatar'],
    })
    const { url } = await authorize(registration(config, 'onet'), 0)
    expect(url.searchParams.get('redirect_uri')).toBe('/authorize')
  })

  test('several session secrets, in their order', () => {
    const secrets = [strong, secret('x'), secret('y')]
    const config = readConfig({ SESSION_SECRETS: secrets.join(', ') })
    expect(config.sessionSecrets.map((one) => one.reveal())).toEqual(secrets)
    expect(config.warnings).toEqual([])
  })

  test('a switch changes the description it belongs to, and 0 is off', () => {
    const config = readConfig({ ...registered, ONET_PKCE: '1', GEARCODE_PKCE: '0' })
    expect(registration(config, 'onet').provider).toHaveProperty('pkce', true)
    expect(registration(config, 'gearcode').provider).not.toHaveProperty('pkce')
  })

  test('an address beside the link-local ones', () => {
    for (const host of ['169.253.1.1', '170.254.1.1', '[fec0::1]', '[fe7f::1]', '10.0.0.1'])
      expect(readConfig({ ...registered, ONET_API_URL: `https://${host}` }).port).toBe(8787)
  })

  test('the proxies in front, of which there are none on the edge', () => {
    expect(readConfig({}).trustedProxies).toBe(0)
    expect(readConfig({ TRUSTED_PROXIES: '2' }).trustedProxies).toBe(2)
    const env = { TRUSTED_PROXIES: '1', SESSION_SECRETS: strong }
    expect(() => readConfig(env, { withoutSockets: true })).toThrow('TRUSTED_PROXIES')
  })

  test('nobody said what stands in front, where passwords are taken behind TLS', () => {
    const env = {
      NODE_ENV: 'production',
      SESSION_SECRETS: strong,
      PUBLIC_ORIGIN: 'https://app.example',
      ONESAIT_CLIENT_ID: 'realm',
      ONESAIT_CLIENT_SECRET: 'key',
    }
    const warned = (changes: Environment, options = {}) =>
      readConfig({ ...env, ...changes }, options).warnings.length
    expect(readConfig(env).warnings[0]).toMatch(/^TRUSTED_PROXIES /)
    expect(warned({ TRUSTED_PROXIES: '0' })).toBe(0)
    expect(warned({ TRUSTED_PROXIES: '1' })).toBe(0)
    expect(warned({ PUBLIC_ORIGIN: 'http://localhost:8787' })).toBe(0)
    expect(warned({ NODE_ENV: '' })).toBe(0)
    expect(warned({}, { withoutSockets: true })).toBe(0)
    const none = { ONESAIT_CLIENT_ID: '', ONESAIT_CLIENT_SECRET: '', ONET_CLIENT_ID: 'a' }
    expect(warned({ ...none, ONET_CLIENT_SECRET: 'b' })).toBe(0)
  })

  test('an empty variable counts as unset', () => {
    const env = { PORT: '', PUBLIC_ORIGIN: '', LEDGER_URL: '', ONET_CLIENT_ID: '', ONET_TYPO: '' }
    expect(readConfig(env).port).toBe(8787)
  })

  test('TLS may be switched off outside production, for a self-signed provider', () => {
    expect(readConfig({ NODE_TLS_REJECT_UNAUTHORIZED: '0' }).port).toBe(8787)
  })
})
