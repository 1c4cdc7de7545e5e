import type { Context } from 'hono'
import { AppError } from '../shared/failure'
import type { Capability, Registration } from '../shared/provider'
import type { ProxyEnv } from './parts'
import type { SignIn } from './session/sign-in'

/** The account that the path names. Throws `not_signed_in`. */
export function signedIn(c: Context<ProxyEnv>): { signIn: SignIn; registration: Registration } {
  const { provider, registration } = c.get('offer')
  const signIn = c.get('session').find(provider.id)
  if (!signIn || !registration) throw new AppError('not_signed_in')
  return { signIn, registration }
}

/** Refuses what the provider does not have with `unsupported`. 405 wins over 401. */
export function mustHave(c: Context<ProxyEnv>, operation: Capability): void {
  if (c.get('offer').provider[operation] === undefined) throw new AppError('unsupported')
}
