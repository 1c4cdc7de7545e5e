import { AppError } from '../shared/failure'
import { inTime, usualBodyWaits, type BodyWaits } from './body-limit'

/** What JSON is called: by itself, by `fetch` where it is handed a string, by nobody. */
const mayBeJson = /^(?:application\/json\s*(?:;.*)?|text\/plain(?:\s*;\s*charset=[\w-]+)?)?$/i

/**
 * The JSON that a request carries, of at most so many bytes, counted as they come. What says that it is
 * something else, such as a form, is not looked at. Throws `payload_too_large`,
 * `request_timeout` or `invalid_request`.
 */
export async function readJson(
  { body, headers }: Request,
  most: number,
  waits: BodyWaits = usualBodyWaits,
): Promise<unknown> {
  if (!mayBeJson.test(headers.get('content-type') ?? '')) throw new AppError('invalid_request')
  // It need not even come.
  if (Number(headers.get('content-length') ?? 0) > most) throw new AppError('payload_too_large')
  const bytes = await readAtMost(body, most, waits)
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown
  } catch {
    // Without the cause, which quotes what it could not read: a password, perhaps.
    throw new AppError('invalid_request')
  }
}

async function readAtMost(
  body: Request['body'],
  most: number,
  { pause, whole }: BodyWaits,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(most)
  const reader = body?.getReader()
  const end = performance.now() + whole
  const next = () => reader && inTime(reader.read(), Math.min(pause, end - performance.now()))
  let length = 0
  try {
    for (let read = await next(); read && !read.done; read = await next()) {
      if (length + read.value.length > most) throw new AppError('payload_too_large')
      bytes.set(read.value, length)
      length += read.value.length
    }
  } catch (cause) {
    void reader?.cancel().catch(() => undefined)
    // Whoever went away in the middle is told nothing.
    throw cause instanceof AppError ? cause : new AppError('invalid_request', { cause })
  }
  return bytes.subarray(0, length)
}
