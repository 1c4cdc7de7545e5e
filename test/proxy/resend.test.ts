import { describe, expect, test } from 'vitest'
import { resend } from '../../proxy/resend'
import { NotSent, Refusal } from '../../shared/oauth/refusal'
import { createStage } from '../stage'

const because = (code: string, syscall?: string) =>
  Object.assign(new Error(code), { code, ...(syscall === undefined ? {} : { syscall }) })
const failed = (cause: unknown) => new TypeError('fetch failed', { cause })
const codes = [
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]

/** Sends to a network that fails like this, this many times; what came of it, and after which waits. */
async function sent(error: unknown, times = Infinity) {
  const waits: number[] = []
  let calls = 0
  const outcome: unknown = await resend(
    () => {
      if (calls++ < times) throw error
      return Promise.resolve('answered')
    },
    {
      sleep: (ms) => Promise.resolve(void waits.push(ms)),
      signal: new AbortController().signal,
    },
  ).catch((thrown: unknown) => thrown)
  return { outcome, calls, waits }
}

describe('what cannot have left is sent again', () => {
  test.each(codes)('%s', async (code) => {
    expect(await sent(failed(because(code)), 2)).toMatchObject({ outcome: 'answered', calls: 3 })
  })

  test('where no address of the name takes a connection', async () => {
    const each = [because('ECONNREFUSED', 'connect'), because('ENETUNREACH', 'connect')]
    const { calls } = await sent(failed(new AggregateError(each)), 1)
    expect(calls).toBe(2)
  })

  test('three times in all, and then it is known that nothing was spent', async () => {
    const error = failed(because('ECONNREFUSED'))
    const { outcome, calls } = await sent(error)
    expect(calls).toBe(3)
    expect(outcome).toBeInstanceOf(NotSent)
    expect(outcome).toMatchObject({ code: 'provider_unreachable', cause: error })
  })

  test('after waits that grow, and differ from call to call', async () => {
    const error = failed(because('ECONNREFUSED'))
    const all = await Promise.all(Array.from({ length: 50 }, () => sent(error)))
    const firsts = all.map(({ waits }) => waits[0] ?? NaN)
    const seconds = all.map(({ waits }) => waits[1] ?? NaN)
    expect(Math.max(...firsts)).toBeLessThanOrEqual(100)
    expect(Math.max(...seconds)).toBeGreaterThan(100)
    expect(Math.max(...seconds)).toBeLessThanOrEqual(300)
    expect(new Set(firsts).size).toBeGreaterThan(40)
  })

  test('not once its time is over', async () => {
    let calls = 0
    const send = () => {
      calls++
      return Promise.reject(failed(because('ECONNREFUSED')))
    }
    const late = { sleep: () => Promise.resolve(), signal: AbortSignal.abort() }
    await expect(resend(send, late)).rejects.toBeInstanceOf(NotSent)
    expect(calls).toBe(1)
  })
})

describe('what may have left is sent once', () => {
  test.each<[string, unknown]>([
    ['a connection that was reset', failed(because('ECONNRESET', 'read'))],
    ['a broken pipe', failed(because('EPIPE', 'write'))],
    ['a connection that was closed', failed(because('UND_ERR_SOCKET'))],
    ['a host that got lost on the way', failed(because('EHOSTUNREACH', 'read'))],
    [
      'one address of several that took the connection',
      failed(new AggregateError([because('ECONNREFUSED'), because('ECONNRESET')])),
    ],
    ['a failure of no known kind', failed(undefined)],
    ['what workerd says of every failure', failed(new Error('Network connection lost.'))],
    ['a time-out', new DOMException('too late', 'TimeoutError')],
    ['an answer', new Refusal(503)],
    ['a code without fetch', because('ECONNREFUSED')],
  ])('%s', async (_what, error) => {
    expect(await sent(error)).toEqual({ outcome: error, calls: 1, waits: [] })
  })
})

describe('a provider that is not there', () => {
  test('is met again as soon as it is, with one refresh token spent', async () => {
    const stage = createStage()
    const browser = stage.browser()
    await browser.signIn('gearcode')
    let tries = 0
    stage.network = () => {
      if (++tries === 2) stage.network = undefined
      return Promise.reject(failed(because('ECONNREFUSED', 'connect')))
    }
    expect((await browser.call('POST', '/bff/accounts/gearcode/refresh')).status).toBe(200)
    expect(tries).toBe(2)
  })

  test.each([
    ['refuses the connection', failed(because('ECONNREFUSED', 'connect')), 3],
    ['fails as in workerd', new Error('Network connection lost.'), 1],
  ])('and %s is unreachable', async (_what, error, tries) => {
    const stage = createStage()
    const browser = stage.browser()
    await browser.signIn('gearcode')
    let seen = 0
    stage.network = () => {
      seen++
      return Promise.reject(error)
    }
    const answer = await browser.call('POST', '/bff/accounts/gearcode/refresh')
    expect(answer.status).toBe(502)
    expect(await answer.json()).toMatchObject({ code: 'provider_unreachable' })
    expect(seen).toBe(tries)
  })
})
