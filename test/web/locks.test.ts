import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { inOneStep, isTimeout, openLocks, pageLocks } from '../../web/client/browser/locks'

/** As Web Locks do it: in order, and a request whose signal aborts in time is none. */
function webLocks(): LockManager {
  const waiting = new Map<string, Promise<unknown>>()
  const request = async (
    name: string,
    { signal }: { signal: AbortSignal },
    run: () => Promise<unknown>,
  ) => {
    const before = waiting.get(name) ?? Promise.resolve()
    let free = (): void => undefined
    waiting.set(name, Promise.all([before, new Promise<void>((resolve) => (free = resolve))]))
    try {
      await new Promise((resolve, reject) => {
        void before.then(resolve)
        signal.addEventListener('abort', () => reject(signal.reason as Error))
      })
      return await run()
    } finally {
      free()
    }
  }
  return { request } as unknown as LockManager // the one way of its call that we use
}

const never = () => new Promise<never>(() => undefined)

describe.each([
  ['Web Locks', () => openLocks(webLocks())],
  ['the locks of one page', () => openLocks(undefined)],
])('with %s', (_, open) => {
  test('work under one name is done one after the other, and what fails holds up nobody', async () => {
    const locks = open()
    const seen: string[] = []
    const work = (name: string) => async () => {
      seen.push(`${name} begins`)
      await new Promise((resolve) => setTimeout(resolve, 5))
      seen.push(`${name} ends`)
      if (name === 'one') throw new Error('one failed')
      return name
    }
    const done = await Promise.allSettled(
      ['one', 'two', 'three'].map((name) => locks.request('lock', 1_000, work(name))),
    )
    expect(done.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
    expect(seen).toEqual(['one', 'two', 'three'].flatMap((n) => [`${n} begins`, `${n} ends`]))
  })

  test('who waits too long is told so, and is not run later', async () => {
    const locks = open()
    const late = vi.fn(() => Promise.resolve())
    let end = (): void => undefined
    const first = locks.request('lock', 1_000, () => new Promise<void>((done) => (end = done)))
    await expect(locks.request('lock', 20, late)).rejects.toSatisfy(isTimeout)
    end()
    await first
    await locks.request('lock', 1_000, () => Promise.resolve())
    expect(late).not.toHaveBeenCalled()
  })

  test('another name is not waited for', async () => {
    const locks = open()
    void locks.request('lock', 1_000, never)
    expect(await locks.request('other', 20, () => Promise.resolve('done'))).toBe('done')
  })
})

test('a write does not wait for a tab that was stopped in the middle of one', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const locks = pageLocks()
  void locks.request('lock', 0, never)
  const written = inOneStep(locks, 'lock', () => Promise.resolve('written'))
  await vi.advanceTimersByTimeAsync(5_000)
  expect(await written).toBe('written')
})

test('what fails under the lock fails, and is not done twice', async () => {
  const work = vi.fn(() => Promise.reject(new Error('full')))
  await expect(inOneStep(pageLocks(), 'lock', work)).rejects.toThrow('full')
  expect(work).toHaveBeenCalledOnce()
})
