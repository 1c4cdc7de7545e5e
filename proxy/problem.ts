import type { Context } from 'hono'
import { AppError } from '../shared/failure'
import { capabilitiesOf } from '../shared/provider'
import type { ErrorCode, Problem } from '../shared/wire'
import type { Config } from './config'
import { dataHeaders } from './headers'
import type { ProxyEnv } from './parts'

/** A sentence per code for whoever reads the raw answer; the app has its own, in its languages. */
const titles: Record<ErrorCode, string> = {
  access_denied: 'The provider, or the person there, said no.',
  account_too_large: 'The tokens are too large to keep in cookies.',
  csrf: 'The request does not come from the app.',
  headers_too_large: 'The headers of the request are too large.',
  internal: 'Something failed here.',
  invalid_credentials: 'User name and password do not match.',
  invalid_request: 'The request is not what this address takes.',
  ledger_unavailable: 'What is known of this account cannot be told at the moment.',
  login_expired: 'This login is too old, or was already used.',
  login_forged: 'This login was not begun in this browser.',
  method_not_allowed: 'This address takes other methods.',
  not_found: 'There is nothing at this address.',
  not_ready: 'The server is not ready.',
  not_refreshable: 'The account has no refresh token.',
  not_signed_in: 'Nobody is signed in at this provider.',
  path_not_allowed: 'The path is ambiguous, or not one that may be called.',
  payload_too_large: 'The request is too large.',
  prefetch_refused: 'A login is not done ahead of time.',
  provider_busy: 'The provider asks to slow down.',
  provider_error: 'The provider gave an answer that cannot be used.',
  provider_off: 'This provider is not configured.',
  provider_timeout: 'The provider did not answer in time.',
  provider_unreachable: 'The provider cannot be reached.',
  rate_limited: 'Too many tries.',
  request_timeout: 'The request took too long to arrive.',
  session_ended: 'The provider ended the session.',
  token_expired: 'The access token has ended and cannot be refreshed.',
  unknown_provider: 'There is no such provider.',
  unsupported: 'The provider does not have this operation.',
}

/** An error as RFC 9457 problem details. */
function problemOf({ code, status, missing }: AppError): Problem {
  const problem: Problem = { type: `urn:latchkey:${code}`, title: titles[code], status, code }
  if (missing) problem.missing = missing
  return problem
}

/** For a server that cannot even be built; `/readyz` names the variables at fault. */
export function answerNotReady(request: Request, variables: readonly string[]): Response {
  const missing = new URL(request.url).pathname === '/readyz' ? variables : undefined
  const error = new AppError('not_ready', { missing })
  return new Response(JSON.stringify(problemOf(error)), {
    status: error.status,
    headers: { ...dataHeaders(), 'content-type': 'application/problem+json' },
  })
}

/** A problem where no route is reached: with every header that an answer of ours has. */
export interface BareProblem {
  code: ErrorCode
  status: number
  headers: Record<string, string>
  body: string
}

export function bareProblem(code: ErrorCode, config: Config): BareProblem {
  const error = new AppError(code)
  return {
    code,
    status: error.status,
    headers: {
      ...dataHeaders(config),
      'content-type': 'application/problem+json',
      'x-request-id': crypto.randomUUID(),
    },
    body: JSON.stringify(problemOf(error)),
  }
}

/** Answers an error as RFC 9457 problem details. The cause goes to the log (see `request-log.ts`), and no further. */
export function answerProblem(c: Context<ProxyEnv>, error: unknown): Response {
  const known = error instanceof AppError ? error : new AppError('internal', { cause: error })
  const { code, status, retryAfter } = known
  c.set('failure', known)
  const problem = problemOf(known)
  const offer = c.get('offer') as ProxyEnv['Variables']['offer'] | undefined
  if (code === 'unsupported' && offer) problem.capabilities = capabilitiesOf(offer.provider)
  if (retryAfter !== undefined) c.header('retry-after', String(retryAfter))
  // By the context, which adds what was set before the failure, such as Allow.
  return c.body(JSON.stringify(problem), status, {
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
  })
}
