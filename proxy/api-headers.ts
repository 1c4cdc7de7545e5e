/** Which headers pass between the app and a provider's API. What is not listed here stays behind. */

/** Of the request. Nothing that says who or where the caller is: the token does (RFC 9700 §4.13). */
const ofRequests = [
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
const ofAnswers = [
  'accept-ranges',
  'allow',
  'content-disposition',
  'content-language',
  'content-range',
  'content-type',
  'etag',
  'last-modified',
  'retry-after',
]

const openToAll = 'application/json, */*;q=0.5'

/** What of them a script on another origin must name to send. */
export const requestHeadersToAllow = ofRequests.filter((name) => !/^accept|language$/.test(name))

/** What of them a script on another origin may read only where it is exposed. */
export const answerHeadersToExpose = ofAnswers.filter(
  (name) => !['content-language', 'content-type', 'last-modified'].includes(name),
)

/** The headers of an app's request that its provider gets, beside the token. */
export function towardsProvider(headers: Headers): Headers {
  const outgoing = picked(headers, ofRequests)
  // What browsers send by themselves leaves it open; some providers want to be asked for JSON.
  if ((outgoing.get('accept') ?? '*/*') === '*/*') outgoing.set('accept', openToAll)
  return outgoing
}

/** The headers of a provider's answer that the app gets, beside our own. */
export function towardsApp(headers: Headers): Headers {
  // What is left of an encoded answer's length once it is decoded: nothing.
  const isAsSent = !headers.has('content-encoding')
  return picked(headers, isAsSent ? [...ofAnswers, 'content-length'] : ofAnswers)
}

function picked(headers: Headers, names: readonly string[]): Headers {
  const entries = names.flatMap((name) => {
    const value = headers.get(name)
    return value === null ? [] : [[name, value] as [string, string]]
  })
  return new Headers(entries)
}
