/** A call by the app, written by hand: nothing in it is normalised on the way. */
import type { Browser } from './stand'

export interface RawCall {
  method?: string
  /** Header lines beside, or between, those that every call of the app has. */
  lines?: readonly string[]
  /** Left out of those, by name in lower case. */
  without?: readonly string[]
  /** With its length stated; use `lines` and `tail` for another framing. */
  body?: string
  /** Behind the headers as it is. */
  tail?: string
}

/** The bytes of one request, in latin1, after which the connection is to be closed. */
export function rawCall(browser: Browser, target: string, call: RawCall = {}): string {
  const { method = 'GET', lines = [], without = [], body, tail = '' } = call
  const own = [
    'Host: app.example',
    'X-Latchkey: 1',
    'Sec-Fetch-Site: same-origin',
    `Cookie: ${browser.header()}`,
    ...(body === undefined ? [] : [`Content-Length: ${Buffer.byteLength(body, 'latin1')}`]),
    'Connection: close',
  ].filter((line) => !without.some((name) => line.toLowerCase().startsWith(`${name}:`)))
  return `${method} ${target} HTTP/1.1\r\n${[...own, ...lines].join('\r\n')}\r\n\r\n${body ?? ''}${tail}`
}
