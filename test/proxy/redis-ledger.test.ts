import { afterAll, beforeAll, beforeEach, inject } from 'vitest'
import { createLedger, type Ledger } from '../../proxy/session/ledger'
import { createMemoryStore } from '../../proxy/session/memory-store'
import { createRedisStore } from '../../proxy/session/redis-store'
import { createSeal } from '../../proxy/session/seal'
import type { Store } from '../../proxy/session/store'
import { sleep } from '../../shared/oauth/ports'
import { Secret } from '../../shared/secret'
import { startRedis, type StartedRedis } from '../redis'
import { sessionSecret } from '../stage'
import { ledgerContract, ledgersContract } from './ledger-contract'

let redis: StartedRedis
const opened: Store[] = []

beforeAll(async () => {
  redis = await startRedis({ path: inject('redis') })
})
beforeEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close()))
  await redis.flush()
})
afterAll(async () => {
  await Promise.all(opened.map((store) => store.close()))
  await redis.stop()
})

/** Its clock is Redis's own, which goes on by itself, as far ahead as the test has it. */
async function open(now: () => number): Promise<Ledger> {
  const log = () => undefined
  const shared = createRedisStore(new Secret(redis.url), { log, ahead: () => now() - Date.now() })
  opened.push(shared)
  // Until it is connected.
  await shared.get('anything')
  const clock = () => shared.now()
  const seal = createSeal([new Secret(sessionSecret)], clock)
  return createLedger({ own: createMemoryStore({ now: clock }), seal, log, sleep, shared })
}

ledgerContract('a ledger in Redis', open)

ledgersContract('two ledgers in one Redis', async (now) => [await open(now), await open(now)])
