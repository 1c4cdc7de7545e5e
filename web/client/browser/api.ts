/** A call to the provider's API from this browser, with the token that it keeps. */
import { jsonFirst, methodsOf } from '../../../shared/api-call'
import { apiTarget, askedFor, type ApiOffer, type ApiTarget } from '../../../shared/api-path'
import { AppError } from '../../../shared/failure'
import { callLimit } from '../../../shared/oauth/ports'
import type { Tokens } from '../../../shared/oauth/tokens'
import { presented } from '../../../shared/oauth/vouch'
import type { Registration } from '../../../shared/provider'
import type { Secret } from '../../../shared/secret'
import { answered, passing, sendCall, type ApiInit } from '../api'
import type { Parts } from './parts'
import { withToken } from './refresh'

/** A fresh token that an API refused all the same: its age is not what is wrong with it. */
export interface Futile {
  token?: Secret
  until?: number
}

/** Milliseconds for which that is remembered. */
const futileFor = 60_000

const unreached = {
  unreachable: 'provider_unreachable',
  timeout: 'provider_timeout',
  redirect: 'provider_error',
} as const

/**
 * Calls what the proxy would call, by the same rules: the same paths, methods and headers; a token that
 * is due is refreshed first, one that is refused once, and whatever comes then passes.
 * Throws `path_not_allowed`, `method_not_allowed`, what a refresh throws, and a provider code where no
 * answer of the API came.
 */
export async function callApi(
  api: ApiOffer & { registration: Registration },
  path: string,
  init: ApiInit,
  parts: Parts,
  futile: Futile,
): Promise<Response> {
  const { provider } = api
  const target = apiTarget(api, askedFor(provider, path, 'https://app.invalid'))
  if (!methodsOf(provider).includes((init.method ?? 'GET').toUpperCase()))
    throw new AppError('method_not_allowed')
  const expired = (target.isDocumented && provider.api?.expired) || 401
  const isKept = !(init.body instanceof ReadableStream)
  const isFutile = (token: Secret) =>
    futile.token?.reveal() === token.reveal() && (futile.until ?? 0) > parts.now()
  let refused: Response | undefined

  const call = async (tokens: Tokens): Promise<Response> => {
    // What was streamed is gone: the refusal passes, and the next call has a fresh token.
    if (refused && !isKept) return answered(refused)
    const answer = await send(target, init, presented(tokens, provider), parts)
    const isRefused = answer.status === expired && tokens.refreshToken !== undefined
    if (!isRefused || isFutile(tokens.accessToken)) return answered(answer)
    if (refused) {
      Object.assign(futile, { token: tokens.accessToken, until: parts.now() + futileFor })
      return answered(answer)
    }
    refused = answer
    if (isKept) await answer.body?.cancel()
    throw new AppError('token_expired')
  }
  return await withToken(api.registration, call, parts)
}

function send(
  { url }: ApiTarget,
  { method = 'GET', body = null, signal = null, ...init }: ApiInit,
  token: Headers,
  { fetch, timeLimit }: Parts,
): Promise<Response> {
  const headers = passing(init)
  if ((headers.get('accept') ?? '*/*') === '*/*') headers.set('accept', jsonFirst)
  for (const [name, value] of token) headers.set(name, value)
  return sendCall(
    fetch,
    url.href,
    {
      method: method.toUpperCase(),
      headers,
      body,
      signal,
      // The token alone says who asks.
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
    },
    timeLimit ?? callLimit,
    (why, cause) => new AppError(unreached[why], { cause }),
  )
}
