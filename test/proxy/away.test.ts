import { beforeEach, describe, expect, test } from 'vitest'
import { StoreAway } from '../../proxy/session/store'
import { createStage, type Browser, type Process, type Stage } from '../stage'
import { callsTo, codeOf, cookieLine, holdAnswers, pause, spentAt, until } from './meeting'

const minute = 60_000
const hour = 60 * minute
const account = (provider: string) => `/bff/accounts/${provider}`

let stage: Stage
let other: Process
let browser: ReturnType<Stage['browser']>

/** Two processes and the store that they share, which is about to be in trouble. */
beforeEach(() => {
  stage = createStage({}, { shared: true, timeLimit: 10_000 })
  other = stage.another()
  browser = stage.browser()
  stage.clock.now += minute
})

function refresh(from: Browser, provider: string, headers?: { cookie: string }) {
  return from.call('POST', `${account(provider)}/refresh`, undefined, headers)
}

async function isSignedIn(from: Browser, provider: string, headers?: { cookie: string }) {
  const answer = await from.call('GET', account(provider), undefined, headers)
  expect([200, 401]).toContain(answer.status)
  return answer.status === 200
}

/** The store is there again, and everybody has had the time to tell it what it missed. */
async function comeBack() {
  stage.store.comeBack()
  await pause()
}

describe.each(['refusing', 'deaf'] as const)('while the shared store is away (%s)', (absence) => {
  test('who is signed in stays so, and reads go on', async () => {
    for (const provider of ['onet', 'gearcode', 'onesait']) await browser.signIn(provider)
    stage.store.leave(absence)
    for (const process of [stage, other]) {
      const session = await browser.at(process).call('GET', '/bff/session')
      expect(session.status).toBe(200)
      const { accounts } = (await session.json()) as { accounts: unknown[] }
      expect(accounts).toHaveLength(3)
      const profile = await browser.at(process).call('GET', `${account('onet')}/profile`)
      expect(profile.status).toBe(200)
    }
  })

  test('somebody can sign in, and is known everywhere when it is back', async () => {
    stage.store.leave(absence)
    for (const provider of ['gearcode', 'onesait']) {
      await browser.signIn(provider)
      expect(await isSignedIn(browser.at(other), provider)).toBe(true)
    }
    await comeBack()
    for (const provider of ['gearcode', 'onesait'])
      expect((await refresh(browser.at(other), provider)).status).toBe(200)
  })

  test('a sign-out is final here at once, and everywhere when it is back', async () => {
    await browser.signIn('konpro')
    const copied = cookieLine(browser)
    stage.store.leave(absence)
    const left = await browser.call('DELETE', account('konpro'))
    expect(left.status).toBe(200)
    expect(await isSignedIn(browser, 'konpro', copied)).toBe(false)
    await comeBack()
    expect(await isSignedIn(browser.at(other), 'konpro', copied)).toBe(false)
  })

  test('a refresh that was under way is kept, answered with the cookie, and told later', async () => {
    await browser.signIn('gearcode')
    const stale = cookieLine(browser)
    const held = holdAnswers(stage, '/oauth/token')
    const under = refresh(browser, 'gearcode')
    await held.arrived(1)
    stage.store.leave(absence)
    held.release()
    const answer = await under
    expect(answer.status).toBe(200)
    expect(answer.headers.getSetCookie()).toHaveLength(1)
    // Known to this process, and to whoever has the cookie.
    expect((await refresh(browser, 'gearcode', stale)).status).toBe(200)
    expect(await isSignedIn(browser.at(other), 'gearcode')).toBe(true)
    await comeBack()
    expect((await refresh(browser.at(other), 'gearcode', stale)).status).toBe(200)
    expect(spentAt(stage, 'gearcode')).toHaveLength(1)
    // The turn is given back as well: nobody waits for it to lapse.
    expect((await refresh(browser.at(other), 'gearcode')).status).toBe(200)
    expect(spentAt(stage, 'gearcode')).toHaveLength(2)
  })

  test('a refresh that was under way and is refused ends nothing', async () => {
    await browser.signIn('gearcode')
    stage.simulators.gearcode.revokeEverything()
    const held = holdAnswers(stage, '/oauth/token')
    const under = refresh(browser, 'gearcode')
    await held.arrived(1)
    stage.store.leave(absence)
    held.release()
    expect(await codeOf(await under)).toBe('provider_error')
    expect(await isSignedIn(browser, 'gearcode')).toBe(true)
  })

  test.each(['onet', 'onesait'])(
    'a token at %s that is due and lives is used as it is',
    async (provider) => {
      await browser.signIn(provider)
      const { account: before } = (await (await browser.call('GET', account(provider))).json()) as {
        account: { expiresAt: string }
      }
      stage.clock.now = Date.parse(before.expiresAt) - 30_000
      stage.store.leave(absence)
      const used =
        provider === 'onet'
          ? await browser.call('GET', `${account(provider)}/profile`)
          : await browser.call('POST', `${account(provider)}/check`)
      expect(used.status).toBe(200)
      expect(spentAt(stage, provider as 'onet')).toEqual([])
      await comeBack()
      stage.clock.now += 1000
      const again =
        provider === 'onet'
          ? await browser.at(other).call('GET', `${account(provider)}/profile`)
          : await browser.at(other).call('POST', `${account(provider)}/check`)
      expect(again.status).toBe(200)
      expect(spentAt(stage, provider as 'onet')).toHaveLength(1)
    },
  )

  test('what nobody needs yet is not refreshed, even where a second spend is forgiven', async () => {
    await browser.signIn('onesait')
    stage.store.leave(absence)
    const asked = await refresh(browser, 'onesait')
    expect([asked.status, await codeOf(asked)]).toEqual([503, 'ledger_unavailable'])
    expect(spentAt(stage, 'onesait')).toEqual([])
  })

  test('a token that has ended is refreshed where a second spend is forgiven, with a warning', async () => {
    await browser.signIn('onesait')
    const stale = cookieLine(browser)
    stage.clock.now += 13 * hour
    stage.store.leave(absence)
    const checked = await browser.call('POST', `${account('onesait')}/check`)
    expect(await checked.json()).toMatchObject({ active: true })
    expect(stage.lines.filter((line) => line.includes('refreshing alone'))).toEqual([
      expect.stringContaining('"level":"warning"'),
    ])
    await comeBack()
    const told = await browser
      .at(other)
      .call('POST', `${account('onesait')}/check`, undefined, stale)
    expect(await told.json()).toMatchObject({ active: true })
    expect(spentAt(stage, 'onesait')).toHaveLength(1)
  })

  test('a token that has ended is refused elsewhere, and the account stays', async () => {
    await browser.signIn('seznam')
    stage.simulators.seznam.switches.expiresIn = 900
    await refresh(browser, 'seznam')
    stage.clock.now += hour
    stage.store.leave(absence)
    const before = spentAt(stage, 'seznam').length
    for (const refused of [
      await refresh(browser, 'seznam'),
      await browser.call('GET', `${account('seznam')}/profile`),
    ]) {
      expect([refused.status, await codeOf(refused)]).toEqual([503, 'ledger_unavailable'])
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
      expect(refused.headers.getSetCookie()).toEqual([])
    }
    expect(spentAt(stage, 'seznam')).toHaveLength(before)
    expect(await isSignedIn(browser, 'seznam')).toBe(true)
    await comeBack()
    expect((await browser.at(other).call('GET', `${account('seznam')}/profile`)).status).toBe(200)
  })

  test('a token that the provider ended before its time is refused elsewhere', async () => {
    await browser.signIn('seznam')
    stage.simulators.seznam.expireAccessTokens()
    stage.store.leave(absence)
    const refused = await browser.call('GET', `${account('seznam')}/profile`)
    expect([refused.status, await codeOf(refused)]).toEqual([503, 'ledger_unavailable'])
    expect(spentAt(stage, 'seznam')).toEqual([])
    await comeBack()
    expect((await browser.call('GET', `${account('seznam')}/profile`)).status).toBe(200)
  })

  test('the pair of a user is kept at a sign-out: who else lives from it only the store knows', async () => {
    const second = stage.browser()
    await browser.signIn('onesait')
    await second.at(other).signIn('onesait')
    stage.store.leave(absence)
    const left = await browser.call('DELETE', account('onesait'))
    expect(await left.json()).toMatchObject({ effects: { tokens: 'kept' } })
    const checked = await second.at(other).call('POST', `${account('onesait')}/check`)
    expect(await checked.json()).toMatchObject({ active: true })
    await comeBack()
    const last = await second.at(other).call('DELETE', account('onesait'))
    expect(await last.json()).toMatchObject({ effects: { tokens: 'revoked' } })
  })

  test('nor is what comes back for one who has left meanwhile: the others are to live from it', async () => {
    const second = stage.browser()
    await browser.signIn('onesait')
    await second.at(other).signIn('onesait')
    stage.clock.now += 13 * hour
    stage.store.leave(absence)
    const held = holdAnswers(stage, '/oauth/token')
    const alone = refresh(browser, 'onesait', cookieLine(browser))
    await held.arrived(1)
    const leaves = browser.call('DELETE', account('onesait'))
    await pause()
    held.release()
    expect(await codeOf(await alone)).toBe('not_signed_in')
    expect(await (await leaves).json()).toMatchObject({ effects: { tokens: 'kept' } })
    await comeBack()
    const checked = await second.at(other).call('POST', `${account('onesait')}/check`)
    expect(await checked.json()).toMatchObject({ active: true })
    expect(spentAt(stage, 'onesait')).toHaveLength(1)
  })

  test('the server says that it is not ready, and what is missing', async () => {
    expect((await stage.app.request('/readyz')).status).toBe(200)
    stage.store.leave(absence)
    const answer = await stage.app.request('/readyz')
    expect(answer.status).toBe(503)
    expect(await answer.json()).toMatchObject({
      code: 'not_ready',
      missing: [expect.stringContaining('LEDGER_URL')],
    })
    expect((await stage.app.request('/healthz')).status).toBe(200)
    await comeBack()
    expect((await stage.app.request('/readyz')).status).toBe(200)
  })
})

describe('a shared store that lost everything', () => {
  test.each(['lose', 'fallBack'] as const)(
    'gets back what this process decided (%s)',
    async (how) => {
      const leaver = stage.browser()
      await leaver.signIn('konpro')
      const copied = cookieLine(leaver)
      await leaver.call('DELETE', account('konpro'))
      await browser.signIn('gearcode')
      const stale = cookieLine(browser)
      stage.clock.now += 1000
      await refresh(browser, 'gearcode')
      stage.clock.now += 1000

      stage.store[how]()
      await pause()
      other.restart()

      expect(await isSignedIn(leaver.at(other), 'konpro', copied)).toBe(false)
      expect((await refresh(browser.at(other), 'gearcode', stale)).status).toBe(200)
      expect(spentAt(stage, 'gearcode')).toHaveLength(1)
    },
  )

  test('and is away again before it was told gets it at the next chance', async () => {
    const leavers = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const leaver = stage.browser()
        await leaver.signIn('konpro')
        const copied = cookieLine(leaver)
        await leaver.call('DELETE', account('konpro'))
        return { leaver, copied }
      }),
    )
    stage.store.before = (operation) => {
      if (operation === 'swap') stage.store.leave()
      return Promise.resolve()
    }
    stage.store.lose()
    await pause()
    stage.store.before = undefined
    // Not lost this time: only what was never told is told.
    await comeBack()
    other.restart()
    for (const { leaver, copied } of leavers)
      expect(await isSignedIn(leaver.at(other), 'konpro', copied)).toBe(false)
  })

  test('signs nobody out whose browser has its latest cookie', async () => {
    for (const provider of ['onet', 'konpro', 'onesait', 'gearcode', 'seznam'])
      await browser.signIn(provider)
    stage.store.lose()
    stage.restart()
    other.restart()
    for (const provider of ['onet', 'konpro', 'onesait', 'gearcode', 'seznam'])
      expect((await refresh(browser.at(other), provider)).status, provider).toBe(200)
  })

  test('does not believe that an old token is dead while others may still tell what followed it', async () => {
    await browser.signIn('gearcode')
    const stale = cookieLine(browser)
    stage.clock.now += 1000
    await refresh(browser, 'gearcode')
    stage.connection.leave()
    stage.store.lose()
    stage.connection.leave()
    other.restart()
    stage.clock.now += 1000
    const doubted = await refresh(browser.at(other), 'gearcode', stale)
    expect(await codeOf(doubted)).toBe('provider_error')
    expect(doubted.headers.getSetCookie()).toEqual([])
  })
})

describe('what was decided alone while something else was on its way', () => {
  test('is told all the same', async () => {
    await browser.signIn('konpro')
    const copied = cookieLine(browser)
    let answer = (): void => undefined
    const held = new Promise<void>((resolve) => (answer = resolve))
    let gets = 0
    stage.store.before = (operation) => {
      // The first reading takes its time, and the sign-out is not written.
      if (operation === 'swap') return Promise.reject(new StoreAway('no answer'))
      return gets++ === 0 ? held : Promise.resolve()
    }
    const reads = browser.call('GET', account('konpro'), undefined, copied)
    await until(() => gets === 1)
    expect((await browser.call('DELETE', account('konpro'))).status).toBe(200)
    answer()
    await reads
    stage.store.before = undefined
    stage.store.leave()
    await comeBack()
    expect(await isSignedIn(browser.at(other), 'konpro', copied)).toBe(false)
  })
})

test.each(['seznam', 'gearcode', 'onesait'])(
  'of an account at %s that has signed out the store keeps no tokens',
  async (provider) => {
    const stage = createStage({}, { shared: true })
    const browser = stage.browser()
    await browser.signIn(provider)
    stage.clock.now += 1000
    expect((await refresh(browser, provider)).status).toBe(200)
    const kept = async () => {
      const entries = await Promise.all(
        [...stage.store.keys].map((key) => stage.connection.get(key)),
      )
      return entries.map(({ value }) => value).join()
    }
    expect(await kept()).toContain('"pair"')
    await browser.call('DELETE', account(provider))
    expect(await kept()).toContain('"signedOut"')
    expect(await kept()).not.toContain('"pair"')
  },
)

test('a sign-out that the store has told of is final, also once it takes nothing any more', async () => {
  await browser.signIn('gearcode')
  const copied = cookieLine(browser)
  const held = holdAnswers(stage, '/oauth/token')
  const under = refresh(browser, 'gearcode')
  await held.arrived(1)
  await browser.at(other).call('DELETE', account('gearcode'))
  stage.store.leave('full')
  held.release()
  await under
  for (const process of [stage, other])
    expect(await isSignedIn(browser.at(process), 'gearcode', copied)).toBe(false)
})

test('a process that is cut off refreshes alone, and another’s refusal does not cost the newer cookie', async () => {
  await browser.signIn('onesait')
  const stale = cookieLine(browser)
  stage.clock.now += 13 * hour
  stage.simulators.onesait.expireAccessTokens()
  other.connection.leave()
  expect((await refresh(browser.at(other), 'onesait')).status).toBe(200)
  // With the older cookie, sent before: nothing tells this process of what the other one did.
  const refused = await refresh(browser, 'onesait', stale)
  expect([refused.status, await codeOf(refused)]).toEqual([401, 'session_ended'])
  expect(refused.headers.getSetCookie()).toEqual([])
  other.connection.comeBack()
  await pause()
  for (const process of [stage, other])
    expect(await isSignedIn(browser.at(process), 'onesait')).toBe(true)
})

test('an account that ended all the same is gone with the next request', async () => {
  await browser.signIn('onesait')
  stage.simulators.onesait.revokeEverything()
  expect(await codeOf(await refresh(browser, 'onesait'))).toBe('session_ended')
  expect(await codeOf(await refresh(browser, 'onesait'))).toBe('not_signed_in')
  expect(browser.cookies.size).toBe(0)
})

describe('an entry in trouble', () => {
  test('that this process has no secret for is no reason to sign anybody out', async () => {
    const newer = 'mZ3vT8cR1kQ6yH0xW5nB9sJ4dF7gL2pAeUiOqStVbXw'
    const known = stage.env.SESSION_SECRETS
    await browser.signIn('gearcode')
    const stale = cookieLine(browser)
    stage.restart({ SESSION_SECRETS: `${newer},${known}` })
    stage.clock.now += 1000
    expect((await refresh(browser, 'gearcode')).status).toBe(200)

    for (const [method, path] of [
      ['GET', '/bff/session'],
      ['POST', `${account('gearcode')}/refresh`],
    ] as const) {
      const refused = await browser.at(other).call(method, path, undefined, stale)
      expect([refused.status, await codeOf(refused)]).toEqual([503, 'ledger_unavailable'])
      expect(refused.headers.getSetCookie()).toEqual([])
    }
    other.restart({ SESSION_SECRETS: `${known},${newer}` })
    expect((await refresh(browser.at(other), 'gearcode', stale)).status).toBe(200)
    expect(spentAt(stage, 'gearcode')).toHaveLength(1)
  })

  test.each(['', 'garbage', '{}', '[]', '{"latest":1,"until":1}', '{"signedOut":7,"until":1}'])(
    'that cannot be read (%j) is no reason to sign anybody out, or in',
    async (value) => {
      await browser.signIn('konpro')
      const copied = cookieLine(browser)
      await browser.call('DELETE', account('konpro'))
      await stage.store.spoil(value)
      for (const process of [stage, other]) {
        const refused = await browser.at(process).call('GET', '/bff/session', undefined, copied)
        expect([refused.status, await codeOf(refused)]).toEqual([503, 'ledger_unavailable'])
        expect(refused.headers.getSetCookie()).toEqual([])
      }
      expect((await stage.app.request('/healthz')).status).toBe(200)
    },
  )

  test('is trouble at its own provider only, and can be followed by a new sign-in', async () => {
    const stage = createStage({}, { shared: true })
    const browser = stage.browser()
    await browser.signIn('seznam')
    await browser.signIn('gearcode')
    await browser.call('POST', '/bff/accounts/gearcode/refresh')
    await stage.store.spoil('}')
    stage.restart()
    const status = async (method: string, path: string) => (await browser.call(method, path)).status
    expect(await status('GET', '/bff/accounts/gearcode')).toBe(503)
    expect(await status('GET', '/bff/session')).toBe(503)
    expect(await status('GET', '/bff/accounts/seznam/profile')).toBe(200)
    expect(await status('DELETE', '/bff/accounts/seznam')).toBe(200)
    expect((await browser.visit('/bff/login/gearcode')).status).toBe(302)
  })

  test('does not keep anybody from signing out', async () => {
    await browser.signIn('seznam')
    await browser.signIn('onesait')
    await refresh(browser, 'onesait')
    const copied = cookieLine(browser)
    await stage.store.spoil('}')
    const out = await browser.at(other).call('DELETE', '/bff/session')
    expect(await out.json()).toMatchObject({
      accounts: {
        seznam: { effects: { local: 'cleared', tokens: 'revoked' } },
        onesait: { effects: { local: 'cleared', tokens: 'failed' } },
      },
    })
    expect(browser.cookies.size).toBe(0)
    // Here at least it is known.
    const answer = await browser.at(other).call('GET', '/bff/session', undefined, copied)
    expect(answer.status).toBe(503)
  })

  test('does not keep the store from being told of the others', async () => {
    const spoilt = stage.browser()
    await spoilt.signIn('konpro')
    await spoilt.call('DELETE', account('konpro'))
    await stage.store.spoil('garbage')
    await browser.signIn('konpro')
    const copied = cookieLine(browser)
    stage.store.leave()
    await browser.call('DELETE', account('konpro'))
    await comeBack()
    expect(stage.lines.filter((line) => line.includes('could not be told'))).toHaveLength(1)
    expect(await isSignedIn(browser.at(other), 'konpro', copied)).toBe(false)
  })
})

describe('a slow store', () => {
  test('slows the answers, and loses nothing', async () => {
    await browser.signIn('gearcode')
    const stale = cookieLine(browser)
    stage.store.before = () => new Promise((resolve) => setTimeout(resolve, 5 + Math.random() * 20))
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        refresh(browser.at(index % 2 ? stage : other), 'gearcode', stale),
      ),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
    expect(spentAt(stage, 'gearcode')).toHaveLength(1)
  })

  test('whose answer took a while leaves a turn that is as old as the question', async () => {
    await browser.signIn('seznam')
    stage.simulators.seznam.switches.rotate = true
    // The lock is granted, and its owner hears of it six seconds later.
    let writes = 0
    stage.store.after = (operation) => {
      if (operation === 'swap') writes++
      if (operation === 'swap' && writes === 1) stage.clock.now += 6000
      return Promise.resolve()
    }
    expect((await refresh(browser, 'seznam')).status).toBe(200)
    // Taken, extended before the call, which it would not have covered, and published.
    expect(writes).toBe(3)
  })
})

describe('a reading', () => {
  test.each(['/bff/session', account('gearcode')])('of %s never writes a cookie', async (path) => {
    await browser.signIn('gearcode')
    const stale = cookieLine(browser)
    stage.clock.now += 1000
    await refresh(browser, 'gearcode')
    for (const process of [stage, other]) {
      const newer = await browser.at(process).call('GET', path, undefined, stale)
      expect(newer.status).toBe(200)
      expect(newer.headers.getSetCookie()).toEqual([])
    }
    await browser.call('DELETE', account('gearcode'))
    for (const process of [stage, other]) {
      const over = await browser.at(process).call('GET', path, undefined, stale)
      expect(over.headers.getSetCookie()).toEqual([])
    }
  })
})

describe('one user’s pair in two browsers, over two processes', () => {
  test('survives refreshes and the other one’s sign-outs, and is revoked by the last', async () => {
    const second = stage.browser()
    await browser.signIn('onesait')
    await second.at(other).signIn('onesait')
    for (let count = 0; count < 4; count++) {
      stage.clock.now += 1000
      const process = count % 2 ? stage : other
      expect((await refresh(browser.at(process), 'onesait')).status).toBe(200)
      const checked = await second.at(process).call('POST', `${account('onesait')}/check`)
      expect(await checked.json()).toMatchObject({ active: true })
      expect((await refresh(second.at(process), 'onesait')).status).toBe(200)
    }
    const first = await browser.at(other).call('DELETE', account('onesait'))
    expect(await first.json()).toMatchObject({ effects: { tokens: 'kept' } })
    expect((await refresh(second, 'onesait')).status).toBe(200)
    await browser.signIn('onesait')
    const again = await second.call('DELETE', account('onesait'))
    expect(await again.json()).toMatchObject({ effects: { tokens: 'kept' } })
    expect((await refresh(browser.at(other), 'onesait')).status).toBe(200)
    const last = await browser.at(other).call('DELETE', account('onesait'))
    expect(await last.json()).toMatchObject({ effects: { tokens: 'revoked' } })
    expect(callsTo(stage, 'onesait', '/revoke_token')).toBe(1)
  })

  test('is ended everywhere by the deliberate revoke', async () => {
    const second = stage.browser()
    await browser.signIn('onesait')
    await second.at(other).signIn('onesait')
    const copied = cookieLine(second)
    const revoked = await browser.call('POST', `${account('onesait')}/revoke`, { token: 'access' })
    expect(await revoked.json()).toEqual({ account: null, revoked: true })
    for (const process of [stage, other])
      expect(await isSignedIn(second.at(process), 'onesait', copied)).toBe(false)
    expect((await second.signIn('onesait')).status).toBe(200)
    expect(await isSignedIn(second.at(other), 'onesait')).toBe(true)
    expect(await isSignedIn(second.at(other), 'onesait', copied)).toBe(false)
  })
})

/** Lets nobody write to the store before two want to: both have read by then what was there. */
function holdWrites(): { released: Promise<void> } {
  const open: (() => void)[] = []
  stage.store.before = (operation) =>
    operation === 'swap' ? new Promise<void>((resolve) => open.push(resolve)) : Promise.resolve()
  const release = async () => {
    await until(() => open.length === 2)
    stage.store.before = undefined
    for (const go of open) go()
  }
  return { released: release() }
}

describe('a sign-out that meets a refresh in another process', () => {
  test('revokes what comes back, once, and both say so', async () => {
    stage.simulators.seznam.switches.rotate = true
    await browser.signIn('seznam')
    const line = cookieLine(browser)
    const held = holdAnswers(stage, '/oauth/token')
    const refreshes = refresh(browser, 'seznam', line)
    await held.arrived(1)
    const { released } = holdWrites()
    const leaving = [stage, other].map((process) =>
      browser.at(process).call('DELETE', account('seznam'), undefined, line),
    )
    await released
    await pause()
    held.release()
    expect(await codeOf(await refreshes)).toBe('not_signed_in')
    for (const answer of await Promise.all(leaving))
      expect(await answer.json()).toMatchObject({ effects: { tokens: 'revoked' } })
    const revocations = stage.simulators.seznam.log.filter(({ path }) => path.endsWith('/revoke'))
    expect(revocations.map(({ status }) => status)).toEqual([200, 200]) // refresh token, access token
    expect(spentAt(stage, 'seznam')).toHaveLength(1)
  })

  test('and knows nothing of it is answered no more, and what comes back is revoked', async () => {
    stage.simulators.seznam.switches.rotate = true
    await browser.signIn('seznam')
    const held = holdAnswers(stage, '/oauth/token')
    const refreshes = refresh(browser, 'seznam', cookieLine(browser))
    await held.arrived(1)
    // A new sign-in ends the one before it, and asks nobody for that.
    await browser.at(other).signIn('seznam')
    held.release()
    expect(await codeOf(await refreshes)).toBe('not_signed_in')
    const revocations = stage.simulators.seznam.log.filter(({ path }) => path.endsWith('/revoke'))
    expect(revocations.map(({ status }) => status)).toEqual([200, 200])
    expect((await refresh(browser, 'seznam')).status).toBe(200)
  })

  test('at the end of two tabs, over two processes, revokes once', async () => {
    await browser.signIn('onet')
    const line = cookieLine(browser)
    const { released } = holdWrites()
    const leaving = [stage, other].map((process) =>
      browser.at(process).call('DELETE', account('onet'), undefined, line),
    )
    await released
    for (const answer of await Promise.all(leaving))
      expect(await answer.json()).toMatchObject({ effects: { tokens: 'revoked' } })
    expect(callsTo(stage, 'onet', '/revoke')).toBe(1)
  })
})
