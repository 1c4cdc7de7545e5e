import { Hono } from 'hono'
import { capabilitiesOf, isRedirect } from '../../shared/provider'
import type { ProviderView } from '../../shared/wire'
import type { Offer } from '../registration'
import type { Parts, ProxyEnv } from '../parts'

/** `GET /bff/providers`: what this deployment offers, and what a browser needs for its own custody. */
export function providersRoute({ config }: Parts) {
  return new Hono<ProxyEnv>().get('/', (c) =>
    c.json({
      providers: [...config.offers.values()].map((offer) => viewOf(offer, config)),
    }),
  )
}

function viewOf(
  { provider, custody, registration, apiOrigin, apiPaths }: Offer,
  { simulated }: Parts['config'],
): ProviderView {
  return {
    id: provider.id,
    name: provider.name,
    custody,
    grant: isRedirect(provider) ? 'code' : 'password',
    configured: registration !== undefined,
    simulated: simulated && registration !== undefined,
    capabilities: capabilitiesOf(provider),
    ...(provider.apiToken ? { apiToken: true } : {}),
    ...(provider.revoke
      ? {
          revokes: {
            tokens: [...provider.revoke.tokens],
            everywhere: provider.revoke.endsPair === true,
          },
        }
      : {}),
    ...(registration && custody === 'browser'
      ? {
          client: {
            id: registration.clientId,
            endpoints: {
              ...registration.endpoints,
              ...(apiOrigin === undefined ? {} : { api: apiOrigin }),
            },
            apiPaths: [...apiPaths],
            redirectUri: registration.redirectUri,
            scope: [...registration.scope],
          },
        }
      : {}),
  }
}
