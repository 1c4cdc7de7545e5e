import { isAnswer } from '../answer'
import { AppError } from '../failure'
import type { Answer, Person, ProfileCall, Registration } from '../provider'
import { send } from './dialect'
import type { Ports } from './ports'
import { Refusal, toAppError } from './refusal'
import type { Tokens } from './tokens'
import { presented } from './vouch'

/**
 * Who the tokens stand for, with the provider's own answer beside it.
 * Throws `token_expired` when the access token is refused, `unsupported`, or a provider code.
 */
export async function profile(
  registration: Registration,
  tokens: Tokens,
  ports: Ports,
): Promise<{ person: Person; raw: Answer }> {
  const { provider, endpoints } = registration
  const call = provider.profile
  if (!call || endpoints.profile === undefined) throw new AppError('unsupported')
  try {
    const answer = await send(
      {
        url: endpoints.profile,
        call: { method: 'GET', ...call },
        parameters: {},
        headers: presented(tokens, provider),
      },
      registration,
      ports,
    )
    const raw = opened(answer, call)
    // Said nothing, which is no word about anybody.
    if (Object.keys(raw).length === 0) throw new Refusal(200, 'empty')
    return { person: provider.person(raw, registration), raw }
  } catch (error) {
    if (error instanceof Refusal && error.status === (call.expired ?? 401))
      throw new AppError('token_expired', { cause: error })
    throw toAppError(error)
  }
}

function opened(answer: Answer, { envelope }: ProfileCall): Answer {
  if (!envelope || answer.code === undefined) return answer
  if (answer.code !== envelope.ok || !isAnswer(answer.data)) throw new Refusal(200, 'not_ok')
  return answer.data
}
