import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isOpen, otherWays, routes } from '../proxy/other-ways'
import { startSimulators, type Simulator, type StartedSimulators } from '../simulators'
import { sessionSecret } from '../stage'
import { sendRaw } from './raw'
import { freePort, runtimes, type Runtime } from './runtimes'

const heardBy = ({ log }: Simulator) => log.length

/** The built ones; Vite's server is for a developer's own machine. */
describe.each(['node', 'workerd'])('on a real socket of %s', (name) => {
  let port = 0
  let runtime: Runtime | undefined
  let simulated: StartedSimulators | undefined
  let cookie = ''
  const ours = () =>
    [
      ['X-Latchkey', '1'],
      ['Origin', `http://localhost:${port}`],
    ] as const

  beforeAll(async () => {
    port = await freePort()
    const origin = `http://localhost:${port}`
    simulated = await startSimulators({ appOrigin: origin, ports: 0 })
    const env = { ...simulated.env, PUBLIC_ORIGIN: origin, SESSION_SECRETS: sessionSecret }
    runtime = await runtimes[name]?.(port, env)
    const password = simulated.simulators.onesait.users.developer?.password
    const answer = await fetch(`${origin}/bff/login/onesait`, {
      method: 'POST',
      headers: { 'x-latchkey': '1', 'content-type': 'application/json' },
      body: JSON.stringify({ username: 'developer', password }),
    })
    expect(answer.status).toBe(200)
    cookie = answer.headers
      .getSetCookie()
      .map((line) => line.replace(/;.*/, ''))
      .join('; ')
  })
  afterAll(async () => {
    await runtime?.close()
    await simulated?.close()
  })

  const heard = () => simulated && Object.values(simulated.simulators).map(heardBy)

  test('whatever way a path is written, the gate stands before it', async () => {
    const before = heard()
    let count = 0
    for (const route of routes) {
      const [method = '', path = ''] = route.split(' ')
      const usual = await sendRaw(port, method, path, ours())
      const ways = otherWays(path)
      // As proxies are asked (RFC 9112 §3.2.2), whichever host they name.
      ways.push(`http://localhost:${port}${path}`, `http://evil.example${path}`, `x:${path}`)
      // workerd itself reads no target but a path; others it answers with a 500 of its own.
      const readable = name === 'workerd' ? ways.filter((way) => way.startsWith('/')) : ways
      for (const way of readable) {
        const about = `${method} ${JSON.stringify(way)}`
        const stranger = await sendRaw(port, method, way, [['Cookie', cookie]])
        const refusals = [400, 403, 404, ...(method === 'GET' ? [] : [405])]
        if (!isOpen(route)) expect(refusals, about).toContain(stranger.status)
        expect(stranger.body, about).not.toContain('developer')
        const app = await sendRaw(port, method, way, ours())
        expect([usual.status, ...refusals], about).toContain(app.status)
        count += 2
      }
    }
    expect(heard()).toEqual(before)
    const session = await sendRaw(port, 'GET', '/bff/session', [...ours(), ['Cookie', cookie]])
    expect(session.body).toContain('developer')
    process.stdout.write(`${name}: ${count} requests by other ways to write a path\n`)
  }, 120_000)

  test('a header that comes twice is none of those that are let in', async () => {
    const own = `http://localhost:${port}`
    const twice: (readonly [string, string])[][] = [
      [...ours(), ['X-Latchkey', '1']],
      [...ours(), ['x-latchkey', '0']],
      [...ours(), ['Origin', own]],
      [['Origin', 'https://evil.example'], ...ours()],
      [...ours(), ['Origin', 'https://evil.example']],
      [...ours(), ['Sec-Fetch-Site', 'same-origin'], ['Sec-Fetch-Site', 'cross-site']],
      [...ours(), ['Sec-Fetch-Site', 'cross-site'], ['Sec-Fetch-Site', 'same-origin']],
      [
        ['X_Latchkey', '1'],
        ['Origin', own],
      ],
      [
        ['X-Latchkey', '1, 1'],
        ['Origin', own],
      ],
    ]
    for (const headers of twice) {
      const answer = await sendRaw(port, 'DELETE', '/bff/session', [...headers, ['Cookie', cookie]])
      expect([400, 403], JSON.stringify(headers)).toContain(answer.status)
    }
    const session = await sendRaw(port, 'GET', '/bff/session', [...ours(), ['Cookie', cookie]])
    expect(session.body).toContain('developer')
  })
})
