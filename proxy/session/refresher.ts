import { AppError, isAppError } from '../../shared/failure'
import type { Ports } from '../../shared/oauth/ports'
import { refresh } from '../../shared/oauth/refresh'
import { NotSent, Refusal } from '../../shared/oauth/refusal'
import { revokePair } from '../../shared/oauth/revoke-pair'
import type { Registration } from '../../shared/provider'
import type { Config } from '../config'
import { traceOf, type Log, type Sender } from '../log'
import { isShared } from './entry'
import type { Latest, Ledger, Published, Standing, Turn } from './ledger'
import type { SignIn } from './sign-in'

export interface Refresher {
  /**
   * The sign-in with the tokens that follow the ones it holds. For one generation the provider sees
   * one request, however many ask, in however many processes that share the ledger. The work outlives
   * the request that began it: hand it to `keepAlive`. `refused`: the provider takes the access token
   * for ended, whatever its stated end.
   * Throws `session_ended` when the provider ended the grant, `not_signed_in` when the person signed
   * out meanwhile, `ledger_unavailable` where it cannot be known that nobody else refreshes, or what
   * `refresh` throws; for a while also what it threw before.
   */
  freshen(signIn: SignIn, options?: FreshenOptions): Promise<SignIn>
}

export interface FreshenOptions {
  refused?: boolean | undefined
  keepAlive?: ((work: Promise<unknown>) => void) | undefined
  /** Who asked first. */
  sender?: Sender | undefined
}

interface Needs {
  config: Config
  ports: Ports
  log: Log
  ledger: Ledger
}

type Outcome = Latest & Partial<Published>

/** Seconds after which a shared ledger that was away may be back. */
const pause = 5

export function createRefresher({ config, ports, log, ledger }: Needs): Refresher {
  const flights = new Map<string, Promise<Outcome>>()

  async function fly(signIn: SignIn, refused: boolean, sender?: Sender): Promise<Outcome> {
    const registration = config.offers.get(signIn.provider)?.registration
    if (!registration) throw new AppError('provider_off')
    const { generation } = signIn
    return await ledger.inTurn(
      signIn,
      async (turn) => {
        if (turn.isAlone) mustForgiveReplay(signIn, registration, refused)
        return await spend(signIn, registration, turn, sender)
      },
      { generation, settled: (standing) => settled(signIn, standing) },
    )
  }

  /** What others have made of it. */
  function settled({ generation }: SignIn, standing: Standing): Latest {
    const { latest, endedUpTo, deserted, rest } = standing
    if (deserted) throw new AppError('not_signed_in')
    if (latest) return latest
    if (generation <= endedUpTo || !rest) throw new AppError('session_ended')
    const seconds = Math.ceil((rest.until - ledger.now()) / 1000)
    throw new AppError(rest.code, { retryAfter: seconds > 0 ? seconds : rest.retryAfter })
  }

  /** Another process may be at it as well: only where that does no harm, and only if need be. */
  function mustForgiveReplay(
    { provider, tokens }: SignIn,
    registration: Registration,
    refused: boolean,
  ): void {
    const isOver = refused || (tokens.expiresAt !== null && tokens.expiresAt <= ledger.now())
    if (!isOver || !registration.provider.refresh?.forgivesReplay)
      throw new AppError('ledger_unavailable', { retryAfter: pause })
    log('warning', 'refreshing alone: the shared ledger is away', { provider })
  }

  async function spend(
    signIn: SignIn,
    registration: Registration,
    turn: Turn,
    sender?: Sender,
  ): Promise<Outcome> {
    const { provider, generation, tokens } = signIn
    let fresh
    try {
      fresh = await refresh(registration, tokens, turn.guard(ports))
    } catch (error) {
      return await failed(signIn, error, turn, sender)
    }
    log('info', 'refreshed', { provider })
    const latest = await ledger.publish(signIn, generation, fresh, turn)
    // Nobody else has these tokens, so that this needs no turn.
    if (latest.deserted && (await revokePair(registration, fresh, ports)) !== 'failed')
      await ledger.revoked(signIn, latest.generation)
    return latest
  }

  async function failed(
    signIn: SignIn,
    error: unknown,
    turn: Turn,
    sender?: Sender,
  ): Promise<Latest> {
    const { provider, generation, tokens } = signIn
    const isRefused = isAppError(error, 'session_ended')
    if (isRefused && !turn.isDoubtful(generation)) {
      const latest = await ledger.refuse(signIn, generation, tokens.refreshToken)
      if (latest) return latest
      log('info', 'session ended', { provider, cause: traceOf(error), ...sender })
      throw error
    }
    if (isRefused) {
      const { latest } = await ledger.read(signIn)
      if (latest) return latest
    }
    log('warning', 'refresh failed', { provider, cause: traceOf(error) })
    const failure = isRefused
      ? new AppError('provider_error', { cause: error, retryAfter: 30 })
      : error
    const code = isAppError(failure) ? failure.code : 'internal'
    const how = isRefused ? 'doubted' : isUnanswered(failure) ? 'unanswered' : 'answered'
    const retryAfter = isAppError(failure) ? failure.retryAfter : undefined
    await ledger.fail(signIn, generation, { code, how, retryAfter }, turn)
    throw failure
  }

  /** Seats that share tokens share the flight: each takes the tokens, and none another's sign-out. */
  async function isGone(signIn: SignIn, { deserted = false }: Outcome): Promise<boolean> {
    return isShared(signIn) ? (await ledger.read(signIn)).signedOut : deserted
  }

  return {
    async freshen(signIn, { refused = false, keepAlive, sender } = {}) {
      const { provider, lineage, generation } = signIn
      const key = `${provider} ${lineage} ${generation} ${String(refused)}`
      let flight = flights.get(key)
      if (!flight) {
        flight = fly(signIn, refused, sender).finally(() => {
          flights.delete(key)
        })
        flights.set(key, flight)
        keepAlive?.(flight.catch(() => undefined)) // its failure is told to whoever awaits it
      }
      const outcome = await flight
      if (await isGone(signIn, outcome)) throw new AppError('not_signed_in')
      return { ...signIn, generation: outcome.generation, tokens: outcome.tokens }
    },
  }
}

/** Nobody knows whether the token was spent: no answer came, or one that broke off. */
function isUnanswered(error: unknown): boolean {
  if (!isAppError(error) || error.cause instanceof NotSent) return false
  if (error.cause instanceof Refusal)
    return error.cause.status < 300 && ['not_json', 'too_large'].includes(error.cause.word ?? '')
  return error.code.startsWith('provider_') && error.code !== 'provider_busy'
}
