import { describe, expect, test } from 'vitest'
import type { Ledger, Seat } from '../../proxy/session/ledger'
import type { Tokens } from '../../shared/oauth/tokens'
import { Secret } from '../../shared/secret'

const start = Date.parse('2026-11-01T12:00:00Z')
const day = 24 * 3600 * 1000

/** A seat of its own lineage, as most providers have it. */
const alone: Seat = { lineage: 'seat-a', seat: 'seat-a', until: start + 180 * day }
/** Two browsers of one person whose provider gives both the same pair. */
const ada: Seat = { lineage: 'pair', seat: 'ada', until: start + 180 * day }
const bob: Seat = { lineage: 'pair', seat: 'bob', until: start + 90 * day }

/** A pair by name; without the second, one that cannot be refreshed. */
function pair(access: string, refresh?: string): Tokens {
  return {
    scheme: 'bearer',
    accessToken: new Secret(access),
    refreshToken: refresh === undefined ? undefined : new Secret(refresh),
    expiresAt: null,
    scope: [],
  }
}

const names = (tokens: Tokens | undefined) =>
  tokens && [tokens.accessToken.reveal(), tokens.refreshToken?.reveal()]

/** What any ledger must do, wherever it keeps its entries. `create` gets the ledger's own clock. */
export function ledgerContract(
  name: string,
  create: (now: () => number) => Ledger | Promise<Ledger>,
): void {
  async function begin() {
    let now = start
    const ledger = await create(() => now)
    return {
      ledger,
      pass: (milliseconds: number) => {
        now += milliseconds
      },
    }
  }

  /** Whether the account lives, as a request with this cookie judges it. */
  async function lives(ledger: Ledger, seat: Seat, generation: number): Promise<boolean> {
    const { latest, endedUpTo, signedOut } = await ledger.read(seat)
    return !signedOut && Math.max(generation, latest?.generation ?? 0) > endedUpTo
  }

  describe(`${name}: a refresh`, () => {
    test('is known to every later reader', async () => {
      const { ledger, pass } = await begin()
      const { generation } = await ledger.join(alone, pair('a1', 'r1'), false)
      pass(1000)
      const published = await ledger.publish(alone, generation, pair('a2', 'r2'))
      const { latest, endedUpTo, signedOut } = await ledger.read(alone)
      expect(names(latest?.tokens)).toEqual(['a2', 'r2'])
      expect(published.generation).toBe(latest?.generation)
      expect({ endedUpTo, signedOut }).toEqual({ endedUpTo: 0, signedOut: false })
    })

    test('nothing is known of a seat that never came', async () => {
      const { ledger } = await begin()
      expect(await ledger.read(alone)).toEqual({
        endedUpTo: 0,
        signedOut: false,
        deserted: false,
      })
    })

    test('has a generation by the ledger’s clock', async () => {
      const { ledger, pass } = await begin()
      expect((await ledger.join(alone, pair('a1', 'r1'), false)).generation).toBe(start)
      pass(1000)
      expect(await ledger.publish(alone, start, pair('a2', 'r2'))).toMatchObject({
        generation: start + 1000,
      })
    })

    test('within the same millisecond, or after a clock was set back, is still the newer', async () => {
      const { ledger, pass } = await begin()
      const first = await ledger.publish(alone, start, pair('a2', 'r2'))
      expect(first).toMatchObject({ generation: start + 1 })
      pass(-3600_000)
      expect(await ledger.publish(alone, start + 1, pair('a3', 'r3'))).toMatchObject({
        generation: start + 2,
      })
      expect(names((await ledger.read(alone)).latest?.tokens)).toEqual(['a3', 'r3'])
    })

    test('after the ledger was lost is newer than what any browser holds', async () => {
      const old = await begin()
      let generation = start
      for (const turn of [2, 3, 4]) {
        old.pass(1)
        const latest = await old.ledger.publish(alone, generation, pair(`a${turn}`, `r${turn}`))
        generation = latest.generation
      }
      // A counter would begin again at 1, and the spent pair would win.
      const { ledger, pass } = await begin()
      pass(60_000)
      const published = await ledger.publish(alone, start, pair('a5', 'r5'))
      expect(published.generation).toBeGreaterThan(generation)
    })

    test('of one account says nothing of another', async () => {
      const { ledger } = await begin()
      const other: Seat = { ...alone, lineage: 'seat-b', seat: 'seat-b' }
      await ledger.publish(alone, start, pair('a2', 'r2'))
      await ledger.endGrant(alone, start + 9)
      await ledger.signOut(alone)
      expect(await ledger.read(other)).toEqual({ endedUpTo: 0, signedOut: false, deserted: false })
    })

    test('and another at the same time get two generations', async () => {
      const { ledger } = await begin()
      const all = await Promise.all(
        [1, 2, 3, 4, 5].map((turn) => ledger.publish(alone, start, pair(`a${turn}`, `r${turn}`))),
      )
      expect(new Set(all.map((latest) => latest.generation)).size).toBe(5)
      const newest = Math.max(...all.map((latest) => latest.generation))
      expect((await ledger.read(alone)).latest?.generation).toBe(newest)
    })
  })

  describe(`${name}: an end that the provider declared`, () => {
    test('holds for every generation up to it', async () => {
      const { ledger } = await begin()
      await ledger.endGrant(alone, start)
      expect(await ledger.read(alone)).toMatchObject({ endedUpTo: start, signedOut: false })
      expect(await lives(ledger, alone, start)).toBe(false)
    })

    test('is cancelled by a newer generation: the leader overslept, and holds the good pair', async () => {
      const { ledger } = await begin()
      await ledger.endGrant(alone, start)
      expect(await ledger.publish(alone, start, pair('a2', 'r2'))).toMatchObject({
        generation: start + 1,
      })
      expect(await lives(ledger, alone, start)).toBe(true)
    })

    test('is cancelled even where it named a generation ahead of the clock', async () => {
      const { ledger } = await begin()
      await ledger.endGrant(alone, start + 5000)
      await ledger.publish(alone, start, pair('a2', 'r2'))
      expect(await lives(ledger, alone, start)).toBe(true)
    })

    test('of an older generation does not touch the newer one', async () => {
      const { ledger, pass } = await begin()
      pass(1000)
      await ledger.publish(alone, start, pair('a2', 'r2'))
      await ledger.endGrant(alone, start)
      expect(await lives(ledger, alone, start)).toBe(true)
    })

    test('is not taken back by an older one', async () => {
      const { ledger } = await begin()
      await ledger.endGrant(alone, start + 5)
      await ledger.endGrant(alone, start)
      expect((await ledger.read(alone)).endedUpTo).toBe(start + 5)
    })

    test('ends every seat that shares the pair, and does not block the next sign-in', async () => {
      const { ledger, pass } = await begin()
      const { generation } = await ledger.join(ada, pair('a1', 'r1'), true)
      await ledger.join(bob, pair('a1', 'r1'), true)
      await ledger.endGrant(ada, generation)
      expect(await lives(ledger, ada, generation)).toBe(false)
      expect(await lives(ledger, bob, generation)).toBe(false)
      pass(1000)
      const cleo: Seat = { ...ada, seat: 'cleo' }
      const joined = await ledger.join(cleo, pair('a2', 'r2'), true)
      expect(names(joined.tokens)).toEqual(['a2', 'r2'])
      expect(await lives(ledger, cleo, joined.generation)).toBe(true)
    })
  })

  describe(`${name}: a sign-out`, () => {
    test('is final: no answer in flight brings the account back', async () => {
      const { ledger, pass } = await begin()
      const { generation } = await ledger.join(alone, pair('a1', 'r1'), false)
      await ledger.signOut(alone)
      pass(1000)
      await ledger.publish(alone, generation, pair('a2', 'r2'))
      expect(await ledger.read(alone)).toMatchObject({ signedOut: true, deserted: true })
    })

    test('is final after the provider’s own end, and for as long as a cookie may live', async () => {
      const { ledger, pass } = await begin()
      await ledger.signOut(alone)
      await ledger.endGrant(alone, start)
      pass(180 * day - 1)
      expect((await ledger.read(alone)).signedOut).toBe(true)
    })

    test('of an account that was never refreshed is kept as well', async () => {
      const { ledger } = await begin()
      await ledger.join(alone, pair('a1', 'r1'), false)
      await ledger.signOut(alone)
      expect(await ledger.read(alone)).toMatchObject({ signedOut: true, deserted: true })
    })

    test('names the newest pair, which is the one to revoke', async () => {
      const { ledger } = await begin()
      await ledger.publish(alone, start, pair('a2', 'r2'))
      await ledger.signOut(alone)
      expect(names((await ledger.read(alone)).latest?.tokens)).toEqual(['a2', 'r2'])
    })

    test('may be repeated', async () => {
      const { ledger } = await begin()
      await ledger.signOut(alone)
      await ledger.signOut(alone)
      expect(await ledger.read(alone)).toMatchObject({ signedOut: true, deserted: true })
    })

    test('is one seat’s: the others that share the pair stay', async () => {
      const { ledger } = await begin()
      const { generation } = await ledger.join(ada, pair('a1', 'r1'), true)
      await ledger.join(bob, pair('a1', 'r1'), true)
      await ledger.signOut(ada)
      expect(await ledger.read(ada)).toMatchObject({ signedOut: true, deserted: false })
      expect(await lives(ledger, bob, generation)).toBe(true)
      await ledger.signOut(bob)
      expect(await ledger.read(bob)).toMatchObject({ signedOut: true, deserted: true })
    })

    test('of one seat does not stop what it has in flight for the others', async () => {
      const { ledger } = await begin()
      const { generation } = await ledger.join(ada, pair('a1', 'r1'), true)
      await ledger.join(bob, pair('a1', 'r1'), true)
      await ledger.signOut(ada)
      await ledger.publish(ada, generation, pair('a2', 'r2'))
      expect(names((await ledger.read(bob)).latest?.tokens)).toEqual(['a2', 'r2'])
      expect((await ledger.read(ada)).signedOut).toBe(true)
    })

    test('of the last seat leaves nobody, and keeps what is in flight to be revoked', async () => {
      const { ledger } = await begin()
      const { generation } = await ledger.join(ada, pair('a1', 'r1'), true)
      await ledger.join(bob, pair('a1', 'r1'), true)
      await ledger.signOut(bob)
      await ledger.signOut(ada)
      await ledger.publish(ada, generation, pair('a2', 'r2'))
      const { latest, deserted } = await ledger.read(ada)
      expect(deserted).toBe(true)
      expect(names(latest?.tokens)).toEqual(['a2', 'r2'])
    })

    test('of all is each seat’s that is known, and no obstacle to the next', async () => {
      const { ledger, pass } = await begin()
      const { generation } = await ledger.join(ada, pair('a1', 'r1'), true)
      await ledger.join(bob, pair('a1', 'r1'), true)
      await ledger.signOutAll(ada, generation)
      expect(await ledger.read(bob)).toMatchObject({ signedOut: true, deserted: true })
      pass(1000)
      const cleo: Seat = { ...ada, seat: 'cleo' }
      const joined = await ledger.join(cleo, pair('a2', 'r2'), true)
      expect(await lives(ledger, cleo, joined.generation)).toBe(true)
      expect(await lives(ledger, bob, generation)).toBe(false)
    })

    test('counts a seat that was seen, though it never joined here: the ledger was lost', async () => {
      const { ledger } = await begin()
      await ledger.read({ ...ada, generation: start })
      await ledger.read({ ...bob, generation: start })
      await ledger.signOut(ada)
      expect((await ledger.read(ada)).deserted).toBe(false)
    })

    test('does not count a seat whose cookie’s life has ended', async () => {
      const { ledger, pass } = await begin()
      await ledger.join(ada, pair('a1', 'r1'), true)
      await ledger.join(bob, pair('a1', 'r1'), true)
      pass(91 * day)
      await ledger.signOut(ada)
      expect((await ledger.read(ada)).deserted).toBe(true)
    })

    test('does not keep the same person from signing in again with the same pair', async () => {
      const { ledger, pass } = await begin()
      await ledger.join(ada, pair('a1', 'r1'), true)
      await ledger.signOut(ada)
      pass(1000)
      const again: Seat = { ...ada, seat: 'ada-again' }
      const { generation, tokens } = await ledger.join(again, pair('a1', 'r1'), true)
      expect(names(tokens)).toEqual(['a1', 'r1'])
      expect(await lives(ledger, again, generation)).toBe(true)
      expect((await ledger.read(ada)).signedOut).toBe(true)
    })
  })

  describe(`${name}: a turn`, () => {
    test('is one at a time for a lineage, in order, whatever becomes of it', async () => {
      const { ledger } = await begin()
      const steps: string[] = []
      const work = (step: string, fails = false) =>
        ledger.inTurn('one', async () => {
          steps.push(`${step} begins`)
          await Promise.resolve()
          steps.push(`${step} ends`)
          if (fails) throw new Error(step)
        })
      await Promise.allSettled([work('first', true), work('second'), work('third')])
      expect(steps).toEqual(
        ['first', 'second', 'third'].flatMap((step) => [`${step} begins`, `${step} ends`]),
      )
    })

    test('of one lineage does not wait for another', async () => {
      const { ledger } = await begin()
      const never = ledger.inTurn('one', () => new Promise<void>(() => undefined))
      expect(await ledger.inTurn('other', () => Promise.resolve('done'))).toBe('done')
      void never
    })
  })

  describe(`${name}: a sign-in that shares its tokens`, () => {
    test('and brings the same refresh token has the same generation', async () => {
      const { ledger, pass } = await begin()
      const first = await ledger.join(ada, pair('a1', 'r1'), true)
      pass(60_000)
      const second = await ledger.join(bob, pair('a1', 'r1'), true)
      expect(second.generation).toBe(first.generation)
      expect(names(second.tokens)).toEqual(['a1', 'r1'])
    })

    test('and brings a spent refresh token adopts the latest', async () => {
      const { ledger, pass } = await begin()
      const { generation } = await ledger.join(ada, pair('a1', 'r1'), true)
      pass(1000)
      const second = await ledger.publish(ada, generation, pair('a2', 'r2'))
      await ledger.publish(ada, second.generation, pair('a3', 'r3'))
      const latest = (await ledger.read(ada)).latest
      for (const spent of ['r1', 'r2']) {
        const joined = await ledger.join({ ...bob, seat: spent }, pair('a1', spent), true)
        expect(names(joined.tokens)).toEqual(['a3', 'r3'])
        expect(joined.generation).toBe(latest?.generation)
      }
      expect(names((await ledger.read(ada)).latest?.tokens)).toEqual(['a3', 'r3'])
    })

    test('and brings a pair nobody knows publishes it: the provider reissued, the sibling lives', async () => {
      const { ledger, pass } = await begin()
      const { generation } = await ledger.join(ada, pair('a1', 'r1'), true)
      pass(60_000)
      const joined = await ledger.join(bob, pair('a2', 'r2'), true)
      expect(joined.generation).toBeGreaterThan(generation)
      expect(names((await ledger.read(ada)).latest?.tokens)).toEqual(['a2', 'r2'])
      expect(await lives(ledger, ada, generation)).toBe(true)
    })

    test('is known before anybody refreshed', async () => {
      const { ledger } = await begin()
      await ledger.join(ada, pair('a1', 'r1'), true)
      expect(names((await ledger.read(bob)).latest?.tokens)).toEqual(['a1', 'r1'])
    })

    test('and was refreshed without rotation holds no spent token', async () => {
      const { ledger } = await begin()
      const { generation } = await ledger.join(ada, pair('a1', 'r1'), true)
      const second = await ledger.publish(ada, generation, pair('a2', 'r1'))
      const joined = await ledger.join(bob, pair('a2', 'r1'), true)
      expect(joined.generation).toBe(second.generation)
      expect(names(joined.tokens)).toEqual(['a2', 'r1'])
    })

    test('and brings no refresh token keeps the access token it brought', async () => {
      const { ledger } = await begin()
      await ledger.join(ada, pair('a1'), true)
      expect(names((await ledger.join(bob, pair('a2'), true)).tokens)).toEqual(['a2', undefined])
    })
  })

  describe(`${name}: what may be used once`, () => {
    test('is used once', async () => {
      const { ledger } = await begin()
      expect(await ledger.useOnce('login x', start + 600_000)).toBe(true)
      expect(await ledger.useOnce('login x', start + 600_000)).toBe(false)
      expect(await ledger.useOnce('login y', start + 600_000)).toBe(true)
    })

    test('is used once however many ask at the same time', async () => {
      const { ledger } = await begin()
      const all = await Promise.all(
        Array.from({ length: 20 }, () => ledger.useOnce('login x', start + 600_000)),
      )
      expect(all.filter(Boolean)).toHaveLength(1)
    })

    test('may be asked about without being used', async () => {
      const { ledger } = await begin()
      expect(await ledger.isUnused('login x')).toBe(true)
      expect(await ledger.isUnused('login x')).toBe(true)
      expect(await ledger.useOnce('login x', start + 600_000)).toBe(true)
      expect(await ledger.isUnused('login x')).toBe(false)
    })

    test('is remembered until its time is over, and no longer', async () => {
      const { ledger, pass } = await begin()
      await ledger.useOnce('login x', start + 600_000)
      pass(600_000)
      expect(await ledger.useOnce('login x', start + 600_000)).toBe(false)
      pass(1)
      expect(await ledger.isUnused('login x')).toBe(true)
      expect(await ledger.useOnce('login x', start + 1_200_000)).toBe(true)
    })
  })

  test(`${name}: remembers what came after it was made, and says so`, async () => {
    const { ledger, pass } = await begin()
    expect(ledger.remembers(start - 1)).toBe(false)
    pass(1000)
    const { generation } = await ledger.join(alone, pair('a1', 'r1'), false)
    expect(ledger.remembers(generation)).toBe(true)
  })
}
