import { describe, expect, test } from 'vitest'
import { readConfig } from '../../proxy/config'
import { probe } from '../../proxy/doctor/probe'
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
})
