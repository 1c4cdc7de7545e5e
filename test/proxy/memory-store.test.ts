import { describe, expect, test } from 'vitest'
import { createMemoryStore } from '../../proxy/session/memory-store'
import type { Worth } from '../../proxy/session/store'

const start = Date.UTC(2026, 10, 1, 12)
const hour = 3_600_000

/** A store with little room, and a clock. */
function begin(most: number) {
  let now = start
  const store = createMemoryStore({ now: () => now, most })
  return {
    store,
    pass: (milliseconds: number) => {
      now += milliseconds
    },
    put: async (key: string, worth: Worth = 'fresh', life = 100 * hour) => {
      const { version } = await store.get(key)
      await store.swap(key, version, { value: `${key} ${version}`, until: now + life, worth })
    },
    left: async (keys: readonly string[]) => {
      const found = await Promise.all(keys.map(async (key) => (await store.get(key)).value))
      return keys.filter((_, index) => found[index] !== undefined)
    },
  }
}

describe('a store in memory that is full', () => {
  const keys = Array.from({ length: 12 }, (_, index) => `key ${index}`)

  test('lets the stalest go', async () => {
    const { put, left, pass } = begin(10)
    for (const key of keys.slice(0, 10)) await put(key)
    pass(hour)
    await put('key 10')
    expect(await left(keys)).toEqual(keys.slice(2, 11))
  })

  test('lets go first what is over', async () => {
    const { put, left, pass } = begin(10)
    await put('key 0')
    for (const key of keys.slice(1, 6)) await put(key, 'ended', hour)
    for (const key of keys.slice(6, 10)) await put(key)
    pass(hour + 1)
    await put('key 10')
    expect(await left(keys)).toEqual(['key 0', ...keys.slice(6, 11)])
  })

  test('lets nothing go for what was only used once, however often strangers write that', async () => {
    const { store, put, left, pass } = begin(10)
    for (const key of keys.slice(0, 5)) await put(key, 'idle')
    await put('key 5', 'ended')
    pass(hour)
    const born = store.bornAt()
    for (let login = 0; login < 100; login++) {
      await put(`login ${login}`, 'once')
      pass(1001)
    }
    expect(await left(keys)).toEqual(keys.slice(0, 6))
    expect(await left(['login 99'])).toEqual(['login 99'])
    expect(store.bornAt()).toBe(born)
  })

  test('lets go what a browser has shown to know before what may be known to nobody else', async () => {
    const { store, put, left, pass } = begin(10)
    for (const key of keys.slice(0, 10)) await put(key)
    store.acknowledge?.('key 8')
    store.acknowledge?.('key 9')
    pass(hour)
    await put('key 10')
    expect(await left(keys)).toEqual([...keys.slice(0, 8), 'key 10'])
  })

  test('lets go of a sign-out last, even where it was shown', async () => {
    const { store, put, left, pass } = begin(10)
    for (const key of keys.slice(0, 8)) await put(key, 'ended')
    for (const key of keys.slice(0, 8)) store.acknowledge?.(key)
    for (const key of keys.slice(8, 10)) await put(key)
    pass(hour)
    await put('key 10')
    expect(await left(keys)).toEqual([...keys.slice(0, 8), 'key 10'])
  })

  test('keeps what is under 25 s old, though there is no room: its owner is at work', async () => {
    const { put, left, pass } = begin(10)
    for (const key of keys) await put(key, 'idle')
    expect(await left(keys)).toEqual(keys)
    pass(25_000)
    await put('key 11', 'idle')
    expect(await left(keys)).toEqual(keys.slice(3))
  })

  test('remembers nothing from before what it let go, and says so', async () => {
    const { store, put, pass } = begin(10)
    expect(store.bornAt()).toBe(start)
    for (const key of keys.slice(0, 10)) {
      pass(1000)
      await put(key)
    }
    pass(hour)
    await put('key 10')
    // The second was written two seconds in, and is gone.
    expect(store.bornAt()).toBe(start + 2001)
  })
})
