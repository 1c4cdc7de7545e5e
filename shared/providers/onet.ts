import { text } from '../answer'
import type { RedirectProvider } from '../provider'

/**
 * Quirks: sign-in begins at an SSO check that knows no `response_type` and may want its redirect URI
 * spelt differently from the token request's; the Basic header carries id and secret as they are;
 * data and revocation want `client_id` beside the bearer; an expired bearer is a 400, not a 401;
 * only the access token can be revoked, by GET; sign-out is a redirect that comes back without `code`.
 */
export const onet = {
  id: 'onet',
  name: 'Onet Konto',
  source: 'Onet Konto, "Integrate with Onet Konto"; developer.okonto.pl',
  origin: 'https://connect.okonto.pl',
  front: { origin: 'https://konto.onet.pl', variable: 'SSO_URL' },
  settings: { SSO_REDIRECT_URI: 'redirect' },
  authorize: {
    url: '/checkSSO/login.html',
    front: true,
    params: ({ settings, redirectUri }) => ({
      response_type: undefined,
      redirect_uri: settings.SSO_REDIRECT_URI ?? redirectUri,
    }),
  },
  exchange: { url: '/oauth2/token', auth: 'basic' },
  refresh: { url: '/oauth2/token', auth: 'basic' },
  profile: {
    url: '/resources/userinfo',
    params: ({ clientId }) => ({ client_id: clientId }),
    expired: 400,
  },
  revoke: {
    url: '/oauth2/revoke',
    method: 'GET',
    auth: 'bearer',
    bodiless: true,
    params: ({ clientId }) => ({
      client_id: clientId,
      token: undefined,
      token_type_hint: undefined,
    }),
    tokens: ['access'],
  },
  logout: {
    url: '/checkSSO/logout.html',
    front: true,
    params: ({ clientId }) => ({ client_id: clientId }),
  },
  api: {
    paths: ['/resources/userinfo', '/external/profile'],
    params: ({ clientId }) => ({ client_id: clientId }),
    expired: 400,
  },
  namedBy: 'profile',
  switches: {
    // The authorization page: the authorize endpoint does the SSO check itself, in standard terms.
    DIRECT: { authorize: { url: '/oauth2/authorize' } },
    PKCE: { pkce: true },
  },
  person: ({ sub, email }) => ({ subject: text(sub) ?? null, email: text(email) }),
} satisfies RedirectProvider
