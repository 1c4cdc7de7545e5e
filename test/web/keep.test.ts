import { expect, test } from 'vitest'
import { Keep } from '../../web/client/browser/keep'
import { pageLocks } from '../../web/client/browser/locks'
import { createStore } from './browser'

test('what is kept comes back, and none of it lies open in the store', async () => {
  const store = createStore()
  const keep = new Keep(store, pageLocks())
  await keep.write('account/acme', { accessToken: 'canary' })

  expect(await keep.read('account/acme')).toEqual({ accessToken: 'canary' })
  const sealed = store.entries.get('account/acme') as { iv: Uint8Array; data: ArrayBuffer }
  expect(Object.keys(sealed)).toEqual(['iv', 'data'])
  expect(Buffer.from(sealed.data).toString('latin1')).not.toContain('canary')
})

test.each(['account/other', 'login/acme/state'] as const)(
  'what was sealed as account/acme does not open as %s',
  async (other) => {
    const store = createStore()
    const keep = new Keep(store, pageLocks())
    await keep.write('account/acme', { accessToken: 'x' })
    store.entries.set(other, store.entries.get('account/acme'))

    expect(await keep.read(other)).toBeUndefined()
    expect(await keep.read('account/acme')).toEqual({ accessToken: 'x' })
  },
)

test('a value that was changed by one bit is none', async () => {
  const store = createStore()
  const keep = new Keep(store, pageLocks())
  await keep.write('account/acme', { accessToken: 'x' })
  const { data } = store.entries.get('account/acme') as { data: ArrayBuffer }
  const bytes = new Uint8Array(data)
  bytes[0] = (bytes[0] ?? 0) ^ 1

  expect(await keep.read('account/acme')).toBeUndefined()
})

test('the key cannot be read out', async () => {
  const store = createStore()
  await new Keep(store, pageLocks()).write('account/acme', {})
  const key = store.entries.get('key') as CryptoKey

  expect(key.extractable).toBe(false)
  await expect(crypto.subtle.exportKey('raw', key)).rejects.toThrow()
})

test('two tabs that open at once share one key', async () => {
  const store = createStore()
  const locks = pageLocks()
  const [one, two] = [new Keep(store, locks), new Keep(store, locks)]
  await Promise.all([
    one.write('account/acme', { by: 'one' }),
    two.write('account/other', { by: 'two' }),
  ])

  expect(await two.read('account/acme')).toEqual({ by: 'one' })
  expect(await one.read('account/other')).toEqual({ by: 'two' })
})

test('no two values are sealed with the same nonce', async () => {
  const store = createStore()
  const keep = new Keep(store, pageLocks())
  await keep.write('account/acme', { same: true })
  const first = store.entries.get('account/acme')
  await keep.write('account/acme', { same: true })

  expect(store.entries.get('account/acme')).not.toEqual(first)
})
