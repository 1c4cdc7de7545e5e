/** A91: the server that developers run, which has the sources and their secrets. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readdirSync } from 'node:fs'
import { request } from 'node:http'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished } from 'vitest'
import { expectNoBreach, openProfile, openRoughProfile, test } from '../browser/app'
import { expectState } from '../browser/person'
import { freePort } from '../runtime/runtimes'
import { openEvilSite } from './evil-site'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Runs `vite dev` on this port with these options, until the test ends. */
function startDev(port: number, ...options: string[]): { child: ChildProcess; said: () => string } {
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(process.execPath, ['node_modules/vite/bin/vite.js', ...options], {
    cwd: root,
    env: { PATH, HOME, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text))
  onTestFinished(async () => {
    if (child.exitCode !== null || !child.kill('SIGTERM')) return
    await once(child, 'exit')
  })
  return { child, said: () => said }
}

async function answering(port: number): Promise<string> {
  const origin = `http://localhost:${port}`
  const look = () =>
    fetch(`${origin}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    )
  await expect.poll(look, { timeout: 20_000, interval: 100 }).toBe(true)
  return origin
}

/** A request whose target is sent as it stands; answers status and text. */
async function ask(origin: string, path: string, headers: Record<string, string> = {}) {
  const { hostname, port } = new URL(origin)
  return await new Promise<{ status: number; text: string; upgraded: boolean }>(
    (resolve, reject) => {
      const asking = request({ hostname, port, path, headers }, (answer) => {
        let text = ''
        answer.setEncoding('utf8').on('data', (more: string) => (text += more))
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text, upgraded: false }))
      })
      asking.on('upgrade', (_, socket) => {
        socket.destroy()
        resolve({ status: 101, text: '', upgraded: true })
      })
      asking.on('error', (error) => {
        // A server may also just hang up.
        if ('code' in error && error.code === 'ECONNRESET')
          resolve({ status: 0, text: '', upgraded: false })
        else reject(error)
      })
      asking.end()
    },
  )
}

test('A91 dev server: it gives nothing but the app’s sources, and those to nobody else', async ({
  browser,
}) => {
  const port = await freePort()
  startDev(port)
  const origin = await answering(port)

  // Beyond what the app is made of: settings, the proxy, the machine.
  const beyond = [
    `/@fs${root}package.json`,
    `/@fs${root}.env`,
    `/@fs${root}.env.example`,
    `/@fs${root}proxy/config.ts`,
    '/@fs/etc/passwd',
    `/@fs${root}web/../proxy/config.ts`,
    `/@fs${root}web/..%2fproxy/config.ts`,
    `/@fs/${root}proxy/config.ts`,
    `/%40fs${root}proxy/config.ts`,
    '/../proxy/config.ts',
    '/..%2fproxy/config.ts',
    '/../package.json',
    '/..%2fpackage.json',
    '/.env',
    '/package.json',
  ]
  const ways = [
    '',
    '?raw',
    '?import&raw',
    '?url',
    '?inline',
    '?raw??',
    '?import&raw&x=.svg',
    '?.svg?.wasm?init',
    '#/../x',
    '#?raw',
    '?raw#',
    '/.',
    '.map',
    '%00',
  ]
  const telling = /"devDependencies"|CLIENT_SECRET=|readConfig\(|root:x:0/
  for (const path of beyond)
    for (const way of ways) {
      const { text } = await ask(origin, path + way)
      expect(telling.test(text), path + way).toBe(false)
    }
  // The search would find it.
  expect(readFileSync(`${root}package.json`, 'utf8')).toMatch(telling)

  // Whoever has pointed a name of theirs at this machine.
  const rebound = await ask(origin, '/main.ts', { host: 'evil.example' })
  expect(rebound.status).toBe(403)
  const upgrade = {
    connection: 'upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'x'.repeat(22) + '==',
    'sec-websocket-protocol': 'vite-hmr',
    origin: 'https://evil.example',
  }
  for (const path of ['/', '/?token=', '/?token=guessed'])
    expect(await ask(origin, path, upgrade)).toMatchObject({ upgraded: false })

  // Another site's page, which can load neither the sources nor the page.
  const evil = await openEvilSite()
  const rough = await (await openRoughProfile(browser)).newPage()
  await rough.goto(evil.elsewhere)
  const loaded = await rough.evaluate(async (url) => {
    const tries = ['/main.ts', '/@vite/client', '/'].map(async (path) => {
      const classic = Object.assign(document.createElement('script'), { src: url + path })
      const inherited = new Promise((end) => {
        classic.onload = () => end(true)
        classic.onerror = () => end(false)
      })
      document.body.append(classic)
      const read = await fetch(url + path).then(
        () => true,
        () => false,
      )
      const opaque = await fetch(url + path, { mode: 'no-cors' }).then(
        () => true,
        () => false,
      )
      return [await inherited, read, opaque]
    })
    return (await Promise.all(tries)).flat()
  }, origin)
  expect(loaded).toEqual(Array(9).fill(false))
}, 60_000)

test('A91 dev server: it listens on this machine alone', async () => {
  const { child, said } = startDev(await freePort(), '--host')
  await once(child, 'exit')
  expect(child.exitCode).not.toBe(0)
  expect(said()).toContain('drop --host')
})

test('A91 dev server: nothing of it is in what is built', () => {
  const built = new URL('../../dist/web/', import.meta.url)
  const files = readdirSync(built, { recursive: true, encoding: 'utf8' })
  expect(files.filter((name) => /\.(?:map|ts|svelte|env.*)$/.test(name))).toEqual([])
  for (const name of files.filter((name) => /\.(?:js|css|html)$/.test(name))) {
    const text = readFileSync(new URL(name, built), 'utf8')
    expect(text, name).not.toMatch(
      /@vite\/client|import\.meta\.hot|vite-hmr|sourceMappingURL|\/@fs\//,
    )
  }
})

test('the page of the dev server keeps to its policy, which is as strict as the built one’s', async ({
  browser,
}) => {
  const port = await freePort()
  startDev(port)
  const origin = await answering(port)
  const context = await openProfile(browser)
  await expectNoBreach(context)
  const page = await context.newPage()
  const answer = await page.goto(origin)
  const policy = answer?.headers()['content-security-policy'] ?? ''
  expect(policy).toContain("default-src 'none'; script-src 'self'; ")
  expect(policy).toContain("require-trusted-types-for 'script'")
  expect(policy).not.toContain('unsafe')
  await expectState(page, 'onet', 'signed-out')
  // Its styles came in.
  const round = page
    .locator('.card')
    .first()
    .evaluate((one) => getComputedStyle(one).borderRadius)
  expect(await round).not.toBe('0px')
}, 60_000)
