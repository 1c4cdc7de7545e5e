import * as oauth from 'oauth4webapi'
import { isRedirect, type Registration } from '../provider'
import type { Secret } from '../secret'
import type { Ports } from './ports'
import { Refusal, toAppError } from './refusal'
import { AppError } from '../failure'
import { tokensOf, type Grant } from './tokens'
import { optionsFor, serverOf, vouch } from './vouch'

export interface Credentials {
  username: string
  password: Secret
  /** Asked for in place of the configured scope. */
  scope?: string | undefined
}

/** Words that blame our registration or request, so that the person cannot have typed anything wrong. */
const ourFault = [
  'invalid_client',
  'invalid_request',
  'invalid_scope',
  'not_json',
  'request_refused',
  'too_large',
  'unauthorized_client',
  'unnamed',
  'unsupported_grant_type',
]

/**
 * Signs in by user name and password (RFC 6749 §4.3), for a provider that documents nothing else.
 * Throws `invalid_credentials`, the same for an unknown user as for a wrong password, or a provider code.
 */
export async function password(
  registration: Registration,
  credentials: Credentials,
  ports: Ports,
): Promise<Grant> {
  const { provider, clientId, endpoints } = registration
  if (isRedirect(provider) || endpoints.password === undefined)
    throw new Error('this provider takes no passwords')
  const as = serverOf(registration)
  const client = { client_id: clientId }
  const scope = credentials.scope?.split(' ').filter(Boolean) ?? registration.scope
  try {
    const response = await oauth.genericTokenEndpointRequest(
      as,
      client,
      vouch(provider.password, registration),
      'password',
      {
        username: credentials.username,
        password: credentials.password.reveal(),
        ...(scope.length > 0 ? { scope: scope.join(' ') } : {}),
      },
      optionsFor(endpoints.password, provider.password, registration, ports),
    )
    const answer = await oauth.processGenericTokenEndpointResponse(as, client, response)
    const person = provider.person(answer, registration)
    return {
      tokens: tokensOf(answer, scope, ports.now()),
      // Whoever the answer does not name is who signed in.
      person: { ...person, subject: person.subject ?? credentials.username },
    }
  } catch (error) {
    if (error instanceof Refusal && isAboutThePerson(error))
      throw new AppError('invalid_credentials', { cause: error })
    throw toAppError(error)
  }
}

/** onesait says no with 400, 401, 403 or 404 and several words; only a body of OAuth's shape counts. */
function isAboutThePerson({ status, word }: Refusal): boolean {
  return [400, 401, 403, 404].includes(status) && word !== undefined && !ourFault.includes(word)
}
