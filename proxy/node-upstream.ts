import { ServerResponse } from 'node:http'
import { pipeline, Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import type { Http2Bindings, HttpBindings } from '@hono/node-server'
import { errors, type Dispatcher } from 'undici'
import { AppError } from '../shared/failure'
import type { Secret } from '../shared/secret'
import { createConnections } from './connections'
import { createMask, type Mask } from './mask'
import { createPatience } from './patience'
import { encodingOf, isPacked, streamOf, type Upstream, type UpstreamAnswer } from './upstream'

export interface NodeUpstream {
  call: Upstream
  /**
   * Writes an answer straight into Node's response, piece by piece: a web stream between them costs
   * more (test/bench/api.bench.ts). False where the body is none of an API's, and the answer is as it was.
   */
  deliver(
    response: Response,
    outgoing: HttpBindings['outgoing'] | Http2Bindings['outgoing'],
  ): boolean
  /** Ends all connections, those with something under way too. */
  close(): Promise<void>
}

/** Milliseconds to connect. */
const connectLimit = 5_000
/** Bytes of an answer's headers. */
const maxHeaderSize = 16 * 1024

interface Straight {
  body: Readable
  mask: Mask
}

/** Calls to the providers' APIs on Node: connections that are kept and used again, for each sign-in. */
export function createNodeUpstream(): NodeUpstream {
  const connections = createConnections({ connectLimit, maxHeaderSize })
  const straight = new WeakMap<Response, Straight>()
  return {
    async call({ owner, url, method, headers, body, secret, limits, signal }) {
      const patience = createPatience(limits.firstByte, signal)
      const { pool, release } = connections.hold(owner, url.origin)
      try {
        const content = body.send(patience)
        const isStream = content instanceof ReadableStream
        const answer = await pool.request({
          path: url.pathname + url.search,
          method,
          headers: [
            ...[...headers].flat(),
            ...(isStream && body.length !== undefined
              ? ['content-length', String(body.length)]
              : []),
          ],
          body: isStream ? Readable.from(content, { objectMode: false }) : content,
          bodyTimeout: limits.betweenBytes,
          signal: patience.signal,
        })
        answer.body.once('close', release)
        return answerOf(answer, method, secret, straight)
      } catch (error) {
        release()
        throw translated(error)
      } finally {
        patience.end()
      }
    },
    deliver(response, outgoing) {
      const found = straight.get(response)
      if (!found || !(outgoing instanceof ServerResponse)) return false
      outgoing.writeHead(response.status, recordOf(response.headers))
      pour(found, outgoing)
      return true
    },
    close: () => connections.close(),
  }
}

const decoders = { gzip: createGunzip, deflate: createInflate, br: createBrotliDecompress }

function answerOf(
  { statusCode: status, headers, body: raw }: Dispatcher.ResponseData,
  method: string,
  secret: Secret,
  straight: WeakMap<Response, Straight>,
): UpstreamAnswer {
  // A stream that fails while nobody listens ends the process.
  raw.on('error', () => undefined)
  const header = (name: string) => {
    const value = headers[name]
    return (Array.isArray(value) ? value.join(', ') : value) ?? null
  }
  const drop = () => void raw.destroy()
  // What a Response with such a status cannot have.
  const isEmpty = method === 'HEAD' || [204, 205, 304].includes(status)
  if (isEmpty) drop()
  let encoding: ReturnType<typeof encodingOf>
  try {
    // Of no bytes there is nothing to unpack: a decoder would miss its end.
    const isDecoded = !isEmpty && header('content-length') !== '0'
    encoding = isDecoded ? encodingOf(status, header('content-encoding')) : undefined
  } catch (error) {
    drop()
    throw error
  }
  const body = encoding ? pipeline(raw, decoders[encoding](), () => undefined) : raw
  return {
    status,
    header: (name) =>
      name === 'content-length' && isPacked(header('content-encoding')) ? null : header(name),
    respond(headers) {
      if (isEmpty) return new Response(null, { status, headers })
      const mask = createMask(secret.reveal())
      const response = new Response(streamOf(piecesOf(body), mask), { status, headers })
      straight.set(response, { body, mask })
      return response
    },
    drop,
  }
}

function piecesOf(body: Readable) {
  let pieces: AsyncIterator<Uint8Array> | undefined
  return {
    async next() {
      pieces ??= body[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
      const next = await pieces.next()
      return next.done === true ? undefined : next.value
    },
    drop: () => void body.destroy(),
  }
}

function recordOf(headers: Headers): Record<string, string | string[]> {
  const cookies = headers.getSetCookie()
  return {
    ...Object.fromEntries(headers),
    ...(cookies.length > 0 ? { 'set-cookie': cookies } : {}),
  }
}

/** By hand, for the headers of an event stream must not wait for its first event. */
function pour({ body, mask }: Straight, outgoing: ServerResponse): void {
  let isBegun = false
  const write = (bytes: Uint8Array) => {
    isBegun = true
    return bytes.length === 0 || outgoing.write(bytes)
  }
  body.on('data', (bytes: Uint8Array) => {
    if (!write(mask.pass(bytes))) body.pause()
  })
  body.once('end', () => {
    write(mask.rest())
    outgoing.end()
  })
  // Cut off, so that it does not look like a whole one.
  body.once('error', () => outgoing.destroy())
  outgoing.on('drain', () => body.resume())
  // Whoever has left reads nothing any more.
  outgoing.once('close', () => body.destroy())
  if (outgoing.destroyed || body.destroyed) {
    outgoing.destroy()
    body.destroy()
  }
  // Headers go with the first piece, unless that is late.
  setImmediate(() => {
    if (!isBegun && !outgoing.destroyed) outgoing.flushHeaders()
  })
}

/** An answer, but not in HTTP as we take it. */
const nonsense = /^UND_ERR_(?:HEADERS_OVERFLOW|RES_CONTENT_LENGTH_MISMATCH)$/

/** What undici throws, as `fetch` would throw it. */
function translated(error: unknown): unknown {
  // Ours: a header that cannot be sent, or patience that has run out.
  if (!(error instanceof Error) || error instanceof errors.InvalidArgumentError) return error
  if (error instanceof AppError || error instanceof DOMException) return error
  const code = 'code' in error ? String(error.code) : ''
  return error instanceof errors.HTTPParserError || nonsense.test(code)
    ? new AppError('provider_error', { cause: error })
    : new TypeError('the API cannot be reached', { cause: error })
}
