import type { Call } from './host'

const methods = ['GET', 'POST']
const headers = ['authorization', 'x-api-key', 'content-type']

/** Which header of a preflight is too much, if any. */
function unwelcome(call: Call): string | undefined {
  const asked = (call.request.headers.get('access-control-request-headers') ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '')
  return asked.find((name) => !headers.includes(name))
}

/** Answers a preflight; whoever is not welcome gets no permission, and the log says why. */
export function answerPreflight(call: Call, origins: string[]): Response {
  const origin = call.request.headers.get('origin')
  const method = call.request.headers.get('access-control-request-method') ?? ''
  const extra = unwelcome(call)
  if (origin === null || !origins.includes(origin))
    call.entry.refused = 'CORS: this origin is not registered'
  else if (!methods.includes(method)) call.entry.refused = 'CORS: no such method'
  else if (extra !== undefined) call.entry.refused = `CORS: no header ${extra}`
  if (call.entry.refused !== undefined || origin === null) {
    return new Response(null, { status: 204, headers: { vary: 'Origin' } })
  }
  return new Response(null, {
    status: 204,
    headers: {
      'access-control-allow-origin': origin,
      'access-control-allow-methods': methods.join(', '),
      'access-control-allow-headers': headers.join(', '),
      'access-control-max-age': '600',
      vary: 'Origin',
    },
  })
}

/** Lets a registered origin read the answer; exact origins only, and never with credentials. */
export function withCors(request: Request, response: Response, origins: string[]): Response {
  response.headers.append('vary', 'Origin')
  const origin = request.headers.get('origin')
  if (origin !== null && origins.includes(origin))
    response.headers.set('access-control-allow-origin', origin)
  return response
}
