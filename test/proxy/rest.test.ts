import { describe, expect, test } from 'vitest'
import { createStage, type Browser } from '../stage'
import { codeOf, cookieLine, holdAnswers, pause, spentAt, until } from './meeting'

const minute = 60_000
const hour = 60 * minute
const account = (provider: string) => `/bff/accounts/${provider}`

function refresh(from: Browser, provider: string, headers?: { cookie: string }) {
  return from.call('POST', `${account(provider)}/refresh`, undefined, headers)
}

function deployment() {
  const stage = createStage({}, { shared: true, timeLimit: 10_000 })
  const other = stage.another()
  stage.clock.now += minute
  return { stage, other, browser: stage.browser() }
}

describe('a refresh without an answer', () => {
  test('is sent again by nobody for three seconds, doubling to a minute, and by one after that', async () => {
    const { stage, other, browser } = deployment()
    await browser.signIn('gearcode')
    stage.simulators.gearcode.faults.refresh = 'cut'
    expect(await codeOf(await refresh(browser, 'gearcode'))).toBe('provider_unreachable')
    stage.clock.now += 3001
    let sent = 1
    for (const seconds of [6, 12, 24, 48, 60, 60]) {
      const failed = await refresh(browser, 'gearcode')
      expect(await codeOf(failed)).toBe('provider_unreachable')
      expect(spentAt(stage, 'gearcode')).toHaveLength(++sent)
      stage.clock.now += 1000
      for (const process of [stage, other]) {
        const refused = await refresh(browser.at(process), 'gearcode')
        expect([refused.status, await codeOf(refused)]).toEqual([502, 'provider_unreachable'])
        expect(refused.headers.get('retry-after')).toBe(String(seconds - 1))
      }
      expect(spentAt(stage, 'gearcode')).toHaveLength(sent)
      stage.clock.now += seconds * 1000 - 1000
    }
    delete stage.simulators.gearcode.faults.refresh
    expect((await refresh(browser.at(other), 'gearcode')).status).toBe(200)
    expect(new Set(spentAt(stage, 'gearcode')).size).toBe(1)
  })

  test('is waited for where the rest is short, and then sent once more', async () => {
    const { stage, other, browser } = deployment()
    stage.sleepPassesTime = true
    await browser.signIn('gearcode')
    stage.simulators.gearcode.faults.refresh = 'cut'
    await refresh(browser, 'gearcode')
    delete stage.simulators.gearcode.faults.refresh
    const before = stage.clock.now
    expect((await refresh(browser.at(other), 'gearcode')).status).toBe(200)
    expect(stage.clock.now - before).toBeGreaterThanOrEqual(3000)
    expect(stage.clock.now - before).toBeLessThan(3100)
    expect(spentAt(stage, 'gearcode')).toHaveLength(2)
  })

  test.each([
    ['cut', 502, 'provider_unreachable'],
    [{ status: 500 }, 502, 'provider_error'],
  ] as const)(
    '(%j) is the same failure for all who waited, and none of them sends',
    async (fault, status, code) => {
      const { stage, other, browser } = deployment()
      await browser.signIn('gearcode')
      let cut = (): void => undefined
      const held = new Promise<void>((resolve) => (cut = resolve))
      stage.simulators.gearcode.before = (operation) =>
        operation === 'refresh' ? held : Promise.resolve()
      stage.simulators.gearcode.faults.refresh = fault
      const line = cookieLine(browser)
      const asked = Array.from({ length: 10 }, (_, index) =>
        refresh(browser.at(index % 2 ? other : stage), 'gearcode', line),
      )
      await until(() => spentAt(stage, 'gearcode').length === 1)
      await pause()
      await pause()
      cut()
      for (const answer of await Promise.all(asked))
        expect([answer.status, await codeOf(answer)]).toEqual([status, code])
      expect(spentAt(stage, 'gearcode')).toHaveLength(1)
      expect((await browser.call('GET', account('gearcode'))).status).toBe(200)
    },
  )

  test('leaves the old access token in use while it lives', async () => {
    const { stage, other, browser } = deployment()
    await browser.signIn('onet')
    stage.clock.now += 10 * hour - minute - 30_000
    stage.simulators.onet.faults.refresh = 'cut'
    for (let count = 0; count < 5; count++)
      for (const process of [stage, other]) {
        const used = await browser.at(process).call('GET', `${account('onet')}/profile`)
        expect(used.status).toBe(200)
        stage.clock.now += 1000
      }
    expect(spentAt(stage, 'onet').length).toBeLessThanOrEqual(3)
  })

  test('is forgotten with the next good one', async () => {
    const { stage, browser } = deployment()
    await browser.signIn('gearcode')
    stage.simulators.gearcode.faults.refresh = 'cut'
    await refresh(browser, 'gearcode')
    stage.clock.now += 3001
    await refresh(browser, 'gearcode')
    stage.clock.now += 6001
    delete stage.simulators.gearcode.faults.refresh
    expect((await refresh(browser, 'gearcode')).status).toBe(200)
    stage.simulators.gearcode.faults.refresh = 'cut'
    await refresh(browser, 'gearcode')
    delete stage.simulators.gearcode.faults.refresh
    stage.clock.now += 3001
    expect((await refresh(browser, 'gearcode')).status).toBe(200)
  })
})

test('a refresh with an answer, whatever it says, rests for nobody', async () => {
  const { stage, other, browser } = deployment()
  await browser.signIn('gearcode')
  stage.simulators.gearcode.faults.refresh = { status: 500 }
  expect(await codeOf(await refresh(browser, 'gearcode'))).toBe('provider_error')
  delete stage.simulators.gearcode.faults.refresh
  expect((await refresh(browser.at(other), 'gearcode')).status).toBe(200)
})

describe('a refusal that is doubted', () => {
  /** The token is dead; whoever looks is told so only after half a minute, and a second look. */
  async function isEndedAfterASecondLook(
    { stage, browser }: ReturnType<typeof deployment>,
    provider: 'gearcode' | 'onesait',
    headers?: { cookie: string },
  ) {
    const before = spentAt(stage, provider).length
    const doubted = await refresh(browser, provider, headers)
    expect([doubted.status, await codeOf(doubted)]).toEqual([502, 'provider_error'])
    expect(doubted.headers.getSetCookie()).toEqual([])
    stage.clock.now += 10_000
    const resting = await refresh(browser, provider, headers)
    expect(await codeOf(resting)).toBe('provider_error')
    expect(resting.headers.get('retry-after')).toBe('20')
    expect((await browser.call('GET', account(provider), undefined, headers)).status).toBe(200)
    expect(spentAt(stage, provider)).toHaveLength(before + 1)
    stage.clock.now += 26_000
    expect(await codeOf(await refresh(browser, provider, headers))).toBe('session_ended')
    expect(spentAt(stage, provider)).toHaveLength(before + 2)
  }

  test('because another owner’s turn lapsed', async () => {
    const all = deployment()
    const { stage, other, browser } = all
    await browser.signIn('gearcode')
    stage.simulators.gearcode.revokeEverything()
    // The process ends in the middle of its refresh.
    const held = holdAnswers(stage, '/oauth/token')
    void refresh(browser.at(other), 'gearcode').catch(() => undefined)
    await held.arrived(1)
    stage.clock.now += 15_001
    await isEndedAfterASecondLook(all, 'gearcode')
  })

  test('because the store was away a moment ago', async () => {
    const all = deployment()
    await all.browser.signIn('gearcode')
    all.stage.simulators.gearcode.revokeEverything()
    all.stage.store.leave()
    all.stage.store.comeBack()
    await isEndedAfterASecondLook(all, 'gearcode')
  })

  test('because the store began anew a moment ago', async () => {
    const all = deployment()
    await all.browser.signIn('gearcode')
    all.stage.clock.now += 1000
    all.stage.simulators.gearcode.revokeEverything()
    all.stage.store.lose()
    all.stage.restart()
    await isEndedAfterASecondLook(all, 'gearcode')
  })

  test('because the store is away', async () => {
    const { stage, browser } = deployment()
    await browser.signIn('onesait')
    stage.clock.now += 13 * hour
    stage.simulators.onesait.revokeEverything()
    stage.store.leave()
    for (let look = 1; look <= 3; look++) {
      expect(await codeOf(await refresh(browser, 'onesait'))).toBe('provider_error')
      expect(spentAt(stage, 'onesait')).toHaveLength(look)
      stage.clock.now += 10_000
      expect(await codeOf(await refresh(browser, 'onesait'))).toBe('provider_error')
      expect(spentAt(stage, 'onesait')).toHaveLength(look)
      stage.clock.now += 20_001
    }
    expect((await browser.call('GET', account('onesait'))).status).toBe(200)
    stage.store.comeBack()
    stage.clock.now += 36_000
    expect(await codeOf(await refresh(browser, 'onesait'))).toBe('session_ended')
  })

  test('is over at once where the good pair turns up', async () => {
    const { stage, other, browser } = deployment()
    await browser.signIn('gearcode')
    const stale = cookieLine(browser)
    const held = holdAnswers(stage, '/oauth/token')
    const sleeper = refresh(browser, 'gearcode', stale)
    await held.arrived(1)
    stage.clock.now += 16_000
    expect(await codeOf(await refresh(browser.at(other), 'gearcode', stale))).toBe('provider_error')
    held.release()
    expect((await sleeper).status).toBe(200)
    expect((await refresh(browser.at(other), 'gearcode', stale)).status).toBe(200)
    expect((await refresh(browser.at(other), 'gearcode')).status).toBe(200)
  })
})

describe('a turn', () => {
  test('whose owner died lapses after fifteen seconds, for whoever waits as well', async () => {
    const { stage, other, browser } = deployment()
    stage.sleepPassesTime = true
    await browser.signIn('gearcode')
    stage.simulators.gearcode.before = () => new Promise(() => undefined)
    void refresh(browser, 'gearcode').catch(() => undefined)
    await until(() => spentAt(stage, 'gearcode').length === 1)
    delete stage.simulators.gearcode.before
    stage.clock.now += 3000
    const waited = await refresh(browser.at(other), 'gearcode')
    expect(waited.status).toBe(200)
    expect(spentAt(stage, 'gearcode')).toHaveLength(2)
  })

  test('that does not come within thirteen seconds is a time-out, and nothing is sent', async () => {
    const { stage, other, browser } = deployment()
    stage.sleepPassesTime = true
    await browser.signIn('gearcode')
    stage.simulators.gearcode.before = () => new Promise(() => undefined)
    void refresh(browser, 'gearcode').catch(() => undefined)
    await until(() => spentAt(stage, 'gearcode').length === 1)
    const before = stage.clock.now
    const late = await refresh(browser.at(other), 'gearcode')
    expect([late.status, await codeOf(late)]).toEqual([504, 'provider_timeout'])
    expect(stage.clock.now - before).toBeLessThan(14_000)
    expect(spentAt(stage, 'gearcode')).toHaveLength(1)
    // It is no failure of the provider's, so that nothing rests.
    delete stage.simulators.gearcode.before
    stage.clock.now += 15_000
    expect((await refresh(browser.at(other), 'gearcode')).status).toBe(200)
  })

  test('that was lost sends nothing more', async () => {
    const { stage, other, browser } = deployment()
    await browser.signIn('seznam')
    const line = cookieLine(browser)
    // It sleeps between the revocation of the refresh token and that of the access token.
    const held = holdAnswers(stage, '/oauth/revoke')
    const leaves = browser.call('DELETE', account('seznam'), undefined, line)
    await held.arrived(1)
    stage.clock.now += 16_000
    const inBetween = other.connection
    const key = [...stage.store.keys].find((name) => name.startsWith('lineage:')) ?? ''
    const { value = '', version } = await inBetween.get(key)
    await inBetween.swap(key, version, {
      value: value.replace(/"owner":"[^"]*"/, '"owner":"somebody"'),
      until: stage.clock.now + hour,
      worth: 'ended',
    })
    held.release()
    expect(await (await leaves).json()).toMatchObject({ effects: { tokens: 'failed' } })
    const sent = stage.simulators.seznam.log.filter(({ path }) => path.endsWith('/revoke'))
    expect(sent).toHaveLength(1)
  })
})
