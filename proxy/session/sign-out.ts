import type { Context } from 'hono'
import { logoutUrl } from '../../shared/oauth/logout'
import type { Registration } from '../../shared/provider'
import type { SignOutAnswer } from '../../shared/wire'
import type { Offer } from '../registration'
import type { Parts, ProxyEnv } from '../parts'
import { revokePair } from '../../shared/oauth/revoke-pair'
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
  for (const [index, signIn] of session.every(provider.id).entries()) {
    await ledger.signOut(signIn)
    session.drop(signIn)
    // The newest sign-in is the account; superseded ones only leave.
    if (index === 0 && registration && provider.revoke)
      tokens = await ledger.inTurn(signIn.lineage, () => revokeNewest(signIn, registration))
  }
  const url = registration && logoutUrl(registration)
  if (url !== undefined) await rememberLogout(c.get('jar'), provider.id, seal, ports.now())
  log('info', 'signed out', { provider: provider.id, tokens })
  return {
    effects: { local: 'cleared', tokens, provider: url === undefined ? 'unsupported' : 'redirect' },
    ...(url === undefined ? {} : { logoutUrl: url }),
  }

  /** Revokes what is known last of the pair, a refresh under way included; not while others need it. */
  async function revokeNewest(signIn: SignIn, registered: Registration) {
    const { latest, deserted } = await ledger.read(signIn)
    if (!deserted) return 'kept'
    const isNewer = latest && latest.generation > signIn.generation
    return await revokePair(registered, isNewer ? latest.tokens : signIn.tokens, ports)
  }
}
