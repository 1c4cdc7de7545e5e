/** Other ways to write a path, each of which some server takes for the path itself. */

/** Every route, by a method that it takes; `?` begins what is not part of the path. */
export const routes = [
  'GET /bff/providers',
  'GET /bff/login/onet',
  'POST /bff/login/onesait',
  'GET /bff/callback/onet?code=a&state=b',
  'GET /bff/session',
  'DELETE /bff/session',
  'GET /bff/accounts/onesait',
  'DELETE /bff/accounts/onesait',
  'GET /bff/accounts/onet/profile',
  'POST /bff/accounts/onesait/refresh',
  'POST /bff/accounts/onesait/check',
  'POST /bff/accounts/onesait/revoke',
  'POST /bff/tickets/onesait',
  'GET /bff/api/onesait/oauth-server/oidc/userinfo',
  'POST /bff/api/onesait/oauth-server/oidc/userinfo',
  'GET /healthz',
  'GET /readyz',
] as const

/** What needs no header: the two navigations, and what is not about anybody. */
export function isOpen(route: string): boolean {
  return /^GET \/(?:bff\/(?:login|callback)\/|healthz|readyz)/.test(route)
}

/** A path, and ways to write it that are not the path itself. */
export function otherWays(path: string): string[] {
  const [, first = '', rest = ''] = /^\/([^/?]+)\/?(.*)$/.exec(path) ?? []
  const [below = '', query = ''] = rest.split('?')
  const tail = query === '' ? '' : `?${query}`
  const end = (more: string) => `/${first}${below && `/${below}`}${more}${tail}`
  const between = (glue: string) => `/${first}${glue}${below}${tail}`
  const encode = (text: string, at: number) =>
    text.slice(0, at) + `%${text.charCodeAt(at).toString(16)}` + text.slice(at + 1)
  const full = `${first}${below && `/${below}`}`
  const last = full.length - 1
  return [
    `/${path}`,
    `//${path}`,
    `/.${path}`,
    `/x/..${path}`,
    `/%2e${path}`,
    `/x/%2e%2e${path}`,
    `/%2f${full}${tail}`,
    `/%5c${full}${tail}`,
    `\\${full.replaceAll('/', '\\')}${tail}`,
    `/${full.toUpperCase()}${tail}`,
    `/${first.toUpperCase()}${below && `/${below}`}${tail}`,
    `/${encode(full, 0)}${tail}`,
    `/${encode(full, last)}${tail}`,
    `/${encode(full, last).replace('%', '%25')}${tail}`,
    `/${full.replace(/[^/]/g, (letter) => encode(letter, 0))}${tail}`,
    ...['/', '//', '%2f', '%2F', '%5c', '\\', '/.', '/./', '/..', '/x/..', '/%2e', '/%2e%2e'].map(
      end,
    ),
    ...[
      ';',
      ';x',
      '%3b',
      '.json',
      '.',
      '%00',
      '%20',
      '%0a',
      '%09',
      '%23',
      '%3f',
      '%ff',
      '#',
      '?',
    ].map(end),
    ...['/..;/', '/%c0%af', '/%e0%80%af', '%ef%bc%8f', '\u00a0'].map(end),
    ...(below === ''
      ? []
      : [
          '//',
          '\\',
          '/./',
          '/x/../',
          '/%2e/',
          '/x/%2e%2e/',
          '%2f',
          '%5c',
          ';x/',
          '%00/',
          '/;/',
          '/ /',
        ].map(between)),
  ]
}
