import { isAnswer, text } from '../answer'
import type { Answer } from '../provider'
import { Refusal } from './refusal'

/** Bytes of an answer that are read: ten times the largest documented one. */
const sizeLimit = 1024 * 1024

/**
 * Reads a provider's answer as a JSON object, or throws what it refused with. An answer counts as a
 * refusal by its HTTP status, by a `status` in the body that disagrees (Seznam), or by an `error` in
 * a body sent with 200 (onesait). An empty answer is an empty object; anything but JSON is refused.
 */
export async function readAnswer(
  response: Response,
  now: number,
  {
    bodiless = false,
    sent = [],
  }: { bodiless?: boolean | undefined; sent?: readonly string[] } = {},
): Promise<Answer> {
  if (bodiless && response.ok) {
    await response.body?.cancel()
    // A page is what another server answers.
    if (/html/i.test(response.headers.get('content-type') ?? ''))
      throw new Refusal(response.status, 'not_json')
    return {}
  }
  const body = await readText(response)
  const json = isJson(response) ? parse(body) : undefined
  const refusedAs = refusalStatus(response, json)
  if (refusedAs !== undefined)
    throw new Refusal(
      refusedAs,
      wordOf(json, sent),
      retryAfterOf(response.headers.get('retry-after'), now),
    )
  if (body === '') return {}
  if (!json) throw new Refusal(response.status, 'not_json')
  return json
}

function refusalStatus(response: Response, json: Answer | undefined): number | undefined {
  if (!response.ok) return response.status
  const stated = Number(json?.status)
  if (Number.isInteger(stated) && stated >= 400 && stated <= 599) return stated
  if (json?.error !== undefined && json.error !== null) return response.status
  return undefined
}

/** The error word, wherever this server keeps it: RFC 6749 §5.2, KonPro's objects and numbers, Seznam's message. */
function wordOf(json: Answer | undefined, sent: readonly string[]): string | undefined {
  if (!json) return undefined
  const { error, code, message, path } = json
  // Spring Boot's own error page: the request was wrong in itself, whatever its `error` says.
  if (typeof path === 'string' && typeof json.status === 'number') return 'request_refused'
  const word = isAnswer(error) ? text(error.code) : (text(error) ?? text(code) ?? text(message))
  // Words and short numbers only: a token in its place must not reach the log.
  const isWord =
    word !== undefined && word.length <= 64 && /^([A-Za-z]+([_-][A-Za-z]+)*|\d{1,9})$/.test(word)
  // A password can be made of letters alone: what repeats the request is no word either.
  if (isWord && !sent.includes(word)) return word
  return typeof json.error_description === 'string' ? 'described' : 'unnamed'
}

/** Seconds, from delta-seconds or a date (RFC 9110 §10.2.3), held to an hour. */
function retryAfterOf(header: string | null, now: number): number | undefined {
  // Date.parse takes nearly anything for a date, such as "-5".
  if (header === null || !/^(\d+$|[A-Z][a-z]{2}, )/.test(header)) return undefined
  const seconds = /^\d+$/.test(header)
    ? Number(header)
    : Math.ceil((Date.parse(header) - now) / 1000)
  return Number.isNaN(seconds) ? undefined : Math.min(Math.max(seconds, 1), 3600)
}

function isJson(response: Response): boolean {
  const type = response.headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  return type === 'application/json' || type.endsWith('+json')
}

function parse(body: string): Answer | undefined {
  try {
    if (isDeep(body)) return undefined
    const value: unknown = JSON.parse(body)
    return isAnswer(value) ? value : undefined
  } catch {
    return undefined // not JSON whatever its content type says; the caller refuses it
  }
}

/** The body's text, counted as it arrives: a length header can lie and a small archive can unfold. */
async function readText(response: Response): Promise<string> {
  if (!response.body) return ''
  const reader = response.body.getReader()
  const decoder = new TextDecoder()
  let text = ''
  let size = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return text + decoder.decode()
    size += value.byteLength
    if (size > sizeLimit) {
      await reader.cancel()
      throw new Refusal(response.status, 'too_large')
    }
    text += decoder.decode(value, { stream: true })
  }
}

/** Levels of an answer: no document shows ten. What is not bounded here overflows the stack when written again. */
const deepest = 100

function isDeep(body: string): boolean {
  let depth = 0
  for (const [sign] of body.matchAll(/"(?:[^"\\]|\\.)*"?|[[{\]}]/gs)) {
    if (sign === '[' || sign === '{') depth++
    else if (sign === ']' || sign === '}') depth--
    if (depth > deepest) return true
  }
  return false
}
