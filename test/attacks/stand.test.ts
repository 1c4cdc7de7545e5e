/** That the stand itself sees what it is asked to see: an oracle that counts nothing proves nothing. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openStand, type ProviderId, type Stand } from './stand'

let stand: Stand
beforeAll(async () => {
  stand = await openStand()
})
afterAll(() => stand.close())

const everywhere: ProviderId[] = ['onet', 'konpro', 'onesait', 'gearcode', 'seznam']

test('the stand counts what arrives at each provider', async () => {
  const person = stand.browser()
  for (const provider of everywhere) {
    stand.forget()
    expect((await person.signIn(provider)).status).toBeLessThan(400)
    expect(stand.arrived(provider)).toMatchObject({ token: 1, refresh: 0 })
    await person.ask('POST', `/bff/accounts/${provider}/refresh`)
    expect(stand.arrived(provider)).toMatchObject({ token: 2, refresh: 1 })
  }
  expect(await person.signedIn()).toEqual(everywhere)
  stand.forget()
  await person.ask('DELETE', '/bff/accounts/seznam')
  expect(stand.arrived('seznam').revoke).toBe(2)
  expect([...person.cookies.keys()].every((name) => name.startsWith('__Host-'))).toBe(true)
})

test('the stand shows what the API was asked, and who asked the sentinel', async () => {
  const person = stand.browser()
  await person.signIn('gearcode')
  const { status, body } = await person.ask('PUT', '/bff/api/gearcode/v1/x?y=1', { body: '{}' })
  expect({ status, body }).toEqual({ status: 200, body: '{"ok":true}' })
  expect(stand.api.requests).toMatchObject([{ method: 'PUT', target: '/v1/x?y=1', body: '{}' }])
  await fetch(stand.sentinel.url)
  expect(stand.sentinel.connections).toEqual([expect.stringContaining('GET / HTTP/1.1')])
})

test('the stand reads raw answers, one after the other', async () => {
  const ask = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'
  const two = await stand.raw(ask + ask, { answers: 2 })
  expect(two.map(({ status }) => status)).toEqual([200, 200])
  const [bad] = await stand.raw('NONSENSE\r\n\r\n')
  expect(bad?.status).toBe(400)
  expect(stand.log()).toContain('listening')
})
