import { inTime, usualBodyWaits, type BodyWaits } from './body-limit'
import type { Patience } from './patience'

/** Bytes of a request that are kept until it is answered, in case it has to be sent again. */
const keptAtMost = 64 * 1024

/** What a request carries, on its way to somebody else. */
export interface RequestBody {
  /** Whether it can be sent more than once. */
  isKept: boolean
  /** Bytes that are sent, where whoever sends them has said so. */
  length?: number
  /** Null where there is nothing. While we wait for more of it, nobody's patience runs out. */
  send(patience: Patience): Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>> | null
}

const none: RequestBody = { isKept: true, send: () => null }

/**
 * A short body is read whole; any other is passed on as it arrives, and is gone then. Throws
 * `request_timeout` where the sender pauses for too long.
 */
export async function readBody(
  request: Request,
  { pause, whole }: BodyWaits = usualBodyWaits,
): Promise<RequestBody> {
  // Asking for a body that cannot be there makes one on Node, at some cost.
  if (request.method === 'GET' || request.method === 'HEAD') return none
  const stated = request.headers.get('content-length')
  const length = stated === null ? undefined : Number(stated)
  if (length === 0) return none
  if (length !== undefined && length <= keptAtMost) {
    const bytes = new Uint8Array(await inTime(request.arrayBuffer(), whole))
    return { isKept: true, send: () => bytes }
  }
  if (!request.body) return none
  const reader = request.body.getReader()
  // Without a length there may be nothing: Node hands out an empty stream for a DELETE.
  const first = await inTime(reader.read(), pause)
  if (first.done) return none
  return {
    isKept: false,
    ...(length === undefined ? {} : { length }),
    send: (patience) => onward(first.value, reader, patience, pause),
  }
}

function onward(
  first: Uint8Array<ArrayBuffer>,
  reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>,
  patience: Patience,
  pause: number,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(first)
    },
    async pull(controller) {
      patience.pause()
      const { done, value } = await inTime(reader.read(), pause)
      patience.goOn()
      if (done) controller.close()
      else controller.enqueue(value)
    },
    cancel: (reason) => reader.cancel(reason),
  })
}
