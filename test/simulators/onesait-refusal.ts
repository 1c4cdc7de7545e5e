import { jsonAnswer } from './answer'
import type { Call, Route } from './host'
import { requireBasic } from './read-request'
import type { RefusalDetails } from './refusal'
import type { OnesaitStage } from './onesait'

/** A Boot body where Spring Security itself said no; else `{error, error_description}`, mostly with 401. */
export const springNo: Route['sayNo'] = (refusal) => {
  const { status = 401, description = refusal.message, headers, more } = refusal.details
  return jsonAnswer(
    more ?? { error: refusal.error, error_description: description },
    status,
    headers,
  )
}

/** The realm and its key in a raw Basic header. */
export function requireRealm(call: Call, stage: OnesaitStage): void {
  const badBasic: RefusalDetails = {
    status: 401,
    headers: { 'www-authenticate': 'Basic realm="oauth2/client"' },
    more: {
      timestamp: new Date(stage.now()).toISOString(),
      status: 401,
      error: 'Unauthorized',
      path: call.url.pathname,
    },
  }
  requireBasic(call, stage.client, badBasic)
}
