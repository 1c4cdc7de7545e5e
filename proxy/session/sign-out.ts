import type { Context } from 'hono'
import { logoutUrl } from '../../shared/oauth/logout'
import type { Registration } from '../../shared/provider'
import type { SignOutAnswer } from '../../shared/wire'
import type { Offer } from '../registration'
import type { Parts, ProxyEnv } from '../parts'
import { senderOf } from '../request-log'
import { revokePair } from '../../shared/oauth/revoke-pair'
import { isAppError } from '../../shared/failure'
import type { Turn } from './ledger'
import { rememberLogout } from './logins'
import type { SignIn } from './sign-in'

/**
 * Signs a provider's accounts out of this browser: ended in the ledger first, then revoked where the
 * provider can and no other sign-in shares the tokens, then forgotten here. It never fails because
 * the provider is down; `effects` says what was done at each level.
 */
export async function signOut(
  c: Context<ProxyEnv>,
  { provider, registration }: Offer,
  { ledger, ports, seal, log }: Parts,
): Promise<SignOutAnswer> {
  const session = c.get('session')
  let tokens: SignOutAnswer['effects']['tokens'] = 'unsupported'
  const leaving = session.leaving(provider.id)
  // All of them first: two that share a pair must not keep it for each other.
  for (const signIn of leaving) {
    await ledger.signOut(signIn)
    // What cannot be revoked is forgotten; there is no need to wait for anybody.
    if (!provider.revoke) await ledger.revoked(signIn, signIn.generation)
  }
  session.clear(provider.id)
  // The newest sign-in is the account; superseded ones only leave.
  const [newest] = leaving
  if (newest && registration && provider.revoke)
    tokens = await tillDone(
      ledger.inTurn(newest, (turn) => revokeNewest(newest, registration, turn)).catch(notInTime),
    )
  const url = registration && logoutUrl(registration)
  if (url !== undefined) await rememberLogout(c.get('jar'), provider.id, seal, ports.now())
  log('info', 'signed out', { provider: provider.id, tokens, ...senderOf(c) })
  return {
    effects: { local: 'cleared', tokens, provider: url === undefined ? 'unsupported' : 'redirect' },
    ...(url === undefined ? {} : { logoutUrl: url }),
  }

  /** Also where the browser does not wait for the answer. */
  function tillDone<T>(work: Promise<T>): Promise<T> {
    c.get('arrival').keepAlive?.(work)
    return work
  }

  /** Revokes what is known last of the pair, a refresh under way included; not while others need it. */
  async function revokeNewest(signIn: SignIn, registered: Registration, turn: Turn) {
    const { latest, deserted, revokedUpTo } = await ledger.read(signIn)
    if (!deserted) return 'kept'
    const { generation, tokens } = latest ?? signIn
    // Another tab's sign-out was quicker, or the refresh that was under way has seen to it.
    if (revokedUpTo >= generation) return 'revoked'
    const effect = await revokePair(registered, tokens, turn.guard(ports))
    if (effect === 'revoked') await ledger.revoked(signIn, generation)
    return effect
  }
}

/** What holds the turn is a call to the provider, which then is as slow for us; or the store went away. */
function notInTime(error: unknown): 'failed' {
  if (isAppError(error, 'provider_timeout') || isAppError(error, 'ledger_unavailable'))
    return 'failed'
  throw error
}
