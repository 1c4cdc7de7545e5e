import { setTimeout as wait } from 'node:timers/promises'
import { answerOf, type Answer, type Browser } from './answers'
import type { Dice } from './dice'

type Deed = 'look' | 'call' | 'refresh'

export interface Member {
  browser: Browser
  provider: string
  /** Where its provider's API is called. */
  api: string
}

/** What a member of the crowd was told. */
export interface Told extends Answer {
  provider: string
  deed: Deed
  /** It was told, in whichever words, that nobody is signed in. */
  isOut: boolean
}

export type Crowd = ReturnType<typeof gather>

/** People who use the app at whichever process, each one thing after the other, until they are sent home. */
export function gather(members: readonly Member[], processes: number, dice: Dice) {
  let isOver = false
  let tabs = 1
  let told: Told[] = []

  async function act({ browser, provider, api }: Member, deed: Deed, at: number): Promise<void> {
    const answer = await answerOf(() =>
      deed === 'look'
        ? browser.call(at, 'GET', '/bff/session')
        : deed === 'call'
          ? browser.call(at, 'GET', `/bff/api/${provider}${api}`)
          : browser.call(at, 'POST', `/bff/accounts/${provider}/refresh`),
    )
    const isOut =
      ['session_ended', 'not_signed_in'].includes(answer.code ?? '') ||
      (deed === 'look' && !answer.text.includes(`"provider":"${provider}"`)) ||
      browser.cookies.size === 0
    told.push({ ...answer, provider, deed, isOut })
  }

  const all = Promise.all(
    members.map(async (member) => {
      while (!isOver) {
        const deed = dice.oneOf(['look', 'call', 'refresh'] as const)
        const at = dice.below(processes)
        await Promise.all(
          Array.from({ length: tabs }, (_, tab) => act(member, deed, (at + tab) % processes)),
        )
        await wait(50 + dice.below(150))
      }
    }),
  )
  // Awaited at the end; what broke until then must not end the whole run.
  all.catch(() => undefined)

  return {
    members,
    /** From now on each asks in so many tabs at once, with the same cookies and at different processes. */
    inTabs(count: number): void {
      tabs = count
    },
    /** What they were told since the last time. */
    heard(): readonly Told[] {
      const heard = told
      told = []
      return heard
    },
    async goHome(): Promise<void> {
      isOver = true
      await all
    },
  }
}
