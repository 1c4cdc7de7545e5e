import { AppError, isAppError } from '../../shared/failure'
import type { Ports } from '../../shared/oauth/ports'
import { refresh } from '../../shared/oauth/refresh'
import type { Config } from '../config'
import { traceOf, type Log } from '../log'
import type { Latest, Ledger } from './ledger'
import type { SignIn } from './sign-in'

export interface Refresher {
  /**
   * The sign-in with the tokens that follow the ones it holds. For one generation the provider sees
   * one request, however many ask. The work outlives the request that began it: hand it to `keepAlive`.
   * Throws `session_ended` when the provider ended the grant, `not_signed_in` when the person signed
   * out meanwhile, or what `refresh` throws.
   */
  freshen(signIn: SignIn, keepAlive?: (work: Promise<unknown>) => void): Promise<SignIn>
}

interface Needs {
  config: Config
  ports: Ports
  log: Log
  ledger: Ledger
}

export function createRefresher({ config, ports, log, ledger }: Needs): Refresher {
  const flights = new Map<string, Promise<Latest>>()

  async function spend(signIn: SignIn): Promise<Latest> {
    const { provider, generation, tokens } = signIn
    const registration = config.offers.get(provider)?.registration
    if (!registration) throw new AppError('provider_off')
    const { latest, endedUpTo, deserted } = await ledger.read(signIn)
    if (deserted) throw new AppError('not_signed_in')
    if (latest && latest.generation > generation) return latest
    if (generation <= endedUpTo) throw new AppError('session_ended')
    try {
      const fresh = await refresh(registration, tokens, ports)
      log('info', 'refreshed', { provider })
      // Of use to nobody where the last one signed out meanwhile: that sign-out revokes it in its turn.
      return await ledger.publish(signIn, generation, fresh)
    } catch (error) {
      if (isAppError(error, 'session_ended')) return await lookAgain(signIn, error)
      log('warning', 'refresh failed', { provider, cause: traceOf(error) })
      throw error
    }
  }

  /** The provider's no counts only if the token it refused is still the latest we know. */
  async function lookAgain(signIn: SignIn, error: AppError): Promise<Latest> {
    const { latest } = await ledger.read(signIn)
    const sent = signIn.tokens.refreshToken?.reveal()
    if (latest && latest.tokens.refreshToken?.reveal() !== sent) return latest
    await ledger.endGrant(signIn, signIn.generation)
    log('info', 'session ended by the provider', {
      provider: signIn.provider,
      cause: traceOf(error),
    })
    throw error
  }

  async function mustBeSeated(signIn: SignIn): Promise<void> {
    const { signedOut } = await ledger.read(signIn)
    if (signedOut) throw new AppError('not_signed_in')
  }

  return {
    async freshen(signIn, keepAlive) {
      const { provider, lineage, generation } = signIn
      const key = `${provider} ${lineage} ${generation}`
      await mustBeSeated(signIn)
      let flight = flights.get(key)
      if (!flight) {
        flight = ledger
          .inTurn(lineage, () => spend(signIn))
          .finally(() => {
            flights.delete(key)
          })
        flights.set(key, flight)
        keepAlive?.(flight.catch(() => undefined)) // its failure is told to whoever awaits it
      }
      // Seats that share tokens share the flight: each takes the tokens, and none another's sign-out.
      const latest = await flight
      await mustBeSeated(signIn)
      return { ...signIn, ...latest }
    },
  }
}
