import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { Redis } from 'ioredis'
import { createRedisStore } from '../../proxy/session/redis-store'
import { Secret } from '../../shared/secret'
import { startRedis, type StartedRedis } from '../redis'
import { examine, lines } from './examine'
import * as system from './system'
import type { Database } from './stores'
import { standIns, type World } from './world'

/** Milliseconds that a whole examination may take on a slow machine. */
const patience = 600_000

let restore: () => void
beforeAll(() => {
  restore = standIns()
})
afterAll(() => {
  restore()
})

const calm =
  'nobody is signed out, no token is sent twice, and no sign-out is undone, whatever meets'
const rough =
  'whoever loses an account to a kill, a lost ledger or an outage falls through a named window'

describe('in one process', () => {
  test(calm, { timeout: patience }, async () => {
    const tally = await examine({ system, keeping: 'own memory', weather: 'calm', runs: 2500 })
    print('one process, calm', tally)
    expect(tally.found).toEqual({})
  })

  test(rough, { timeout: patience }, async () => {
    print(
      'one process, rough',
      await examine({ system, keeping: 'own memory', weather: 'rough', runs: 2000 }),
    )
  })
})

describe('in up to three processes that share a ledger', () => {
  test(calm, { timeout: patience }, async () => {
    const tally = await examine({ system, keeping: 'shared', weather: 'calm', runs: 3500 })
    print('shared memory, calm', tally)
    expect(tally.found).toEqual({})
  })

  test(rough, { timeout: patience }, async () => {
    print(
      'shared memory, rough',
      await examine({ system, keeping: 'shared', weather: 'rough', runs: 2500 }),
    )
  })
})

describe('in up to three processes that share a Redis', () => {
  let server: StartedRedis
  let client: Redis
  beforeAll(async () => {
    server = await startRedis({ path: inject('redis') })
    client = new Redis(server.url)
  })
  afterAll(async () => {
    client.disconnect()
    await server.stop()
  })

  /** Redis’s own clock cannot be moved: the world’s runs ahead of it. */
  function redisDatabase() {
    let world: World
    const ahead = () => world.now - Date.now()
    const store = createRedisStore(new Secret(server.url), { log: () => undefined, ahead })
    return {
      close: () => store.close(),
      database: async (of: World): Promise<Database> => {
        world = of
        await client.flushall()
        const database: Database = {
          store,
          bornAt: of.now,
          async lose() {
            await client.flushall()
            database.bornAt = Math.max(of.now, database.bornAt + 1)
          },
        }
        return database
      },
    }
  }

  test(calm, { timeout: patience }, async () => {
    const redis = redisDatabase()
    const tally = await examine({
      system,
      keeping: 'shared',
      weather: 'calm',
      runs: 6000,
      database: redis.database,
    })
    await redis.close()
    print('Redis, calm', tally)
    expect(tally.found).toEqual({})
  })

  test(rough, { timeout: patience }, async () => {
    const redis = redisDatabase()
    const examination = { system, keeping: 'shared', weather: 'rough', runs: 4000 } as const
    print('Redis, rough', await examine({ ...examination, database: redis.database }))
    await redis.close()
  })
})

test('a run is the same each time it is told', async () => {
  const once = await examine({ system, keeping: 'shared', weather: 'rough', runs: 40 })
  const again = await examine({ system, keeping: 'shared', weather: 'rough', runs: 40 })
  expect(again).toEqual(once)
})

function print(title: string, tally: Parameters<typeof lines>[1]): void {
  process.stdout.write(`${lines(title, tally)}\n`)
}
