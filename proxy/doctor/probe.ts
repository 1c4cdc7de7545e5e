import { AppError } from '../../shared/failure'
import { authorize } from '../../shared/oauth/authorize'
import { callLimit, type Ports } from '../../shared/oauth/ports'
import { Refusal } from '../../shared/oauth/refusal'
import { refresh } from '../../shared/oauth/refresh'
import type { Tokens } from '../../shared/oauth/tokens'
import { isRedirect, type Registration } from '../../shared/provider'
import { Secret } from '../../shared/secret'

/** One thing the doctor looked at. A fault always comes with its fix; no value is ever quoted. */
export interface Finding {
  level: 'ok' | 'note' | 'fault'
  /** A provider's id, or the ledger. */
  about: string
  finding: string
  fix?: string
}

/**
 * Looks at one provider from outside as our users' logins would: is the login page there and does it
 * know our client, and does the token endpoint accept our credentials. Nothing is signed in and no
 * token is spent: the refresh token it sends is made up.
 */
export async function probe(registration: Registration, ports: Ports): Promise<Finding[]> {
  return [...(await probeLogin(registration, ports)), await probeToken(registration, ports)]
}

async function probeLogin(registration: Registration, ports: Ports): Promise<Finding[]> {
  const { provider, redirectUri } = registration
  if (!isRedirect(provider)) return []
  const { url } = await authorize(registration, ports.now())
  const about = { about: provider.id }
  const register: Finding = {
    ...about,
    level: 'note',
    finding: `the redirect URI to register at ${provider.name} is ${redirectUri}`,
  }
  try {
    const response = await ports.fetch(url, {
      redirect: 'manual',
      signal: AbortSignal.timeout(ports.timeLimit ?? callLimit),
    })
    await response.body?.cancel()
    return [register, judgeLogin(registration, url.origin, response.status)]
  } catch {
    return [register, unreachable(registration, url.origin, originVariable(registration, true))]
  }
}

function judgeLogin({ provider }: Registration, origin: string, status: number): Finding {
  const about = { about: provider.id }
  if (status < 400) return { ...about, level: 'ok', finding: `the login page at ${origin} answers` }
  const id = `${provider.id.toUpperCase()}_CLIENT_ID`
  return status === 404
    ? {
        ...about,
        level: 'fault',
        finding: `there is no login page at ${origin}`,
        fix: `set ${provider.id.toUpperCase()}_${provider.front?.variable ?? 'URL'} to the provider's address`,
      }
    : {
        ...about,
        level: 'fault',
        finding: `the login page at ${origin} refuses our request with status ${status}`,
        fix: `check ${id}, and that the redirect URI above is registered there, byte for byte`,
      }
}

async function probeToken(registration: Registration, ports: Ports): Promise<Finding> {
  const { provider, endpoints } = registration
  const about = { about: provider.id }
  const prefix = provider.id.toUpperCase()
  const origin = new URL(endpoints.refresh ?? '').origin
  const madeUp: Tokens = {
    scheme: 'bearer',
    accessToken: new Secret('latchkey-doctor'),
    refreshToken: new Secret('latchkey-doctor'),
    expiresAt: null,
    scope: [],
  }
  try {
    await refresh(registration, madeUp, ports)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    const refusal = error.cause instanceof Refusal ? error.cause : undefined
    if (error.code === 'session_ended')
      return {
        ...about,
        level: 'ok',
        finding: `the token endpoint at ${origin} accepts our credentials`,
      }
    if (error.code === 'provider_unreachable' || error.code === 'provider_timeout')
      return unreachable(registration, origin, `${prefix}_URL`)
    if (refusal?.word === undefined || refusal.word === 'not_json')
      return {
        ...about,
        level: 'fault',
        finding: `what answers at ${origin} is no token endpoint${statusOf(refusal)}`,
        fix: `set ${prefix}_URL to the provider's API host, which may differ from its login page's`,
      }
    return {
      ...about,
      level: 'fault',
      finding: `the token endpoint at ${origin} refuses our credentials (${refusal.word})`,
      fix: registration.clientSecret
        ? `check ${prefix}_CLIENT_ID and ${prefix}_CLIENT_SECRET for typing and pasting errors`
        : `check ${prefix}_CLIENT_ID for typing and pasting errors`,
    }
  }
  return {
    ...about,
    level: 'fault',
    finding: `the token endpoint at ${origin} gave tokens for a made-up refresh token`,
    fix: `check ${prefix}_URL: this is not the provider`,
  }
}

function statusOf(refusal: Refusal | undefined): string {
  return refusal === undefined ? '' : ` (status ${refusal.status})`
}

function unreachable({ provider }: Registration, origin: string, variable: string): Finding {
  return {
    level: 'fault',
    about: provider.id,
    finding: `${origin} cannot be reached from here`,
    fix: `check ${variable}, the network, and any proxy or firewall between`,
  }
}

function originVariable({ provider }: Registration, front: boolean): string {
  const suffix = front && provider.front ? provider.front.variable : 'URL'
  return `${provider.id.toUpperCase()}_${suffix}`
}
