import { describe, expect, inject, test } from 'vitest'
import { readConfig } from '../../proxy/config'
import { probeLedger } from '../../proxy/doctor/ledger'
import { probe } from '../../proxy/doctor/probe'
import { Secret } from '../../shared/secret'
import { startRedis, type RedisOptions } from '../redis'
import { createStage, somebody } from '../stage'

function examine(
  id: string,
  variables: Record<string, string> = {},
  prepare?: (stage: ReturnType<typeof createStage>) => void,
) {
  const stage = createStage()
  prepare?.(stage)
  const registration = readConfig({ ...stage.env, ...variables }).offers.get(id)?.registration
  if (!registration) throw new Error('off')
  return probe(registration, { fetch: stage.fetch, now: () => stage.clock.now, timeLimit: 100 })
}

describe('the doctor', () => {
  test.each(Object.keys(somebody))(
    'finds nothing wrong with a good registration at %s',
    async (id) => {
      const findings = await examine(id)
      expect(findings.filter(({ level }) => level === 'fault')).toEqual([])
      expect(findings.at(-1)?.finding).toMatch(/accepts our credentials$/)
    },
  )

  test.each(['onet', 'onesait', 'gearcode', 'seznam'])(
    'finds a wrong secret at %s, without quoting it',
    async (id) => {
      const findings = await examine(id, { [`${id.toUpperCase()}_CLIENT_SECRET`]: 'canary-secret' })
      const fault = findings.find(({ level }) => level === 'fault')
      expect(fault?.fix).toContain(`${id.toUpperCase()}_CLIENT_SECRET`)
      expect(JSON.stringify(findings)).not.toContain('canary')
    },
  )

  test('finds a redirect URI that is not registered, and names the one to register', async () => {
    const findings = await examine('seznam', { PUBLIC_ORIGIN: 'https://other.example' })
    expect(findings.map(({ finding }) => finding).join()).toContain(
      'https://other.example/bff/callback/seznam',
    )
    expect(findings.find(({ level }) => level === 'fault')?.fix).toMatch(
      /redirect URI above is registered/,
    )
  })

  test('finds a host that does not answer', async () => {
    const findings = await examine('gearcode', { GEARCODE_URL: 'https://nowhere.example' })
    expect(findings.filter(({ level }) => level === 'fault')).toHaveLength(2)
    expect(findings.at(-1)?.fix).toContain('GEARCODE_URL')
  })

  test("finds the app's host where the API's belongs", async () => {
    const findings = await examine('konpro', { KONPRO_URL: 'https://app.konpro.ai' })
    expect(findings.at(-1)).toMatchObject({
      level: 'fault',
      finding: expect.stringMatching(/is no token endpoint/) as string,
    })
  })

  test('finds nothing wrong with a ledger that answers', async () => {
    expect(await examineLedger({}, (url) => url)).toEqual([
      { about: 'ledger', level: 'ok', finding: 'Redis answers and can be written to' },
    ])
  })

  test.each<[string, RedisOptions, (url: string) => string, RegExp]>([
    ['that is not there', {}, () => 'redis://localhost:1', /host and port/],
    ['that wants a password', { password: 'canary' }, withPassword(''), /password/],
    ['that wants another password', { password: 'canary' }, withPassword(':canary-2@'), /password/],
    ['without the database', {}, (url) => `${url}/99`, /database number/],
    ['that speaks TLS, untrusted', { tls: true }, (url) => url, /NODE_EXTRA_CA_CERTS/],
    ['that is full', { args: ['--maxmemory', '1'] }, (url) => url, /room/],
  ])('finds a ledger %s, with the fix', async (_, options, change, fix) => {
    const [finding, ...others] = await examineLedger(options, change)
    expect(others).toEqual([])
    expect(finding).toMatchObject({ about: 'ledger', level: 'fault' })
    expect(finding?.fix).toMatch(fix)
    expect(JSON.stringify(finding)).not.toContain('canary')
  })

  test('notes a ledger that may forget', async () => {
    const args = ['--maxmemory-policy', 'allkeys-lru']
    const [, note] = await examineLedger({ args }, (url) => url)
    expect(note?.finding).toContain('noeviction')
  })
})

function withPassword(credentials: string) {
  return (url: string) => url.replace(/\/\/.*@/, `//${credentials}`)
}

async function examineLedger(options: RedisOptions, change: (url: string) => string) {
  const redis = await startRedis({ path: inject('redis'), ...options })
  try {
    return await probeLedger(new Secret(change(redis.url)))
  } finally {
    await redis.stop()
  }
}
