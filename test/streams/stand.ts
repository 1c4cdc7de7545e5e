/** The built server with an API behind it that answers as a test says, over real sockets. */
import { once } from 'node:events'
import {
  createServer,
  request,
  type ClientRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type RequestListener,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { startProcesses } from '../processes'

export type Stand = Awaited<ReturnType<typeof startStand>>

/** Somebody is signed in at Seznam, whose API is `stand.api`; close it when the tests are over. */
export async function startStand() {
  const stand = { api: (() => undefined) as RequestListener }
  const api = createServer((incoming, response) => {
    stand.api(incoming, response)
  })
  api.listen(0, '127.0.0.1')
  await once(api, 'listening')
  const { port } = api.address() as AddressInfo // a TCP socket's address is never a string
  const processes = await startProcesses({
    count: 1,
    env: { SEZNAM_API_URL: `http://127.0.0.1:${port}`, SEZNAM_API_PATHS: '/v1' },
  })
  const browser = processes.browser()
  await browser.signIn(0, 'seznam')
  const { port: ours } = new URL(processes.urlOf(0))
  return Object.assign(stand, {
    processes,
    pid: () => processes.pidOf(0) ?? 0,
    /** A call that is begun; whoever asks ends it. */
    begin: (method: string, headers: OutgoingHttpHeaders = {}): ClientRequest =>
      request({
        host: '127.0.0.1',
        port: ours,
        method,
        path: '/bff/api/seznam/v1/x',
        agent: false,
        headers: { 'x-latchkey': '1', cookie: browser.header(), ...headers },
      }),
    async close() {
      api.close()
      api.closeAllConnections()
      await processes.close()
    },
  })
}

/** The answer to a call, once it begins. */
export async function answerTo(asked: ClientRequest): Promise<IncomingMessage> {
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  return answer
}

/** Waits until it is so; the test's own time limit ends the wait. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 10))
}
