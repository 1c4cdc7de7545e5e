import { describe, expect, test } from 'vitest'
import { createStage, type Browser } from '../stage'
import { callsTo, codeOf, cookieLine, holdAnswers, pause, spentAt } from './meeting'

/** How systems of this kind lose people; each story was seen to go wrong without its defence. */

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** Two processes, one store, and providers that may take their time. */
function deployment(skew?: number) {
  const stage = createStage({}, { shared: true, timeLimit: 10_000 })
  const other = stage.another(skew)
  stage.clock.now += minute
  return { stage, other }
}

const account = (provider: string) => `/bff/accounts/${provider}`

function refresh(browser: Browser, provider: string, headers?: { cookie: string }) {
  return browser.call('POST', `${account(provider)}/refresh`, undefined, headers)
}

/** What a browser sends where a provider's site leads it back to us: no Strict cookie. */
function loginCookies(browser: Browser): { cookie: string } {
  const pairs = cookieLine(browser).cookie.split('; ')
  return { cookie: pairs.filter((pair) => pair.includes('latchkey_login_')).join('; ') }
}

describe('story 1: a refresh is answered after the same browser has signed in anew', () => {
  test('and the new sign-in stays the account', async () => {
    const { stage, other } = deployment()
    const browser = stage.browser()
    // Begun before the first sign-in, so that it does not know that there is one to be ended.
    const back = await browser.away('seznam', { user: 'pavla' })
    await browser.signIn('seznam', { user: 'krasty' })
    stage.clock.now += 1000
    const held = holdAnswers(stage, '/oauth/token')
    const old = refresh(browser, 'seznam')
    await held.arrived(1)
    stage.clock.now += 1000
    await browser.at(other).visit(back, loginCookies(browser))
    const mine: unknown = await (await browser.call('GET', account('seznam'))).json()
    held.release()
    expect((await old).status).toBe(200)
    for (const process of [stage, other]) {
      const after = await browser.at(process).call('GET', account('seznam'))
      expect(await after.json()).toEqual(mine)
      expect((await refresh(browser.at(process), 'seznam')).status).toBe(200)
    }
  })
})

describe('story 2: the leader sleeps past its lease, and its token looks spent to whoever takes over', () => {
  async function asleep(time: number) {
    const { stage, other } = deployment()
    const browser = stage.browser()
    await browser.signIn('gearcode')
    const stale = cookieLine(browser)
    const held = holdAnswers(stage, '/oauth/token')
    const leader = refresh(browser, 'gearcode', stale)
    await held.arrived(1)
    stage.clock.now += time
    const taker = await refresh(browser.at(other), 'gearcode', stale)
    held.release()
    return { browser, other, stale, leader: await leader, taker }
  }

  test('so the refusal is doubted, and the pair that the leader brings wins', async () => {
    const { browser, other, stale, leader, taker } = await asleep(16_000)
    expect([taker.status, await codeOf(taker)]).toEqual([502, 'provider_error'])
    expect(taker.headers.getSetCookie()).toEqual([])
    expect(leader.status).toBe(200)
    expect((await refresh(browser.at(other), 'gearcode', stale)).status).toBe(200)
    expect((await refresh(browser.at(other), 'gearcode')).status).toBe(200)
  })

  test('and even an end that was declared meanwhile is cancelled by it', async () => {
    // So late that nobody remembers the leader's lock.
    const { browser, other, stale, leader, taker } = await asleep(2 * minute)
    expect(await codeOf(taker)).toBe('session_ended')
    expect(leader.status).toBe(200)
    expect((await refresh(browser.at(other), 'gearcode', stale)).status).toBe(200)
    expect((await refresh(browser.at(other), 'gearcode')).status).toBe(200)
  })
})

describe('story 3: the store is just back, and one process has not told it yet what it did alone', () => {
  test('so another one does not believe that the token it finds there is dead', async () => {
    const { stage, other } = deployment()
    const browser = stage.browser()
    await browser.signIn('onesait')
    const stale = cookieLine(browser)
    stage.clock.now += 13 * hour
    stage.store.leave()
    expect((await refresh(browser, 'onesait')).status).toBe(200)
    other.connection.comeBack()

    const doubted = await refresh(browser.at(other), 'onesait', stale)

    expect([doubted.status, await codeOf(doubted)]).toEqual([502, 'provider_error'])
    expect(doubted.headers.getSetCookie()).toEqual([])
    stage.connection.comeBack()
    await pause()
    const told = await refresh(browser.at(other), 'onesait', stale)
    expect(told.status).toBe(200)
    expect(spentAt(stage, 'onesait')).toHaveLength(2)
    expect((await refresh(browser.at(other), 'onesait')).status).toBe(200)
  })
})

describe('story 4: a sign-in gets a reissued pair, and the one that others of this user hold is dead', () => {
  test.each([
    ['the access token has ended', 13 * hour],
    ['the refresh token has ended as well', 31 * day],
  ])('after %s: the other browser lives from the new pair', async (_when, time) => {
    const { stage, other } = deployment()
    const [first, second] = [stage.browser(), stage.browser()]
    await first.signIn('onesait')
    stage.clock.now += time
    const comes = await second.at(other).signIn('onesait')
    const { account: mine } = (await comes.json()) as { account: { expiresAt: string } }
    expect(Date.parse(mine.expiresAt)).toBeGreaterThan(stage.clock.now)
    for (const browser of [first, second]) {
      const checked = await browser.call('POST', `${account('onesait')}/check`)
      expect(await checked.json()).toMatchObject({ active: true })
    }
    // Nobody had to refresh what the provider had just given.
    expect(spentAt(stage, 'onesait')).toEqual([])
    for (const browser of [first.at(other), second])
      expect((await refresh(browser, 'onesait')).status).toBe(200)
  })
})

describe('story 5: the one who refreshes for all signs out before the answer is there', () => {
  test('and whoever waits for it does not inherit the sign-out', async () => {
    const { stage, other } = deployment()
    const [first, second] = [stage.browser(), stage.browser()]
    await first.signIn('onesait')
    await second.at(other).signIn('onesait')
    const held = holdAnswers(stage, '/oauth/token')
    const leads = refresh(first, 'onesait', cookieLine(first))
    await held.arrived(1)
    const waitsHere = refresh(second, 'onesait', cookieLine(second))
    const waitsThere = refresh(second.at(other), 'onesait', cookieLine(second))
    await pause()
    const leaves = first.at(other).call('DELETE', account('onesait'))
    await pause()
    held.release()
    expect((await leads).status).toBe(401)
    expect(await (await leaves).json()).toMatchObject({ effects: { tokens: 'kept' } })
    expect([(await waitsHere).status, (await waitsThere).status]).toEqual([200, 200])
    expect(spentAt(stage, 'onesait')).toHaveLength(1)
    expect((await refresh(second.at(other), 'onesait')).status).toBe(200)
  })
})

describe('story 6: a sign-in replaces the pair while another browser refreshes the old one', () => {
  test('so they take turns, also over two processes', async () => {
    const { stage, other } = deployment()
    const [first, second] = [stage.browser(), stage.browser()]
    await first.signIn('onesait')
    stage.clock.now += 31 * day
    const held = holdAnswers(stage, '/oauth/token')
    const comes = second.signIn('onesait')
    await held.arrived(1)
    const refreshes = refresh(first.at(other), 'onesait')
    await pause()
    expect(spentAt(stage, 'onesait')).toEqual([])
    held.release()
    expect([(await comes).status, (await refreshes).status]).toEqual([200, 200])
    for (const browser of [first, second])
      expect((await refresh(browser, 'onesait')).status).toBe(200)
  })
})

describe('story 7: the store is lost, and generations begin anew', () => {
  test('yet what comes after the loss is newer than what any browser holds', async () => {
    const { stage, other } = deployment()
    const [first, second] = [stage.browser(), stage.browser()]
    await first.signIn('onesait')
    for (let count = 0; count < 5; count++) {
      stage.clock.now += 1000
      expect((await refresh(first, 'onesait')).status).toBe(200)
    }
    stage.store.lose()
    stage.restart()
    other.restart()
    stage.clock.now += minute
    await second.at(other).signIn('onesait')
    stage.clock.now += 1000
    expect((await refresh(second.at(other), 'onesait')).status).toBe(200)

    const checked = await first.call('POST', `${account('onesait')}/check`)
    expect(await checked.json()).toMatchObject({ active: true })
    expect((await refresh(first, 'onesait')).status).toBe(200)
  })
})

describe('story 8: somebody publishes while another one is in the middle of sending', () => {
  test('and the lock of the one who sends holds', async () => {
    const { stage, other } = deployment()
    const third = stage.another()
    const browser = stage.browser()
    await browser.signIn('gearcode')
    const stale = cookieLine(browser)
    const held = holdAnswers(stage, '/oauth/token', 2)
    const sleeper = refresh(browser, 'gearcode', stale)
    await held.arrived(1)
    stage.clock.now += 16_000
    const sends = refresh(browser.at(other), 'gearcode', stale)
    await held.arrived(2)
    held.release(0)
    expect((await sleeper).status).toBe(200)

    const waits = refresh(browser.at(third), 'gearcode')
    await pause()
    expect(spentAt(stage, 'gearcode')).toHaveLength(2)
    held.release(1)
    expect([(await sends).status, (await waits).status]).toEqual([200, 200])
    expect(spentAt(stage, 'gearcode')).toHaveLength(3)
  })
})

describe('story 9: a refresh takes as long as a provider may', () => {
  test('and for that time nobody else sends', async () => {
    const { stage, other } = deployment()
    const browser = stage.browser()
    await browser.signIn('gearcode')
    const stale = cookieLine(browser)
    const held = holdAnswers(stage, '/oauth/token')
    const slow = refresh(browser, 'gearcode', stale)
    await held.arrived(1)
    stage.clock.now += 9_900
    const waits = refresh(browser.at(other), 'gearcode', stale)
    await pause()
    held.release()
    expect([(await slow).status, (await waits).status]).toEqual([200, 200])
    expect(spentAt(stage, 'gearcode')).toHaveLength(1)
  })

  test('and it does not end with the request that began it', async () => {
    const { stage, other } = deployment()
    const browser = stage.browser()
    await browser.signIn('gearcode')
    const stale = cookieLine(browser)
    const held = holdAnswers(stage, '/oauth/token')
    const leaving = new AbortController()
    const begun = browser.send(`${account('gearcode')}/refresh`, {
      method: 'POST',
      headers: { 'x-latchkey': '1', ...stale },
      signal: leaving.signal,
    })
    await held.arrived(1)
    leaving.abort()
    held.release()
    await begun.catch(() => undefined)

    const next = await refresh(browser.at(other), 'gearcode', stale)
    expect(next.status).toBe(200)
    expect(spentAt(stage, 'gearcode')).toHaveLength(1)
  })
})

describe('story 10: a token lives on at its provider after the sign-out', () => {
  test('and a copied cookie gets nothing from it, in any process', async () => {
    const { stage, other } = deployment()
    const browser = stage.browser()
    await browser.signIn('konpro')
    const copied = cookieLine(browser)
    await browser.call('DELETE', account('konpro'))
    const asked = stage.simulators.konpro.log.length
    for (const process of [stage, other])
      for (const [method, path] of [
        ['GET', account('konpro')],
        ['GET', `${account('konpro')}/profile`],
        ['POST', `${account('konpro')}/refresh`],
      ] as const) {
        const answer = await browser.at(process).call(method, path, undefined, copied)
        expect(await codeOf(answer)).toBe('not_signed_in')
      }
    expect(stage.simulators.konpro.log).toHaveLength(asked)
  })
})

describe.each([hour, -hour])('story 11: the clocks of two machines are %i ms apart', (skew) => {
  test('a login begun at one is finished at the other, once', async () => {
    const { stage, other } = deployment(skew)
    for (const [begins, ends] of [
      [stage, other],
      [other, stage],
    ] as const) {
      const browser = stage.browser()
      const back = await browser.at(begins).away('gearcode')
      const landed = await browser.at(ends).visit(back)
      expect(landed.headers.get('location')).toBe('/')
      expect((await browser.call('GET', account('gearcode'))).status).toBe(200)
      const again = await browser.at(begins).visit(back)
      expect(again.headers.get('location')).toContain('login_')
    }
  })

  test('both see the same end of a token, and refresh it when it comes, once', async () => {
    const { stage, other } = deployment(skew)
    const browser = stage.browser()
    await browser.at(other).signIn('onet')
    stage.simulators.onet.switches.expiresIn = 900
    const { account: fresh } = (await (await refresh(browser.at(other), 'onet')).json()) as {
      account: { expiresAt: string; connectedAt: string }
    }
    expect(Date.parse(fresh.expiresAt)).toBe(stage.clock.now + 900_000)
    const profiles = (headers: { cookie: string }) =>
      Promise.all(
        [stage, other].map((process) =>
          browser.at(process).call('GET', `${account('onet')}/profile`, undefined, headers),
        ),
      )
    const stale = cookieLine(browser)
    for (const answer of await profiles(stale)) expect(answer.status).toBe(200)
    expect(spentAt(stage, 'onet')).toHaveLength(1)
    stage.clock.now += 850_000
    for (const answer of await profiles(stale)) expect(answer.status).toBe(200)
    expect(spentAt(stage, 'onet')).toHaveLength(2)
  })

  test('a lock that one holds is held for the other', async () => {
    const { stage, other } = deployment(skew)
    for (const [leads, follows] of [
      [stage, other],
      [other, stage],
    ] as const) {
      const browser = stage.browser()
      await browser.signIn('gearcode')
      const stale = cookieLine(browser)
      const before = spentAt(stage, 'gearcode').length
      const held = holdAnswers(stage, '/oauth/token')
      const leader = refresh(browser.at(leads), 'gearcode', stale)
      await held.arrived(1)
      const waits = refresh(browser.at(follows), 'gearcode', stale)
      await pause()
      held.release()
      expect([(await leader).status, (await waits).status]).toEqual([200, 200])
      expect(spentAt(stage, 'gearcode')).toHaveLength(before + 1)
    }
  })
})

describe('story 12: an account is over, by the provider or by its owner', () => {
  test.each(['the provider', 'the owner'])(
    'by %s: the next sign-in begins a new one',
    async (who) => {
      const { stage, other } = deployment()
      const browser = stage.browser()
      await browser.signIn('onesait')
      if (who === 'the provider') {
        stage.simulators.onesait.revokeEverything()
        expect(await codeOf(await refresh(browser, 'onesait'))).toBe('session_ended')
      } else {
        await browser.call('POST', `${account('onesait')}/revoke`, { token: 'access' })
      }
      stage.clock.now += 1000
      expect((await browser.at(other).signIn('onesait')).status).toBe(200)
      for (const process of [stage, other]) {
        const checked = await browser.at(process).call('POST', `${account('onesait')}/check`)
        expect(await checked.json()).toMatchObject({ active: true })
        expect((await refresh(browser.at(process), 'onesait')).status).toBe(200)
      }
    },
  )
})

describe('story 13: the store is lost, and an old request that was on its way is refused', () => {
  test('and its answer does not delete the newer cookie', async () => {
    const { stage, other } = deployment()
    const browser = stage.browser()
    await browser.signIn('gearcode')
    const old = cookieLine(browser)
    stage.clock.now += 1000
    await refresh(browser, 'gearcode')
    stage.store.lose()
    stage.restart()
    other.restart()
    stage.clock.now += minute

    const refused = await refresh(browser.at(other), 'gearcode', old)

    expect(await codeOf(refused)).toBe('session_ended')
    expect(refused.headers.getSetCookie()).toEqual([])
    for (const process of [stage, other])
      expect((await refresh(browser.at(process), 'gearcode')).status).toBe(200)
  })
})

describe('story 14: an older cookie is put back over a newer one, and nobody comes for an hour', () => {
  test('and then the newest tokens serve all the same', async () => {
    const { stage, other } = deployment()
    stage.simulators.onet.switches.expiresIn = 900
    const browser = stage.browser()
    await browser.signIn('onet')
    stage.clock.now += 1000
    await refresh(browser, 'onet')
    const second = new Map(browser.cookies)
    stage.clock.now += 1000
    await refresh(browser, 'onet')
    // The answer that brought the second comes in last.
    for (const [name, value] of second) browser.cookies.set(name, value)
    stage.clock.now += hour

    const profile = await browser.at(other).call('GET', `${account('onet')}/profile`)

    expect(profile.status).toBe(200)
    const spent = spentAt(stage, 'onet')
    expect(spent).toHaveLength(3)
    expect(new Set(spent).size).toBe(3)
    expect(callsTo(stage, 'onet', '/token')).toBe(4)
  })
})
