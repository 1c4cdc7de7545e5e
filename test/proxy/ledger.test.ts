import { describe, expect, test } from 'vitest'
import { emptyEntry, look, publish } from '../../proxy/session/entry'
import { createLedger } from '../../proxy/session/ledger'
import { createMemoryStore } from '../../proxy/session/memory-store'
import { createSeal } from '../../proxy/session/seal'
import type { Tokens } from '../../shared/oauth/tokens'
import { sleep } from '../../shared/oauth/ports'
import { Secret } from '../../shared/secret'
import { sessionSecret } from '../stage'
import { ledgerContract, ledgersContract } from './ledger-contract'

function parts(now: () => number) {
  const seal = createSeal([new Secret(sessionSecret)], now)
  return { own: createMemoryStore({ now }), seal, log: () => undefined, sleep }
}

ledgerContract('a ledger in memory', (now) => createLedger(parts(now)))

ledgerContract('a ledger in a store that others share', (now) =>
  createLedger({ ...parts(now), shared: createMemoryStore({ now }) }),
)

ledgersContract('two ledgers over a store in memory', (now) => {
  const shared = createMemoryStore({ now })
  return [createLedger({ ...parts(now), shared }), createLedger({ ...parts(now), shared })]
})

describe('a ledger whose store is full', () => {
  const start = Date.UTC(2026, 10, 1, 12)
  const until = start + 1e10
  const alone = (name: string) => ({ lineage: name, seat: name, until })
  const tokens = (name: string): Tokens => ({
    scheme: 'bearer',
    accessToken: new Secret(name),
    refreshToken: new Secret(`r ${name}`),
    expiresAt: null,
    scope: [],
  })

  test('forgets first what the one browser there is has shown to know, not what another may lack', async () => {
    let now = start
    const clock = () => now
    const own = createMemoryStore({ now: clock, most: 10 })
    const ledger = createLedger({ ...parts(clock), own })
    const ada = { lineage: 'pair', seat: 'ada', until }
    now += 1000
    const known = await ledger.publish(alone('known'), start, tokens('b2'))
    for (let count = 0; count < 8; count++)
      await ledger.publish(alone(`other ${count}`), start, tokens(`c${count}`))
    const { generation } = await ledger.join(ada, tokens('a1'))
    now += 60_000
    await ledger.read({ ...ada, generation })
    await ledger.read({ ...alone('known'), generation: known.generation })
    await ledger.publish(alone('one more'), start, tokens('d2'))
    expect((await ledger.read({ ...ada, seat: 'bob' })).latest?.generation).toBe(generation)
    expect((await ledger.read(alone('known'))).latest).toBeUndefined()
    // Which of two cookies of that account is the newer one cannot be told any more.
    expect(ledger.remembers(known.generation)).toBe(false)
  })

  test('remembers sign-outs and fresh tokens whatever logins strangers begin and use up', async () => {
    let now = start
    const own = createMemoryStore({ now: () => now, most: 10 })
    const ledger = createLedger({ ...parts(() => now), own })
    now += 1000
    const fresh = await ledger.publish(alone('fresh'), start, tokens('a2'))
    await ledger.signOut(alone('gone'))
    now += 60_000
    for (let login = 0; login < 100; login++, now += 1000)
      await ledger.useOnce(`login ${login}`, now + 1200_000)
    expect((await ledger.read(alone('fresh'))).latest?.generation).toBe(fresh.generation)
    expect((await ledger.read(alone('gone'))).signedOut).toBe(true)
    expect(ledger.remembers(start + 1)).toBe(true)
  })
})

test('who left a browser behind for good takes no room', () => {
  const day = 24 * 3600 * 1000
  let entry = emptyEntry
  for (let today = 0; today < 1000; today++) {
    const seat = { lineage: 'pair', seat: `seat ${today}`, until: (today + 180) * day }
    entry = look(seat, 1)(entry, today * day).entry ?? entry
  }
  expect(Object.keys(entry.seats).length).toBeLessThanOrEqual(181)
})

test('a result that is written late does not undo what came of it meanwhile', () => {
  const seat = { lineage: 'one', seat: 'one', until: 1e9 }
  const second = publish(seat, 100, { pair: 'second', token: 'r2' }, 5000)
  const written = second(emptyEntry, 5001).entry ?? emptyEntry
  const third = publish(seat, 5000, { pair: 'third', token: 'r3' }, 95_000)
  const later = third(written, 95_001).entry ?? emptyEntry
  // The first writing was not heard of, and is repeated.
  const { entry, result } = second(later, 95_002)
  expect(entry?.latest?.pair).toBe('third')
  expect(result.latest.pair).toBe('third')
})
