import { Hono, type Context } from 'hono'
import * as v from 'valibot'
import { AppError } from '../../shared/failure'
import { withLiveTokens } from '../../shared/oauth/live'
import { check } from '../../shared/oauth/check'
import { profile } from '../../shared/oauth/profile'
import { revoke } from '../../shared/oauth/revoke'
import type { Tokens } from '../../shared/oauth/tokens'
import type { Capability, Registration, TokenName } from '../../shared/provider'
import { revokeRequestSchema, type ProfileAnswer } from '../../shared/wire'
import { readJson } from '../json-body'
import type { Parts, ProxyEnv } from '../parts'
import { senderOf } from '../request-log'
import { mustHave, signedIn } from '../signed-in'
import { accountOf, type SignIn } from '../session/sign-in'
import { signOut } from '../session/sign-out'

/** `/bff/accounts/:provider`: one account and what can be done with it. */
export function accountsRoute(parts: Parts) {
  const { ports, ledger, log } = parts
  return (
    new Hono<ProxyEnv>()
      // Never writes: an answer that lands late must not undo a newer one.
      .get('/', (c) => c.json({ account: accountOf(signedIn(c).signIn) }))
      .delete('/', async (c) => c.json(await signOut(c, c.get('offer'), parts)))
      .get('/profile', async (c) => {
        const { signIn, registration } = able(c, 'profile')
        const { person, raw } = await live(c, signIn, async ({ tokens }) => {
          const answer = await profile(registration, tokens, ports)
          // Whatever a provider repeats of what it was sent stays here.
          if (repeats(answer, tokens)) throw new AppError('provider_error')
          return answer
        })
        const { label: _screenOnly, ...rest } = person
        return c.json({ profile: rest, raw } satisfies ProfileAnswer)
      })
      .post('/refresh', async (c) => {
        const { signIn } = able(c, 'refresh')
        const session = c.get('session')
        // An older cookie asks for what has already happened.
        const isNews = session.isNewerThanCookie(signIn)
        return c.json({ account: accountOf(isNews ? signIn : await session.freshen(signIn)) })
      })
      .post('/check', async (c) => {
        const { signIn, registration } = able(c, 'check')
        const answer = await live(c, signIn, ({ tokens }) => check(registration, tokens, ports))
        return c.json(answer)
      })
      .post('/revoke', async (c) => {
        const { revoke: call } = c.get('offer').provider
        if (!call) throw new AppError('unsupported')
        const body = await readJson(c.req.raw, 1024, parts.bodyWaits)
        const asked = v.safeParse(revokeRequestSchema, body)
        if (!asked.success) throw new AppError('invalid_request')
        if (!call.endsPair && !call.tokens.includes(asked.output.token))
          throw new AppError('unsupported')
        const { signIn, registration } = signedIn(c)
        const left = await revokeOne(c, signIn, registration, asked.output.token)
        return c.json({ account: left ? accountOf(left) : null, revoked: true })
      })
  )

  /** Revokes one token; answers what is left of the account. */
  async function revokeOne(
    c: Context<ProxyEnv>,
    signIn: SignIn,
    registration: Registration,
    which: TokenName,
  ): Promise<SignIn | undefined> {
    const call = registration.provider.revoke
    const session = c.get('session')
    return await live(c, signIn, (live) =>
      ledger.inTurn(live, async (turn) => {
        const { latest } = await ledger.read(live)
        const newest = latest ? { ...live, ...latest } : live
        const token = call?.endsPair ? 'access' : which
        await revoke(registration, newest.tokens, token, turn.guard(ports))
        log('info', 'tokens revoked', { provider: newest.provider, token, ...senderOf(c) })
        const left = call?.endsPair ? undefined : without(newest.tokens, which, ports.now())
        if (left) {
          const { generation } = await ledger.publish(newest, newest.generation, left, turn)
          const after = { ...newest, generation, tokens: left }
          await session.keep(after)
          return after
        }
        await ledger.signOutAll(newest, newest.generation)
        await ledger.revoked(newest, newest.generation)
        session.drop(newest)
        return undefined
      }),
    )
  }

  function live<T>(c: Context<ProxyEnv>, signIn: SignIn, work: (live: SignIn) => Promise<T>) {
    return withLiveTokens(
      signIn,
      (due, refused) => c.get('session').freshen(due, refused),
      work,
      ports.now,
    )
  }
}

/** Whether an answer contains one of the tokens. */
function repeats(answer: object, { accessToken, refreshToken }: Tokens): boolean {
  const text = JSON.stringify(answer)
  return [accessToken, refreshToken].some((token) => token && text.includes(token.reveal()))
}

/** What is left of a pair once one of it is revoked; undefined when nothing is of use any more. */
function without(tokens: Tokens, which: TokenName, now: number): Tokens | undefined {
  if (which === 'refresh') return { ...tokens, refreshToken: undefined }
  // The access token is spent: due at once, so that the next use refreshes.
  return tokens.refreshToken ? { ...tokens, expiresAt: now } : undefined
}

/** The account, if the provider has the operation. 405 wins over 401. */
function able(c: Context<ProxyEnv>, operation: Capability) {
  mustHave(c, operation)
  return signedIn(c)
}
