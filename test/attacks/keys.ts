/** What an attacker could do who has the session secret: open and seal cookies. For what must hold even then. */
import { createSeal, type Purpose } from '../../proxy/session/seal'
import type { Answer } from '../../shared/provider'
import { Secret } from '../../shared/secret'
import { sessionSecret } from '../stage'

export const seal = createSeal([new Secret(sessionSecret)], Date.now)

/** A cookie's value with its content changed, sealed for an hour. */
export async function resealed(
  purpose: Purpose,
  provider: string,
  value: string,
  change: (content: Answer) => Answer,
): Promise<string> {
  const content = await seal.open(purpose, provider, value)
  if (!content) throw new Error(`this is no ${purpose} cookie of ${provider}`)
  return await seal.seal(purpose, provider, change(content), Date.now() + 3_600_000)
}
