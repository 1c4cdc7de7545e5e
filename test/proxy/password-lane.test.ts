import { once } from 'node:events'
import { createServer, request as send, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readConfig } from '../../proxy/config'
import { serve } from '../../proxy/serve'
import { createStage, origin, type Stage } from '../stage'

const path = '/bff/login/onesait'
const json = { 'content-type': 'application/json' }
const fromTheApp = { 'x-latchkey': '1', origin, 'sec-fetch-site': 'same-origin' }
const wrong = { username: 'developer', password: 'canary-of-a-password' }

const post = (stage: Stage, body: BodyInit, headers: Record<string, string> = json, at = path) =>
  stage.app.request(
    new Request(origin + at, {
      method: 'POST',
      headers: { ...fromTheApp, ...headers },
      body,
      ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
    }),
  )

/** Everything of an answer but what differs from any other: its id. */
async function shapeOf(answer: Response) {
  const headers = [...answer.headers].filter(([name]) => name !== 'x-request-id')
  return { status: answer.status, headers, body: await answer.text() }
}

describe('an unknown user and a wrong password', () => {
  /** Who exists is looked up at length, who does not is refused at once. */
  function slowForThoseWhoExist(stage: Stage): void {
    stage.sleepPassesTime = true
    stage.onTheWay = async (answer) => {
      const { log } = stage.simulators.onesait
      stage.clock.now += log.at(-1)?.body.includes('username=developer') === true ? 440 : 30
      await Promise.resolve(answer)
    }
  }

  /** The answer, and how much time passed before it. */
  async function timed(stage: Stage, body: object) {
    const began = stage.clock.now
    const shape = await shapeOf(await post(stage, JSON.stringify(body)))
    return { ...shape, took: stage.clock.now - began }
  }

  test('get the same answer to the byte, at the same time', async () => {
    const stage = createStage()
    slowForThoseWhoExist(stage)
    const known = await timed(stage, wrong)
    const unknown = await timed(stage, { ...wrong, username: 'nobody' })
    expect(known).toMatchObject({ status: 401, took: 500 })
    expect(unknown).toEqual(known)
  })

  test('get the same answer at the same time once there were too many', async () => {
    const stage = createStage()
    slowForThoseWhoExist(stage)
    for (const username of ['developer', 'nobody'])
      for (let tries = 0; tries < 10; tries++) await timed(stage, { ...wrong, username })
    stage.simulators.onesait.log.length = 0
    const known = await timed(stage, wrong)
    const unknown = await timed(stage, { ...wrong, username: 'nobody' })
    expect(known).toMatchObject({ status: 429, took: 500 })
    const withoutWait = ({ headers, ...rest }: typeof known) => ({
      ...rest,
      headers: headers.filter(([name]) => name !== 'retry-after'),
    })
    expect(withoutWait(unknown)).toEqual(withoutWait(known))
    expect(stage.simulators.onesait.log).toEqual([])
  })

  test('a sign-in is not held back', async () => {
    const stage = createStage()
    slowForThoseWhoExist(stage)
    const password = stage.simulators.onesait.users.developer?.password
    const { status, took } = await timed(stage, { username: 'developer', password })
    expect({ status, took }).toEqual({ status: 200, took: 440 })
  })
})

describe('what a person typed', () => {
  test('is in no log, no address, no header and no ledger', async () => {
    const stage = createStage({}, { shared: true })
    await post(stage, JSON.stringify({ ...wrong, username: 'canary-of-a-name' }))
    await post(stage, '{"username":"canary-of-a-name","password":"canary-of-a-password"')
    stage.network = () => Promise.reject(new TypeError('canary-of-a-password'))
    expect((await post(stage, JSON.stringify(wrong))).status).toBe(502)
    expect(stage.lines.length).toBeGreaterThan(0)
    expect(stage.lines.join('\n')).not.toContain('canary')
    expect([...stage.store.keys].join('\n')).not.toContain('canary')
    for (const { path: at, query, headers } of stage.simulators.onesait.log)
      expect(JSON.stringify([at, query, headers])).not.toContain('canary')
  })

  test.each([
    ['GET', 405, 'unsupported'],
    ['POST', 400, 'invalid_request'],
  ])('is refused in an address, and reaches nobody: %s', async (method, status, code) => {
    const stage = createStage()
    const username = 'developer'
    const password = stage.simulators.onesait.users.developer?.password ?? ''
    const query = new URLSearchParams({ username, password }).toString()
    const answer =
      method === 'POST'
        ? await post(stage, JSON.stringify({ username, password }), json, `${path}?${query}`)
        : await stage.browser().visit(`${path}?${query}`)
    expect(answer.status).toBe(status)
    expect(await answer.json()).toMatchObject({ code })
    expect(answer.headers.getSetCookie()).toEqual([])
    expect(stage.simulators.onesait.log).toEqual([])
    expect(stage.lines.join('\n')).not.toContain(password)
  })
})

describe('a body', () => {
  test.each([
    ['a form', 'application/x-www-form-urlencoded'],
    ['a form of parts', 'multipart/form-data; boundary=x'],
    ['a report', 'application/csp-report'],
    ['JSON of a kind', 'application/ld+json'],
    ['JSON after another type', 'text/plain; application/json'],
    ['JSON beside another type', 'application/json, text/plain'],
    ['almost JSON', 'application/jsonp'],
  ])('that says it is %s is refused, whatever it is', async (_, type) => {
    const stage = createStage()
    const password = stage.simulators.onesait.users.developer?.password
    const body = new TextEncoder().encode(JSON.stringify({ username: 'developer', password }))
    const answer = await post(stage, body, { 'content-type': type })
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ code: 'invalid_request' })
    expect(stage.simulators.onesait.log).toEqual([])
  })

  test.each([
    'application/json; charset=utf-8',
    'Application/JSON',
    'application/json ;a=b',
    // What `fetch` says of a string.
    'text/plain;charset=UTF-8',
    '',
  ])('that says it is %j is read', async (type) => {
    const stage = createStage()
    const password = stage.simulators.onesait.users.developer?.password
    const body = JSON.stringify({ username: 'developer', password })
    const headers: HeadersOf = type === '' ? {} : { 'content-type': type }
    expect((await post(stage, new TextEncoder().encode(body), headers)).status).toBe(200)
  })

  test.each([
    ['a key of every object', '{"__proto__":{"admin":true},"username":"a","password":"b"}'],
    ['a constructor', '{"constructor":{"prototype":{"admin":true}},"username":"a","password":"b"}'],
    ['nothing but depth', '['.repeat(8_000) + ']'.repeat(8_000)],
    ['depth in a field', `{"username":${'['.repeat(8_000)}${']'.repeat(8_000)},"password":"b"}`],
    ['half a character', Buffer.from('{"username":"a\xff","password":"b"}', 'latin1')],
    ['no JSON', '{"username":'],
    ['nothing', ''],
  ])('with %s is refused, and does nothing', async (_, body) => {
    const stage = createStage()
    const answer = await post(stage, body)
    expect(answer.status).toBe(400)
    expect(({} as Record<string, unknown>).admin).toBeUndefined()
    expect(stage.simulators.onesait.log).toEqual([])
  })

  test('with a field twice is read once: who is counted is who is sent', async () => {
    const stage = createStage()
    for (let tries = 0; tries < 11; tries++)
      await post(stage, `{"username":"other-${tries}","username":"analyst","password":"x"}`)
    const sent = stage.simulators.onesait.log.map(({ body }) => body)
    expect(sent).toHaveLength(10)
    for (const body of sent) expect(body).toContain('username=analyst')
  })

  test('is measured in bytes, not in what it says or in characters', async () => {
    const stage = createStage()
    // Under 16 KiB in characters, above it in bytes.
    const wide = JSON.stringify({ username: 'a', password: 'ż'.repeat(9_000) })
    expect((await post(stage, wide)).status).toBe(413)
    let pulled = 0
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled += 1
        controller.enqueue(new Uint8Array(1024).fill(0x20))
      },
    })
    const answer = await post(stage, endless)
    expect(answer.status).toBe(413)
    expect(await answer.json()).toMatchObject({ code: 'payload_too_large' })
    expect(pulled).toBeLessThan(30)
  })
})

describe('on a real socket', () => {
  let provider: Server
  const running: { close(): Promise<void> }[] = []
  let bare = ''
  let proxied = ''

  /** The whole server, at a provider that knows nobody. */
  async function start(variables: Record<string, string> = {}): Promise<string> {
    const { port } = provider.address() as AddressInfo // it listens on a port
    const config = readConfig({
      ...createStage().env,
      ...variables,
      PORT: '0',
      ONESAIT_URL: `http://127.0.0.1:${port}`,
    })
    const server = await serve(config, new URL('./nowhere/', import.meta.url), () => undefined)
    running.push(server)
    return server.url
  }

  beforeAll(async () => {
    provider = createServer((_, answer) => {
      answer.writeHead(400, json).end('{"error":"invalid_grant"}')
    }).listen(0, '127.0.0.1')
    await once(provider, 'listening')
    bare = await start()
    proxied = await start({ TRUSTED_PROXIES: '1' })
  })
  afterAll(async () => {
    provider.close()
    await Promise.all(running.map((server) => server.close()))
  })

  /** How many of eleven guesses at a name are refused, each with headers of its own. */
  async function refused(url: string, username: string, headers: (n: number) => HeadersOf) {
    const guess = (n: number) =>
      new Promise<number | undefined>((resolve, reject) => {
        const call = send(url + path, {
          method: 'POST',
          headers: { ...fromTheApp, ...json, ...headers(n) },
        })
        call.on('response', (answer) => {
          answer.resume()
          resolve(answer.statusCode)
        })
        call.on('error', reject)
        call.end(JSON.stringify({ username, password: 'x' }))
      })
    const answers = await Promise.all(Array.from({ length: 11 }, (_, n) => guess(n)))
    expect(answers.every((status) => status === 401 || status === 429)).toBe(true)
    return answers.filter((status) => status === 429).length
  }

  test.concurrent.each<[string, (address: string) => string]>([
    ['x-forwarded-for', String],
    ['forwarded', (address) => `for=${address}`],
    ['x-real-ip', String],
    ['cf-connecting-ip', String],
    ['true-client-ip', String],
    ['x-client-ip', String],
  ])('%s moves nobody to another network', async (name, value) => {
    const spoof = (n: number) => ({ [name]: value(`203.0.113.${n}`) })
    expect(await refused(bare, name, spoof)).toBe(1)
  })

  test.concurrent('behind a trusted proxy, what the proxy added counts', async () => {
    const added = (n: number) => ({ 'x-forwarded-for': `203.0.113.${n}` })
    expect(await refused(proxied, 'ada', added)).toBe(0)
  })

  test.concurrent('behind a trusted proxy, what the client made up does not', async () => {
    const madeUp = (n: number) => ({ 'x-forwarded-for': `203.0.113.${n}, 192.0.2.1` })
    expect(await refused(proxied, 'grace', madeUp)).toBe(1)
  })
})

type HeadersOf = Record<string, string>
