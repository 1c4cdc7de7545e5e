import * as oauth from 'oauth4webapi'
import type { Call, Provider, Registration } from '../provider'
import type { Secret } from '../secret'
import { dialect } from './dialect'
import type { Ports } from './ports'
import type { Tokens } from './tokens'

/** Who vouches for a call, as oauth4webapi wants it: something that signs headers or body. */
export function vouch(
  { auth }: Call,
  { clientId, clientSecret }: Registration,
  tokens?: Tokens,
): oauth.ClientAuth {
  if (auth === 'public') return oauth.None()
  if (auth === 'bearer')
    return (_as, _client, _body, headers) => {
      headers.set('authorization', `Bearer ${given(tokens?.accessToken)}`)
    }
  const secret = given(clientSecret)
  if (auth === 'post') return oauth.ClientSecretPost(secret)
  return (_as, _client, _body, headers) => {
    // The documents show id and secret as they are; oauth4webapi would percent-encode "." and "-".
    const bytes = new TextEncoder().encode(`${clientId}:${secret}`)
    headers.set('authorization', `Basic ${btoa(String.fromCharCode(...bytes))}`)
  }
}

/** The person's token where the provider looks for it; never both headers at once. */
export function presented({ scheme, accessToken }: Tokens, { apiToken }: Provider): Headers {
  return scheme === 'api-token' && apiToken
    ? new Headers({ [apiToken.header]: accessToken.reveal() })
    : new Headers({ authorization: `Bearer ${accessToken.reveal()}` })
}

function given(secret: Secret | undefined): string {
  if (!secret) throw new Error('a call is vouched for by something this registration does not have')
  return secret.reveal()
}

/** The provider as oauth4webapi sees it. The issuer is the origin that tokens come from. */
export function serverOf({ endpoints }: Registration): oauth.AuthorizationServer {
  const tokenEndpoint = endpoints.exchange ?? endpoints.password ?? ''
  return {
    issuer: new URL(tokenEndpoint).origin,
    token_endpoint: tokenEndpoint,
    ...(endpoints.check === undefined ? {} : { introspection_endpoint: endpoints.check }),
    ...(endpoints.revoke === undefined ? {} : { revocation_endpoint: endpoints.revoke }),
  }
}

/** oauth4webapi's options for one call. Plain http passes here; configuration holds it to loopback. */
export function optionsFor(url: string, call: Call, registration: Registration, ports: Ports) {
  return {
    [oauth.customFetch]: dialect(url, call, registration, ports),
    [oauth.allowInsecureRequests]: true,
  }
}
