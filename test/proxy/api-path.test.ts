import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createNodeUpstream } from '../../proxy/node-upstream'
import { apiOrigin, createCaller } from './api-caller'

const answered = () => Response.json({ ok: true })

describe('a path', () => {
  test.each([
    ['/v1', '/v1'],
    ['/v1/', '/v1/'],
    ['/v1/pacific/account.get', '/v1/pacific/account.get'],
    ['/v1/a/../b', '/v1/b'],
    ['/v1/a/%2e%2E/b', '/v1/b'],
    ['/v1\\a', '/v1/a'],
    ['/v1/caf%C3%A9/a%20b/(x),y=1@z:2+*', '/v1/caf%C3%A9/a%20b/(x),y=1@z:2+*'],
    ['/v1/žluť', '/v1/%C5%BElu%C5%A5'],
    ['/v1/x?', '/v1/x'],
    ['/v1/x?a=1&a=2&b=%2F..%2f;c&d=é+%20%00', '/v1/x?a=1&a=2&b=%2F..%2f;c&d=%C3%A9+%20%00'],
    ['/v1/x?u=https://evil.example/', '/v1/x?u=https://evil.example/'],
    ['/v1/x?page_token=1&token=2&a=access_token', '/v1/x?page_token=1&token=2&a=access_token'],
  ])('%s goes to %s', async (path, wanted) => {
    const caller = await createCaller('seznam', answered)
    expect((await caller.ask(path)).status).toBe(200)
    expect(caller.addresses).toEqual([apiOrigin + wanted])
  })

  test.each([
    '',
    '/',
    '/v10',
    '/v',
    '/V1/x',
    '/%761/x',
    '/v1.',
    '/x/v1',
    '/v1/../v10',
    '/v1/../../seznam/v10',
    '/v1//x',
    '//v1',
    '//evil.example/v1',
    '/\\evil.example/v1',
    '/@evil.example/v1',
    '/:80@evil.example/v1',
    '/.evil.example/v1',
    '/https://evil.example/v1',
    '/http:%2f%2fevil.example/v1',
    '/v1%2f..%2fadmin',
    '/v1/%2e%2e%2fadmin',
    '/v1/..%2fadmin',
    '/v1/..%5cadmin',
    '/v1/%252e%252e/admin',
    '/v1/%252fadmin',
    '/v1/..;/admin',
    '/v1/..;x=1/admin',
    '/v1/x;y',
    '/v1/x%3by',
    '/v1/x%00',
    '/v1/x%0d%0a',
    '/v1/x%7f',
    '/v1/x%c2%85',
    '/v1/x%23y',
    '/v1/x%3fy',
    '/v1/x%25y',
    '/v1/x%y',
    '/v1/x%2',
    '/v1/%c0%ae%c0%ae/admin',
    '/v1/%ff',
    '/v1/%ef%bc%8e%ef%bc%8e%ef%bc%8fadmin',
    '/v1/...',
    '/v1/x.',
    '/v1/x%20/y',
    '/v1/%20/y',
    '/v1/x|y',
    '/v1/[x]',
    '/v1/x#there',
    '/v1/x#',
    '/v1#/../../admin',
    '/v1/x?a=1#?b=2',
    '/v1/x?access_token=1',
    '/v1/x?a=1&refresh_token',
    '/v1/x?a=1;id_token=1',
    '/v1/x?Client_Secret=1',
    '/v1/x?%61ccess%5ftoken=1',
    '/v1/x?+access.token[]=1',
    '/v1/x?access_token%00x=1',
  ])('%s is refused, and nothing is sent', async (path) => {
    const caller = await createCaller('seznam', answered)
    const answer = await caller.ask(path)
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ code: 'path_not_allowed' })
    expect(caller.addresses).toEqual([])
  })

  test.each([
    '/bff/api/%73eznam/v1/x',
    '/bff/%61pi/seznam/v1/x',
    '/bff/api/seznam%2fv1/x',
    '//bff/api/seznam/v1/x',
    '/bff//api/seznam/v1/x',
    '/bff/api//seznam/v1/x',
    '/bff/api/SEZNAM/v1/x',
    '/BFF/api/seznam/v1/x',
    '/bff/api/seznam/../../session/v1/x',
  ])('%s is no way in', async (path) => {
    const caller = await createCaller('seznam', answered)
    const answer = await caller.browser.call('GET', path)
    expect([400, 404]).toContain(answer.status)
    expect(caller.addresses).toEqual([])
  })

  test('below a prefix leads to no token endpoint, however it is written', async () => {
    const caller = await createCaller('konpro', answered, { KONPRO_API_PATHS: '/' })
    const endpoints = [
      '/v1/oauth/token',
      '/v1/oauth/token/',
      '/v1/oauth/token/x',
      '/v1/OAuth/Token',
      '/v1/oauth/%74oken',
      '/v1/oauth/refresh_token',
      '/v1/x/../oauth/refresh_token',
    ]
    for (const path of endpoints)
      expect((await caller.ask(path, { method: 'POST' })).status, path).toBe(400)
    expect(caller.addresses).toEqual([])
    for (const path of ['/', '/v1/oauth', '/v1/oauth/tokens', '/v2'])
      expect((await caller.ask(path)).status, path).toBe(200)
  })

  test('is refused before anybody asks who is signed in', async () => {
    const caller = await createCaller('seznam', answered)
    caller.browser.cookies.clear()
    expect((await caller.ask('/v10')).status).toBe(400)
    expect((await caller.ask('/v1')).status).toBe(401)
  })
})

/** What a server might make of a path that reads it again and again, in every way we know of. */
function everyReading(path: string): string[] {
  const readings = new Set([path])
  for (const reading of readings) {
    if (readings.size > 200) throw new Error('too many readings')
    const more = [
      reading.replaceAll(/%([\da-f]{2})/gi, (_, hex: string) =>
        String.fromCharCode(Number.parseInt(hex, 16)),
      ),
      reading.normalize('NFKC'),
      Buffer.from(reading, 'latin1').toString('utf8').normalize('NFKC'),
      reading.replaceAll('\\', '/'),
      reading.replaceAll(/;[^/]*/g, ''),
      reading.replaceAll(/\/{2,}/g, '/'),
      reading.replaceAll(/[\0#?].*/gs, ''),
      reading.replaceAll(/[. ]+(?=\/|$)/g, (dots) => (/^\.\.?$/.test(dots) ? dots : '')),
      resolved(reading),
    ]
    for (const one of more) readings.add(one)
  }
  return [...readings]
}

function resolved(path: string): string {
  const kept: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop()
    else if (segment !== '.') kept.push(segment)
  }
  return kept.join('/')
}

const pieces = [
  ...['v1', 'v10', 'admin', 'account.get', 'x', 'caf%C3%A9', 'é', '%61', ' ', '+', '@', ':', '~'],
  ...['.', '..', '...', '%2e', '%2E%2e', '.%2e', '%252e', '%c0%ae', '%ef%bc%8e', '．', '․'],
  ...['%2f', '%5C', '%255c', '%ef%bc%8f', '／', '%00', '%0a', '%25', '%', '%3b', ';', '%23', '%3f'],
  ...[
    '..%2f..',
    '%2e%2e%2f',
    '..%5c',
    '%ef%bc%8e%ef%bc%8e',
    '..%ef%bc%8f',
    '..%00',
    '..%20',
    '..;',
  ],
  ...['oauth', 'token', 'evil.example', '%20', '%7f', '|', '[', '^', '"', '<', '\u0085', '*'],
]
const separators = ['/', '/', '/', '/', '/', '\\', '//', '', '/./', '/../', ';/', '%2f', '/%2e%2e/']
const anyPath = fc
  .tuple(
    fc.constantFrom('/v1', '/v1/', '/api/v1/user', '/', '', '//', '/v1/../', '/\\', '/v1;', '/@'),
    fc.array(fc.tuple(fc.constantFrom(...pieces), fc.constantFrom(...separators)), {
      maxLength: 6,
    }),
  )
  .map(([start, parts]) => start + parts.flat().join(''))

test('of thousands of paths none arrives at an API that is not allowed, whoever reads it', async () => {
  const arrived: string[] = []
  const server = createServer(({ url }, response) => {
    arrived.push(url ?? '')
    response.end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const upstream = createNodeUpstream()
  // Any other host cannot be reached, which is another status.
  const variables = { SEZNAM_API_URL: `http://127.0.0.1:${port}` }
  const caller = await createCaller('seznam', answered, variables, upstream.call)
  const isAllowed = (path: string) => /^(?:\/v1|\/api\/v1\/user)(?:\/|$)/.test(path)
  let sent = 0
  await fc.assert(
    fc.asyncProperty(anyPath, async (path) => {
      arrived.length = 0
      const { status } = await caller.ask(path)
      if (arrived.length === 0) {
        expect([400, 404, 405]).toContain(status)
        return
      }
      sent++
      expect(status).toBe(200)
      expect(arrived).toHaveLength(1)
      const [asked = ''] = (arrived[0] ?? '').split('?')
      expect(everyReading(asked).filter((reading) => !isAllowed(reading))).toEqual([])
    }),
    { numRuns: 5000 },
  )
  expect(sent).toBeGreaterThan(200)
  expect(caller.addresses).toEqual([])
  await upstream.close()
  server.close()
})

test('every plain path below a prefix goes out as it came', async () => {
  const caller = await createCaller('seznam', answered)
  const name = fc
    .stringMatching(/^[\w~!$&'()*+,=:@.-]{1,8}$/)
    .filter((text) => !text.endsWith('.') && !text.endsWith('\n'))
  const query = fc.stringMatching(/^[ab=&;+%é/?]{0,12}$/)
  await fc.assert(
    fc.asyncProperty(fc.array(name, { maxLength: 5 }), query, async (names, search) => {
      caller.addresses.length = 0
      const path = ['/v1', ...names].join('/')
      expect((await caller.ask(`${path}?${search}`)).status).toBe(200)
      const asked = search === '' ? path : `${path}?${search.replaceAll('é', '%C3%A9')}`
      expect(caller.addresses).toEqual([apiOrigin + asked])
    }),
    { numRuns: 500 },
  )
})
