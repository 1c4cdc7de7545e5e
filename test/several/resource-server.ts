import { listen, type Listening } from '../simulators/listen'

/** A resource server, which is no part of GearCode's document: `/v1` for whoever shows a live token. */
export function startResourceServer(
  isIssued: (accessToken: string) => boolean,
): Promise<Listening> {
  return listen(
    (request) => {
      const [, token = ''] = /^Bearer (.+)$/.exec(request.headers.get('authorization') ?? '') ?? []
      const isLive = isIssued(token) && endOf(token) > Date.now()
      return Promise.resolve(
        Response.json(isLive ? { thing: 'yours' } : { error: 'invalid_token' }, {
          status: isLive ? 200 : 401,
        }),
      )
    },
    '127.0.0.1',
    0,
  )
}

/** Milliseconds since the epoch. */
function endOf(token: string): number {
  return Number(claimsOf(token).exp) * 1000
}

/** What a simulator's access token says; nobody but the simulator can check it. */
export function claimsOf(token: string): Record<string, unknown> {
  const [, payload = ''] = token.split('.')
  return JSON.parse(Buffer.from(payload, 'base64url').toString() || '{}') as Record<string, unknown>
}
