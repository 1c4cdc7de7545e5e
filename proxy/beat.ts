import type { Ports } from '../shared/oauth/ports'

/** Milliseconds between the moments at which a failure is answered. */
const beat = 1_000

/**
 * Lets a failure out only at a whole number of beats after the work began, so that the time it took
 * tells little of its cause. What succeeds is not held back.
 */
export async function failingOnTheBeat<T>(
  { now, sleep }: Required<Pick<Ports, 'now' | 'sleep'>>,
  work: () => Promise<T>,
): Promise<T> {
  const began = now()
  try {
    return await work()
  } catch (error) {
    const taken = Math.max(now() - began, 0)
    await sleep(beat - (taken % beat))
    throw error
  }
}
