import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Next, Store } from '../../proxy/session/store'

/** A store, and what a test may do to its surroundings. */
export interface StoreUnderTest {
  store: Store
  /** Milliseconds go by on the store's clock. */
  pass: (milliseconds: number) => void
  end?: () => Promise<void>
}

const hour = 3_600_000

/** What every store promises, whatever it is made of. */
export function storeContract(name: string, create: () => Promise<StoreUnderTest>): void {
  describe(`the store of ${name}`, () => {
    let under: StoreUnderTest
    let store: Store
    let keys = 0
    let key = ''

    beforeEach(async () => {
      under = await create()
      store = under.store
      key = `contract:${Date.now()}:${(keys += 1)}`
      await store.get(key)
    })
    afterEach(async () => {
      await store.close()
      await under.end?.()
    })

    const next = (value: string, life = hour): Next => ({
      value,
      until: store.now() + life,
      worth: 'fresh',
    })

    test('knows nothing of a key that was never written', async () => {
      expect(await store.get(key)).toMatchObject({ version: '' })
      expect((await store.get(key)).value).toBeUndefined()
    })

    test('puts the first value where nothing was expected', async () => {
      const put = await store.swap(key, '', next('one'))
      expect(put).toMatchObject({ done: true, value: 'one' })
      expect(await store.get(key)).toMatchObject({ value: 'one', version: put.version })
    })

    test('puts no first value where there is one, and answers that', async () => {
      const { version } = await store.swap(key, '', next('one'))
      const late = await store.swap(key, '', next('two'))
      expect(late).toMatchObject({ done: false, value: 'one', version })
      expect(await store.get(key)).toMatchObject({ value: 'one', version })
    })

    test('replaces the value that was seen', async () => {
      const first = await store.swap(key, '', next('one'))
      const second = await store.swap(key, first.version, next('two'))
      expect(second).toMatchObject({ done: true, value: 'two' })
      expect(second.version).not.toBe(first.version)
      expect((await store.get(key)).value).toBe('two')
    })

    test('keeps the newer value where an older one was seen, and answers the newer', async () => {
      const first = await store.swap(key, '', next('one'))
      const second = await store.swap(key, first.version, next('two'))
      const late = await store.swap(key, first.version, next('three'))
      expect(late).toMatchObject({ done: false, value: 'two', version: second.version })
    })

    test('puts nothing back where the value seen is gone', async () => {
      const { version } = await store.swap(key, '', next('one', 50))
      under.pass(60)
      const late = await store.swap(key, version, next('two'))
      expect(late).toMatchObject({ done: false, version: '' })
      expect(late.value).toBeUndefined()
    })

    test('answers a swap with what makes the next one good', async () => {
      let seen = await store.swap(key, '', next('0'))
      for (let step = 1; step <= 5; step += 1) {
        seen = await store.swap(key, seen.version, next(String(step)))
        expect(seen.done).toBe(true)
      }
      expect((await store.get(key)).value).toBe('5')
    })

    test('of many swaps of one version lets one through', async () => {
      const { version } = await store.swap(key, '', next('start'))
      const all = await Promise.all(
        Array.from({ length: 50 }, (_, at) => store.swap(key, version, next(`from ${at}`))),
      )
      const [winner, ...others] = all.filter(({ done }) => done)
      expect(others).toEqual([])
      expect(new Set(all.map(({ value }) => value))).toEqual(new Set([winner?.value]))
      expect((await store.get(key)).value).toBe(winner?.value)
    })

    test('counts exactly where many add one', async () => {
      const add = async () => {
        let seen = await store.get(key)
        for (let isDone = false; !isDone;) {
          const swapped = await store.swap(
            key,
            seen.version,
            next(String(Number(seen.value ?? 0) + 1)),
          )
          isDone = swapped.done
          seen = swapped
        }
      }
      await Promise.all(Array.from({ length: 40 }, add))
      expect((await store.get(key)).value).toBe('40')
    })

    test('keeps keys apart', async () => {
      await store.swap(key, '', next('one'))
      expect((await store.get(`${key}:x`)).value).toBeUndefined()
      expect((await store.swap(`${key}:x`, '', next('two'))).done).toBe(true)
      expect((await store.get(key)).value).toBe('one')
    })

    test('gives back what it was given, whatever it says', async () => {
      const values = ['{"a":"ž€😀"}', '"', 'line\r\nline', '*1\r\n$1\r\nx', 'x'.repeat(60_000)]
      let { version } = await store.get(key)
      for (const value of values) {
        const put = await store.swap(key, version, next(value))
        expect(put.done).toBe(true)
        expect((await store.get(key)).value).toBe(value)
        version = put.version
      }
    })

    test('forgets a value after its time, and not before', async () => {
      await store.swap(key, '', next('one', 5_000))
      under.pass(4_000)
      expect((await store.get(key)).value).toBe('one')
      under.pass(1_001)
      expect(await store.get(key)).toMatchObject({ version: '' })
      expect((await store.get(key)).value).toBeUndefined()
      expect((await store.swap(key, '', next('two'))).done).toBe(true)
    })

    test('a new value brings its own time', async () => {
      const { version } = await store.swap(key, '', next('one', 1_000))
      await store.swap(key, version, next('two', 10_000))
      under.pass(5_000)
      expect((await store.get(key)).value).toBe('two')
    })

    test('takes a value whose time is over as none', async () => {
      const first = await store.swap(key, '', next('one'))
      const over = await store.swap(key, first.version, next('two', -1))
      expect(over).toMatchObject({ done: true, version: '' })
      expect(over.value).toBeUndefined()
      expect((await store.get(key)).value).toBeUndefined()
    })

    test('keeps what has no end', async () => {
      const forever: Next = { value: 'one', until: Number.POSITIVE_INFINITY, worth: 'ended' }
      expect((await store.swap(key, '', forever)).done).toBe(true)
      under.pass(400 * 24 * hour)
      expect((await store.get(key)).value).toBe('one')
    })

    test('says its time with each answer, and meanwhile', async () => {
      const before = await store.get(key)
      under.pass(hour)
      expect(store.now() - before.now).toBeGreaterThanOrEqual(hour - 50)
      const after = await store.swap(key, '', next('one'))
      expect(after.now - before.now).toBeGreaterThanOrEqual(hour)
      expect(after.now - before.now).toBeLessThan(hour + 5_000)
      expect(Math.abs(store.now() - after.now)).toBeLessThan(1_000)
    })

    test('was born before now, and was never away', () => {
      const bornAt = store.bornAt() ?? Number.NaN
      expect(bornAt).toBeGreaterThan(0)
      expect(bornAt).toBeLessThanOrEqual(store.now())
      expect(store.returnedAt()).toBe(0)
    })
  })
}
