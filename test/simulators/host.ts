import { playFault, type Operation } from './fault'
import { departs, Refusal } from './refusal'
import type { Person, Stage } from './simulator'
import { noteRequest, type WireEntry } from './wire-log'

/** A request with its body read, and its line in the log. */
export interface Call {
  request: Request
  url: URL
  body: string
  entry: WireEntry
}

/** What happens at one method and path. */
export interface Route {
  /** Which operation this is, for faults; human pages are none. */
  operation?: Operation | ((call: Call) => Operation)
  handle: (call: Call) => Response | Promise<Response>
  /** What a refusal looks like here. */
  sayNo: (refusal: Refusal, call: Call) => Response
}

/** Keyed `POST /oauth/token`. */
export type Routes = Record<string, Route>

/** What a host answers where it has no route. */
export type Fallback = (refusal: Refusal, call: Call) => Response

type AnyStage = Stage<object, Person>

const plainly: Fallback = (refusal) =>
  new Response(refusal.message, {
    status: refusal.details.status ?? 404,
    headers: { 'content-type': 'text/plain' },
  })

/** Builds the handler of one host: log, faults, route, refusal. */
export function createHost(
  stage: AnyStage,
  host: string,
  routes: Routes,
  nowhere: Fallback = plainly,
): (request: Request) => Promise<Response> {
  return async (request) => {
    const url = new URL(request.url)
    // Browsers ask for it on their own; it is no part of any document.
    if (url.pathname === '/favicon.ico') return new Response(null, { status: 404 })
    const body = await request.text()
    const entry = noteRequest(stage.id, host, request, body)
    stage.log.push(entry)
    try {
      const response = await answer(stage, routes, nowhere, { request, url, body, entry })
      entry.status = response.status
      return response
    } finally {
      stage.onEntry?.(entry)
    }
  }
}

async function answer(
  stage: AnyStage,
  routes: Routes,
  nowhere: Fallback,
  call: Call,
): Promise<Response> {
  const { method, path } = call.entry
  const route = routes[`${method} ${path}`]
  if (!route) return refuse(missing(routes, method, path), call, nowhere)
  const operation = typeof route.operation === 'function' ? route.operation(call) : route.operation
  const carryOut = () => attempt(route, call)
  if (!operation) return carryOut()
  await stage.before?.(operation, call.entry)
  const fault = stage.faults[operation]
  return fault === undefined ? carryOut() : playFault(fault, call.request, stage.sentinel, carryOut)
}

async function attempt(route: Route, call: Call): Promise<Response> {
  try {
    return await route.handle(call)
  } catch (error) {
    if (error instanceof Refusal) return refuse(error, call, route.sayNo)
    throw error
  }
}

function refuse(refusal: Refusal, call: Call, sayNo: Fallback): Response {
  if (refusal.kind === 'departure') call.entry.refused = refusal.message
  else call.entry.failed = refusal.message
  return sayNo(refusal, call)
}

function missing(routes: Routes, method: string, path: string): Refusal {
  const allowed = Object.keys(routes)
    .filter((key) => key.endsWith(` ${path}`))
    .map((key) => key.slice(0, key.indexOf(' ')))
  if (allowed.length === 0)
    return departs('the document has no such path', 'not_found', { status: 404 })
  return departs(
    `the document has ${allowed.join(' and ')} here, not ${method}`,
    'method_not_allowed',
    {
      status: 405,
      headers: { allow: allowed.join(', ') },
    },
  )
}
