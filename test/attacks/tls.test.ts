/** Through the wire: providers that cannot prove who they are. */
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { SecureVersion } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { builtServer, runToEnd } from '../browser/server'
import { origin, sessionSecret } from '../stage'
import { openAuthority, type Certificate } from './certificates'
import { openStand, type Stand } from './stand'

let authority: ReturnType<typeof openAuthority>
let stand: Stand
const servers: Server[] = []
beforeAll(async () => {
  authority = openAuthority()
  stand = await openStand()
})
afterAll(async () => {
  for (const server of servers) server.close()
  await stand.close()
  authority.close()
})

/** Writes down what anybody tells it, and hands out a pair. */
async function listening(certificate: Certificate, version?: SecureVersion) {
  const heard: string[] = []
  const old = version && { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' }
  const server = createServer({ ...certificate, ...old }, (request, response) => {
    heard.push(`${request.method} ${request.url} ${request.headers.authorization}`)
    request.on('data', (bytes: Buffer) => heard.push(bytes.toString()))
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(
      '{"access_token":"stolen","token_type":"bearer","expires_in":900,"scope":"openid"}',
    )
  })
  server.on('tlsClientError', () => undefined) // whoever sees through it goes away
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // a TCP socket's address is never a string
  return { url: `https://localhost:${port}`, heard }
}

test('A68 TLS: who cannot prove to be the provider is told nothing', async () => {
  const good = authority.sign('good', 'localhost')
  const liars: Record<string, [Certificate, SecureVersion?]> = {
    'an expired certificate': [authority.sign('expired', 'localhost', -1)],
    'another host’s certificate': [authority.sign('other', 'evil.example')],
    'a certificate that it signed itself': [authority.signItself('self', 'localhost')],
    'TLS 1.0': [good, 'TLSv1'],
    'TLS 1.1': [good, 'TLSv1.1'],
  }
  const signIn = async (url: string) => {
    await stand.restart({ ONESAIT_URL: url, NODE_EXTRA_CA_CERTS: authority.caFile })
    return await stand.browser().signIn('onesait')
  }
  for (const [what, [certificate, version]] of Object.entries(liars)) {
    const { url, heard } = await listening(certificate, version)
    const answer = await signIn(url)
    expect(heard, what).toEqual([])
    expect(answer, what).toMatchObject({ status: 502, code: 'provider_unreachable' })
    expect(answer.body, what).not.toMatch(/certificate|CERT|localhost|127\.0\.0\.1/)
  }
  // The same with a good one gets through, so it was that.
  const { url, heard } = await listening(good)
  await signIn(url)
  expect(heard.join()).toContain('grant_type=password')
  for (const certificate of [good]) {
    const old = await listening(certificate, 'TLSv1.2')
    await signIn(old.url)
    expect(old.heard).not.toEqual([])
  }
}, 60_000)

test('A68 TLS: it cannot be switched off in production', async () => {
  const { status, output } = await runToEnd(builtServer, {
    NODE_ENV: 'production',
    PUBLIC_ORIGIN: origin,
    SESSION_SECRETS: sessionSecret,
    PORT: '0',
    NODE_TLS_REJECT_UNAUTHORIZED: '0',
  })
  expect(status).not.toBe(0)
  expect(output).toContain('NODE_TLS_REJECT_UNAUTHORIZED')
})
