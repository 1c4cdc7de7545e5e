import { isAnswer } from '../answer'
import { AppError } from '../failure'
import type { Answer, Person, ProfileCall, Registration } from '../provider'
import { send } from './dialect'
import type { Ports } from './ports'
import { Refusal, toAppError } from './refusal'
import type { Tokens } from './tokens'

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
        headers: presented(tokens, provider.apiToken?.header),
      },
      registration,
      ports,
    )
    const raw = opened(answer, call)
    return { person: provider.person(raw, registration), raw }
  } catch (error) {
    if (error instanceof Refusal && error.status === (call.expired ?? 401))
      throw new AppError('token_expired', { cause: error })
    throw toAppError(error)
  }
}

/** The token where the provider looks for it; never both headers at once. */
function presented(tokens: Tokens, apiTokenHeader: string | undefined): Headers {
  const token = tokens.accessToken.reveal()
  return tokens.scheme === 'api-token' && apiTokenHeader !== undefined
    ? new Headers({ [apiTokenHeader]: token })
    : new Headers({ authorization: `Bearer ${token}` })
}

function opened(answer: Answer, { envelope }: ProfileCall): Answer {
  if (!envelope || answer.code === undefined) return answer
  if (answer.code !== envelope.ok || !isAnswer(answer.data)) throw new Refusal(200, 'not_ok')
  return answer.data
}
