import { expect, test } from 'vitest'
import { createStage, origin } from '../stage'
import { isOpen, otherWays, routes } from './other-ways'

const strange: Record<string, string>[] = [
  {},
  { 'x-latchkey': '1', origin: 'https://evil.example' },
  { 'x-latchkey': '1', 'sec-fetch-site': 'cross-site' },
]

test('whatever way a path is written, the gate stands before it, or there is nothing', async () => {
  const stage = createStage()
  const browser = stage.browser()
  for (const provider of ['onet', 'onesait']) await browser.signIn(provider)
  const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const heard = () => Object.values(stage.simulators).map(({ log }) => log.length)
  const before = heard()
  const ask = (method: string, path: string, headers: Record<string, string>) =>
    stage.app.request(new Request(origin + path, { method, headers }))

  let count = 0
  for (const route of routes) {
    const [method = '', path = ''] = route.split(' ')
    const usual = await ask(method, path, { 'x-latchkey': '1', origin })
    for (const way of otherWays(path)) {
      const about = `${method} ${JSON.stringify(way)}`
      for (const headers of strange) {
        const { status } = await ask(method, way, { cookie, ...headers })
        if (!isOpen(route)) expect([403, 404], about).toContain(status)
        count++
      }
      const ahead = await ask(method, way, { cookie, 'sec-purpose': 'prefetch' })
      if (path.startsWith('/bff')) expect([403, 404], about).toContain(ahead.status)
      // Nobody's call by the app: the same as by the usual path, or refused as another one.
      const { status } = await ask(method, way, { 'x-latchkey': '1', origin })
      expect([usual.status, 400, 404], about).toContain(status)
      count += 2
    }
  }
  expect(heard()).toEqual(before)
  const session = await browser.call('GET', '/bff/session')
  expect(await session.json()).toMatchObject({ accounts: [{}, {}] })
  process.stdout.write(`${count} requests by other ways to write ${routes.length} routes\n`)
})
