/**
 * A provider that none of us wrote: panva's oidc-provider on loopback, with its own sign-in pages.
 * It rotates refresh tokens and ends the whole grant when one is spent twice.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair } from 'jose'
import Provider, {
  type ClientMetadata,
  type Configuration,
  type KoaContextWithOIDC,
} from 'oidc-provider'

export interface IndependentProvider {
  url: string
  /** The refresh tokens spent, in order. */
  spent: string[]
  /** Grants refused and grants ended because a token was used twice. */
  refused: string[]
  provider: Provider
  close(): Promise<void>
}

/** Starts it for one client; `routes` move its endpoints, `extend` adds what else its host answers. */
export async function startProvider(
  client: ClientMetadata,
  options: {
    routes?: Configuration['routes']
    extend?: (provider: Provider) => void
  } = {},
): Promise<IndependentProvider> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const provider = new Provider(url, {
    clients: [client],
    cookies: { keys: ['a key for the cookies of a test'] },
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig' }] },
    claims: { openid: ['sub'], profile: ['name'], email: ['email'] },
    findAccount: (_, sub) => ({
      accountId: sub,
      claims: () => ({ sub, name: 'Ada Lovelace', email: 'ada@plain.example' }),
    }),
    pkce: { required: () => true },
    rotateRefreshToken: () => true,
    issueRefreshToken: () => true,
    clientBasedCORS: () => true,
    features: {
      devInteractions: { enabled: true },
      introspection: { enabled: true },
      revocation: { enabled: true },
    },
    ttl: {
      AccessToken: 3600,
      RefreshToken: 86_400,
      Grant: 86_400,
      Session: 3600,
      Interaction: 600,
    },
    ...(options.routes ? { routes: options.routes } : {}),
  })
  const spent: string[] = []
  const refused: string[] = []
  const refreshTokenOf = ({ oidc }: KoaContextWithOIDC) => oidc.params?.refresh_token
  provider.on('grant.success', (context) => {
    const token = refreshTokenOf(context)
    if (typeof token === 'string') spent.push(token)
  })
  provider.on('grant.error', (_, error) => refused.push(error.message))
  provider.on('server_error', (_, error) => refused.push(error.message))
  options.extend?.(provider)
  const handle = provider.callback()
  server.on('request', (request, answer) => {
    void handle(request, answer)
  })
  return {
    url,
    spent,
    refused,
    provider,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
