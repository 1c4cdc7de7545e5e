/**
 * Three processes of the built server with one Redis: what is asked for at the same moment, and what
 * becomes of people while that Redis is in trouble.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { isRefresh } from '../processes'
import {
  answerLimit,
  answerOf,
  print,
  seconds,
  slowest,
  tally,
  type Answer,
  type Browser,
} from './answers'
import { gather, type Crowd, type Told } from './crowd'
import { createDice, seed } from './dice'
import { apiOf, askWith, startThree, type Provider, type Three } from './three'

const path = inject('redis')
const providers = ['gearcode', 'seznam', 'onesait'] as const

describe('an access token that has ended', () => {
  let three: Three
  /** What comes of cookies from before the refresh, and how often was refreshed when they began. */
  const stale = new Map<Provider, { answers: Promise<Answer[]>; refreshes: number }>()

  beforeAll(async () => {
    three = await startThree(path, { gearcode: 1, seznam: 1, onesait: 1 })
  })
  afterAll(() => three.close())

  const refreshes = (provider: Provider) => three.processes.asked(provider, isRefresh)

  /** What an app asks: calls to the API, reads of the session, and what is known of somebody. */
  function wishesOf(provider: Provider) {
    const account = `/bff/accounts/${provider}`
    const known = {
      gearcode: ['GET', account],
      seznam: ['GET', `${account}/profile`],
      onesait: ['POST', `${account}/check`],
    } as const
    return [
      ['GET', `/bff/api/${provider}${apiOf[provider]}`],
      ['GET', '/bff/session'],
      known[provider],
    ] as const
  }

  type Wish = ReturnType<typeof wishesOf>[number]

  /** Whether somebody signed in was told what they asked. */
  function isGood(provider: Provider, [, url]: Wish, { status, text }: Answer): boolean {
    return status === 200 && (url !== '/bff/session' || text.includes(`"provider":"${provider}"`))
  }

  /** The cookies of three tabs: as they were after the sign-in, and later. */
  async function tabsOf(provider: Provider): Promise<string[]> {
    const browser = three.processes.browser()
    await browser.signIn(0, provider)
    const tabs = [browser.header()]
    for (const at of [1, 2]) {
      // Where a user's sign-ins share their tokens, the last tab is in another browser of theirs.
      const other = provider === 'onesait' && at === 2 ? three.processes.browser() : undefined
      const answer = await (other
        ? other.signIn(at, provider)
        : browser.call(at, 'POST', `/bff/accounts/${provider}/refresh`))
      expect(answer.status).toBe(200)
      tabs.push((other ?? browser).header())
    }
    expect(new Set(tabs).size).toBe(3)
    return tabs
  }

  /** For a minute, the cookies from before the refresh come again and again; what was not good of it. */
  async function insist(provider: Provider, tabs: readonly string[]): Promise<Answer[]> {
    const bad: Answer[] = []
    let count = 0
    const until = performance.now() + 60_000
    for (let round = 0; performance.now() < until; round++) {
      for (const [tab, cookie] of tabs.entries())
        for (const wish of wishesOf(provider)) {
          const answer = await askWith(cookie, three, (round + tab) % 3, wish)
          if (!isGood(provider, wish, answer)) bad.push(answer)
          count++
        }
      await wait(1_500)
    }
    print(`${provider}: ${count} requests with cookies of before the refresh, within 60 s`)
    return bad
  }

  test.each(providers)(
    'of %s is refreshed once for 200 requests at 3 processes with the cookies of 3 tabs',
    async (provider) => {
      const { switches } = three.processes.simulators[provider]
      switches.expiresIn = 1
      const tabs = await tabsOf(provider)
      await wait(1_100)
      switches.expiresIn = 3600
      const before = refreshes(provider)
      // Long enough for all of them to be there before the first one is answered.
      three.processes.simulators[provider].before = (operation) =>
        operation === 'refresh' ? wait(500) : undefined

      const all = Array.from({ length: 200 }, (_, nth) => ({
        wish: wishesOf(provider)[nth % 3] ?? (['GET', '/bff/session'] as const),
        cookie: tabs[Math.floor(nth / 3) % 3] ?? '',
        at: Math.floor(nth / 9) % 3,
      }))
      const answers = await Promise.all(
        createDice(seed)
          .shuffled(all)
          .map(async ({ wish, cookie, at }) => {
            const answer = await askWith(cookie, three, at, wish)
            return { ...answer, isGood: isGood(provider, wish, answer) }
          }),
      )

      const sent = refreshes(provider) - before
      const longest = seconds(slowest(answers))
      print(`${provider}: ${tally(answers)}, refreshes at the provider ${sent}, slowest ${longest}`)
      expect(answers.filter((answer) => !answer.isGood)).toEqual([])
      expect(answers).toHaveLength(200)
      expect(sent).toBe(1)
      const insisting = insist(provider, tabs)
      // Its failure is that of the test which awaits it.
      insisting.catch(() => undefined)
      stale.set(provider, { answers: insisting, refreshes: refreshes(provider) })
    },
  )

  describe('elsewhere, under load', () => {
    let trouble: Three
    let crowd: Crowd

    beforeAll(async () => {
      // Due after 2 s and good for a minute more, over after 1 s, and never due.
      trouble = await startThree(path, { gearcode: 62, onesait: 1, seznam: 3600 })
      crowd = gather(await members(), trouble.processes.count, createDice(seed))
    })
    afterAll(async () => {
      await crowd.goHome()
      await trouble.close()
    })

    /** Six people at GearCode, and three browsers of each of two people at onesait. */
    async function members() {
      return await Promise.all(
        Array.from({ length: 12 }, async (_, nth) => {
          const provider = nth < 6 ? ('gearcode' as const) : ('onesait' as const)
          const user = nth < 6 ? 'jan' : nth < 9 ? 'developer' : 'analyst'
          const browser = trouble.processes.browser()
          await browser.signIn(nth % 3, provider, { user })
          return { browser, provider, api: apiOf[provider] }
        }),
      )
    }

    const everywhere = [0, 1, 2] as const

    async function readiness(): Promise<number[]> {
      const answers = everywhere.map((at) => fetch(`${trouble.processes.urlOf(at)}/readyz`))
      return (await Promise.all(answers)).map(({ status }) => status)
    }

    /** A user of onesait whose tokens nobody shares. */
    function anotherUser(): string {
      const { users } = trouble.processes.simulators.onesait
      const login = `loner-${Object.keys(users).length}`
      if (users.developer) users[login] = { ...users.developer, login }
      return login
    }

    /** Somebody who is in nobody else's way, and signs in at two processes. */
    async function newcomer(provider: Provider, at: number): Promise<Browser> {
      const browser = trouble.processes.browser()
      const user = { gearcode: 'ewa', seznam: 'krasty', onesait: anotherUser() }[provider]
      const back = await browser.signIn(at, provider, { user, backAt: (at + 1) % 3 })
      expect(back.headers.get('location') ?? back.status).toBe(provider === 'onesait' ? 200 : '/')
      return browser
    }

    /** A refresh at Seznam that is under way until it is let go. */
    async function heldRefresh(browser: Browser, at: number) {
      const { seznam } = trouble.processes.simulators
      let letGo = () => {}
      const reached = new Promise<void>((resolve) => {
        seznam.before = (operation) => {
          if (operation !== 'refresh') return
          delete seznam.before
          resolve()
          return new Promise<void>((go) => (letGo = go))
        }
      })
      const answer = answerOf(() => browser.call(at, 'POST', '/bff/accounts/seznam/refresh'))
      await Promise.race([reached, answer])
      return {
        answer,
        letGo: () => {
          letGo()
        },
      }
    }

    /** When the access token ends, as one process knows it of whoever has these cookies. */
    async function endOf(provider: Provider, cookie: string, at: number): Promise<unknown> {
      const { text } = await askWith(cookie, trouble, at, ['GET', `/bff/accounts/${provider}`])
      return /"expiresAt":"([^"]+)"/.exec(text)?.[1]
    }

    /** A result is known where an old cookie has it, and the provider is not asked for it again. */
    async function isKnownEverywhere(provider: Provider, browser: Browser, old: string) {
      const result = await endOf(provider, browser.header(), 0)
      for (const at of everywhere) {
        await expect.poll(() => endOf(provider, old, at), { timeout: 5_000 }).toBe(result)
        const url = `/bff/accounts/${provider}/refresh`
        const answer = await askWith(old, trouble, at, ['POST', url])
        expect([answer.status, answer.code]).toEqual([200, undefined])
        expect(answer.text).toContain(String(result))
      }
    }

    async function isOutEverywhere(cookie: string) {
      for (const at of everywhere) {
        const look = () => askWith(cookie, trouble, at, ['GET', '/bff/session'])
        await expect
          .poll(async () => (await look()).text, { timeout: 5_000 })
          .toBe('{"accounts":[]}')
      }
      for (const at of everywhere) {
        const url = `/bff/api/gearcode${apiOf.gearcode}`
        expect((await askWith(cookie, trouble, at, ['GET', url])).status).toBe(401)
      }
    }

    /** Whoever is of the crowd is signed in at every process, and is refreshed. */
    async function allAreIn() {
      const refreshed = crowd.members.map(async ({ browser, provider }, nth) => {
        for (const at of everywhere) expect(await browser.copy().signedIn(at)).toEqual([provider])
        const url = `/bff/accounts/${provider}/refresh`
        const refresh = async () => (await browser.copy().call(nth % 3, 'POST', url)).status
        // A turn that was taken before may have to lapse.
        await expect.poll(refresh, { timeout: answerLimit }).toBe(200)
      })
      await Promise.all(refreshed)
    }

    function isBearable({ status, code = '', provider, deed }: Told): boolean {
      // The API's own: before the token got there, another browser of the same user refreshed it.
      if (provider === 'onesait' && deed === 'call' && status === 401) return code === ''
      // A refusal that may echo what another process did alone: it is doubted and ends nothing.
      if (provider === 'onesait' && code === 'provider_error') return true
      return ['ledger_unavailable', 'provider_timeout'].includes(code)
    }

    /** What was said while Redis was in trouble: nothing worse than "not now", and that in time. */
    function nothingWorse(name: string) {
      const heard = crowd.heard()
      const longest = seconds(slowest(heard))
      print(`${name}: ${heard.length} answers, slowest ${longest}: ${tally(heard)}`)
      expect(heard.filter(({ isOut }) => isOut)).toEqual([])
      expect(slowest(heard)).toBeLessThan(answerLimit)
      expect(heard.filter((one) => one.status !== 200 && !isBearable(one))).toEqual([])
      expect(heard.some(({ status }) => status === 200)).toBe(true)
    }

    interface Trouble {
      name: string
      begin: () => unknown
      /** Milliseconds. */
      lasts: number
      end: () => unknown
      /** What the processes say of themselves meanwhile. */
      ready: number
      /** Seconds for which an access token of onesait lives; it is always due. */
      life: number
    }

    const troubles: Trouble[] = [
      {
        name: 'cut off, and back with what it knew',
        begin: () => trouble.wire.cut(),
        lasts: 2_000,
        end: () => trouble.wire.mend(),
        ready: 503,
        life: 1,
      },
      {
        name: 'killed, and back without its memory',
        begin: () => trouble.redis.kill(),
        lasts: 2_000,
        end: () => trouble.redis.restartEmpty(),
        ready: 503,
        life: 1,
      },
      {
        name: 'paused',
        begin: () => trouble.redis.pause(),
        lasts: 2_000,
        end: () => trouble.redis.resume(),
        ready: 503,
        life: 1,
      },
      {
        name: 'slow by 2 s each way',
        begin: () => trouble.wire.slow(2_000),
        lasts: 8_000,
        end: () => trouble.wire.mend(),
        ready: 200,
        // One that is over before it is written down is of no use to anybody.
        life: 40,
      },
      {
        name: 'restarted empty at once',
        begin: () => trouble.redis.restartEmpty(),
        lasts: 0,
        end: () => undefined,
        ready: 200,
        life: 1,
      },
    ]

    test.each(troubles)(
      'Redis is $name: nobody is signed out, nobody hangs, and nothing is forgotten',
      async ({ name, begin, lasts, end, ready, life }) => {
        trouble.processes.simulators.onesait.switches.expiresIn = life
        const [outBefore, leaving, refreshing, forgiven] = await Promise.all([
          newcomer('gearcode', 0),
          newcomer('gearcode', 1),
          newcomer('seznam', 2),
          newcomer('onesait', 0),
        ])
        const copies = [outBefore.header(), leaving.header()]
        const old = [refreshing.header(), forgiven.header()]
        await outBefore.call(1, 'DELETE', '/bff/accounts/gearcode')
        const held = await heldRefresh(refreshing, 1)
        await wait(1_100)
        // Whoever asks twice in the very moment in which a ledger is lost is in a window of its own, W3.
        crowd.inTabs(ready === 503 ? 2 : 1)
        crowd.heard()

        await begin()
        held.letGo()
        if (ready === 503)
          await expect.poll(readiness, { timeout: 10_000 }).toEqual([503, 503, 503])
        const out = answerOf(() => leaving.call(0, 'DELETE', '/bff/accounts/gearcode'))
        const alone = answerOf(() => forgiven.call(2, 'POST', '/bff/accounts/onesait/refresh'))
        const joining = newcomer('seznam', 1)
        expect((await Promise.all([held.answer, out, alone])).map(({ status }) => status)).toEqual([
          200, 200, 200,
        ])
        const joined = await joining
        await wait(lasts)
        await end()

        await expect.poll(readiness, { timeout: 10_000 }).toEqual([200, 200, 200])
        for (const copy of copies) await isOutEverywhere(copy)
        await isKnownEverywhere('seznam', refreshing, old[0] ?? '')
        await isKnownEverywhere('onesait', forgiven, old[1] ?? '')
        for (const at of everywhere) expect(await joined.signedIn(at)).toEqual(['seznam'])
        await allAreIn()
        nothingWorse(`Redis ${name}`)
      },
      90_000,
    )
  })

  test.each(providers)(
    'of %s is not refreshed again for the cookies of before, which go on for a minute',
    async (provider) => {
      const { answers, refreshes: before = NaN } = stale.get(provider) ?? {}
      expect(await answers).toEqual([])
      expect(refreshes(provider)).toBe(before)
    },
    90_000,
  )
})
