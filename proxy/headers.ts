import type { Config } from './config'

/** Headers of every answer, errors and pages included (OWASP ASVS 5, V3.4). */
export function commonHeaders({ publicOrigin, webOrigin }: Config): Record<string, string> {
  return {
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': publicOrigin === webOrigin ? 'same-origin' : 'same-site',
    'permissions-policy': 'camera=(), geolocation=(), microphone=()',
    'x-frame-options': 'DENY',
    ...(publicOrigin.startsWith('https:')
      ? { 'strict-transport-security': 'max-age=31536000' }
      : {}),
  }
}

/** For answers that are data: nothing in them may run or be framed. */
export const dataPolicy = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"

/** For the app's pages: own files only, and the hosts that browser custody calls. */
export function pagePolicy({ publicOrigin, webOrigin, offers }: Config): string {
  const called = [...offers.values()].flatMap(({ registration, custody, apiOrigin }) =>
    registration && custody === 'browser'
      ? [...Object.values(registration.endpoints), ...(apiOrigin ? [apiOrigin] : [])].map(
          (url) => new URL(url).origin,
        )
      : [],
  )
  const proxy = publicOrigin === webOrigin ? [] : [publicOrigin]
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' https:",
    `connect-src ${["'self'", ...new Set([...proxy, ...called])].join(' ')}`,
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    'trusted-types svelte-trusted-html',
  ].join('; ')
}
