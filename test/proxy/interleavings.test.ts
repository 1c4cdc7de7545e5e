import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createStage, type Browser, type Stage } from '../stage'

type Provider = 'onesait' | 'seznam' | 'gearcode'
const deeds = ['refresh', 'look', 'sign out', 'sign in'] as const

/** What a person at a browser does, without waiting for what they did before. */
function act(browser: Browser, provider: Provider, deed: (typeof deeds)[number]) {
  const account = `/bff/accounts/${provider}`
  if (deed === 'refresh') return browser.call('POST', `${account}/refresh`)
  if (deed === 'look') return browser.call('GET', account)
  if (deed === 'sign out') return browser.call('DELETE', account)
  return browser.signIn(provider)
}

/** The refresh tokens that reached the provider, one entry per request. */
function spentAt(stage: Stage, provider: Provider): string[] {
  return stage.simulators[provider].log.flatMap(({ body }) => {
    if (!/grant_type"?[=:]"?refresh_token/.test(body)) return []
    const fields = body.startsWith('{')
      ? new Map(Object.entries(JSON.parse(body) as Record<string, string>))
      : new URLSearchParams(body)
    return [fields.get('refresh_token') ?? '']
  })
}

/** Every request to the provider, and every answer, waits at a gate; which opens next is drawn. */
function heldUp(stage: Stage, provider: Provider, draws: readonly number[]) {
  const gates: (() => void)[] = []
  const gate = () =>
    new Promise<void>((open) => {
      gates.push(open)
    })
  stage.simulators[provider].before = gate
  stage.onTheWay = gate
  return async (work: Promise<unknown>) => {
    const state = { isDone: false }
    void work.finally(() => (state.isDone = true))
    for (let turn = 0; !state.isDone; turn++) {
      // Long enough for all who can to arrive at a gate.
      await new Promise((resolve) => setTimeout(resolve, 4))
      const [open] = gates.splice((draws[turn % draws.length] ?? 0) % Math.max(gates.length, 1), 1)
      open?.()
    }
    delete stage.simulators[provider].before
    stage.onTheWay = undefined
    await work
  }
}

const draws = fc.array(fc.nat(20), { minLength: 5, maxLength: 30 })

/**
 * Two browsers act at once while requests and answers pass in any order. At
 * onesait they are one user, who shares one pair; elsewhere each has a sign-in of its own.
 */
describe.each(['onesait', 'seznam', 'gearcode'] as const)('whatever meets at %s', (provider) => {
  test('no refresh token is sent twice, and nobody is signed out who did not sign out', async () => {
    await fc.assert(
      fc.asyncProperty(
        draws,
        fc.array(fc.tuple(fc.nat(1), fc.constantFrom(...deeds)), { minLength: 2, maxLength: 7 }),
        fc.boolean(),
        async (order, script, expired) => {
          const stage = createStage({}, { timeLimit: 10_000 })
          const { switches } = stage.simulators[provider]
          if ('rotate' in switches) Object.assign(switches, { rotate: true, reuseDetection: true })
          Object.assign(switches, { expiresIn: 900 })
          const browsers = [stage.browser(), stage.browser()] as const
          for (const browser of browsers) await browser.signIn(provider)
          stage.clock.now += expired ? 901_000 : 1000
          const settle = heldUp(stage, provider, order)

          const answers = script.map(([who, deed]) =>
            act(who === 0 ? browsers[0] : browsers[1], provider, deed),
          )
          await settle(Promise.all(answers))

          const spent = spentAt(stage, provider)
          expect(new Set(spent).size).toBe(spent.length)
          for (const [who, browser] of browsers.entries()) {
            if (script.some(([actor, deed]) => actor === who && deed === 'sign out')) continue
            const answer = await browser.call('POST', `/bff/accounts/${provider}/refresh`)
            expect(answer.status).toBe(200)
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  test('a copied cookie of whoever signed out last opens nothing', async () => {
    await fc.assert(
      fc.asyncProperty(
        draws,
        fc.array(fc.constantFrom('refresh', 'look', 'sign out'), { maxLength: 5 }),
        async (order, script) => {
          const stage = createStage({}, { timeLimit: 10_000 })
          const browser = stage.browser()
          await browser.signIn(provider)
          const cookie = [...browser.cookies].map((pair) => pair.join('=')).join('; ')
          const settle = heldUp(stage, provider, order)
          const answers = [...script, 'sign out' as const].map((deed) =>
            act(browser, provider, deed),
          )
          await settle(Promise.all(answers))
          for (const path of ['/bff/session', `/bff/accounts/${provider}`]) {
            const replay = await browser.call('GET', path, undefined, { cookie })
            expect(await replay.text()).not.toContain('connectedAt')
          }
        },
      ),
      { numRuns: 30 },
    )
  })
})
