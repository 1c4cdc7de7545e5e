/** The built server and providers whose TLS cannot be trusted: what it would send them stays here. */
import { once } from 'node:events'
import { connect as connectPlain } from 'node:net'
import { connect, createServer, type TlsOptions } from 'node:tls'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { builtServer, startServer } from '../browser/server'
import { makeCertificates, type Certificates } from '../certificates'
import { startSimulators, type StartedSimulators } from '../simulators/start'
import { origin, sessionSecret } from '../stage'

let providers: StartedSimulators
const certificates: Certificates = makeCertificates()

beforeAll(async () => {
  providers = await startSimulators({ appOrigin: origin, ports: 0 })
})
afterAll(async () => {
  await providers.close()
  certificates.remove()
})

/** TLS in front of the simulator; how many bytes came through it. */
async function wrap(options: TlsOptions) {
  const { port } = new URL(providers.env.ONESAIT_URL ?? '')
  const seen = { bytes: 0 }
  const server = createServer(options, (socket) => {
    const onward = connectPlain(Number(port), '127.0.0.1')
    socket.on('data', (bytes: Buffer) => {
      seen.bytes += bytes.length
    })
    for (const end of [socket, onward]) end.on('error', () => end.destroy())
    socket.pipe(onward).pipe(socket)
  })
  server.on('tlsClientError', () => undefined)
  server.listen(0, 'localhost')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('it has no port')
  return { url: `https://localhost:${address.port}`, port: address.port, seen }
}

/** The built server, with these addresses for the one provider it asks. */
async function start(addresses: Record<string, string>) {
  const server = await startServer(builtServer, {
    NODE_ENV: 'production',
    PORT: '0',
    PUBLIC_ORIGIN: origin,
    SESSION_SECRETS: sessionSecret,
    NODE_EXTRA_CA_CERTS: certificates.authorityFile,
    ONESAIT_CLIENT_ID: providers.env.ONESAIT_CLIENT_ID ?? '',
    ONESAIT_CLIENT_SECRET: providers.env.ONESAIT_CLIENT_SECRET ?? '',
    ...addresses,
  })
  onTestFinished(() => server.stop())
  const headers = { 'x-latchkey': '1', origin, 'sec-fetch-site': 'same-origin' }
  return {
    output: () => server.output(),
    signIn: () =>
      fetch(`${server.url}/bff/login/onesait`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify({
          username: 'developer',
          password: providers.simulators.onesait.users.developer?.password,
        }),
      }),
    callApi: (cookie: string) =>
      fetch(`${server.url}/bff/api/onesait/oauth-server/oidc/userinfo`, {
        headers: { ...headers, cookie },
      }),
  }
}

const cookiesOf = (answer: Response) =>
  answer.headers
    .getSetCookie()
    .map((line) => line.replace(/;.*/, ''))
    .join('; ')

const unreachable = {
  type: 'urn:latchkey:provider_unreachable',
  title: 'The provider cannot be reached.',
  status: 502,
  code: 'provider_unreachable',
}

/** No protocol that anybody should speak any more (RFC 8996). */
const old = {
  minVersion: 'TLSv1',
  maxVersion: 'TLSv1.1',
  ciphers: 'DEFAULT:@SECLEVEL=0',
} as const

test('one whose certificate is good is spoken to', async () => {
  const { url, seen } = await wrap(certificates.good)
  const server = await start({ ONESAIT_URL: url })
  const answer = await server.signIn()
  expect(answer.status).toBe(200)
  expect((await server.callApi(cookiesOf(answer))).status).toBe(200)
  expect(seen.bytes).toBeGreaterThan(0)
})

describe.each<[string, TlsOptions, code: string]>([
  ['nobody vouches for', certificates.selfSigned, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ['an unknown authority vouches for', certificates.otherAuthority, 'UNABLE_TO_VERIFY'],
  ['has expired', certificates.expired, 'CERT_HAS_EXPIRED'],
  ['is not valid yet', certificates.early, 'CERT_NOT_YET_VALID'],
  ['is for another host', certificates.otherHost, 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ['comes by TLS 1.1', { ...certificates.good, ...old }, 'ERR_SSL|ECONNRESET'],
])('one whose certificate %s', (_, options, code) => {
  test('would be spoken to by who does not look', async () => {
    const { port } = await wrap(options)
    const lax = options.maxVersion === undefined ? {} : old
    const socket = connect({ port, host: 'localhost', rejectUnauthorized: false, ...lax })
    await once(socket, 'secureConnect')
    socket.destroy()
  })

  test('is sent neither a password nor a client secret', async () => {
    const { url, seen } = await wrap(options)
    const server = await start({ ONESAIT_URL: url })
    const answer = await server.signIn()
    expect(answer.status).toBe(502)
    expect(await answer.json()).toEqual(unreachable)
    expect(answer.headers.getSetCookie()).toEqual([])
    expect(seen.bytes).toBe(0)
    // Whoever runs it is told why; the person is not.
    expect(server.output()).toMatch(new RegExp(code))
  })

  test('is sent no access token', async () => {
    const [good, bad] = [await wrap(certificates.good), await wrap(options)]
    const server = await start({ ONESAIT_URL: good.url, ONESAIT_API_URL: bad.url })
    const signedIn = await server.signIn()
    expect(signedIn.status).toBe(200)
    const answer = await server.callApi(cookiesOf(signedIn))
    expect(answer.status).toBe(502)
    expect(await answer.json()).toEqual(unreachable)
    expect(bad.seen.bytes).toBe(0)
  })
})
