/** What requests need to meet in a test: answers that are held, requests that are counted. */
import { vi } from 'vitest'
import type { Browser, Stage } from '../stage'

/** What a browser would send; kept, it is a stale or a copied cookie later. */
export function cookieLine({ cookies }: Pick<Browser, 'cookies'>): { cookie: string } {
  return { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') }
}

/** The refresh tokens that reached a provider, one entry per request. */
export function spentAt(stage: Stage, provider: keyof Stage['simulators']): string[] {
  return stage.simulators[provider].log.flatMap(({ body, path }) => {
    if (!/grant_type"?[=:]"?refresh_token/.test(body) && !path.endsWith('refresh_token')) return []
    const fields = body.startsWith('{')
      ? new Map(Object.entries(JSON.parse(body) as Record<string, string>))
      : new URLSearchParams(body)
    return [fields.get('refresh_token') ?? '']
  })
}

/** Requests to a provider whose path ends so. */
export function callsTo(stage: Stage, provider: keyof Stage['simulators'], path: string): number {
  return stage.simulators[provider].log.filter((entry) => entry.path.endsWith(path)).length
}

/** Waits until something has come about. */
export async function until(isSo: () => boolean): Promise<void> {
  await vi.waitFor(
    () => {
      if (!isSo()) throw new Error('it does not come about')
    },
    { interval: 2, timeout: 5000 },
  )
}

interface Held {
  /** Waits until so many answers are held back. */
  arrived(count: number): Promise<void>
  /** Lets one through, by the order in which they came. */
  release(index?: number): void
}

/** Holds the first answers of a provider whose address ends so; what was asked is done by then. */
export function holdAnswers(stage: Stage, address: string, most = 1): Held {
  const held: (() => void)[] = []
  stage.onTheWay = (_answer, url) =>
    url.endsWith(address) && held.length < most
      ? new Promise<void>((resolve) => held.push(resolve))
      : Promise.resolve()
  return {
    arrived: (count) => until(() => held.length >= count),
    release: (index = 0) => held[index]?.(),
  }
}

/** Time for everything that can go on to do so. */
export async function pause(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 30))
}

/** The code of a problem, or undefined for any other answer. */
export async function codeOf(answer: Response): Promise<unknown> {
  const body: unknown = await answer.clone().json()
  return typeof body === 'object' && body !== null && 'code' in body ? body.code : undefined
}
