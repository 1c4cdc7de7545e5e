import { httpsUrl, joined, text } from '../answer'
import type { RedirectProvider } from '../provider'

/**
 * Quirks: scopes joined by commas, and what was granted comes back as `scopes`; essential scopes
 * travel in `claims`; token and revocation requests are JSON; the body has a `status` of its own;
 * revocation is authorised by the access token, so that token must go last.
 */
export const seznam = {
  id: 'seznam',
  name: 'Seznam',
  source: 'vyvojari.seznam.cz, OAuth documentation and scopes',
  origin: 'https://login.szn.cz',
  scope: { names: ['identity'], separator: ',', essential: true },
  pkce: true,
  authorize: { url: '/api/v1/oauth/auth' },
  exchange: { url: '/api/v1/oauth/token', auth: 'post', body: 'json' },
  refresh: { url: '/api/v1/oauth/token', auth: 'post', body: 'json' },
  profile: { url: '/api/v1/user' },
  revoke: {
    url: '/api/v1/oauth/revoke',
    auth: 'bearer',
    body: 'json',
    tokens: ['refresh', 'access'],
  },
  api: { paths: ['/api/v1/user'] },
  person: ({ oauth_user_id, account_name, email, firstname, lastname, avatar_url }) => ({
    // The one persistent identifier; account name and e-mail are labels that can change or be null.
    subject: text(oauth_user_id) ?? null,
    label: text(account_name) ?? text(email),
    name: joined(firstname, lastname),
    email: text(email),
    picture: httpsUrl(avatar_url),
  }),
} satisfies RedirectProvider
