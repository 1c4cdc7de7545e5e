/** Between the server and a provider: carries everything on, or plays a part that the provider never would. */
import { createServer, request as ask, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Play } from '../proxy/faulty-server'
import type { Simulator } from '../simulators'

export type GoBetween = Awaited<ReturnType<typeof openGoBetween>>

/** Give its `url` to the server as the provider's, then let it `standFor` the provider. */
export async function openGoBetween() {
  let behind = ''
  const server = createServer((request, response) => {
    between.requests.push(`${request.method} ${request.url}`)
    request.on('error', () => undefined) // a call that is given up
    const { play, rewrite } = between
    if (!play) pass(request, response, behind, rewrite)
    else request.resume().on('end', () => play(response, between.elsewhere))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // a TCP socket's address is never a string
  const between = {
    url: `http://127.0.0.1:${port}`,
    requests: [] as string[],
    /** What it plays from now on; it carries on where this is absent. */
    play: undefined as Play | undefined,
    /** Where a play that redirects points. */
    elsewhere: '',
    /** Changes the text of an answer that it carries. */
    rewrite: undefined as ((text: string) => string) | undefined,
    standFor(simulator: Simulator): void {
      behind = simulator.origins.main ?? ''
      simulator.origins.main = between.url
    },
    close(): void {
      server.close()
      server.closeAllConnections()
    },
  }
  return between
}

function pass(
  request: IncomingMessage,
  response: ServerResponse,
  behind: string,
  rewrite: ((text: string) => string) | undefined,
): void {
  const onward = ask(
    behind + (request.url ?? ''),
    { method: request.method, headers: { ...request.headers, host: new URL(behind).host } },
    (answer) => {
      const parts: Buffer[] = []
      answer.on('data', (bytes: Buffer) => parts.push(bytes))
      answer.on('end', () => {
        const text = Buffer.concat(parts).toString()
        const { 'content-length': _, 'transfer-encoding': __, ...headers } = answer.headers
        response.writeHead(answer.statusCode ?? 502, headers).end(rewrite ? rewrite(text) : text)
      })
    },
  )
  onward.on('error', () => response.destroy())
  request.pipe(onward)
}
