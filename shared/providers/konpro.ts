import { answer, text } from '../answer'
import type { RedirectProvider } from '../provider'

/**
 * Quirks: people visit one host, programs call another; a public client with PKCE; the refresh has
 * its own URL; errors are strings at the token endpoints and objects at the API; the account comes
 * bare or as `{code, data}` with 100 for success; an API token may stand in for the bearer.
 */
export const konpro = {
  id: 'konpro',
  name: 'KonPro',
  source: 'docs.konpro.ai, "Connecting Your App to KonPro with OAuth 2.0"',
  origin: 'https://api.konpro.ai',
  front: { origin: 'https://app.konpro.ai', variable: 'APP_URL' },
  custody: 'browser',
  pkce: true,
  authorize: { url: '/oauth/authorize', front: true },
  exchange: { url: '/v1/oauth/token', auth: 'public' },
  refresh: { url: '/v1/oauth/refresh_token', auth: 'public' },
  profile: { url: '/v1/pacific/account.get', envelope: { ok: 100 } },
  apiToken: { header: 'X-API-KEY' },
  api: { paths: ['/v1'] },
  namedBy: 'profile',
  switches: {
    // Other clients of this kind of server refresh at the token URL.
    REFRESH_AT_TOKEN: { refresh: { url: '/v1/oauth/token', auth: 'public' } },
  },
  person: ({ user }) => {
    const { username, email } = answer(user)
    // No stable identifier is documented; the user name is one where it is sent, an e-mail never.
    return { subject: text(username) ?? null, email: text(email) }
  },
} satisfies RedirectProvider
