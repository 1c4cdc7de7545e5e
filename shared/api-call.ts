/** What passes between the app and a provider's API, in either custody. What is not listed stays behind. */

import type { Provider } from './provider'

export const apiMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const

/** Which of them a provider's API takes. */
export function methodsOf({ api }: Pick<Provider, 'api'>): readonly string[] {
  return api ? (api.methods ?? apiMethods) : []
}

/** Of the request. Nothing that says who or where the caller is: the token does (RFC 9700 §4.13). */
export const headersOfRequests = [
  'accept',
  'accept-language',
  'content-encoding',
  'content-language',
  'content-type',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'range',
]

/**
 * Of the answer. Nothing that gives orders to the browser: no cookie, address, policy or login
 * prompt, and no `Link`, which preloads.
 */
export const headersOfAnswers = [
  'accept-ranges',
  'allow',
  'content-disposition',
  'content-language',
  'content-length',
  'content-range',
  'content-type',
  'etag',
  'last-modified',
  'retry-after',
]

/** What is asked for where the app leaves it open: some providers want to be asked for JSON. */
export const jsonFirst = 'application/json, */*;q=0.5'
