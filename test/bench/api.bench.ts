/** What a call to an API costs on Node, by each way of making it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { bench, describe } from 'vitest'
import { createProxy } from '../../proxy/app'
import { readConfig } from '../../proxy/config'
import { createNodeUpstream } from '../../proxy/node-upstream'
import { upstreamBy } from '../../proxy/upstream'
import { print } from '../several/answers'
import { createStage } from '../stage'

/** Processes of their own, so that only the proxy's work is counted. */
const api = `
  process.stdin.resume().on('end', () => process.exit())
  const body = JSON.stringify({ text: 'x'.repeat(1000) })
  require('node:http').createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length, etag: '"1"' })
    response.end(body)
  }).listen(0, '127.0.0.1', function () { console.log(this.address().port) })`
const load = `
  const { Agent, request } = require('node:http')
  const [port, path, cookie, calls] = process.argv.slice(1)
  const agent = new Agent({ keepAlive: true, maxSockets: 20 })
  let left = Number(calls)
  const ask = () => new Promise((resolve, reject) => {
    request({ agent, host: '127.0.0.1', port, path, headers: { 'x-latchkey': '1', cookie } }, (answer) => {
      if (answer.statusCode !== 200) reject(new Error(String(answer.statusCode)))
      answer.resume().on('end', resolve)
    }).on('error', reject).end()
  })
  Promise.all(Array.from({ length: 20 }, async () => { while (left-- > 0) await ask() })).then(() => process.exit())`

const calls = 1000
const rounds = 5

describe('a call to an API that answers 1 kB of JSON', async () => {
  const stage = createStage()
  const browser = stage.browser()
  await browser.signIn('seznam')
  const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')

  const child = spawn(process.execPath, ['-e', api], { stdio: ['pipe', 'pipe', 'inherit'] })
  const [apiPort] = (await once(child.stdout, 'data')) as [Buffer]
  // It ends with its input, which is when this process ends.
  child.unref()
  const upstream = createNodeUpstream()
  async function start(way: 'by fetch' | 'by a pool' | 'straight'): Promise<number> {
    const env = {
      ...stage.env,
      SEZNAM_API_URL: `http://127.0.0.1:${apiPort.toString().trim()}`,
      SEZNAM_API_PATHS: '/v1',
    }
    const app = createProxy(readConfig(env), {
      fetch: stage.fetch,
      now: () => stage.clock.now,
      log: () => undefined,
      upstream: way === 'by fetch' ? upstreamBy(fetch) : upstream.call,
    })
    const server = serve({
      fetch: async (request, { outgoing }) => {
        const answer = await app.fetch(request)
        return way === 'straight' && upstream.deliver(answer, outgoing)
          ? RESPONSE_ALREADY_SENT
          : answer
      },
      port: 0,
      hostname: '127.0.0.1',
    }) as Server
    server.unref()
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }

  /** Microseconds of this process's time for each request. */
  async function costOf(port: number, path: string): Promise<number> {
    const before = process.cpuUsage()
    const args = ['-e', load, String(port), path, cookie, String(calls)]
    const [code] = (await once(spawn(process.execPath, args), 'exit')) as [number]
    if (code !== 0) throw new Error('the load failed')
    const { user, system } = process.cpuUsage(before)
    return (user + system) / calls
  }

  const ports = {
    'straight into the response': await start('straight'),
    'by a pool, as a web stream': await start('by a pool'),
    'by global fetch': await start('by fetch'),
  }
  const ways: [string, number, string][] = Object.entries(ports).map(([way, port]) => [
    way,
    port,
    '/bff/api/seznam/v1/x',
  ])
  ways.unshift(['no call: /healthz', ports['by global fetch'], '/healthz'])
  // In turns, and the least of each: what else the machine does only adds.
  const costs = new Map<string, number>()
  for (let round = 0; round < rounds; round++)
    for (const [way, port, path] of ways)
      costs.set(way, Math.min(costs.get(way) ?? Infinity, await costOf(port, path)))
  const straight = costs.get('straight into the response') ?? NaN
  print('Processor time of the server for each request:')
  for (const [way, cost] of costs)
    print(`  ${way}: ${cost.toFixed(0)} µs, ${(cost / straight).toFixed(2)} x straight`)

  for (const [way, port] of Object.entries(ports))
    bench(way, async () => {
      const headers = { 'x-latchkey': '1', cookie }
      await (await fetch(`http://127.0.0.1:${port}/bff/api/seznam/v1/x`, { headers })).text()
    })
})
