import { Hono, type Context } from 'hono'
import { apiMethods, methodsOf } from '../../shared/api-call'
import { AppError } from '../../shared/failure'
import { withLiveTokens } from '../../shared/oauth/live'
import { toAppError } from '../../shared/oauth/refusal'
import { presented } from '../../shared/oauth/vouch'
import type { Secret } from '../../shared/secret'
import { towardsApp, towardsProvider } from '../api-headers'
import { apiTarget, type ApiTarget } from '../../shared/api-path'
import type { Parts, ProxyEnv } from '../parts'
import { readBody } from '../request-body'
import type { SignIn } from '../session/sign-in'
import { mustHave, signedIn } from '../signed-in'
import type { UpstreamAnswer } from '../upstream'

/**
 * `/bff/api/:provider/*`: the provider's API on the person's behalf. The token is attached, and
 * refreshed when due or refused; bodies are streamed both ways; the API's answer passes whatever its
 * status. Only what comes from us is a problem with one of our codes.
 */
export function apiRoute(parts: Parts) {
  const futile = createFutile(parts.ports.now)
  return new Hono<ProxyEnv>().on([...apiMethods], '/*', async (c) => {
    mustHave(c, 'api')
    if (!methodsOf(c.get('offer').provider).includes(c.req.method))
      throw new AppError('method_not_allowed')
    const target = apiTarget(c.get('offer'), c.get('asked'))
    const { signIn } = signedIn(c)
    try {
      return await callWhileLive(c, target, signIn, parts, futile)
    } catch (error) {
      // Nobody reads it: the browser has gone, and it was not the provider that failed.
      if (c.req.raw.signal.aborted) return new Response(null, { status: 499 })
      throw toAppError(error)
    }
  })
}

/** The API's answer; where it refuses the token, its answer to one more try with a fresh one. */
async function callWhileLive(
  c: Context<ProxyEnv>,
  { url, isDocumented }: ApiTarget,
  signIn: SignIn,
  { ports, upstream, limits, bodyWaits }: Parts,
  futile: Futile,
): Promise<Response> {
  const { provider } = c.get('offer')
  // RFC 6750 §3.1, or what the documents say of these paths.
  const expired = (isDocumented && provider.api?.expired) || 401
  const body = await readBody(c.req.raw, bodyWaits)
  let refused: Refused | undefined
  const letGo = () => refused?.answer.drop()
  try {
    return await withLiveTokens(
      signIn,
      (due, isRefused) => c.get('session').freshen(due, isRefused),
      async (live) => {
        const { tokens } = live
        // What was streamed is gone: the refusal passes, and the next call has a fresh token.
        if (refused && !body.isKept) return passed(c.req.raw, refused.answer, refused.secret)
        const { accessToken: secret } = tokens
        const answer = await upstream({
          owner: signIn.seat,
          url,
          method: c.req.method,
          headers: outgoing(c.req.raw.headers, presented(tokens, provider)),
          body,
          secret,
          limits,
          signal: c.req.raw.signal,
        })
        const isRefused = answer.status === expired && tokens.refreshToken !== undefined
        if (!isRefused || futile.isKnown(live)) return passed(c.req.raw, answer, secret)
        if (refused) {
          futile.note(live)
          return passed(c.req.raw, answer, secret)
        }
        refused = { answer, secret }
        if (body.isKept) answer.drop()
        throw new AppError('token_expired')
      },
      ports.now,
    )
  } catch (error) {
    // Unread, it would hold its connection.
    letGo()
    throw error
  }
}

/** An answer to a token that had ended, and that token. */
interface Refused {
  answer: UpstreamAnswer
  secret: Secret
}

/** Fresh tokens that were refused all the same: it is not their age, and another refresh would not help. */
interface Futile {
  note(signIn: SignIn): void
  isKnown(signIn: SignIn): boolean
}

/** Milliseconds for which a refusal of fresh tokens is remembered, and how many at most. */
const futileFor = 60_000
const mostFutile = 1000

function createFutile(now: () => number): Futile {
  const until = new Map<string, number>()
  const keyOf = ({ lineage, generation }: SignIn) => `${lineage} ${generation}`
  return {
    note(signIn) {
      const [oldest] = until.keys()
      if (until.size >= mostFutile && oldest !== undefined) until.delete(oldest)
      until.set(keyOf(signIn), now() + futileFor)
    },
    isKnown: (signIn) => (until.get(keyOf(signIn)) ?? 0) > now(),
  }
}

function outgoing(headers: Headers, token: Headers): Headers {
  const sent = towardsProvider(headers)
  for (const [name, value] of token) sent.set(name, value)
  return sent
}

/** What of the API's answer the app gets. */
function passed(request: Request, answer: UpstreamAnswer, secret: Secret): Response {
  // Codes that a browser would take for something else, or a Response cannot have.
  if (answer.status < 200 || answer.status > 599) {
    answer.drop()
    throw new AppError('provider_error')
  }
  return answer.respond(towardsApp(request, answer, secret))
}
