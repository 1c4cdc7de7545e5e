import { describe, expect, test } from 'vitest'
import { createTurns } from '../../proxy/turns'

const aMoment = () => new Promise((resolve) => setTimeout(resolve, 5))

/** Work that ends when it is told to. */
function work() {
  let end = (): void => undefined
  let hasBegun = false
  const ended = new Promise<void>((resolve) => (end = resolve))
  return {
    run: async () => {
      hasBegun = true
      await ended
    },
    end: () => {
      end()
    },
    hasBegun: () => hasBegun,
  }
}

const late = () => new Error('too late')

describe('turns', () => {
  test('come one after the other, in the order in which they were asked for', async () => {
    const turns = createTurns()
    const [first, second, third] = [work(), work(), work()]
    const all = [first, second, third].map(({ run }) => turns.take('key', run))
    await aMoment()
    expect([first.hasBegun(), second.hasBegun()]).toEqual([true, false])
    first.end()
    await aMoment()
    expect([second.hasBegun(), third.hasBegun()]).toEqual([true, false])
    second.end()
    third.end()
    await Promise.all(all)
  })

  test('of two keys do not wait for each other', async () => {
    const turns = createTurns()
    const first = work()
    const never = turns.take('one', first.run)
    expect(await turns.take('other', () => Promise.resolve('done'))).toBe('done')
    first.end()
    await never
  })

  test('go on after a failure, which is told to whoever asked', async () => {
    const turns = createTurns()
    const fails = turns.take('key', () => Promise.reject(new Error('on purpose')))
    const next = turns.take('key', () => Promise.resolve('done'))
    await expect(fails).rejects.toThrow('on purpose')
    expect(await next).toBe('done')
  })

  test('are counted while they wait or work, and forgotten afterwards', async () => {
    const turns = createTurns()
    const first = work()
    const all = [turns.take('key', first.run), turns.take('key', () => Promise.resolve())]
    expect(turns.pending('key')).toBe(2)
    first.end()
    await Promise.all(all)
    expect(turns.pending('key')).toBe(0)
  })

  test('that do not come in time never come', async () => {
    const turns = createTurns()
    const [first, second] = [work(), work()]
    const holds = turns.take('key', first.run)
    const waits = turns.take('key', second.run, { within: 20, late })
    await expect(waits).rejects.toThrow('too late')
    first.end()
    await holds
    await aMoment()
    expect(second.hasBegun()).toBe(false)
    expect(turns.pending('key')).toBe(0)
  })

  test('of those behind one who gave up still wait for those before', async () => {
    const turns = createTurns()
    const [first, third] = [work(), work()]
    const holds = turns.take('key', first.run)
    const gaveUp = turns.take('key', () => Promise.resolve(), { within: 20, late })
    const waits = turns.take('key', third.run)
    await expect(gaveUp).rejects.toThrow('too late')
    await aMoment()
    expect(third.hasBegun()).toBe(false)
    first.end()
    await holds
    await aMoment()
    expect(third.hasBegun()).toBe(true)
    third.end()
    await waits
  })

  test('of those who come when all who are left gave up wait for the one who works', async () => {
    const turns = createTurns()
    const [first, last] = [work(), work()]
    const holds = turns.take('key', first.run)
    await expect(turns.take('key', () => Promise.resolve(), { within: 20, late })).rejects.toThrow(
      'too late',
    )
    const comes = turns.take('key', last.run)
    await aMoment()
    expect(last.hasBegun()).toBe(false)
    first.end()
    last.end()
    await Promise.all([holds, comes])
  })

  test('that came in time are not hurried', async () => {
    const turns = createTurns()
    const first = work()
    const slow = turns.take('key', first.run, { within: 5, late })
    await aMoment()
    await aMoment()
    first.end()
    await expect(slow).resolves.toBeUndefined()
  })
})
