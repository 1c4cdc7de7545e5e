import { expect, test, vi } from 'vitest'
import { ServerClock } from '../../web/client/clock'

const hour = 3_600_000
const noon = Date.parse('2026-11-22T12:00:00Z')
const inUtc = (time: number) => new Date(time).toUTCString()

/** A machine whose clock is wrong by `error`, and a server whose clock is right. */
function machineWith(error = 0) {
  const state = { true: noon, error, steady: 0, asked: 0 }
  const pass = (ms: number) => {
    state.true += ms
    state.steady += ms
  }
  const moved = vi.fn()
  const clock = new ServerClock(
    { wall: () => state.true + state.error, steady: () => state.steady },
    moved,
  )
  /** A call that takes so long in each direction. */
  const call = (there = 0, back = there) => {
    const learn = clock.measure()
    pass(there)
    const date = inUtc(state.true)
    pass(back)
    learn(date)
  }
  const settle = () =>
    clock.settle(() => {
      state.asked += 1
      call(20)
      return Promise.resolve()
    })
  return {
    state,
    clock,
    pass,
    call,
    settle,
    moved,
    wrong: () => Math.abs(clock.now() - state.true),
  }
}

test.each([hour, -hour, 0])('a machine that is %d ms off goes by the server', (error) => {
  const { call, wrong, moved } = machineWith(error)
  call(50)
  expect(wrong()).toBeLessThanOrEqual(1_000)
  expect(moved).toHaveBeenCalledOnce()
})

test('a slow answer does not spoil what a quick one told', () => {
  const { call, wrong } = machineWith(hour)
  call(5)
  call(9_000, 10)
  call(10, 9_000)
  expect(wrong()).toBeLessThanOrEqual(1_000)
})

test.each([hour, -hour])(
  'a clock that jumps by %d ms is noticed and learned anew',
  async (jump) => {
    const { state, call, settle, wrong, pass } = machineWith()
    call()
    pass(600_000)
    await settle()
    expect(state.asked).toBe(0)
    state.error = jump
    await settle()
    expect(state.asked).toBe(1)
    expect(wrong()).toBeLessThanOrEqual(1_000)
    await settle()
    expect(state.asked).toBe(1)
  },
)

test('after a sleep in which only the wall clock went on, the time is right and asked for once', async () => {
  const { state, call, settle, wrong } = machineWith(hour)
  call()
  state.true += 8 * hour
  expect(wrong()).toBeLessThanOrEqual(1_000)
  await settle()
  expect(state.asked).toBe(1)
  expect(wrong()).toBeLessThanOrEqual(1_000)
})

test('a call during which the clock was set tells nothing', () => {
  const { state, clock, call, pass } = machineWith()
  call()
  const learn = clock.measure()
  state.error = hour
  pass(100)
  learn(inUtc(state.true))
  const jumped = clock.now()
  expect(Math.abs(jumped - state.true - hour)).toBeLessThanOrEqual(1_000)
})

test('without an answer the last offset serves, and it is asked again the next time', async () => {
  const { state, clock, call, settle, wrong } = machineWith(hour)
  call()
  state.true += 8 * hour
  const failing = vi.fn(() => Promise.reject(new Error('offline')))
  await clock.settle(failing)
  await clock.settle(failing)
  expect(failing).toHaveBeenCalledTimes(2)
  expect(wrong()).toBeLessThanOrEqual(1_000)
  await settle()
  expect(state.asked).toBe(1)
})

test('many who want to be sure make one call', async () => {
  const { clock, state } = machineWith()
  const ask = vi.fn(async () => {
    const learn = clock.measure()
    await Promise.resolve()
    learn(inUtc(state.true))
  })
  await Promise.all([1, 2, 3].map(() => clock.settle(ask)))
  expect(ask).toHaveBeenCalledOnce()
})

test('a server that tells no time leaves the machine its own, and is not asked again and again', async () => {
  const { clock, state } = machineWith()
  const ask = vi.fn(() => {
    clock.measure()(null)
    return Promise.resolve()
  })
  await clock.settle(ask)
  await clock.settle(ask)
  expect(ask).toHaveBeenCalledOnce()
  expect(clock.now()).toBe(state.true)
})
