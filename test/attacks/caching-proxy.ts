/** A cache in front of the server that everybody shares, as a company or a content network has it. */
import { createServer, request as ask, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What it keeps, and hands to whoever asks next. */
export interface Stored {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
}

export type CachingProxy = Awaited<ReturnType<typeof startCachingProxy>>

/** Final codes that may be kept where nothing is said about it (RFC 9110 §15.1). */
const keptUnasked = [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501]
/** What hurried operators keep whatever the answer says. */
const looksStatic = /\.(?:css|js|mjs|png|svg|ico|json|woff2?|txt|map)$/

/**
 * Keeps whatever it is allowed to (RFC 9111 §3), and by nothing but the target; `rash`: and whatever
 * looks like a file, whatever the answer says.
 */
export async function startCachingProxy(behind: string, { rash = false } = {}) {
  const kept = new Map<string, Stored>()
  const server = createServer((incoming, outgoing) => {
    const { method = '', url = '' } = incoming
    const found = method === 'GET' ? kept.get(url) : undefined
    if (found) {
      outgoing.writeHead(found.status, { ...found.headers, age: '1' }).end(found.body)
      return
    }
    const onward = ask(behind + url, { method, headers: incoming.headers }, (answer) => {
      const parts: Buffer[] = []
      answer.on('data', (bytes: Buffer) => parts.push(bytes))
      answer.on('end', () => {
        const { statusCode: status = 502, headers } = answer
        const body = Buffer.concat(parts)
        const stored = { status, headers, body }
        const isFile = rash && looksStatic.test(url.replace(/\?.*/, '')) && status === 200
        if (method === 'GET' && (isFile || mayKeep(stored))) kept.set(url, stored)
        outgoing.writeHead(status, headers).end(body)
      })
    })
    onward.on('error', () => outgoing.destroy())
    incoming.pipe(onward)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // a TCP socket's address is never a string
  return {
    url: `http://127.0.0.1:${port}`,
    /** By target. */
    kept,
    close(): void {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** What says `no-cache` is asked for again each time, so it poisons nobody. */
function mayKeep({ status, headers }: Stored): boolean {
  const said = headers['cache-control'] ?? ''
  if (/no-store|private|no-cache/.test(said) || headers.vary === '*') return false
  return (
    /max-age|public/.test(said) || headers.expires !== undefined || keptUnasked.includes(status)
  )
}
