import { AppError } from '../../shared/failure'
import type { Ports } from '../../shared/oauth/ports'
import { refresh } from '../../shared/oauth/refresh'
import type { Config } from '../config'
import { traceOf, type Log } from '../log'
import type { Ledger } from './ledger'
import { revokePair } from './revoke-pair'
import type { SignIn } from './sign-in'

/** Milliseconds before its end at which an access token is refreshed (ledger: "due"). */
const margin = 60 * 1000

export function isDue({ tokens }: SignIn, now: number): boolean {
  return tokens.expiresAt !== null && tokens.expiresAt - now < margin
}

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
  const flights = new Map<string, Promise<SignIn>>()

  async function spend(signIn: SignIn): Promise<SignIn> {
    const { provider, generation, tokens } = signIn
    const registration = config.offers.get(provider)?.registration
    if (!registration) throw new AppError('provider_off')
    const known = await ledger.read(signIn)
    if (known.signedOut) throw new AppError('not_signed_in')
    if (known.latest && known.latest.generation > generation) return { ...signIn, ...known.latest }
    if (generation <= known.endedUpTo) throw new AppError('session_ended')

    try {
      const fresh = await refresh(registration, tokens, ports)
      const latest = await ledger.publish(signIn, generation, fresh)
      const { signedOut } = await ledger.read(signIn)
      if (latest && !signedOut) {
        log('info', 'refreshed', { provider })
        return { ...signIn, ...latest }
      }
      // Signed out while the provider was answering: nobody may use what came, unless others share it.
      if (!latest) await revokePair(registration, fresh, ports)
      throw new AppError('not_signed_in')
    } catch (error) {
      if (error instanceof AppError && error.code === 'session_ended')
        return await lookAgain(signIn, error)
      log('warning', 'refresh failed', { provider, cause: traceOf(error) })
      throw error
    }
  }

  /** The provider's no counts only if the token it refused is still the latest we know. */
  async function lookAgain(signIn: SignIn, error: AppError): Promise<SignIn> {
    const { latest } = await ledger.read(signIn)
    const sent = signIn.tokens.refreshToken?.reveal()
    if (latest && latest.tokens.refreshToken?.reveal() !== sent) return { ...signIn, ...latest }
    await ledger.endGrant(signIn, signIn.generation)
    log('info', 'session ended by the provider', {
      provider: signIn.provider,
      cause: traceOf(error),
    })
    throw error
  }

  return {
    async freshen(signIn, keepAlive) {
      const key = `${signIn.provider} ${signIn.lineage} ${signIn.generation}`
      const underWay = flights.get(key)
      // A seat that shares its tokens takes the other's tokens, never the other's seat.
      if (underWay) {
        const { generation, tokens } = await underWay
        const { signedOut } = await ledger.read(signIn)
        if (signedOut) throw new AppError('not_signed_in')
        return { ...signIn, generation, tokens }
      }
      const flight = spend(signIn).finally(() => flights.delete(key))
      flights.set(key, flight)
      keepAlive?.(flight.catch(() => undefined)) // its failure is told to whoever awaits it
      return await flight
    },
  }
}
