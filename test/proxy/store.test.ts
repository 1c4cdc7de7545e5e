import { inspect } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest'
import type { Log } from '../../proxy/log'
import { createMemoryStore } from '../../proxy/session/memory-store'
import { createCooldown } from '../../proxy/session/redis-cooldown'
import { createRedisStore, type RedisStoreOptions } from '../../proxy/session/redis-store'
import { StoreAway, type Next, type Store } from '../../proxy/session/store'
import { Secret } from '../../shared/secret'
import { startCluster, startRedis, type RedisOptions, type StartedRedis } from '../redis'
import { startSlowWire, type SlowWire } from '../slow-wire'
import { storeContract } from './store-contract'

const path = inject('redis')

storeContract('one process', () => {
  const clock = { now: Date.UTC(2026, 10, 21, 8) }
  return Promise.resolve({
    store: createMemoryStore({ now: () => clock.now }),
    pass: (milliseconds) => void (clock.now += milliseconds),
  })
})

describe('Redis', () => {
  const kinds: Record<string, RedisOptions> = {
    Redis: {},
    'Redis with TLS and a password': { tls: true, password: 'canary p@ss,w/rd' },
    'a Redis Cluster of one node': { cluster: true },
  }
  describe.each(Object.entries(kinds))('%s', (name, options) => {
    let redis: StartedRedis
    beforeAll(async () => {
      redis = await startRedis({ path, ...options })
    })
    afterAll(() => redis.stop())

    storeContract(name, () => {
      let ahead = 0
      const store = open(redis.url, { ahead: () => ahead, ca: redis.ca })
      return Promise.resolve({
        store,
        pass: (milliseconds) => void (ahead += milliseconds),
      })
    })
  })
})

test('a Redis Cluster is used whole, whichever node has a key', async () => {
  const cluster = await startCluster(path)
  const store = open(cluster.url)
  const keys = Array.from({ length: 20 }, (_, at) => `half ${at}`)
  const put = await Promise.all(keys.map((key) => store.swap(key, '', next(key))))
  expect(put.map(({ done }) => done)).toEqual(keys.map(() => true))
  for (const key of keys) expect((await store.get(key)).value).toBe(key)
  for (const node of cluster.nodes) expect(await node.command('DBSIZE')).toBeGreaterThan(3)
  await store.close()
  await cluster.stop()
})

test('a Redis Cluster with a node that hangs does not come back again and again', async () => {
  const cluster = await startCluster(path)
  const slotOf = async (key: string) =>
    Number(await cluster.nodes[0].command('CLUSTER', 'KEYSLOT', `latchkey:${key}`))
  const isLow = (slot: number) => slot < 8192
  // The node that says whether the store is there stays well.
  const isBornLow = isLow(await slotOf('born'))
  const hanging = cluster.nodes[isBornLow ? 1 : 0]
  const store = open(cluster.url, { limit: 300 })
  let returns = 0
  store.onReturn(() => (returns += 1))
  await store.get('any')
  const [well, ill] = [[], []] as [string[], string[]]
  for (let at = 0; at < 20; at += 1)
    (isLow(await slotOf(`key ${at}`)) === isBornLow ? well : ill).push(`key ${at}`)
  const [key = '', goodKey = ''] = [ill[0], well[0]]
  for (const each of [key, goodKey]) await store.swap(each, '', next('kept'))
  await until(() => returns === 1)

  hanging.pause()
  let waits = 0
  const end = performance.now() + 7_000
  while (performance.now() < end) {
    const asked = await timed(store.get(key))
    expect(asked.outcome).toBe('away')
    if (asked.took > 200) waits += 1
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  // After 1 s and 2 s, then not before another 4 s.
  expect(returns - 1).toBeGreaterThan(0)
  expect(returns - 1).toBeLessThan(4)
  expect(waits).toBeLessThan(5)

  hanging.resume()
  await expect.poll(() => store.bornAt(), { timeout: 12_000 }).toBeDefined()
  for (const each of [key, goodKey]) expect((await store.get(each)).value).toBe('kept')
  const settled = returns
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  expect(returns).toBe(settled)
  await store.close()
  await cluster.stop()
})

test('time-outs keep the store away for a second, doubling to half a minute', () => {
  let now = 0
  const cooldown = createCooldown(() => now)
  expect(cooldown.left()).toBe(0)
  const lengths = Array.from({ length: 8 }, () => {
    cooldown.timedOut()
    const length = cooldown.left()
    now += length
    expect(cooldown.left()).toBe(0)
    cooldown.returned()
    return length
  })
  expect(lengths).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
  now += 60_001
  cooldown.timedOut()
  expect(cooldown.left()).toBe(1_000)
})

test('operations that time out while the store is away prolong that and double nothing', () => {
  let now = 0
  const cooldown = createCooldown(() => now)
  cooldown.timedOut()
  now += 600
  cooldown.timedOut()
  expect(cooldown.left()).toBe(1_000)
  now += 5_000
  cooldown.timedOut()
  expect(cooldown.left()).toBe(1_000)
})

/** What was logged, over all stores of this file. */
const lines: string[] = []
const log: Log = (level, event, fields) => {
  lines.push(JSON.stringify({ level, event, ...fields }))
}

function open(url: string, options: Partial<RedisStoreOptions> = {}): Store {
  return createRedisStore(new Secret(url), { log, ...options })
}

const next = (value: string): Next => ({
  value,
  until: Date.now() + 3_600_000,
  worth: 'fresh',
})

/** Milliseconds that it takes, and what came of it: a value, or `away`. */
async function timed(work: Promise<{ value?: string | undefined }>) {
  const began = performance.now()
  const outcome = await work.then(
    ({ value }) => value ?? 'nothing',
    (error: unknown) => {
      if (!(error instanceof StoreAway)) throw error
      return 'away'
    },
  )
  return { outcome, took: performance.now() - began }
}

async function until(isSo: () => unknown): Promise<void> {
  await expect.poll(isSo, { timeout: 10_000, interval: 20 }).toBeTruthy()
}

describe('the store of several processes', () => {
  let redis: StartedRedis
  let wire: SlowWire
  let opened: Store[] = []
  const keep = (store: Store) => {
    opened.push(store)
    return store
  }

  beforeAll(async () => {
    redis = await startRedis({ path })
    wire = await startSlowWire(redis.port)
  })
  afterAll(async () => {
    await wire.close()
    await redis.stop()
  })

  afterEach(async () => {
    await Promise.all(opened.map((store) => store.close()))
    opened = []
    wire.mend()
  })

  test('is one for all of them', async () => {
    const [one, other] = [keep(open(redis.url)), keep(open(redis.url))]
    const { version } = await one.swap('shared', '', next('by one'))
    expect(await other.get('shared')).toMatchObject({ value: 'by one', version })
    expect((await other.swap('shared', version, next('by the other'))).done).toBe(true)
    expect((await one.get('shared')).value).toBe('by the other')
    expect(one.bornAt()).toBe(other.bornAt())
  })

  test('keeps its keys behind a prefix, with an end', async () => {
    const store = keep(open(redis.url))
    await store.swap('where', '', next('here'))
    expect(await redis.command('GET', 'latchkey:where')).toBe('here')
    const left = Number(await redis.command('PTTL', 'latchkey:where'))
    expect(left).toBeGreaterThan(3_500_000)
    expect(left).toBeLessThanOrEqual(3_600_000)
  })

  test("goes by Redis's clock, not by this machine's", async () => {
    const store = keep(open(redis.url, { now: () => Date.now() + 3_600_000 }))
    const { now } = await store.get('clock')
    expect(Math.abs(now - Date.now())).toBeLessThan(1_000)
    expect(Math.abs(store.now() - Date.now())).toBeLessThan(1_000)
  })

  test('keeps another database apart', async () => {
    const [zero, one] = [keep(open(redis.url)), keep(open(`${redis.url}/1`))]
    await one.swap('apart', '', next('one'))
    expect((await zero.get('apart')).value).toBeUndefined()
    expect(await redis.command('GET', 'latchkey:apart')).toBeNull()
  })

  test('is away, and writes nowhere else, where the database does not exist', async () => {
    const store = keep(open(`${redis.url}/99`))
    expect((await timed(store.swap('misplaced', '', next('x')))).outcome).toBe('away')
    expect(store.bornAt()).toBeUndefined()
    expect(await redis.command('GET', 'latchkey:misplaced')).toBeNull()
  })

  test('finds its scripts again after Redis forgot them', async () => {
    const store = keep(open(redis.url))
    const { version } = await store.swap('script', '', next('one'))
    await store.get('script')
    await redis.command('SCRIPT', 'FLUSH')
    expect((await store.get('script')).value).toBe('one')
    expect((await store.swap('script', version, next('two'))).done).toBe(true)
  })

  test('works over a wire that takes two seconds each way', async () => {
    const store = keep(open(redis.urlAt(wire.port)))
    await store.get('slow')
    wire.slow(2_000)
    const put = await timed(store.swap('slow', '', next('slowly')))
    wire.mend()
    expect(put.outcome).toBe('slowly')
    expect(put.took).toBeGreaterThan(3_900)
    expect(store.bornAt()).toBeDefined()
    // An answer that was long under way says little about the time.
    expect(Math.abs(store.now() - Date.now())).toBeLessThan(500)
  })

  test('waits five seconds for an answer, once for all, and is back as soon as there is one', async () => {
    const store = keep(open(redis.urlAt(wire.port)))
    let returns = 0
    store.onReturn(() => (returns += 1))
    const { version } = await store.swap('mute', '', next('before'))
    await until(() => returns === 1)
    wire.hang()
    const waited = await timed(store.get('mute'))
    expect(waited.outcome).toBe('away')
    expect(waited.took).toBeGreaterThan(4_900)
    expect(waited.took).toBeLessThan(5_500)

    expect(store.bornAt()).toBeUndefined()
    for (let again = 0; again < 3; again += 1)
      expect((await timed(store.get('mute'))).took).toBeLessThan(100)
    const before = store.now()
    wire.mend()
    await until(() => returns === 2)
    expect(store.now() - before).toBeLessThan(1_500)
    expect(store.bornAt()).toBeDefined()
    expect(store.returnedAt()).toBeGreaterThanOrEqual(before)
    expect(await store.get('mute')).toMatchObject({ value: 'before', version })
  })

  test('makes a new connection where the old one has fallen silent for good', async () => {
    const store = keep(open(redis.urlAt(wire.port), { limit: 300 }))
    await store.get('silent')
    wire.strand()
    expect((await timed(store.get('silent'))).outcome).toBe('away')
    await until(() => store.bornAt())
    expect((await timed(store.get('silent'))).outcome).toBe('nothing')
  })

  test('is away at once where the connection is cut, and back within two seconds of its return', async () => {
    const store = keep(open(redis.urlAt(wire.port)))
    await store.get('cut')
    const before = wire.arrivals()
    wire.cut()
    await until(() => store.bornAt() === undefined)
    expect((await timed(store.get('cut'))).took).toBeLessThan(100)
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    // The pauses double.
    expect(wire.arrivals() - before).toBeGreaterThan(2)
    expect(wire.arrivals() - before).toBeLessThan(10)
    const mended = performance.now()
    wire.mend()
    await until(() => store.bornAt())
    expect(performance.now() - mended).toBeLessThan(2_500)
    expect((await timed(store.get('cut'))).outcome).toBe('nothing')
  })

  test('sends no swap twice', async () => {
    const store = keep(open(redis.urlAt(wire.port)))
    await store.get('once')
    wire.slow(150)
    const lost = timed(store.swap('once', '', next('mine')))
    // The command is there, its answer on the way.
    await until(async () => (await redis.command('GET', 'latchkey:once')) !== null)
    const calls = await swapsSeen()
    wire.drop()
    wire.mend()
    expect((await lost).outcome).toBe('away')
    await until(() => store.bornAt())
    expect((await store.get('once')).value).toBe('mine')
    expect(await swapsSeen()).toBe(calls)
  })

  /** How often a value was put, by Redis's own count. */
  async function swapsSeen(): Promise<number> {
    const report = String(await redis.command('INFO', 'commandstats'))
    // Looking whether it takes anything writes the day of birth: that is no swap.
    return Number(/cmdstat_pttl:calls=(\d+)/.exec(report)?.[1] ?? 0)
  }
})

describe('a Redis that is not there', () => {
  test('keeps nobody waiting, and is used once it comes', async () => {
    const first = await startRedis({ path })
    const { port } = first
    await first.stop()
    const before = lines.length
    const store = open(`redis://localhost:${port}`)
    let returns = 0
    store.onReturn(() => (returns += 1))
    const asked = await timed(store.get('early'))
    expect(asked.outcome).toBe('away')
    expect(asked.took).toBeLessThan(1_000)
    expect(store.bornAt()).toBeUndefined()
    expect(Math.abs(store.now() - Date.now())).toBeLessThan(50)

    // Time for some attempts.
    await new Promise((resolve) => setTimeout(resolve, 600))
    const redis = await startRedis({ path, port })
    await until(() => returns === 1)
    expect(store.bornAt()).toBeDefined()
    expect(store.returnedAt()).toBeGreaterThan(Date.now() - 10_000)
    expect((await store.swap('early', '', next('now'))).done).toBe(true)
    // Once away, once connected, however often it tried.
    expect(
      lines.slice(before).map((line) => (JSON.parse(line) as { event: string }).event),
    ).toEqual(['ledger away', 'ledger connected'])
    await store.close()
    await redis.stop()
  })

  test.each([
    ['alone', {}],
    ['in a Cluster', { cluster: true }],
  ])(
    'is missed when it is killed %s, and known as another when it comes back empty',
    async (_, kind) => {
      const redis = await startRedis({ path, ...kind })
      const store = open(redis.url)
      let returns = 0
      store.onReturn(() => (returns += 1))
      await store.swap('lost', '', next('here'))
      await until(() => returns === 1)
      const bornAt = store.bornAt() ?? 0

      const under = Promise.all(Array.from({ length: 200 }, () => timed(store.get('lost'))))
      await redis.kill()
      for (const { outcome, took } of await under) {
        expect(['here', 'away']).toContain(outcome)
        expect(took).toBeLessThan(5_500)
      }
      await until(() => store.bornAt() === undefined)
      await redis.restartEmpty()
      await until(() => returns === 2)
      expect(store.bornAt()).toBeGreaterThan(bornAt)
      expect((await store.get('lost')).value).toBeUndefined()
      await store.close()
      await redis.stop()
    },
  )

  test('keeps nobody waiting where it takes the connection and then says nothing', async () => {
    const redis = await startRedis({ path, password: 'right' })
    redis.pause()
    const store = open(redis.url, { limit: 500 })
    const asked = await timed(store.get('mute'))
    expect(asked.outcome).toBe('away')
    expect(asked.took).toBeLessThan(800)
    redis.resume()
    await until(() => store.bornAt())
    await store.close()
    await redis.stop()
  })

  test('is away while it is stopped, and forgets nothing by it', async () => {
    const redis = await startRedis({ path })
    const store = open(redis.url, { limit: 800 })
    await store.swap('stopped', '', next('kept'))
    const bornAt = store.bornAt()
    redis.pause()
    const [one, other] = await Promise.all([
      timed(store.get('stopped')),
      timed(store.get('stopped')),
    ])
    expect([one.outcome, other.outcome]).toEqual(['away', 'away'])
    expect(one.took).toBeLessThan(1_200)
    expect((await timed(store.get('stopped'))).took).toBeLessThan(100)
    await new Promise((resolve) => setTimeout(resolve, 2_000))
    redis.resume()
    await until(() => store.bornAt())
    expect(store.bornAt()).toBe(bornAt)
    expect((await store.get('stopped')).value).toBe('kept')
    await store.close()
    await redis.stop()
  })
})

describe('a Redis that refuses', () => {
  test('to write for want of memory is away for writing, is read, and is back when there is room', async () => {
    const redis = await startRedis({ path })
    const store = open(redis.url)
    let returns = 0
    store.onReturn(() => (returns += 1))
    const { version } = await store.swap('kept', '', next('small'))
    await until(() => returns === 1)
    await redis.command('CONFIG', 'SET', 'maxmemory', '1')
    const refusal: unknown = await store
      .swap('kept', version, next('canary'))
      .catch((e: unknown) => e)
    expect(refusal).toBeInstanceOf(StoreAway)
    // The client's own error has the whole command in it.
    expect(inspect(refusal, { depth: 20, showHidden: true })).not.toContain('canary')

    expect(store.bornAt()).toBeUndefined()
    expect(await store.get('kept')).toMatchObject({ value: 'small', version })
    await redis.command('CONFIG', 'SET', 'maxmemory', '0')
    await until(() => returns === 2)
    expect(store.bornAt()).toBeDefined()
    expect((await store.swap('kept', version, next('large'))).done).toBe(true)
    expect(lines.at(-2)).toContain('"code":"OOM"')
    await store.close()
    await redis.stop()
  })

  test('to write because it became a replica is left for whoever is primary now', async () => {
    const redis = await startRedis({ path })
    const store = open(redis.url)
    let returns = 0
    store.onReturn(() => (returns += 1))
    await store.swap('demoted', '', next('one'))
    await until(() => returns === 1)
    await redis.command('REPLICAOF', '127.0.0.1', '1')
    const before = await connectionOf(redis)
    expect((await timed(store.swap('other', '', next('x')))).outcome).toBe('away')
    expect(store.bornAt()).toBeUndefined()
    await until(async () => !['', before].includes(await connectionOf(redis)))
    await redis.command('REPLICAOF', 'NO', 'ONE')
    await until(() => returns === 2)
    expect((await store.swap('other', '', next('x'))).done).toBe(true)
    await store.close()
    await redis.stop()
  })

  /** The number that Redis gave to the store's connection: the one that sent a script last. */
  async function connectionOf(redis: StartedRedis): Promise<string> {
    const list = String(await redis.command('CLIENT', 'LIST'))
    return /^id=(\d+) .* cmd=eval(?:sha)? /m.exec(list)?.[1] ?? ''
  }

  test('a wrong password is away, and says so without the password', async () => {
    const redis = await startRedis({ path, password: 'right' })
    const before = lines.length
    for (const password of ['', ':canary-wrong@', 'canary-name:canary-wrong@']) {
      const store = open(`redis://${password}localhost:${redis.port}`)
      const error: unknown = await store.get('secret').catch((error: unknown) => error)
      expect(error).toBeInstanceOf(StoreAway)
      expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('canary')
      expect(store.bornAt()).toBeUndefined()
      await store.close()
    }
    const said = lines.slice(before).join('\n')
    expect(said).toContain('NOAUTH')
    expect(said).toContain('WRONGPASS')
    expect(said).not.toContain('canary')
    await redis.stop()
  })

  test('a certificate that nobody vouches for is away', async () => {
    const redis = await startRedis({ path, tls: true })
    const store = open(redis.url)
    expect((await timed(store.get('x'))).outcome).toBe('away')
    expect(lines.at(-1)).toMatch(/SELF_SIGNED|UNABLE_TO_VERIFY/)
    await store.close()
    await redis.stop()
  })

  test('all but seven commands, for our own keys, is used', async () => {
    const redis = await startRedis({ path })
    const rights = ['+eval', '+evalsha', '+get', '+set', '+del', '+pttl', '+time']
    await redis.command('ACL', 'SETUSER', 'least', 'on', '>canary', '~latchkey:*', ...rights)
    const store = open(`redis://least:canary@localhost:${redis.port}`)
    const { version } = await store.swap('rights', '', next('one'))
    expect((await store.get('rights')).value).toBe('one')
    const over = { ...next('two'), until: 1 }
    expect((await store.swap('rights', version, over)).done).toBe(true)
    expect(store.bornAt()).toBeDefined()
    await store.close()
    await redis.stop()
  })

  test('and what is no Redis at all is away', async () => {
    const { createServer } = await import('node:http')
    const server = createServer((_, answer) => answer.end('<h1>hello</h1>')).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : 0
    const store = open(`redis://localhost:${port}`, { limit: 500 })
    expect((await timed(store.get('x'))).outcome).toBe('away')
    expect((await timed(store.swap('x', '', next('x')))).outcome).toBe('away')
    await store.close()
    server.closeAllConnections()
    server.close()
  })

  test('to keep what it was given is reported once', async () => {
    const redis = await startRedis({ path, args: ['--maxmemory-policy', 'allkeys-lru'] })
    const before = lines.length
    const warned = () => lines.slice(before).filter((line) => line.includes('maxmemory-policy'))
    const store = open(redis.url)
    await store.get('x')
    await until(() => warned().length === 1)
    await redis.restartEmpty()
    await until(() => lines.slice(before).filter((line) => line.includes('connected')).length === 2)
    expect((await store.swap('x', '', next('x'))).done).toBe(true)
    expect(warned()).toHaveLength(1)
    expect(warned()[0]).toContain('"policy":"allkeys-lru"')
    await store.close()
    await redis.stop()
  })
})

test('no line of the log carries a password, an address or a value', () => {
  expect(lines.length).toBeGreaterThan(20)
  const allowed =
    /^\{"level":"(?:info|warning)","event":"ledger [a-z -]+(?:: [a-z -]+)?"(?:,"(?:code|policy)":"[\w-]+")?\}$/
  for (const line of lines) expect(line).toMatch(allowed)
})
