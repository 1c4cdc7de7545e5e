import type { Context } from 'hono'
import { base64url } from 'jose'
import type { Grant } from '../../shared/oauth/tokens'
import { labelOf } from '../../shared/oauth/tokens'
import type { Registration } from '../../shared/provider'
import type { Parts, ProxyEnv } from '../parts'
import { senderOf } from '../request-log'
import { signInLifetime, type SignIn } from './sign-in'

/** A sign-in begins: it takes its seat in the ledger, gets its cookie, and ends the ones before it. */
export async function begin(
  c: Context<ProxyEnv>,
  registration: Registration,
  { tokens, person }: Grant,
  { ledger, ports, log }: Parts,
): Promise<SignIn> {
  const { provider } = registration
  const seat = base64url.encode(crypto.getRandomValues(new Uint8Array(16)))
  const lineage = provider.sharedTokens
    ? await sharedLineage(registration, person.subject ?? seat, tokens.scope)
    : seat
  const now = ports.now()
  const until = now + signInLifetime
  const latest = await ledger.join({ lineage, seat, until }, tokens)
  const signIn: SignIn = {
    provider: provider.id,
    seat,
    lineage,
    ...latest,
    subject: person.subject,
    label: labelOf(person, registration),
    authorities: person.authorities,
    connectedAt: now,
    until,
  }
  await c.get('session').keep(signIn)
  await c.get('session').settle()
  log('info', 'signed in', { provider: provider.id, ...senderOf(c) })
  return signIn
}

/** One name for all sign-ins that hold the same pair; keyed, so that it tells nothing of the person. */
export async function sharedLineage(
  { clientId, clientSecret }: Registration,
  subject: string,
  scope: readonly string[],
): Promise<string> {
  const text = new TextEncoder()
  const key = await crypto.subtle.importKey(
    'raw',
    text.encode(clientSecret?.reveal() ?? clientId),
    { name: 'HMAC', hash: 'SHA-256' },
    false,
    ['sign'],
  )
  const name = JSON.stringify([clientId, subject, [...scope].sort()])
  return base64url.encode(new Uint8Array(await crypto.subtle.sign('HMAC', key, text.encode(name))))
}
