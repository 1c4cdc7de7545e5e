import { decodeJwt } from 'jose'
import { text } from '../answer'
import type { Answer, RedirectProvider } from '../provider'

/**
 * Quirks: one host per customer; the client id is repeated as `resource_id`; no `redirect_uri` in the
 * exchange; the document shows the callback without `state`; tokens last 899 s; nothing names the
 * person but, where a deployment says which, a claim of the access token.
 */
export const gearcode = {
  id: 'gearcode',
  name: 'GearCode',
  source: 'GearCode GC.AUTH, "help-user-access" (Polish)',
  origin: 'https://auth.gearcode.eu',
  settings: { SUBJECT_CLAIM: 'word' },
  authorize: { url: '/oauth/authorize' },
  exchange: {
    url: '/oauth/token',
    auth: 'post',
    params: ({ clientId }) => ({ resource_id: clientId, redirect_uri: undefined }),
  },
  refresh: {
    url: '/oauth/token',
    auth: 'post',
    params: ({ clientId }) => ({ resource_id: clientId }),
  },
  api: { paths: [], elsewhere: true },
  switches: {
    SEND_REDIRECT_URI: {
      exchange: {
        url: '/oauth/token',
        auth: 'post',
        params: ({ clientId }) => ({ resource_id: clientId }),
      },
    },
    STATELESS: { dropsState: true },
    PKCE: { pkce: true },
  },
  person: ({ access_token }, { settings }) => {
    const subject = text(claimsOf(access_token)[settings.SUBJECT_CLAIM ?? ''])
    return { subject: subject ?? null, label: subject ?? 'GearCode user' }
  },
} satisfies RedirectProvider

/** The claims, if the token is a JWT: it came over TLS from the token endpoint (OIDC Core §3.1.3.7). */
function claimsOf(token: unknown): Answer {
  try {
    return decodeJwt(String(token))
  } catch {
    return {} // an opaque token names nobody
  }
}
