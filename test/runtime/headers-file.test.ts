import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startServer, type Server } from '../browser/server'
import { sessionSecret } from '../stage'

/** The app on a host for static files, beside a proxy of the same site; one provider is called by browsers. */
const env = {
  PUBLIC_ORIGIN: 'https://login.example.com',
  WEB_ORIGIN: 'https://app.example.com',
  KONPRO_CLIENT_ID: 'headers-test',
  KONPRO_URL: 'https://api.konpro.example',
  KONPRO_API_URL: 'https://data.konpro.example',
}

const root = fileURLToPath(new URL('../..', import.meta.url))
let copy = ''
let server: Server

beforeAll(async () => {
  copy = mkdtempSync(join(tmpdir(), 'latchkey-'))
  for (const source of ['shared', 'proxy', 'web', 'test', 'vite.config.ts', 'package.json'])
    cpSync(join(root, source), join(copy, source), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  const { PATH = '', HOME = '' } = process.env
  const built = spawnSync(
    process.execPath,
    [join(root, 'node_modules/vite/bin/vite.js'), 'build'],
    {
      cwd: copy,
      env: { PATH, HOME, NODE_ENV: 'production', ...env },
      encoding: 'utf8',
    },
  )
  expect(built.status, built.stderr).toBe(0)
  server = await startServer(join(copy, 'dist/proxy/node.js'), {
    ...env,
    NODE_ENV: 'production',
    PORT: '0',
    SESSION_SECRETS: sessionSecret,
  })
})
afterAll(async () => {
  await server.stop()
  rmSync(copy, { recursive: true })
})

/** What a host that reads the file sends at a path: all rules that fit, as Cloudflare describes it. */
function sentAt(path: string): [string, string][] {
  const rules = readFileSync(join(copy, 'dist/web/_headers'), 'utf8').trim().split('\n\n')
  return rules.flatMap((rule) => {
    const [pattern = '', ...lines] = rule.split('\n')
    const [start = '', rest] = pattern.split('*')
    const fits = rest === undefined ? path === pattern : path.startsWith(start)
    return fits
      ? lines.map((line): [string, string] => {
          const [, name = '', value = ''] = /^ {2}([\w-]+): (.+)$/.exec(line) ?? []
          return [name, value]
        })
      : []
  })
}

/** What belongs to one answer and its bytes, or to the connection. */
const ofOneAnswer =
  /^(?:connection|content-(?:encoding|length|type)|date|keep-alive|transfer-encoding|vary|x-request-id)$/

test('a static host that reads _headers sends what the server sends', async () => {
  const files = readdirSync(join(copy, 'dist/web/assets')).map((name) => `/assets/${name}`)
  expect(files.length).toBeGreaterThan(3)
  for (const path of ['/', '/accounts/onet', '/callback/konpro', '/favicon.svg', ...files]) {
    const answer = await fetch(server.url + path)
    expect(answer.status, path).toBe(200)
    const ours = [...answer.headers].filter(([name]) => !ofOneAnswer.test(name))
    expect(ours.length, path).toBeGreaterThan(8)
    // Once each: hosts join what they are told twice.
    expect(sentAt(path).sort(), path).toEqual(ours.sort())
  }
})

test('it never says that what is missing may be kept', () => {
  const missing = sentAt('/assets/start-00000000.js')
  expect(missing.filter(([name]) => name === 'cache-control')).toEqual([])
  expect(Object.fromEntries(missing)).toHaveProperty('content-security-policy')
})

test('the page may call the proxy elsewhere, and the provider that browsers call', () => {
  const policy = new Map(sentAt('/')).get('content-security-policy')?.split('; ')
  expect(policy).toContain(
    "connect-src 'self' https://login.example.com https://app.konpro.ai https://api.konpro.example https://data.konpro.example",
  )
})
