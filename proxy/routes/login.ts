import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import * as v from 'valibot'
import { AppError, isAppError } from '../../shared/failure'
import { authorize } from '../../shared/oauth/authorize'
import { password } from '../../shared/oauth/password'
import { profile } from '../../shared/oauth/profile'
import type { Grant, Tokens } from '../../shared/oauth/tokens'
import { isRedirect, type Registration } from '../../shared/provider'
import { Secret } from '../../shared/secret'
import { apiTokenLoginSchema, passwordLoginSchema } from '../../shared/wire'
import { byNavigation } from '../gate'
import type { Parts, ProxyEnv } from '../parts'
import { returnPath } from '../return-path'
import { keepLogin } from '../session/logins'
import { accountOf } from '../session/sign-in'
import { begin } from '../session/begin'

/** `/bff/login/:provider`: by redirect (GET), or with what the person typed (POST). */
export function loginRoute(parts: Parts) {
  const { config, ports, seal } = parts
  const providerIds = [...config.offers.keys()]
  return new Hono<ProxyEnv>()
    .get('/', byNavigation(), async (c) => {
      const { provider, registration } = c.get('offer')
      if (!registration || !isRedirect(provider)) throw new AppError('unsupported')
      const { url, login } = await authorize(registration, ports.now())
      const previous = c.get('session').find(provider.id)
      await keepLogin(
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
      return c.redirect(url.href, 302)
    })
    .post('/', bodyLimit({ maxSize: 16 * 1024, onError: tooLarge }), async (c) => {
      const offer = c.get('offer')
      const { provider, registration } = offer
      if (!registration) throw new AppError('provider_off')
      if (isRedirect(provider) && !provider.apiToken) throw new AppError('unsupported')
      const body: unknown = await c.req.json().catch(() => undefined) // refused by the schema
      const grant = isRedirect(provider)
        ? await byApiToken(registration, body)
        : await byPassword(registration, body, c.get('arrival').address)
      const signIn = await begin(c, registration, grant, parts)
      return c.json({ account: accountOf(signIn) })
    })

  async function byPassword(registration: Registration, body: unknown, address?: string) {
    const given = v.safeParse(passwordLoginSchema, body)
    if (!given.success) throw new AppError('invalid_request')
    const { username, scope } = given.output
    const guess = await parts.throttle.admit(username, address)
    try {
      const secret = new Secret(given.output.password)
      const grant = await password(registration, { username, password: secret, scope }, ports)
      await guess.forgive()
      return grant
    } catch (error) {
      if (!isAppError(error, 'invalid_credentials')) await guess.forgive()
      throw error
    }
  }

  /** An API token is proven by asking whose it is. */
  async function byApiToken(registration: Registration, body: unknown): Promise<Grant> {
    const given = v.safeParse(apiTokenLoginSchema, body)
    if (!given.success) throw new AppError('invalid_request')
    const accessToken = new Secret(given.output.apiToken)
    const tokens: Tokens = { scheme: 'api-token', accessToken, expiresAt: null, scope: [] }
    try {
      return { tokens, person: (await profile(registration, tokens, ports)).person }
    } catch (error) {
      if (isAppError(error, 'token_expired'))
        throw new AppError('invalid_credentials', { cause: error })
      throw error
    }
  }
}

function tooLarge(): never {
  throw new AppError('payload_too_large')
}
