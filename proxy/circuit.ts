import { AppError } from '../shared/failure'
import type { Convey } from '../shared/oauth/ports'
import { NotSent, Refusal } from '../shared/oauth/refusal'
import type { Log } from './log'
import { resend } from './resend'

/** Failures in a row that open a circuit … */
const enough = 5
/** … where they span this many milliseconds: many at one moment are one mishap. */
const span = 5_000
/** Milliseconds a circuit is open at first; each probe that fails doubles them. */
const shortest = 2_000
const longest = 30_000
/** Milliseconds that a call waits for an endpoint; what is left of its time limit is for the answer. */
const patience = 3_000

/** For how long nothing is sent to an endpoint, and why. On our clock, in milliseconds. */
interface Rest {
  code: NotSent['code']
  from: number
  until: number
}

/** An endpoint that did not answer well; one in order has no entry. */
interface Trouble {
  failures: number
  /** When the first of them was. */
  since: number
  /** Open. Over with time, but only an answer closes the circuit. */
  rest?: Rest | undefined
  /** The one call that finds out, while it is under way. */
  probe?: Promise<void> | undefined
}

/**
 * A circuit breaker for each endpoint of the providers. One that fails again and again, or asks for a
 * pause (429 with `Retry-After`, but for a person's own limit), is left alone for a while: calls meanwhile throw `NotSent`. Where
 * little of that time is left they wait instead; then one goes first, and the others follow if it is
 * answered. Endpoints come from the configuration, so there are only ever a few dozen.
 */
export function createCircuits({
  now,
  sleep,
  log,
}: {
  now: () => number
  sleep: (ms: number) => Promise<void>
  log: Log
}): Convey {
  const troubles = new Map<string, Trouble>()

  /** Milliseconds of a rest that are left. A clock that was put back must not prolong it. */
  function leftOf({ from, until }: Rest): number {
    return now() >= from ? Math.max(until - now(), 0) : 0
  }

  function refused(rest: Rest): NotSent {
    return new NotSent(rest.code, { retryAfter: Math.max(Math.ceil(leftOf(rest) / 1000), 1) })
  }

  /** Waits until a call may go. What comes back, if anything, makes it the probe, and ends it as such. */
  async function admit(key: string): Promise<(() => void) | undefined> {
    const before = troubles.get(key)
    if (!before?.rest) return undefined
    const { rest } = before
    const left = before.probe ? 0 : leftOf(rest)
    if (left > patience) throw refused(rest)
    if (left > 0) await sleep(left)
    const after = troubles.get(key)
    if (after?.rest === rest && !after.probe) return probing(after)
    if (after?.probe) await Promise.race([after.probe, sleep(patience - left)])
    const last = troubles.get(key)?.rest
    if (last) throw refused(last)
    return undefined
  }

  /** At once, before anybody else can look. */
  function probing(trouble: Trouble): () => void {
    let end = () => {}
    trouble.probe = new Promise((resolve) => (end = resolve))
    return () => {
      trouble.probe = undefined
      end()
    }
  }

  function open(key: string, trouble: Trouble, code: NotSent['code'], ms: number): void {
    const { rest } = trouble
    if (rest?.code !== code)
      log('warning', 'circuit opened', { endpoint: key, code, seconds: Math.ceil(ms / 1000) })
    const until = now() + ms
    const isLonger = rest?.code !== code || until > rest.until
    if (isLonger) trouble.rest = { code, from: now(), until }
    troubles.set(key, trouble)
  }

  function close(key: string): void {
    if (troubles.get(key)?.rest) log('info', 'circuit closed', { endpoint: key })
    troubles.delete(key)
  }

  /** The endpoint answers. Whoever asked before a pause was asked for does not end it. */
  function noteAnswer(key: string, isProbe: boolean, status: number, retryAfter?: number): void {
    const trouble = troubles.get(key) ?? { failures: 0, since: now() }
    if (status === 429 && retryAfter !== undefined)
      open(key, trouble, 'provider_busy', retryAfter * 1000)
    else if (isProbe || trouble.rest?.code !== 'provider_busy') close(key)
  }

  function noteFailure(key: string, isProbe: boolean, retryAfter = 0): void {
    const before = troubles.get(key)
    // Sent before it opened: nothing new.
    if (before?.rest && !isProbe) return
    const isPauseOver = before?.rest?.code === 'provider_busy'
    if (isPauseOver) close(key)
    const trouble: Trouble = before && !isPauseOver ? before : { failures: 0, since: now() }
    trouble.failures++
    troubles.set(key, trouble)
    const doubled = trouble.rest ? 2 * (trouble.rest.until - trouble.rest.from) : shortest
    if (trouble.rest || (trouble.failures >= enough && now() - trouble.since >= span)) {
      const ms = Math.min(Math.max(doubled, retryAfter * 1000), longest)
      open(key, trouble, 'provider_unreachable', ms)
    }
  }

  return async ({ name: key, isPersonal }, send, signal) => {
    const endProbe = await admit(key)
    const isProbe = endProbe !== undefined
    try {
      if (signal.aborted) throw new NotSent('provider_unreachable', { cause: signal.reason })
      const answer = await resend(send, { sleep, signal })
      noteAnswer(key, isProbe, 200)
      return answer
    } catch (error) {
      // What our own side refuses says nothing about the endpoint.
      if (error instanceof AppError) throw error
      const { status, retryAfter } = error instanceof Refusal ? error : {}
      if (status !== undefined && status < 500)
        noteAnswer(key, isProbe, status, isPersonal ? undefined : retryAfter)
      else noteFailure(key, isProbe, retryAfter)
      throw error
    } finally {
      endProbe?.()
    }
  }
}
