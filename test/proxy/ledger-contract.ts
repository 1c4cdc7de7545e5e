import { describe, expect, test } from 'vitest'
import type { Ledger, Seat, Standing } from '../../proxy/session/ledger'
import type { Tokens } from '../../shared/oauth/tokens'
import { Secret } from '../../shared/secret'

/** Ahead of every real clock: a store whose clock goes on by itself cannot be set back. */
const start = Date.parse('2100-01-01T12:00:00Z')
/** Milliseconds that a store's own clock may go on in a test. */
const soon = 5000
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
      const { generation } = await ledger.join(alone, pair('a1', 'r1'))
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
        endedAt: 0,
        revokedUpTo: 0,
        signedOut: false,
        deserted: false,
      })
    })

    test('has a generation by the ledger’s clock', async () => {
      const { ledger, pass } = await begin()
      const first = await ledger.join(alone, pair('a1', 'r1'))
      expect(first.generation - start).toBeGreaterThanOrEqual(0)
      expect(first.generation - start).toBeLessThan(soon)
      pass(60_000)
      const second = await ledger.publish(alone, first.generation, pair('a2', 'r2'))
      expect(second.generation - start).toBeGreaterThanOrEqual(60_000)
      expect(second.generation - start).toBeLessThan(60_000 + soon)
    })

    test('within the same millisecond, or after a clock was set back, is still the newer', async () => {
      const { ledger } = await begin()
      const ahead = start + 3600_000
      const first = await ledger.publish(alone, ahead, pair('a2', 'r2'))
      expect(first).toMatchObject({ generation: ahead + 1 })
      expect(await ledger.publish(alone, ahead, pair('a3', 'r3'))).toMatchObject({
        generation: ahead + 2,
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
      await ledger.refuse(alone, start + 9, new Secret('r2'))
      await ledger.signOut(alone)
      expect(await ledger.read(other)).toEqual({
        endedUpTo: 0,
        endedAt: 0,
        revokedUpTo: 0,
        signedOut: false,
        deserted: false,
      })
    })

    test('and others at the same time leave the newest of them', async () => {
      const { ledger } = await begin()
      const all = await Promise.all(
        [1, 2, 3, 4, 5].map((turn) => ledger.publish(alone, start, pair(`a${turn}`, `r${turn}`))),
      )
      const newest = Math.max(...all.map((latest) => latest.generation))
      expect((await ledger.read(alone)).latest?.generation).toBe(newest)
    })
  })

  describe(`${name}: an end that the provider declared`, () => {
    test('holds for every generation up to it', async () => {
      const { ledger } = await begin()
      await ledger.refuse(alone, start, new Secret('r1'))
      expect(await ledger.read(alone)).toMatchObject({ endedUpTo: start, signedOut: false })
      expect(await lives(ledger, alone, start)).toBe(false)
    })

    test('is cancelled by a newer generation: the leader overslept, and holds the good pair', async () => {
      const { ledger } = await begin()
      await ledger.refuse(alone, start, new Secret('r1'))
      const published = await ledger.publish(alone, start, pair('a2', 'r2'))
      expect(published.generation).toBeGreaterThan(start)
      expect(await lives(ledger, alone, start)).toBe(true)
    })

    test('is cancelled even where it named a generation ahead of the clock', async () => {
      const { ledger } = await begin()
      await ledger.refuse(alone, start + 5000, new Secret('r1'))
      await ledger.publish(alone, start, pair('a2', 'r2'))
      expect(await lives(ledger, alone, start)).toBe(true)
    })

    test('of an older generation does not touch the newer one', async () => {
      const { ledger, pass } = await begin()
      pass(1000)
      await ledger.publish(alone, start, pair('a2', 'r2'))
      await ledger.refuse(alone, start, new Secret('r1'))
      expect(await lives(ledger, alone, start)).toBe(true)
    })

    test('is not taken back by an older one', async () => {
      const { ledger } = await begin()
      await ledger.refuse(alone, start + 5, new Secret('r1'))
      await ledger.refuse(alone, start, new Secret('r1'))
      expect((await ledger.read(alone)).endedUpTo).toBe(start + 5)
    })

    test('ends every seat that shares the pair, and does not block the next sign-in', async () => {
      const { ledger, pass } = await begin()
      const { generation } = await ledger.join(ada, pair('a1', 'r1'))
      await ledger.join(bob, pair('a1', 'r1'))
      await ledger.refuse(ada, generation, new Secret('r1'))
      expect(await lives(ledger, ada, generation)).toBe(false)
      expect(await lives(ledger, bob, generation)).toBe(false)
      pass(1000)
      const cleo: Seat = { ...ada, seat: 'cleo' }
      const joined = await ledger.join(cleo, pair('a2', 'r2'))
      expect(names(joined.tokens)).toEqual(['a2', 'r2'])
      expect(await lives(ledger, cleo, joined.generation)).toBe(true)
    })
  })

  describe(`${name}: a sign-out`, () => {
    test('is final: no answer in flight brings the account back', async () => {
      const { ledger, pass } = await begin()
      const { generation } = await ledger.join(alone, pair('a1', 'r1'))
      await ledger.signOut(alone)
      pass(1000)
      await ledger.publish(alone, generation, pair('a2', 'r2'))
      expect(await ledger.read(alone)).toMatchObject({ signedOut: true, deserted: true })
    })

    test('is final after the provider’s own end, and for as long as a cookie may live', async () => {
      const { ledger, pass } = await begin()
      await ledger.signOut(alone)
      await ledger.refuse(alone, start, new Secret('r1'))
      pass(180 * day - 1)
      expect((await ledger.read(alone)).signedOut).toBe(true)
    })

    test('of an account that was never refreshed is kept as well', async () => {
      const { ledger } = await begin()
      await ledger.join(alone, pair('a1', 'r1'))
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
      const { generation } = await ledger.join(ada, pair('a1', 'r1'))
      await ledger.join(bob, pair('a1', 'r1'))
      await ledger.signOut(ada)
      expect(await ledger.read(ada)).toMatchObject({ signedOut: true, deserted: false })
      expect(await lives(ledger, bob, generation)).toBe(true)
      await ledger.signOut(bob)
      expect(await ledger.read(bob)).toMatchObject({ signedOut: true, deserted: true })
    })

    test('of one seat does not stop what it has in flight for the others', async () => {
      const { ledger } = await begin()
      const { generation } = await ledger.join(ada, pair('a1', 'r1'))
      await ledger.join(bob, pair('a1', 'r1'))
      await ledger.signOut(ada)
      await ledger.publish(ada, generation, pair('a2', 'r2'))
      expect(names((await ledger.read(bob)).latest?.tokens)).toEqual(['a2', 'r2'])
      expect((await ledger.read(ada)).signedOut).toBe(true)
    })

    test('of the last seat leaves nobody, and keeps what is in flight to be revoked', async () => {
      const { ledger } = await begin()
      const { generation } = await ledger.join(ada, pair('a1', 'r1'))
      await ledger.join(bob, pair('a1', 'r1'))
      await ledger.signOut(bob)
      await ledger.signOut(ada)
      await ledger.publish(ada, generation, pair('a2', 'r2'))
      const { latest, deserted } = await ledger.read(ada)
      expect(deserted).toBe(true)
      expect(names(latest?.tokens)).toEqual(['a2', 'r2'])
    })

    test('of all is each seat’s that is known, and no obstacle to the next', async () => {
      const { ledger, pass } = await begin()
      const { generation } = await ledger.join(ada, pair('a1', 'r1'))
      await ledger.join(bob, pair('a1', 'r1'))
      await ledger.signOutAll(ada, generation)
      expect(await ledger.read(bob)).toMatchObject({ signedOut: true, deserted: true })
      pass(1000)
      const cleo: Seat = { ...ada, seat: 'cleo' }
      const joined = await ledger.join(cleo, pair('a2', 'r2'))
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
      await ledger.join(ada, pair('a1', 'r1'))
      await ledger.join(bob, pair('a1', 'r1'))
      pass(91 * day)
      await ledger.signOut(ada)
      expect((await ledger.read(ada)).deserted).toBe(true)
    })

    test('does not keep the same person from signing in again with the same pair', async () => {
      const { ledger, pass } = await begin()
      await ledger.join(ada, pair('a1', 'r1'))
      await ledger.signOut(ada)
      pass(1000)
      const again: Seat = { ...ada, seat: 'ada-again' }
      const { generation, tokens } = await ledger.join(again, pair('a1', 'r1'))
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
        ledger.inTurn(alone, async () => {
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
      const never = ledger.inTurn(alone, () => new Promise<void>(() => undefined))
      expect(await ledger.inTurn(ada, () => Promise.resolve('done'))).toBe('done')
      void never
    })
  })

  describe(`${name}: a sign-in that shares its tokens`, () => {
    test('and brings the same refresh token has the same generation', async () => {
      const { ledger, pass } = await begin()
      const first = await ledger.join(ada, pair('a1', 'r1'))
      pass(60_000)
      const second = await ledger.join(bob, pair('a1', 'r1'))
      expect(second.generation).toBe(first.generation)
      expect(names(second.tokens)).toEqual(['a1', 'r1'])
    })

    test('and brings a spent refresh token adopts the latest', async () => {
      const { ledger, pass } = await begin()
      const { generation } = await ledger.join(ada, pair('a1', 'r1'))
      pass(1000)
      const second = await ledger.publish(ada, generation, pair('a2', 'r2'))
      await ledger.publish(ada, second.generation, pair('a3', 'r3'))
      const latest = (await ledger.read(ada)).latest
      for (const spent of ['r1', 'r2']) {
        const joined = await ledger.join({ ...bob, seat: spent }, pair('a1', spent))
        expect(names(joined.tokens)).toEqual(['a3', 'r3'])
        expect(joined.generation).toBe(latest?.generation)
      }
      expect(names((await ledger.read(ada)).latest?.tokens)).toEqual(['a3', 'r3'])
    })

    test('and brings a new access token beside the known refresh token brings it to all', async () => {
      const { ledger, pass } = await begin()
      const { generation } = await ledger.join(ada, { ...pair('a1', 'r1'), expiresAt: start })
      pass(60_000)
      const joined = await ledger.join(bob, { ...pair('a2', 'r1'), expiresAt: start + 120_000 })
      expect(names(joined.tokens)).toEqual(['a2', 'r1'])
      expect(joined.generation).toBeGreaterThan(generation)
      expect(names((await ledger.read(ada)).latest?.tokens)).toEqual(['a2', 'r1'])
      // And nobody puts the old one back.
      const late = await ledger.join(ada, { ...pair('a1', 'r1'), expiresAt: start })
      expect(names(late.tokens)).toEqual(['a2', 'r1'])
    })

    test('and brings a pair nobody knows publishes it: the provider reissued, the sibling lives', async () => {
      const { ledger, pass } = await begin()
      const { generation } = await ledger.join(ada, pair('a1', 'r1'))
      pass(60_000)
      const joined = await ledger.join(bob, pair('a2', 'r2'))
      expect(joined.generation).toBeGreaterThan(generation)
      expect(names((await ledger.read(ada)).latest?.tokens)).toEqual(['a2', 'r2'])
      expect(await lives(ledger, ada, generation)).toBe(true)
    })

    test('lives from what an older one brought, long after that one’s life has ended', async () => {
      const { ledger, pass } = await begin()
      const first = await ledger.join(ada, pair('a1', 'r1'))
      pass(100 * day)
      const young: Seat = { ...ada, seat: 'young', until: start + 280 * day }
      await ledger.join(young, pair('a1', 'r1'))
      pass(79 * day)
      await ledger.publish(ada, first.generation, pair('a2', 'r2'))
      pass(100 * day)
      expect(names((await ledger.read(young)).latest?.tokens)).toEqual(['a2', 'r2'])
    })

    test('is known before anybody refreshed', async () => {
      const { ledger } = await begin()
      await ledger.join(ada, pair('a1', 'r1'))
      expect(names((await ledger.read(bob)).latest?.tokens)).toEqual(['a1', 'r1'])
    })

    test('and was refreshed without rotation holds no spent token', async () => {
      const { ledger } = await begin()
      const { generation } = await ledger.join(ada, pair('a1', 'r1'))
      const second = await ledger.publish(ada, generation, pair('a2', 'r1'))
      const joined = await ledger.join(bob, pair('a2', 'r1'))
      expect(joined.generation).toBe(second.generation)
      expect(names(joined.tokens)).toEqual(['a2', 'r1'])
    })

    test('and brings no refresh token keeps the access token it brought', async () => {
      const { ledger } = await begin()
      await ledger.join(ada, pair('a1'))
      expect(names((await ledger.join(bob, pair('a2'))).tokens)).toEqual(['a2', undefined])
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
    const { generation } = await ledger.join(alone, pair('a1', 'r1'))
    expect(ledger.remembers(generation)).toBe(true)
  })
}

/**
 * What the ledgers of two processes must do over one store. `create` gets the clock of that store;
 * the first ledger it returns is that of the process that acts first.
 */
export function ledgersContract(
  name: string,
  create: (now: () => number) => [Ledger, Ledger] | Promise<[Ledger, Ledger]>,
): void {
  async function begin() {
    let now = start
    const [one, other] = await create(() => now)
    const sent: string[] = []
    return {
      one,
      other,
      sent,
      /** The ports through which a turn sends. */
      ports: {
        now: () => now,
        fetch: (input: string | URL | Request) => {
          sent.push(new Request(input).url)
          return Promise.resolve(new Response())
        },
      },
      pass: (milliseconds: number) => {
        now += milliseconds
      },
    }
  }
  const url = 'https://provider.example/token'
  const forever = () => new Promise<void>(() => undefined)
  const aMoment = () => new Promise((resolve) => setTimeout(resolve, 100))
  const never = () => {
    throw new Error('nobody was first')
  }

  describe(`${name}: what one process decides`, () => {
    test('is known to the other', async () => {
      const { one, other, pass } = await begin()
      const { generation } = await one.join(ada, pair('a1', 'r1'))
      pass(1000)
      await one.publish(ada, generation, pair('a2', 'r2'))
      expect(names((await other.read(ada)).latest?.tokens)).toEqual(['a2', 'r2'])
      await other.join(bob, pair('a2', 'r2'))
      await one.signOut(ada)
      expect(await other.read(ada)).toMatchObject({ signedOut: true, deserted: false })
      await other.signOut(bob)
      expect(await one.read(ada)).toMatchObject({ signedOut: true, deserted: true })
      const { latest } = await one.read(ada)
      await other.revoked(bob, latest?.generation ?? 0)
      expect((await one.read(ada)).revokedUpTo).toBe(latest?.generation)
    })

    test('is used once over both', async () => {
      const { one, other } = await begin()
      const until = one.now() + 600_000
      const all = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          (index % 2 ? one : other).useOnce('login x', until),
        ),
      )
      expect(all.filter(Boolean)).toHaveLength(1)
      expect(await other.isUnused('login x')).toBe(false)
    })

    test('at the same time as the other leaves the newest of both', async () => {
      const { one, other } = await begin()
      const all = await Promise.all(
        [1, 2, 3, 4, 5, 6].map((count) =>
          (count % 2 ? one : other).publish(alone, start, pair(`a${count}`, `r${count}`)),
        ),
      )
      const newest = Math.max(...all.map(({ generation }) => generation))
      for (const ledger of [one, other])
        expect((await ledger.read(alone)).latest?.generation).toBe(newest)
    })
  })

  describe(`${name}: a turn`, () => {
    test('is one at a time over both', async () => {
      const { one, other } = await begin()
      let inside = 0
      const seen: number[] = []
      const work = async () => {
        seen.push(++inside)
        await new Promise((resolve) => setTimeout(resolve, 5))
        inside--
      }
      await Promise.all([1, 2, 3, 4].map((count) => (count % 2 ? one : other).inTurn(alone, work)))
      expect(seen).toEqual([1, 1, 1, 1])
    })

    test('that was given back is no takeover for the next', async () => {
      const { one, other } = await begin()
      await one.inTurn(alone, () => Promise.resolve())
      await one.inTurn(alone, () => Promise.reject(new Error('on purpose'))).catch(() => undefined)
      expect(await other.inTurn(alone, (turn) => Promise.resolve(turn.isTakeover))).toBe(false)
    })

    test('whose owner died lapses after fifteen seconds, and the next one is a takeover', async () => {
      const { one, other, pass } = await begin()
      void one.inTurn(alone, forever)
      await aMoment()
      pass(14_000)
      let isGranted = false
      const next = other.inTurn(alone, (turn) => {
        isGranted = true
        return Promise.resolve([turn.isTakeover, turn.isDoubtful(start)])
      })
      await aMoment()
      expect(isGranted).toBe(false)
      pass(1001)
      expect(await next).toEqual([true, true])
    })

    test('is extended before a call that it would not cover', async () => {
      const { one, other, ports, sent, pass } = await begin()
      let proceed = (): void => undefined
      const first = one.inTurn(alone, async (turn) => {
        const { fetch } = turn.guard(ports)
        await fetch(url)
        pass(9000)
        await fetch(url)
        pass(9000)
        await new Promise<void>((resolve) => (proceed = resolve))
      })
      await aMoment()
      expect(sent).toHaveLength(2)
      let isGranted = false
      const next = other.inTurn(alone, () => Promise.resolve((isGranted = true)))
      await aMoment()
      expect(isGranted).toBe(false)
      proceed()
      await Promise.all([first, next])
    })

    test('that another one has by now sends nothing', async () => {
      const { one, other, ports, sent, pass } = await begin()
      let wake = (): void => undefined
      const sleeper = one.inTurn(alone, async (turn) => {
        await new Promise<void>((resolve) => (wake = resolve))
        await turn.guard(ports).fetch(url)
      })
      await aMoment()
      pass(15_001)
      void other.inTurn(alone, forever)
      await aMoment()
      wake()
      await expect(sleeper).rejects.toMatchObject({ code: 'provider_timeout' })
      expect(sent).toEqual([])
    })

    test('is not freed by what somebody else publishes', async () => {
      const { one, other } = await begin()
      void one.inTurn(ada, forever)
      await aMoment()
      await other.publish(ada, start, pair('a2', 'r2'))
      await other.join(bob, pair('a3', 'r3'))
      let isGranted = false
      void other.inTurn(ada, () => Promise.resolve((isGranted = true))).catch(() => undefined)
      await aMoment()
      expect(isGranted).toBe(false)
    })

    test('of a refresh is not needed where somebody was first', async () => {
      const { one, other } = await begin()
      let done = (): void => undefined
      const first = one.inTurn(
        alone,
        async (turn) => {
          await new Promise<void>((resolve) => (done = resolve))
          await one.publish(alone, start, pair('a2', 'r2'), turn)
          return 'sent'
        },
        { generation: start, settled: never },
      )
      await aMoment()
      const second = other.inTurn(alone, () => Promise.resolve('sent'), {
        generation: start,
        settled: ({ latest }) => names(latest?.tokens)?.join() ?? '',
      })
      await aMoment()
      done()
      expect(await Promise.all([first, second])).toEqual(['sent', 'a2,r2'])
    })

    test('of a refresh that failed is not taken by those who waited for it', async () => {
      const { one, other } = await begin()
      let done = (): void => undefined
      const first = one.inTurn(alone, async (turn) => {
        await new Promise<void>((resolve) => (done = resolve))
        await one.fail(alone, start, { code: 'provider_busy', how: 'answered' }, turn)
      })
      await aMoment()
      const settled = ({ rest }: Standing): string => rest?.code ?? 'nothing'
      const ask = () =>
        other.inTurn(alone, () => Promise.resolve('sent'), { generation: start, settled })
      const waits = ask()
      await aMoment()
      done()
      await first
      expect(await waits).toBe('provider_busy')
      // Whoever comes later was not there.
      expect(await ask()).toBe('sent')
    })
  })
}
