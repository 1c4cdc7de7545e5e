/** How an answer of the product looked to whoever waited for it. */
import type { Processes } from '../processes'

export type Browser = ReturnType<Processes['browser']>

/**
 * Milliseconds within which everything is answered: a call to the provider takes at most 10 s, the
 * turn before it 13 s, and an operation of the store 5 s.
 */
export const answerLimit = 28_000

export interface Answer {
  status: number
  /** The problem's code, where it is one. */
  code: string | undefined
  text: string
  ms: number
}

/** Waits for an answer to its end. Throws where the connection broke. */
export async function answerOf(asked: () => Promise<Response>): Promise<Answer> {
  const began = performance.now()
  const response = await asked()
  const text = await response.text()
  const ms = performance.now() - began
  const code = /"code":"(\w+)"/.exec(text)?.[1]
  return { status: response.status, code: response.ok ? undefined : code, text, ms }
}

/** `200 ×198, 503 ledger_unavailable ×2`. */
export function tally(answers: readonly Pick<Answer, 'status' | 'code'>[]): string {
  const counts = new Map<string, number>()
  for (const { status, code } of answers) {
    const kind = code === undefined ? String(status) : `${status} ${code}`
    counts.set(kind, (counts.get(kind) ?? 0) + 1)
  }
  return [...counts].map(([kind, count]) => `${kind} ×${count}`).join(', ')
}

export function slowest(answers: readonly Pick<Answer, 'ms'>[]): number {
  return Math.max(0, ...answers.map(({ ms }) => ms))
}

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

/** Says what was counted, whatever the reporter shows. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
