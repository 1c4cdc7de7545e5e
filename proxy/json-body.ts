import { AppError } from '../shared/failure'

/**
 * The JSON that a request carries, of at most so many bytes, counted as they come. Only a body that says
 * it is JSON: any other kind a form or a beacon of another site could send. Throws `payload_too_large`
 * or `invalid_request`.
 */
export async function readJson(request: Request, most: number): Promise<unknown> {
  if (!/^application\/json\s*(?:;|$)/i.test(request.headers.get('content-type') ?? ''))
    throw new AppError('invalid_request')
  if (Number(request.headers.get('content-length') ?? 0) > most)
    throw new AppError('payload_too_large')
  const bytes = await readAtMost(request.body, most)
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown
  } catch {
    // Without the cause, which quotes what it could not read: a password, perhaps.
    throw new AppError('invalid_request')
  }
}

async function readAtMost(body: Request['body'], most: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(most)
  let length = 0
  const reader = body?.getReader()
  for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) {
    if (length + read.value.length > most) {
      void reader?.cancel().catch(() => undefined)
      throw new AppError('payload_too_large')
    }
    bytes.set(read.value, length)
    length += read.value.length
  }
  return bytes.subarray(0, length)
}
