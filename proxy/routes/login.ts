import { Hono, type Context } from 'hono'
import * as v from 'valibot'
import { AppError } from '../../shared/failure'
import { apiToken } from '../../shared/oauth/api-token'
import { authorize, loginLifetime } from '../../shared/oauth/authorize'
import { password } from '../../shared/oauth/password'
import { isRedirect, type Registration } from '../../shared/provider'
import { Secret } from '../../shared/secret'
import { apiTokenLoginSchema, passwordLoginSchema } from '../../shared/wire'
import { failingOnTheBeat } from '../beat'
import { readJson } from '../json-body'
import type { Parts, ProxyEnv } from '../parts'
import { signInFailed } from '../request-log'
import { returnPath } from '../return-path'
import { keepLogin, usedKey } from '../session/logins'
import { accountOf, signInLifetime } from '../session/sign-in'
import { begin, sharedLineage } from '../session/begin'

/** What a person types, and never into an address. */
const typed = ['username', 'password', 'apiToken']
/** Bytes of it. */
const bodyLimit = 16 * 1024

/** `/bff/login/:provider`: by redirect (GET), or with what the person typed (POST). */
export function loginRoute(parts: Parts) {
  const { config, ports, seal, ledger, throttle } = parts
  const providerIds = [...config.offers.keys()]
  return new Hono<ProxyEnv>()
    .get('/', async (c) => {
      const { provider, registration } = c.get('offer')
      if (!registration || !isRedirect(provider)) throw new AppError('unsupported')
      const { url, login } = await authorize(registration, ports.now())
      const previous = c.get('session').followed(provider.id)
      const gone = await keepLogin(
        c.get('jar'),
        {
          ...login,
          provider: provider.id,
          returnTo: returnPath(c.req.query('return_to'), config.webOrigin),
          previous: previous && {
            seat: previous.seat,
            lineage: previous.lineage,
            until: previous.until,
          },
        },
        providerIds,
        seal,
        provider.dropsState === true,
      )
      // Spent, so that its callback is known to come too late and is not taken for a forgery.
      for (const { state, issuedAt } of gone)
        await ledger.useOnce(usedKey(state), issuedAt + 2 * loginLifetime)
      return c.redirect(url.href, 302)
    })
    .post('/', async (c) => {
      const offer = c.get('offer')
      const { provider, registration } = offer
      if (!registration) throw new AppError('provider_off')
      if (isRedirect(provider) && !provider.apiToken) throw new AppError('unsupported')
      // What is in the address, others may have logged on the way: such a password is not used.
      if (typed.some((name) => c.req.query(name) !== undefined))
        throw new AppError('invalid_request')
      const body = await readJson(c.req.raw, bodyLimit, parts.bodyWaits)
      const by = isRedirect(provider) ? byApiToken : byPassword
      try {
        return c.json({ account: accountOf(await by(c, registration, body)) })
      } catch (error) {
        throw signInFailed(c, error, parts.log)
      }
    })

  async function byPassword(c: Context<ProxyEnv>, registration: Registration, body: unknown) {
    const given = v.safeParse(passwordLoginSchema, body)
    if (!given.success) throw new AppError('invalid_request')
    const { username, scope } = given.output
    const credentials = { username, password: new Secret(given.output.password), scope }
    const asked = scope?.split(' ').filter(Boolean) ?? registration.scope
    const lineage = await sharedLineage(registration, username, asked)
    // In the lineage's turn: a sign-in can reissue the pair that others of this user hold.
    const seat = { lineage, seat: '', until: ports.now() + signInLifetime }
    const sent = () =>
      ledger.inTurn(seat, async (turn) =>
        begin(c, registration, await password(registration, credentials, turn.guard(ports)), parts),
      )
    const { address } = c.get('arrival')
    return await failingOnTheBeat(ports, () => throttle.attempt(username, address, sent))
  }

  async function byApiToken(c: Context<ProxyEnv>, registration: Registration, body: unknown) {
    const given = v.safeParse(apiTokenLoginSchema, body)
    if (!given.success) throw new AppError('invalid_request')
    const grant = await apiToken(registration, new Secret(given.output.apiToken), ports)
    return await begin(c, registration, grant, parts)
  }
}
