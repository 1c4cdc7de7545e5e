import { AppError } from '../shared/failure'
import type { Ports } from '../shared/oauth/ports'
import type { ErrorCode } from '../shared/wire'

/** Milliseconds between the moments at which a failure is answered. */
const beat = 500

/** What says something of a name and a password, or would by the time it took. */
const telling: readonly ErrorCode[] = ['invalid_credentials', 'rate_limited']

/**
 * Lets a refusal out only at a whole number of beats after the work began, so that the time it took
 * tells little of its cause. What succeeds, or fails for another reason, is not held back.
 */
export async function failingOnTheBeat<T>(
  { now, sleep }: Required<Pick<Ports, 'now' | 'sleep'>>,
  work: () => Promise<T>,
): Promise<T> {
  const began = now()
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof AppError) || !telling.includes(error.code)) throw error
    const taken = Math.max(now() - began, 0)
    await sleep(beat - (taken % beat))
    throw error
  }
}
