import type { Instance } from './instance'
import type { Judge } from './judge'
import { providerId, type Kind, type ModelProvider } from './provider'
import type { World } from './world'

export const deeds = ['call', 'refresh', 'look', 'sign in', 'sign out', 'everywhere'] as const
export type Deed = (typeof deeds)[number]

/** How a deed is done, unless it is done simply. */
export interface Manner {
  /** With the cookies as they were so many changes ago. */
  stale?: number | undefined
  /** The answer never lands: the tab is closed, or has gone elsewhere. */
  aborted?: boolean | undefined
}

export interface Cookie {
  name: string
  value: string
  isStrict: boolean
}

/** What a browser was answered. */
export interface Answered {
  status: number
  location: string
  body: Record<string, unknown>
  setCookies: (Cookie & { isDeletion: boolean })[]
}

/** A request of the app, from when it leaves until it is answered. */
export interface Call {
  deed: Deed
  browser: Browser
  via: Instance
  cookies: readonly Cookie[]
}

const account = `/bff/accounts/${providerId}`

/** One browser of one person, who does things without waiting for what they did before. */
export class Browser {
  readonly jar = new Map<string, Cookie>()
  /** The jar before each change. */
  readonly #before: Cookie[][] = []

  constructor(
    readonly name: string,
    readonly user: string,
    private readonly world: World,
    private readonly judge: Judge,
    private readonly provider: ModelProvider,
  ) {}

  /** Done when its answer has landed or cannot land any more. */
  async act(deed: Deed, via: Instance, manner: Manner = {}): Promise<Answered | undefined> {
    if (deed === 'sign in') return await this.#signIn(via, manner)
    if (deed === 'call') return await this.#send(deed, 'GET', `${account}/profile`, via, manner)
    if (deed === 'refresh') return await this.#send(deed, 'POST', `${account}/refresh`, via, manner)
    if (deed === 'look') return await this.#send(deed, 'GET', '/bff/session', via, manner)
    if (deed === 'sign out') return await this.#send(deed, 'DELETE', account, via, manner)
    const body = { token: revocable(this.provider.kind) }
    return await this.#send(deed, 'POST', `${account}/revoke`, via, manner, body)
  }

  async #signIn(via: Instance, manner: Manner): Promise<Answered | undefined> {
    const path = `/bff/login/${providerId}`
    if (this.provider.kind === 'shared pair') {
      const body = { username: this.user, password: 'right' }
      return await this.#send('sign in', 'POST', path, via, manner, body)
    }
    const cookies = this.#cookies(manner)
    const away = await this.#send('sign in', 'GET', path, via, manner)
    if (away?.status !== 302) return away
    const state = new URL(away.location).searchParams.get('state') ?? ''
    const code = this.provider.authorize(this.user)
    const back = `/bff/callback/${providerId}?code=${code}&state=${state}`
    return await this.#send('sign in', 'GET', back, via, manner, undefined, cookies)
  }

  #cookies({ stale = 0 }: Manner): Cookie[] {
    const before = stale > 0 ? this.#before.at(-stale) : undefined
    return before ?? [...this.jar.values()]
  }

  async #send(
    deed: Deed,
    method: string,
    path: string,
    via: Instance,
    manner: Manner,
    body?: Record<string, string>,
    previous?: readonly Cookie[],
  ): Promise<Answered | undefined> {
    const { world, judge } = this
    // The way back from a provider is cross-site: Strict cookies stay at home.
    const cookies = this.#cookies(previous ? {} : manner).filter(
      ({ isStrict }) => !previous || !isStrict,
    )
    const call: Call = { deed, browser: this, via, cookies }
    judge.leaves(call, previous)
    const what = `${deed}${manner.stale ? ', stale' : ''}`
    world.tell(() => `${this.name}: ${what} by ${via.name}`)
    await world.gate(`${this.name} → ${via.name}: ${what}`)
    if (!via.isAlive) {
      judge.fails(call)
      return undefined
    }
    judge.arrives(call)
    const response = await via.handle(requestOf(method, path, cookies, body))
    const answer = await answerOf(response)
    judge.answers(call, answer)
    world.tell(() => `${via.name} answers ${this.name}: ${toldOf(call, answer)}`)
    await world.gate(`${via.name} → ${this.name}: ${what}${manner.aborted ? ', aborted' : ''}`)
    if (!manner.aborted) this.#land(answer)
    return answer
  }

  #land({ setCookies }: Answered): void {
    if (setCookies.length > 0) this.#before.push([...this.jar.values()])
    for (const { isDeletion, ...cookie } of setCookies)
      if (isDeletion) this.jar.delete(cookie.name)
      else this.jar.set(cookie.name, cookie)
    this.judge.lands(this, setCookies)
  }
}

/** What `everywhere` revokes: with it, the whole grant ends. */
function revocable(kind: Kind): string {
  return kind === 'shared pair' ? 'access' : 'refresh'
}

function requestOf(
  method: string,
  path: string,
  cookies: readonly Cookie[],
  body: Record<string, string> | undefined,
): Request {
  return new Request(`https://app.example${path}`, {
    method,
    headers: {
      cookie: cookies.map(({ name, value }) => `${name}=${value}`).join('; '),
      ...(body ? { 'content-type': 'application/json' } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
}

async function answerOf(response: Response): Promise<Answered> {
  const text = await response.text()
  return {
    status: response.status,
    location: response.headers.get('location') ?? '',
    body: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {},
    setCookies: response.headers.getSetCookie().map((line) => {
      const [pair = ''] = line.split(';')
      const at = pair.indexOf('=')
      return {
        name: pair.slice(0, at),
        value: pair.slice(at + 1),
        isStrict: /samesite=strict/i.test(line),
        isDeletion: /max-age=0(;|$)/i.test(line),
      }
    }),
  }
}

function toldOf({ deed }: Call, { status, body, location, setCookies }: Answered): string {
  const cookies = setCookies.map(({ name, isDeletion }) => (isDeletion ? `−${name}` : `+${name}`))
  const code = typeof body.code === 'string' ? body.code : ''
  const effects = body.effects ? JSON.stringify(body.effects) : ''
  return [deed, status, code, effects, location.replace(/state.*/, ''), ...cookies]
    .filter(Boolean)
    .join(' ')
}
