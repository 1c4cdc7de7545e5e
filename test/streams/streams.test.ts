/** What flows through `/bff/api` on the built server, and what becomes of the server meanwhile. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Writable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { growthOf, sizeOf } from '../attacks/memory'
import { print } from '../several/answers'
import { answerTo, startStand, until, type Stand } from './stand'

let stand: Stand
beforeAll(async () => {
  stand = await startStand()
})
afterAll(() => stand.close())
beforeEach(() => {
  stand.api = (_, response) => response.end('ok')
})

const megabyte = 1024 * 1024
const piece = randomBytes(megabyte)

/** Writes a megabyte so many times, as fast as it is taken. */
async function pour(times: number, into: Writable): Promise<void> {
  for (let count = 0; count < times; count++) if (!into.write(piece)) await once(into, 'drain')
  into.end()
}

/** How many bytes came, all of them as `pour` writes them; throws at the first that is another. */
async function poured(from: AsyncIterable<unknown>): Promise<number> {
  let total = 0
  for await (const chunk of from) {
    const bytes = chunk as Buffer // of a socket
    for (let at = 0; at < bytes.length;) {
      const start = (total + at) % megabyte
      const length = Math.min(bytes.length - at, megabyte - start)
      if (piece.compare(bytes, at, at + length, start, start + length) !== 0)
        throw new Error(`other bytes than were sent, after ${total + at}`)
      at += length
    }
    total += bytes.length
  }
  return total
}

/** A call that needs nothing but to be answered. */
async function isWell(): Promise<boolean> {
  stand.api = (_, response) => response.end('well')
  const answer = await answerTo(stand.begin('GET').end())
  return (await answer.toArray()).join('') === 'well'
}

// Seconds on a machine of its own; a busy one is no reason to fail.
describe('a gigabyte', { timeout: 240_000 }, () => {
  test('comes down as it was sent, and is never in memory', async () => {
    stand.api = (_, response) => void pour(1024, response)
    let arrived = 0
    const started = performance.now()
    const growth = await growthOf(stand.pid(), async () => {
      arrived = await poured(await answerTo(stand.begin('GET').end()))
    })
    tell('1 GB down', started, growth)
    expect(arrived).toBe(1024 * megabyte)
    expect(growth).toBeLessThan(200)
  })

  test('goes up as it was sent, with the length that was stated, and is never in memory', async () => {
    let arrived = 0
    let length: string | undefined
    stand.api = (incoming, response) => {
      length = incoming.headers['content-length']
      void poured(incoming).then((total) => {
        arrived = total
        response.end()
      })
    }
    const asked = stand.begin('PUT', { 'content-length': 1024 * megabyte })
    const started = performance.now()
    const growth = await growthOf(stand.pid(), async () => {
      const answered = answerTo(asked)
      await pour(1024, asked)
      ;(await answered).resume()
    })
    tell('1 GB up', started, growth)
    expect(arrived).toBe(1024 * megabyte)
    expect(length).toBe(String(1024 * megabyte))
    expect(growth).toBeLessThan(200)
  })

  function tell(what: string, started: number, growth: number): void {
    const seconds = (performance.now() - started) / 1000
    print(
      `${what}: ${seconds.toFixed(1)} s; the server grew by ${growth} MB at most, to ${sizeOf(stand.pid())} MB`,
    )
  }
})

test('events arrive one by one, each before the next is sent', async () => {
  let api: ServerResponse | undefined
  stand.api = (_, response) => {
    api = response
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.flushHeaders()
  }
  // Its headers come before there is any event.
  const answer = await answerTo(stand.begin('GET', { accept: 'text/event-stream' }).end())
  expect(answer.headers['content-type']).toBe('text/event-stream')
  const latencies: number[] = []
  for (let count = 0; count < 200; count++) {
    const sent = performance.now()
    api?.write(`data: ${count}\n\n`)
    const [event] = (await once(answer, 'data')) as [Buffer]
    latencies.push(performance.now() - sent)
    expect(event.toString()).toBe(`data: ${count}\n\n`)
    if (count % 20 === 0) await wait(20)
  }
  api?.end()
  latencies.sort((one, other) => one - other)
  const at = (part: number) => latencies[Math.floor(part * (latencies.length - 1))]?.toFixed(2)
  print(
    `An event of a stream through the server: median ${at(0.5)} ms, 99 % within ${at(0.99)} ms, slowest ${at(1)} ms`,
  )
})

describe('who does not take what comes', () => {
  /** Waits until it grows no more, or has grown beyond what any buffer holds. */
  async function settled(sent: () => number): Promise<void> {
    for (let before = -1; before !== sent() && sent() < 300;) {
      before = sent()
      await wait(700)
    }
  }

  test('makes the API wait, not the server grow', async () => {
    let sent = 0
    stand.api = (_, response) => {
      const more = (): void => {
        do sent++
        while (response.write(piece))
        response.once('drain', more)
      }
      more()
    }
    const asked = stand.begin('GET').end()
    const growth = await growthOf(stand.pid(), async () => {
      await answerTo(asked)
      await settled(() => sent)
    })
    print(`Nobody reads: ${sent} MB were sent, the server grew by ${growth} MB`)
    // What sockets hold, and no more.
    expect(sent).toBeLessThan(64)
    expect(growth).toBeLessThan(100)
    asked.destroy()
  })

  test('makes the sender wait where it is the API', async () => {
    stand.api = (incoming) => incoming.pause()
    const asked = stand.begin('PUT')
    asked.on('error', () => undefined)
    let sent = 0
    const growth = await growthOf(stand.pid(), async () => {
      const more = (): void => {
        do sent++
        while (sent < 2048 && asked.write(piece))
        asked.once('drain', more)
      }
      more()
      await settled(() => sent)
    })
    print(`The API does not read: ${sent} MB were sent, the server grew by ${growth} MB`)
    expect(sent).toBeLessThan(64)
    expect(growth).toBeLessThan(100)
    asked.destroy()
  })
})

describe('who goes away', () => {
  const gzipped = gzipSync(randomBytes(1000))
  test.each([
    ['before the answer', 'GET', () => undefined],
    ['in the middle of an answer', 'GET', (response: ServerResponse) => response.write(piece)],
    ['while nothing comes', 'GET', (response: ServerResponse) => response.write('data: 1\n\n')],
    [
      'in the middle of a compressed answer',
      'GET',
      (response: ServerResponse) =>
        response.writeHead(200, { 'content-encoding': 'gzip' }).write(gzipped.subarray(0, 900)),
    ],
    ['in the middle of a request', 'PUT', () => undefined],
    ['after both have begun', 'PUT', (response: ServerResponse) => response.write('begun')],
  ] as const)(
    '%s takes the call along, a hundred times, and the server lives',
    async (when, method, answering) => {
      const { pid } = stand
      const before = pid()
      let begun = 0
      let cancelled = 0
      stand.api = (incoming, response) => {
        begun++
        incoming.on('error', () => undefined)
        incoming.on('data', () => undefined)
        response.once('close', () => cancelled++)
        answering(response)
      }
      await Promise.all(
        Array.from({ length: 100 }, async (_, at) => {
          const asked = stand.begin(method)
          asked.on('error', () => undefined)
          asked.on('response', (answer) =>
            answer.on('error', () => undefined).on('data', () => undefined),
          )
          if (method === 'PUT') asked.write('x'.repeat(100_000))
          else asked.end()
          if (/^before|request$/.test(when)) await until(() => begun > at)
          else await answerTo(asked)
          await wait(at % 10)
          asked.destroy()
        }),
      )
      expect(begun).toBe(100)
      await until(() => cancelled === 100)
      expect(await isWell()).toBe(true)
      expect(pid()).toBe(before)
      expect(stand.processes.output()).not.toMatch(/"level":"error"|Error/)
    },
  )

  test('is no trouble where it is the API', async () => {
    stand.api = (_, response) => {
      response.write('half')
      setTimeout(() => response.socket?.resetAndDestroy(), 20)
    }
    await Promise.all(
      Array.from({ length: 100 }, async () => {
        const answer = await answerTo(stand.begin('GET').end())
        await expect(answer.toArray()).rejects.toThrow('aborted')
      }),
    )
    expect(await isWell()).toBe(true)
  })
})

test('an answer that nobody reads to its end is no trouble', async () => {
  const tokens = new Set<string | undefined>()
  stand.api = (incoming, response) => {
    tokens.add(incoming.headers.authorization)
    if (tokens.size > 1) response.end('good')
    else response.writeHead(401).write(piece)
  }
  const answer = await answerTo(stand.begin('GET').end())
  expect(answer.statusCode).toBe(200)
  expect((await answer.toArray()).join('')).toBe('good')

  for (const [status, encoding] of [
    [999, 'identity'],
    [200, 'unheard-of'],
    [304, 'identity'],
  ] as const) {
    stand.api = ({ socket }) => {
      socket.write(`HTTP/1.1 ${status} X\r\nContent-Encoding: ${encoding}\r\n`)
      socket.write('Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n')
    }
    const { statusCode } = await answerTo(stand.begin('GET').end())
    expect(statusCode).toBe(status === 304 ? 304 : 502)
  }
  expect(await isWell()).toBe(true)
})

test('three hundred streams that stay open are in nobody’s way', async () => {
  stand.api = (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n')
  }
  const asked = Array.from({ length: 300 }, () => stand.begin('GET').end())
  await Promise.all(asked.map(async (one) => once(await answerTo(one), 'data')))
  expect(await isWell()).toBe(true)
  for (const one of asked) one.destroy()
})
