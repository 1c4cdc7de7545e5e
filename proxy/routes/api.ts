import { Hono, type Context } from 'hono'
import { AppError } from '../../shared/failure'
import { withLiveTokens } from '../../shared/oauth/live'
import { callLimit, type Ports } from '../../shared/oauth/ports'
import { toAppError } from '../../shared/oauth/refusal'
import { presented } from '../../shared/oauth/vouch'
import { towardsApp, towardsProvider } from '../api-headers'
import { apiTarget, type ApiTarget } from '../api-path'
import type { Parts, ProxyEnv } from '../parts'
import { createPatience } from '../patience'
import { readBody, type RequestBody } from '../request-body'
import type { SignIn } from '../session/sign-in'
import { mustHave, signedIn } from '../signed-in'

export const apiMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const

/**
 * `/bff/api/:provider/*`: the provider's API on the person's behalf. The token is attached, and
 * refreshed when due or refused; bodies are streamed both ways; the API's answer passes whatever its
 * status. Only what comes from us is a problem with one of our codes.
 */
export function apiRoute({ ports }: Parts) {
  const futile = createFutile(ports.now)
  return new Hono<ProxyEnv>().on([...apiMethods], '/*', async (c) => {
    mustHave(c, 'api')
    const target = apiTarget(c.get('offer'), c.get('asked'))
    const { signIn } = signedIn(c)
    try {
      return passed(await callWhileLive(c, target, signIn, ports, futile))
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
  ports: Ports,
  futile: Futile,
): Promise<Response> {
  const { provider } = c.get('offer')
  // RFC 6750 §3.1, or what the documents say of these paths.
  const expired = (isDocumented && provider.api?.expired) || 401
  const body = await readBody(c.req.raw)
  let refused: Response | undefined
  return await withLiveTokens(
    signIn,
    async (due, isRefused) => {
      try {
        return await c.get('session').freshen(due, isRefused)
      } catch (error) {
        // Unread, it would hold its connection.
        if (refused && !body.isKept) await refused.body?.cancel()
        throw error
      }
    },
    async (live) => {
      const { tokens } = live
      // What was streamed is gone: the refusal passes, and the next call has a fresh token.
      if (refused && !body.isKept) return refused
      const answer = await send(c.req.raw, url, body, presented(tokens, provider), ports)
      if (answer.status !== expired || !tokens.refreshToken || futile.isKnown(live)) return answer
      if (refused) {
        futile.note(live)
        return answer
      }
      refused = answer
      if (body.isKept) await answer.body?.cancel()
      throw new AppError('token_expired')
    },
    ports.now,
  )
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

/** Sends a request on to this address, up to the first byte of the answer; redirects are not followed. */
async function send(
  { method, headers, signal }: Request,
  url: URL,
  body: RequestBody,
  token: Headers,
  ports: Ports,
): Promise<Response> {
  const outgoing = towardsProvider(headers)
  for (const [name, value] of token) outgoing.set(name, value)
  const patience = createPatience(ports.timeLimit ?? callLimit, signal)
  const content = body.send(patience)
  try {
    return await ports.fetch(url, {
      method,
      headers: outgoing,
      redirect: 'manual',
      signal: patience.signal,
      ...(content === null ? {} : { body: content, duplex: 'half' }),
    })
  } finally {
    patience.end()
  }
}

function passed({ status, headers, body }: Response): Response {
  // Codes that a browser would take for something else, or a Response cannot have.
  if (status < 200 || status > 599) throw new AppError('provider_error')
  return new Response(body, { status, headers: towardsApp(headers) })
}
