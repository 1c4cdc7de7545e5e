import { AppError } from '../shared/failure'
import type { Secret } from '../shared/secret'
import { createMask, type Mask } from './mask'
import { createPatience } from './patience'
import type { RequestBody } from './request-body'

/** One request to a provider's API. */
export interface UpstreamCall {
  /** Whose call it is: nobody else's goes over the same connection, where the runtime leaves us the choice. */
  owner: string
  url: URL
  method: string
  headers: Headers
  body: RequestBody
  /** The access token: covered wherever the answer's body shows it. */
  secret: Secret
  limits: Limits
  /** Aborts when nobody wants the answer any more. */
  signal: AbortSignal
}

/** Milliseconds for which an API is waited for. */
export interface Limits {
  /** Until its answer begins. */
  firstByte: number
  /** Between the bytes of its answer. */
  betweenBytes: number
}

/** What came back, before it is decided what of it passes. */
export interface UpstreamAnswer {
  status: number
  /** By its name in lower case; the body is as these say. */
  header(name: string): string | null
  /** The answer for the app: the body as it arrives, under these headers. */
  respond(headers: Headers): Response
  /** It is read by nobody; what holds it is let go of. */
  drop(): void
}

/**
 * Sends a call, and answers as soon as the answer begins. It follows no redirect. An entry hands in
 * what its runtime does best. Throws `provider_error`, and what `toAppError` takes for the network's.
 */
export type Upstream = (call: UpstreamCall) => Promise<UpstreamAnswer>

/** By the platform's `fetch`. */
export function upstreamBy(send: typeof fetch): Upstream {
  return async ({ url, method, headers, body, secret, limits, signal }) => {
    const patience = createPatience(limits.firstByte, signal)
    const content = body.send(patience)
    try {
      const answer = await send(url, {
        method,
        headers,
        redirect: 'manual',
        signal: patience.signal,
        ...(content === null ? {} : { body: content, duplex: 'half' }),
      })
      const pieces = answer.body && piecesOf(answer.body, limits.betweenBytes)
      const encoding = answer.headers.get('content-encoding')
      try {
        // What cannot be unpacked throws; the rest `fetch` has unpacked.
        if (pieces) encodingOf(answer.status, encoding)
      } catch (error) {
        pieces?.drop()
        throw error
      }
      return {
        status: answer.status,
        header: (name) =>
          name === 'content-length' && isPacked(encoding) ? null : answer.headers.get(name),
        respond: (headers) =>
          new Response(pieces && streamOf(pieces, createMask(secret.reveal())), {
            status: answer.status,
            headers,
          }),
        drop: () => pieces?.drop(),
      }
    } finally {
      patience.end()
    }
  }
}

/** How a body may be encoded so that a token in it can be seen. */
const encodings = ['gzip', 'deflate', 'br'] as const

/** Whether a body comes in another form than the app gets it, so that no stated length is its length. */
export function isPacked(header: string | null): boolean {
  return !['', 'identity'].includes(nameOf(header))
}

function nameOf(header: string | null): string {
  return header?.trim().toLowerCase().replace(/^x-/, '') ?? ''
}

/**
 * How the body of an answer is encoded; undefined where it is as it is. We ask for no encoding, so
 * that is rare. Throws `provider_error` for one that nobody here decodes, and for a part of an encoded
 * body: its range counts other bytes than the app would get, and it need not begin where one can decode.
 */
export function encodingOf(
  status: number,
  header: string | null,
): (typeof encodings)[number] | undefined {
  if (!isPacked(header)) return undefined
  const known = encodings.find((encoding) => encoding === nameOf(header))
  if (!known || status === 206) throw new AppError('provider_error')
  return known
}

/** A body, piece by piece. */
export interface Pieces {
  /** Undefined after the last one. */
  next(): Promise<Uint8Array | undefined>
  drop(): void
}

function piecesOf(body: ReadableStream<Uint8Array>, betweenBytes: number): Pieces {
  const reader = body.getReader()
  const drop = () => void reader.cancel().catch(() => undefined)
  return {
    async next() {
      let timer: ReturnType<typeof setTimeout> | undefined
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => {
          reject(new DOMException('nothing came', 'TimeoutError'))
          drop()
        }, betweenBytes)
      })
      try {
        return (await Promise.race([reader.read(), late])).value
      } finally {
        clearTimeout(timer)
      }
    },
    drop,
  }
}

/** The pieces as they are asked for, with what must not be seen covered. */
export function streamOf(pieces: Pieces, mask: Mask): ReadableStream<Uint8Array> {
  return new ReadableStream(
    {
      async pull(controller) {
        for (;;) {
          const piece = await pieces.next()
          const shown = piece ? mask.pass(piece) : mask.rest()
          if (shown.length > 0) controller.enqueue(shown)
          if (!piece) controller.close()
          // Who enqueues nothing is not asked again.
          if (!piece || shown.length > 0) return
        }
      },
      cancel() {
        pieces.drop()
      },
    },
    { highWaterMark: 0 },
  )
}
