import type { Patience } from './patience'

/** Bytes of a request that are kept until it is answered, in case it has to be sent again. */
const keptAtMost = 64 * 1024

/** What a request carries, on its way to somebody else. */
export interface RequestBody {
  /** Whether it can be sent more than once. */
  isKept: boolean
  /** For `fetch`; null where there is nothing. While we wait for more of it, nobody's patience runs out. */
  send(patience: Patience): BodyInit | null
}

/** A short body is read whole; any other is passed on as it arrives, and is gone then. */
export async function readBody({ body, headers }: Request): Promise<RequestBody> {
  const length = Number(headers.get('content-length') ?? NaN)
  if (!body || length === 0) return { isKept: true, send: () => null }
  const reader = body.getReader()
  if (length <= keptAtMost) {
    const pieces: Uint8Array<ArrayBuffer>[] = []
    for (let read = await reader.read(); !read.done; read = await reader.read())
      pieces.push(read.value)
    return { isKept: true, send: () => new Blob(pieces) }
  }
  // Without a length there may be nothing: Node hands out an empty stream for a DELETE.
  const first = await reader.read()
  if (first.done) return { isKept: true, send: () => null }
  return { isKept: false, send: (patience) => onward(first.value, reader, patience) }
}

function onward(
  first: Uint8Array<ArrayBuffer>,
  reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>,
  patience: Patience,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(first)
    },
    async pull(controller) {
      patience.pause()
      const { done, value } = await reader.read()
      patience.goOn()
      if (done) controller.close()
      else controller.enqueue(value)
    },
    cancel: (reason) => reader.cancel(reason),
  })
}
