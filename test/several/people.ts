import { setTimeout as wait } from 'node:timers/promises'
import { origin } from '../stage'
import { signInThrough } from '../simulators'
import { answerOf, type Answer, type Browser } from './answers'
import type { Dice } from './dice'
import type { Targets } from './targets'

export type Deed = 'sign in' | 'refresh' | 'call'

export interface Account {
  user: string
  browser: Browser
  /** The start of its seat, by which the ledger knows it. */
  seat: string
  /** Somebody asks with its cookies: one thing after the other, so that it holds the last it received. */
  isBusy: boolean
  /** It was told what a lost one is told; whether it is lost is seen at the end. */
  isDoubtful: boolean
}

export interface Done extends Answer {
  deed: Deed
}

/** Accounts at GearCode, each of a person of its own, and what they are told. */
export function createPeople(targets: Targets, dice: Dice) {
  const { processes, gearcode } = targets
  const accounts: Account[] = []
  const answers: Done[] = []
  let brokenOff = 0
  let born = 0

  async function signIn(browser: Browser, user: string): Promise<Response> {
    const away = await browser.visit(await targets.somewhere(), '/bff/login/gearcode')
    const to = new URL(away.headers.get('location') ?? '')
    await away.body?.cancel()
    to.host = new URL(gearcode.origins.main ?? '').host
    const [person] = Object.values(gearcode.users)
    // No longer than the provider's pages need, for they name everybody.
    if (person) gearcode.users[user] = { ...person, login: user, userId: user }
    const back = await signInThrough(gearcode, to.href, { user })
    Reflect.deleteProperty(gearcode.users, user)
    return await browser.visit(await targets.somewhere(), back.slice(origin.length))
  }

  /** As people do: again where the connection broke, and where it did not work. */
  async function insist(deed: Deed, ask: () => Promise<Response>): Promise<Answer> {
    for (let tries = 1; ; tries++)
      try {
        const answer = await answerOf(ask)
        answers.push({ ...answer, deed })
        const isHopeless = answer.status === 401 || answer.code === 'provider_error'
        if (answer.status < 400 || isHopeless || tries >= 3) return answer
        await wait(200)
      } catch (error) {
        // `fetch` says so of a process that is gone.
        if (!(error instanceof TypeError) || tries > 20) throw error
        brokenOff++
        await wait(50)
      }
  }

  async function join(): Promise<void> {
    const browser = processes.browser()
    const user = `person-${born++}`
    const { text } = await insist('sign in', () => signIn(browser, user))
    const [, seat] = /latchkey_gearcode_([\w-]{8})/.exec(browser.header()) ?? []
    if (seat === undefined) throw new Error(`${user} could not sign in: ${text}`)
    accounts.push({ user, browser, seat, isBusy: false, isDoubtful: false })
  }

  async function use(account: Account, deed: 'refresh' | 'call'): Promise<Answer> {
    const [method, url] =
      deed === 'call'
        ? ['GET', '/bff/api/gearcode/v1/things']
        : ['POST', '/bff/accounts/gearcode/refresh']
    account.isBusy = true
    try {
      return await insist(deed, async () =>
        account.browser.call(await targets.somewhere(), method, url),
      )
    } finally {
      account.isBusy = false
    }
  }

  const idle = () => accounts.filter((account) => !account.isBusy && !account.isDoubtful)

  return {
    accounts,
    answers,
    /** How many requests had no answer, for their process was gone. */
    brokenOff: () => brokenOff,
    use,
    /** Somebody is free to do it. */
    canDo: (deed: Deed) => deed === 'sign in' || idle().length > 0,
    async perform(deed: Deed): Promise<void> {
      if (deed === 'sign in') {
        await join()
        return
      }
      const account = dice.oneOf(idle())
      account.isDoubtful = (await use(account, deed)).status !== 200
    },
  }
}
