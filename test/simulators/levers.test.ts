import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createOnet, type OnetSimulator } from './onet'
import { signInThrough } from './sign-in-through'
import { simulatorFetch } from './simulator-fetch'
import { startSimulators, type StartedSimulators } from './start'
import { basic, send } from './exchange'

const url = 'https://connect.okonto.pl/resources/userinfo?client_id=demo.front.onetapi.pl'

describe('in this process', () => {
  let onet: OnetSimulator
  let fetch: typeof globalThis.fetch
  beforeEach(() => {
    onet = createOnet()
    fetch = simulatorFetch([onet])
  })

  test('an unknown origin is a failed fetch', async () => {
    await expect(fetch('https://elsewhere.example/')).rejects.toThrow('fetch failed')
  })

  test('a hanging request ends when the caller gives up', async () => {
    onet.faults.profile = 'hang'
    await expect(fetch(url, { signal: AbortSignal.timeout(20) })).rejects.toThrow('timeout')
    expect(onet.log.at(-1)?.status).toBe(0)
  })

  test('a redirect is never followed', async () => {
    onet.faults.profile = 'redirect'
    onet.sentinel = 'https://sentinel.example/'
    const answer = await fetch(url, { redirect: 'manual' })
    expect([answer.status, answer.headers.get('location')]).toEqual([
      307,
      'https://sentinel.example/',
    ])
  })

  test.each([
    ['html', 'text/html; charset=utf-8'],
    ['empty', null],
    ['huge', 'application/json'],
  ] as const)('an answer can be %s', async (fault, type) => {
    onet.faults.profile = fault
    const answer = await fetch(url)
    expect(answer.headers.get('content-type')).toBe(type)
    await answer.body?.cancel()
  })

  test('an answer can be anything', async () => {
    onet.faults.profile = { status: 429, headers: { 'retry-after': '7' }, body: 'slow down' }
    const answer = await fetch(url)
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '7'])
  })

  test('a lost answer was carried out', async () => {
    const login =
      'https://konto.onet.pl/checkSSO/login.html?client_id=demo.front.onetapi.pl&redirect_uri=/authorize'
    const back = new URL(await signInThrough(onet, login, { user: 'anna' }))
    const form = {
      code: back.searchParams.get('code') ?? '',
      grant_type: 'authorization_code',
      redirect_uri: 'https://app.example/authorize',
    }
    const sent = {
      url: 'https://connect.okonto.pl/oauth2/token',
      headers: { authorization: basic(onet.client) },
      form,
    }
    onet.faults.token = 'lost'
    await expect(send(fetch, sent)).rejects.toThrow('fetch failed')
    delete onet.faults.token
    expect((await send(fetch, sent)).json).toEqual({ error: 'invalid_grant' })
    expect(onet.log.at(-1)?.failed).toBe('the code was already used')
  })

  test('reset brings back the beginning and keeps what was issued', () => {
    onet.faults.profile = 'cut'
    onet.switches.rotate = false
    onet.client.id = 'other'
    onet.reset()
    expect([onet.faults, onet.switches.rotate, onet.client.id]).toEqual([
      {},
      true,
      'demo.front.onetapi.pl',
    ])
    expect(onet.issued.size).toBe(1)
  })
})

describe('over sockets', () => {
  let started: StartedSimulators
  beforeAll(async () => {
    started = await startSimulators({ appOrigin: 'http://localhost:8787', ports: 0 })
  })
  afterAll(() => started.close())

  test('the environment names every host that was bound', async () => {
    const { env, simulators } = started
    expect(env.ONET_URL).toBe(simulators.onet.origins.connect)
    expect(env.ONET_SSO_REDIRECT_URI).toBe('/bff/callback/onet')
    const addresses = Object.entries(env).filter(([name]) => name.endsWith('_URL'))
    expect(new Set(addresses.map(([, value]) => value)).size).toBe(7)
    for (const [, value] of addresses)
      expect((await fetch(`${value}/nowhere`)).status).toBeLessThan(500)
  })

  test('a port that is taken is replaced', async () => {
    const port = Number(new URL(started.env.SEZNAM_URL ?? '').port)
    const second = await startSimulators({ appOrigin: 'http://localhost:8787', ports: port })
    expect(second.env.ONET_SSO_URL).not.toBe(started.env.SEZNAM_URL)
    await second.close()
  })

  test('a cut connection is cut', async () => {
    const { onet } = started.simulators
    onet.faults.profile = 'cut'
    const address = `${started.env.ONET_URL ?? ''}/resources/userinfo`
    await expect(fetch(address)).rejects.toThrow('fetch failed')
    delete onet.faults.profile
  })
})
