import type { Refusal } from './refusal'
import type { Person, Stage } from './simulator'

/** JSON that is not to be kept. */
export function jsonAnswer(
  body: unknown,
  status = 200,
  headers: Record<string, string> = {},
): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
  })
}

/** A token answer, after the test had its say. */
export function tokenAnswer(
  stage: Stage<object, Person>,
  answer: Record<string, unknown>,
  headers: Record<string, string> = {},
): Response {
  return jsonAnswer(stage.tokenAnswer ? stage.tokenAnswer(answer) : answer, 200, headers)
}

/** `{"error": …}` with one status for everything. */
export function errorAnswer(refusal: Refusal, status: number): Response {
  return jsonAnswer(
    { error: refusal.error },
    refusal.details.status ?? status,
    refusal.details.headers,
  )
}

/** A 302 with parameters added to the address. */
export function redirectTo(
  address: string,
  parameters: Record<string, string | undefined> = {},
  headers: Record<string, string> = {},
): Response {
  const url = new URL(address)
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) url.searchParams.set(name, value)
  }
  return new Response(null, {
    status: 302,
    headers: { location: url.href, 'cache-control': 'no-store', ...headers },
  })
}
