/** A site that somebody else runs, and lures people to. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

export interface EvilSite {
  /** Another site than the app's, as 127.0.0.1 is to localhost. */
  elsewhere: string
  /** Of the app's own site, but another origin: as a sub-domain that was taken over. */
  nearby: string
  /** Every request it got: method, path and query, and what told it where the person came from. */
  asked: { method: string; target: string; referer: string | undefined }[]
}

/** Serves this page at every address until the test ends. */
export async function openEvilSite(page = '<!doctype html><title>Win!</title>'): Promise<EvilSite> {
  const asked: EvilSite['asked'] = []
  const server = createServer(({ method = '', url: target = '', headers }, answer) => {
    asked.push({ method, target, referer: headers.referer })
    answer.setHeader('content-type', 'text/html; charset=utf-8').end(page)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo // a TCP socket's address is never a string
  return { elsewhere: `http://127.0.0.1:${port}`, nearby: `http://localhost:${port}`, asked }
}
