import { answer, text, texts } from '../answer'
import type { PasswordProvider } from '../provider'

/**
 * Quirks: the only documented grant is the password (RFC 6749 §4.3), with the client id repeated as
 * `clientId`; every sign-in of one user holds the same live pair, and a refresh or revocation by one
 * ends the others' tokens; a status says nothing without the body's `error`; revocation answers 200
 * whatever happened, takes the token in the query and ends the pair.
 */
export const onesait = {
  id: 'onesait',
  name: 'onesait Platform',
  source: 'onesait Platform wiki, "OAuth2 token management"; onesaitplatform-cloud sources',
  origin: 'https://www.onesaitplatform.online',
  scope: { names: ['openid'] },
  sharedTokens: true,
  password: {
    url: '/oauth-server/oauth/token',
    auth: 'basic',
    params: ({ clientId }) => ({ clientId }),
  },
  refresh: {
    url: '/oauth-server/oauth/token',
    auth: 'basic',
    // An expired refresh token is an `invalid_token` here.
    dead: ['invalid_grant', 'invalid_token'],
    // Its token services know no families of tokens: a spent one is merely not found.
    forgivesReplay: true,
  },
  check: {
    url: '/oauth-server/oauth/check_token',
    auth: 'basic',
  },
  revoke: {
    url: '/oauth-server/openplatform-oauth/revoke_token',
    auth: 'basic',
    body: 'query',
    params: () => ({ token_type_hint: undefined }),
    tokens: ['access'],
    endsPair: true,
  },
  api: { paths: ['/oauth-server/oidc/userinfo'] },
  switches: {
    // Servers before Spring Security OAuth 2.3.7 also take the token in the query.
    CHECK_BY_GET: {
      check: {
        url: '/oauth-server/oauth/check_token',
        method: 'GET',
        auth: 'basic',
      },
    },
  },
  person: ({ principal, user_name, name, authorities }) => {
    // Old servers put the whole principal where newer ones put the user's name.
    const userName = text(user_name) ?? text(principal) ?? text(answer(principal).username)
    return { subject: userName ?? text(name) ?? null, authorities: texts(authorities) }
  },
} satisfies PasswordProvider
