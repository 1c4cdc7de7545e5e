/** CORS: where the app lives on a sibling, that sibling may read what we answer, and nobody else. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openStand, type Answered, type Browser, type Stand } from './stand'

const web = 'https://web.app.example'

let stand: Stand
let alone: Stand
let person: Browser
beforeAll(async () => {
  stand = await openStand({ env: { WEB_ORIGIN: web } })
  alone = await openStand()
  person = stand.browser()
  await person.signIn('seznam')
  await person.signIn('gearcode')
})
beforeEach(() => stand.forget())
afterAll(async () => {
  await stand.close()
  await alone.close()
})

const foreign = [
  'https://evil.example',
  'null',
  `${web}.evil.example`,
  'https://evilweb.app.example',
  'https://old.app.example',
  `${web}.`,
  web.replace('https', 'http'),
  web.toUpperCase(),
  'https://WEB.app.example',
  `${web}:443`,
  `${web}:8443`,
  `${web}/`,
  `${web}/x`,
  `${web} https://evil.example`,
  `${web}, https://evil.example`,
  'https://web.app.example@evil.example',
  'https://user@web.app.example',
  '*',
  '',
  'undefined',
]
const routes: [method: string, target: string][] = [
  ['GET', '/bff/session'],
  ['GET', '/bff/providers'],
  ['DELETE', '/bff/session'],
  ['POST', '/bff/accounts/seznam/refresh'],
  ['GET', '/bff/api/gearcode/v1/orders'],
  ['POST', '/bff/login/onesait'],
  ['GET', '/bff/nothing'],
]

function expectClosed(answer: Answered): void {
  const allowing = Object.keys(answer.headers).filter((name) =>
    /^access-control-allow-(?:origin|credentials)$/.test(name),
  )
  // A constant that names somebody else lets nobody in.
  const named = answer.headers['access-control-allow-origin']
  if (named !== undefined && named !== web) expect(allowing).toEqual([])
  expect(named ?? web).toBe(web)
}

test('A39 CORS: no other origin is ever named, in an answer or in a preflight', async () => {
  for (const origin of foreign)
    for (const [method, target] of routes) {
      const site = { origin, 'sec-fetch-site': 'same-site' }
      const answer = await person.send(method, target, { headers: { ...site, 'x-latchkey': '1' } })
      expect(answer.headers['access-control-allow-origin']).toBeUndefined()
      expect(answer.headers.vary).toMatch(/\borigin\b/i)
      expect([403, 404]).toContain(answer.status)
      const preflight = await person.send('OPTIONS', target, {
        headers: {
          ...site,
          'access-control-request-method': method,
          'access-control-request-headers': 'x-latchkey',
        },
      })
      expectClosed(preflight)
      expect(preflight.headers['access-control-allow-origin']).toBeUndefined()
    }
  expect(stand.arrived('seznam').total + stand.api.requests.length).toBe(0)
  expect(await person.signedIn()).toEqual(['gearcode', 'seznam'])
})

test('A39 CORS: the sibling is named exactly, with credentials, and the answer varies by Origin', async () => {
  const near = { origin: web, 'sec-fetch-site': 'same-site' }
  const answer = await person.send('GET', '/bff/session', {
    headers: { ...near, 'x-latchkey': '1' },
  })
  expect(answer.status).toBe(200)
  expect(answer.headers).toMatchObject({
    'access-control-allow-origin': web,
    'access-control-allow-credentials': 'true',
  })
  expect(answer.headers.vary).toMatch(/\borigin\b/i)
  // Without our header it is refused all the same: CORS is no protection against writing.
  const bare = await person.send('DELETE', '/bff/session', { headers: near })
  expect(bare.status).toBe(403)
  expect(await person.signedIn()).toEqual(['gearcode', 'seznam'])
  const preflight = await person.send('OPTIONS', '/bff/session', {
    headers: {
      ...near,
      'access-control-request-method': 'DELETE',
      'access-control-request-headers': 'x-latchkey',
    },
  })
  expect(preflight.headers['access-control-allow-origin']).toBe(web)
  expect(preflight.headers['access-control-allow-headers']?.toLowerCase()).toContain('x-latchkey')
  expect(preflight.headers['access-control-allow-headers']).not.toContain('*')
})

test('A39 CORS: without a sibling nobody is named at all', async () => {
  for (const origin of [alone.origin, web, ...foreign])
    for (const [method, target] of routes) {
      const headers = { origin, 'x-latchkey': '1', 'access-control-request-method': method }
      for (const one of [method, 'OPTIONS']) {
        const answer = await alone.ask(one, target, { headers })
        expect(Object.keys(answer.headers).join()).not.toContain('access-control')
      }
    }
})

test('A39 CORS: 60 kB of blanks in a preflight cost no more than 60 kB of letters', async () => {
  const ask = async (filler: string) => {
    const began = performance.now()
    await stand.ask('OPTIONS', '/bff/session', {
      headers: {
        origin: web,
        'access-control-request-method': 'GET',
        'access-control-request-headers': `x-latchkey,a${filler}b`,
      },
    })
    return performance.now() - began
  }
  const best = async (filler: string) => {
    const times = []
    for (let tries = 0; tries < 5; tries++) times.push(await ask(filler))
    return Math.min(...times)
  }
  const letters = await best('x'.repeat(60_000))
  for (const filler of [' '.repeat(60_000), '\t'.repeat(60_000), ' ,'.repeat(30_000)])
    expect((await best(filler)) / letters).toBeLessThan(50)
})
