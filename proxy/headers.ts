/**
 * The one source of what every answer tells the browser: the proxy's answers, the app's pages and
 * files, and `_headers`, from which static hosts take it.
 */
import type { Config } from './config'

/** Where browsers see what answers. */
type Origins = Pick<Config, 'publicOrigin' | 'webOrigin'>

/** What the app never uses, and no script on it shall (W3C Permissions Policy). */
const closed = [
  'accelerometer',
  'autoplay',
  'browsing-topics',
  'camera',
  'clipboard-read',
  'clipboard-write',
  'compute-pressure',
  'display-capture',
  'encrypted-media',
  'fullscreen',
  'gamepad',
  'geolocation',
  'gyroscope',
  'hid',
  'identity-credentials-get',
  'idle-detection',
  'keyboard-map',
  'local-fonts',
  'magnetometer',
  'microphone',
  'midi',
  'otp-credentials',
  'payment',
  'picture-in-picture',
  'publickey-credentials-create',
  'publickey-credentials-get',
  'screen-wake-lock',
  'serial',
  'storage-access',
  'sync-xhr',
  'unload',
  'usb',
  'window-management',
  'xr-spatial-tracking',
]

/**
 * Headers of every answer, errors and pages included (OWASP ASVS 5, V3.4). The strictest where the
 * origins are not known.
 */
export function commonHeaders(origins?: Origins): Record<string, string> {
  const isOneOrigin = origins === undefined || origins.publicOrigin === origins.webOrigin
  // Over plain http browsers ignore it (RFC 6797 §8.1).
  const isSecure = origins === undefined || origins.publicOrigin.startsWith('https:')
  return {
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': isOneOrigin ? 'same-origin' : 'same-site',
    'permissions-policy': closed.map((feature) => `${feature}=()`).join(', '),
    'x-frame-options': 'DENY',
    ...(isSecure ? { 'strict-transport-security': 'max-age=31536000' } : {}),
  }
}

/** For answers that are data: nothing in them may run or be framed. */
const dataPolicy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** Of answers that are data, unless they say otherwise themselves. */
export function dataHeaders(origins?: Origins): Record<string, string> {
  return {
    ...commonHeaders(origins),
    'content-security-policy': dataPolicy,
    'cache-control': 'no-store',
  }
}

/** Of the app's pages and of its files but the hashed ones, which only differ in how long they are kept. */
export function pageHeaders(config: Config): Record<string, string> {
  return {
    ...commonHeaders(config),
    'content-security-policy': inOneLine(pagePolicy(config)),
    'cache-control': 'no-cache',
  }
}

/** For files whose name is a digest of what they hold. */
export const keptForever = 'public, max-age=31536000, immutable'

/** A content security policy by its directives. */
export type Policy = Record<string, readonly string[]>

/** For what a provider's API answers: even opened as a page it is in no origin of ours. */
export const sandboxPolicy = `${dataPolicy}; sandbox`

/** For the app's pages: own files only, and the hosts that browser custody calls. */
export function pagePolicy({ publicOrigin, webOrigin, offers }: Config): Policy {
  const called = [...offers.values()].flatMap(({ registration, custody, apiOrigin }) =>
    registration && custody === 'browser'
      ? [...Object.values(registration.endpoints), ...(apiOrigin ? [apiOrigin] : [])].map(
          (url) => new URL(url).origin,
        )
      : [],
  )
  const proxy = publicOrigin === webOrigin ? [] : [publicOrigin]
  return {
    'default-src': ["'none'"],
    'script-src': ["'self'"],
    'style-src': ["'self'"],
    // No provider documents the hosts of its people's pictures.
    'img-src': ["'self'", 'https:'],
    'connect-src': ["'self'", ...new Set([...proxy, ...called])],
    'object-src': ["'none'"],
    'worker-src': ["'none'"],
    'base-uri': ["'none'"],
    'form-action': ["'self'"],
    'frame-ancestors': ["'none'"],
    'require-trusted-types-for': ["'script'"],
    'trusted-types': ['svelte-trusted-html'],
  }
}

/** The policy as a header's value. */
export function inOneLine(policy: Policy): string {
  return Object.entries(policy)
    .map(([directive, sources]) => [directive, ...sources].join(' '))
    .join('; ')
}
