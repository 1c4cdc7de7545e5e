import { Hono, type Context } from 'hono'
import { AppError } from '../../shared/failure'
import { loginLifetime } from '../../shared/oauth/authorize'
import { readCallback } from '../../shared/oauth/callback'
import { exchange } from '../../shared/oauth/exchange'
import { isRedirect } from '../../shared/provider'
import type { Parts, ProxyEnv } from '../parts'
import { signInFailed } from '../request-log'
import { locationOf, returnPath, withError } from '../return-path'
import { takeLogin, takeLogout, takeOnlyLogin, usedKey, type PendingLogin } from '../session/logins'
import { begin } from '../session/begin'

/** A login whose callback names no state is guarded by little else than its age. */
const silentLifetime = 2 * 60 * 1000

/**
 * `GET /bff/callback/:provider`: the provider's redirect URI. It always answers with a redirect into
 * the app: signed in, or with the reason why not.
 */
export function callbackRoute(parts: Parts) {
  const { config, ports, seal, ledger, log } = parts

  return new Hono<ProxyEnv>().get('/', async (c) => {
    const { provider } = c.get('offer')
    const parameters = new URL(c.req.url).searchParams
    const isLogoutLanding = provider.logout && !parameters.has('code') && !parameters.has('error')
    if (isLogoutLanding && (await takeLogout(c.get('jar'), provider.id, seal))) return home(c, '/')

    const login = isAmbiguous(parameters) ? undefined : await findLogin(c, parameters)
    const path = returnPath(login?.returnTo, config.webOrigin)
    try {
      await signIn(c, login, parameters)
      return home(c, path)
    } catch (error) {
      const { code } = signInFailed(c, error, log)
      return home(c, withError(path, code, provider.id))
    }
  })

  function home(c: Context<ProxyEnv>, path: string): Response {
    return c.redirect(locationOf(path, config.publicOrigin, config.webOrigin), 303)
  }

  async function findLogin(c: Context<ProxyEnv>, parameters: URLSearchParams) {
    const { provider } = c.get('offer')
    const state = parameters.get('state')
    if (state !== null) return await takeLogin(c.get('jar'), provider.id, state, seal)
    return isRedirect(provider) && provider.dropsState
      ? await takeOnlyLogin(c.get('jar'), provider.id, seal)
      : undefined
  }

  async function signIn(
    c: Context<ProxyEnv>,
    login: PendingLogin | undefined,
    parameters: URLSearchParams,
  ): Promise<void> {
    const { registration } = c.get('offer')
    if (!registration) throw new AppError('provider_off')
    // A parameter given twice may be read in two ways: it answers no login, and uses none up.
    if (isAmbiguous(parameters)) throw new AppError('login_forged')
    const state = login?.state ?? parameters.get('state') ?? ''
    const key = usedKey(state)
    if (!login) {
      // Known here as used: this browser, or another, came back with it before.
      const isNew = state === '' || (await ledger.isUnused(key))
      throw new AppError(isNew ? 'login_forged' : 'login_expired')
    }
    const age = ports.now() - login.issuedAt
    const mayTake = parameters.has('state') ? loginLifetime : silentLifetime
    if (age > mayTake || !(await ledger.useOnce(key, login.issuedAt + 2 * loginLifetime)))
      throw new AppError('login_expired')
    const callback = readCallback(registration, login, parameters)
    const grant = await exchange(registration, login, callback, ports)
    await begin(c, registration, grant, parts)
    if (login.previous) await ledger.signOut(login.previous)
  }
}

function isAmbiguous(parameters: URLSearchParams): boolean {
  const names = [...parameters.keys()]
  return new Set(names).size !== names.length
}
