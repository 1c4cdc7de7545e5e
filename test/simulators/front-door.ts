import { randomUUID } from 'node:crypto'
import { redirectTo } from './answer'
import type { Call, Route, Routes } from './host'
import type { Page } from './page'
import { pageAnswer } from './page'
import { exactly, readForm } from './read-request'
import { fails, Refusal } from './refusal'
import type { Person, Stage } from './simulator'

/** An authorization request on its way through the human pages. */
export interface Visit {
  id: string
  redirectUri: string
  state?: string
  scopes: string[]
  /** Scopes that the person cannot refuse. */
  mandatory: string[]
  challenge?: string
  /** Who signed in; undefined before that. */
  user?: string
  startedAt: number
}

/** How a provider's pages look. */
export interface Pages {
  signIn(visit: Visit, users: Record<string, Person>, problem?: string): Page
  consent(visit: Visit, person: Person): Page
  refused(reason: string): Page
}

export interface FrontDoor {
  /** Begins a visit: a login page, or the consent page when `user` is already known. */
  open(visit: Omit<Visit, 'id' | 'startedAt'>, consented?: boolean): Response
  /** The human pages' own paths. */
  routes: Routes
  /** What a refused authorization request looks like while it is unknown where to send the browser. */
  refusedPage: Route['sayNo']
}

interface Behaviour {
  pages: Pages
  issueCode: (visit: Visit & { user: string }) => string
  /** Headers that make the browser remember the person. */
  remember?: (user: string) => Record<string, string>
  /** Told of an Allow. */
  consented?: (user: string) => void
  /** Whether `state` comes back. */
  echoState?: () => boolean
}

const visitLife = 30 * 60_000

/** Login, consent and the way back, which work alike at every provider that has pages. */
export function createFrontDoor<Switches extends object, User extends Person>(
  stage: Stage<Switches, User>,
  behaviour: Behaviour,
): FrontDoor {
  const { pages } = behaviour
  const visits = new Map<string, Visit>()
  stage.onReset.push(() => visits.clear())

  const find = (id: string): Visit => {
    const visit = visits.get(id)
    if (!visit || visit.startedAt + visitLife < stage.now())
      throw fails('this visit is over', 'invalid_request')
    return visit
  }
  const back = (visit: Visit, parameters: Record<string, string>) => {
    visits.delete(visit.id)
    const state = behaviour.echoState?.() === false ? undefined : visit.state
    return redirectTo(visit.redirectUri, { ...parameters, state })
  }
  const allow = (visit: Visit & { user: string }) => {
    behaviour.consented?.(visit.user)
    return back(visit, { code: behaviour.issueCode(visit) })
  }
  const consentPage = (visit: Visit, user: string, headers?: Record<string, string>) => {
    const person = stage.users[user]
    if (!person) throw fails('this person has no account any more', 'access_denied')
    return pageAnswer(pages.consent(visit, person), 200, headers)
  }

  const person = (call: Call): Response => {
    const values = exactly(readForm(call), ['visit'], ['pick', 'username', 'password', 'decision'])
    const visit = find(values.visit)
    if (values.decision === 'deny') return back(visit, { error: 'access_denied' })
    const user = values.pick ?? authenticate(stage.users, values.username, values.password)
    if (user === undefined || !stage.users[user]) {
      call.entry.failed = 'wrong user name or password'
      return pageAnswer(pages.signIn(visit, stage.users, 'wrong'), 200)
    }
    visit.user = user
    return consentPage(visit, user, behaviour.remember?.(user))
  }

  const decision = (call: Call): Response => {
    const pairs = readForm(call)
    const values = exactly(
      pairs.filter(([name]) => name !== 'scope'),
      ['visit', 'decision'],
    )
    const visit = find(values.visit)
    const { user } = visit
    if (user === undefined) throw fails('nobody is signed in on this visit', 'access_denied')
    if (values.decision !== 'allow') return back(visit, { error: 'access_denied' })
    const ticked = new Set(pairs.filter(([name]) => name === 'scope').map(([, value]) => value))
    const scopes = visit.scopes.filter(
      (scope) => ticked.has(scope) || visit.mandatory.includes(scope),
    )
    return allow({ ...visit, user, scopes })
  }

  const refusedPage: Route['sayNo'] = (refusal) => pageAnswer(pages.refused(refusal.message), 400)

  return {
    open(request, consented = false) {
      const visit: Visit = { ...request, id: randomUUID(), startedAt: stage.now() }
      visits.set(visit.id, visit)
      const { user } = visit
      if (user === undefined) return pageAnswer(pages.signIn(visit, stage.users))
      return consented ? allow({ ...visit, user }) : consentPage(visit, user)
    },
    routes: {
      'POST /sign-in/person': { handle: person, sayNo: refusedPage },
      'POST /sign-in/decision': { handle: decision, sayNo: refusedPage },
    },
    refusedPage,
  }
}

function authenticate(
  users: Record<string, Person>,
  login: string | undefined,
  password: string | undefined,
): string | undefined {
  const found = Object.entries(users).find(
    ([name, { login: typed }]) => name === login || typed === login,
  )
  return found && found[1].password === password ? found[0] : undefined
}

/** Once it is known where to go back to, a fault of the authorization request is told to the app there. */
export function tellApp(
  call: Call,
  redirectUri: string,
  echoState: boolean,
  read: () => Response,
): Response {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    call.entry.refused = error.message
    const state = echoState ? (call.url.searchParams.get('state') ?? undefined) : undefined
    return redirectTo(redirectUri, { error: error.error, error_description: error.message, state })
  }
}
