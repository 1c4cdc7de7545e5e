import { headersOfAnswers, headersOfRequests, jsonFirst } from '../shared/api-call'
import type { Secret } from '../shared/secret'
import { sandboxPolicy } from './headers'
import { shows } from './mask'
import type { UpstreamAnswer } from './upstream'

/** Which headers pass between the app and a provider's API. What is not listed here stays behind. */

/** What of them a script on another origin must name to send. */
export const requestHeadersToAllow = headersOfRequests.filter(
  (name) => !/^accept|language$/.test(name),
)

/** What of them a script on another origin may read only where it is exposed. */
export const answerHeadersToExpose = headersOfAnswers.filter(
  (name) => !['content-language', 'content-length', 'content-type', 'last-modified'].includes(name),
)

/** The headers of an app's request that its provider gets, beside the token. */
export function towardsProvider(headers: Headers): Headers {
  const outgoing = new Headers({ 'accept-encoding': 'identity', 'user-agent': 'latchkey' })
  const own = forNextHop(headers.get('connection'))
  for (const name of headersOfRequests) {
    const value = headers.get(name)
    if (value !== null && !own.has(name)) outgoing.set(name, value)
  }
  // What browsers send by themselves leaves it open; some providers want to be asked for JSON.
  if ((outgoing.get('accept') ?? '*/*') === '*/*') outgoing.set('accept', jsonFirst)
  return outgoing
}

/** Headers that are for us alone, and end here (RFC 9110 §7.6.1). */
function forNextHop(connection: string | null): ReadonlySet<string> {
  return new Set(connection?.toLowerCase().split(/[\s,]+/))
}

/** What a header may hold: no controls, and no more than a byte each. */
const sendable = /^[\t\x20-\x7e\x80-\xff]*$/

/**
 * The headers of a provider's answer that the app gets, beside our own. A value that shows the token is
 * left out. What a browser could take for a page or run is for saving only, in no origin of ours.
 */
export function towardsApp(request: Request, answer: UpstreamAnswer, secret: Secret): Headers {
  const headers = new Headers({ 'content-security-policy': sandboxPolicy })
  const own = forNextHop(answer.header('connection'))
  for (const name of headersOfAnswers) {
    const value = answer.header(name)
    if (value === null || own.has(name)) continue
    if (sendable.test(value) && !shows(value, secret.reveal())) headers.set(name, value)
  }
  // None states the length of a body (RFC 9110 §8.6) that is not sent: whoever believed it would take the next answer for one.
  if (answer.status === 204) headers.delete('content-length')
  // Some readers expect a body of this one, and some do not: with this they agree.
  if (answer.status === 205) headers.set('content-length', '0')
  // A Response with such a status has no body.
  if ([204, 205, 304].includes(answer.status)) return headers
  const type = headers.get('content-type')
  // Some servers of ours would call it text.
  if (type === null) headers.set('content-type', 'application/octet-stream')
  if (!isHarmless(type) || isNavigation(request.headers))
    headers.set('content-disposition', forSaving(headers.get('content-disposition')))
  return headers
}

/** Data, text, pictures, sound: what a browser shows without taking orders from it. */
const harmless =
  /^(?:application\/(?:json|[\w.-]+\+json|x-ndjson|octet-stream)|text\/(?:plain|csv|event-stream)|(?:image|audio|video)\/[\w.-]+)\s*(?:;|$)/i

function isHarmless(type: string | null): boolean {
  return type !== null && harmless.test(type)
}

/** Where a browser shows things by themselves, as a page or in one. */
const shown = ['document', 'iframe', 'frame', 'fencedframe', 'embed', 'object']

/** A browser that says nothing of what it asks for has come by a ticket: only scripts add our header. */
function isNavigation(headers: Headers): boolean {
  const destination = headers.get('sec-fetch-dest')
  return destination === null
    ? !headers.has('x-latchkey')
    : shown.includes(destination) || headers.get('sec-fetch-mode') === 'navigate'
}

/** As it was where it names a file; a name is what people look for. */
function forSaving(disposition: string | null): string {
  const [, rest] = /^[^;]*(;.*\bfilename\*?=.*)$/i.exec(disposition ?? '') ?? []
  return `attachment${rest ?? ''}`
}
