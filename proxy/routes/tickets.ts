import { Hono } from 'hono'
import * as v from 'valibot'
import { AppError } from '../../shared/failure'
import { ticketRequestSchema, type TicketAnswer } from '../../shared/wire'
import { apiTarget, askedFor } from '../../shared/api-path'
import { readJson } from '../json-body'
import type { Parts, ProxyEnv } from '../parts'
import { mustHave, signedIn } from '../signed-in'
import { issueTicket, takeTicket } from '../session/tickets'

/** Bytes of the path that is asked for. */
const bodyLimit = 8 * 1024

/**
 * `POST /bff/tickets/:provider`: a link into the provider's API that needs no header, for downloads
 * and event streams where the browser does not say who asks.
 */
export function ticketsRoute({ config, seal, ports, bodyWaits }: Parts) {
  return new Hono<ProxyEnv>().post('/', async (c) => {
    mustHave(c, 'api')
    const body = await readJson(c.req.raw, bodyLimit, bodyWaits)
    const wanted = v.safeParse(ticketRequestSchema, body)
    if (!wanted.success) throw new AppError('invalid_request')
    const { provider } = c.get('offer')
    const asked = askedFor(provider, wanted.output.path, config.publicOrigin)
    if (takeTicket(asked).asked !== asked) throw new AppError('path_not_allowed')
    // Judged now as it will be once more when the link is followed.
    apiTarget(c.get('offer'), asked)
    const { seat } = signedIn(c).signIn
    const { link, until } = await issueTicket(provider.id, seat, asked, seal, ports.now())
    return c.json({ url: link, expiresAt: new Date(until).toISOString() } satisfies TicketAnswer)
  })
}
