import type { Fault, Operation } from './fault'
import type { WireEntry } from './wire-log'

/** Somebody who can sign in. The key in `users` is what a program picks; `login` is what a person types. */
export interface Person {
  login: string
  password: string
  fullName: string
}

/** What is registered at the provider for the app. */
export interface RegisteredClient {
  id: string
  secret?: string
  redirectUris: string[]
}

/** What every document leaves open. */
export interface TokenSwitches {
  /** A refresh spends the refresh token and brings a new one. */
  rotate: boolean
  /** Where nothing rotates: leave the refresh token out of the answer instead of repeating it. */
  omitRefreshToken: boolean
  omitExpiresIn: boolean
  /** Seconds. */
  expiresIn: number
  /** A spent refresh token (or code) that comes again ends everything that grew from its login. */
  reuseDetection: boolean
}

/** A provider that can be driven from a test, in this process or over sockets. */
export interface Simulator<Switches extends object = object, User extends Person = Person> {
  id: string
  /** One handler per host of the provider. */
  hosts: Record<string, (request: Request) => Promise<Response>>
  /** Where the hosts are; told again after sockets are bound. The provider's real origins until then. */
  origins: Record<string, string>
  /** Every request, in order, noted before it is answered. */
  log: WireEntry[]
  /** Told of each request once it is answered or refused. */
  onEntry?: (entry: WireEntry) => void
  switches: Switches
  client: RegisteredClient
  users: Record<string, User>
  /** The client secret, and every token, code and API key ever handed out, also across `reset`: what tests grep for. */
  issued: Set<string>
  faults: Partial<Record<Operation, Fault>>
  /** Where the `redirect` fault points. */
  sentinel: string
  /** Rewrites a token answer before it is sent. */
  tokenAnswer?: (answer: Record<string, unknown>) => unknown
  /** Awaited before an operation is carried out: lets a test hold one request while another runs. */
  before?: (operation: Operation, entry: WireEntry) => Promise<void> | void
  expireAccessTokens(): void
  expireRefreshTokens(): void
  /** Every code, access and refresh token is dead at once. */
  revokeEverything(): void
  /** Back to how it was created: log, tokens, levers, switches, users and client; origins and `issued` stay. */
  reset(): void
}

/** What a simulator is made of before it has any behaviour. */
export interface Beginning<Switches extends object, User extends Person> {
  id: string
  origins: Record<string, string>
  switches: Switches
  client: RegisteredClient
  users: Record<string, User>
  now: () => number
}

/** A simulator under construction. */
export interface Stage<Switches extends object, User extends Person> extends Simulator<
  Switches,
  User
> {
  now: () => number
  /** Notes something as handed out, and returns it. */
  handOut(secret: string): string
  /** What `reset` clears besides the common things. */
  onReset: (() => void)[]
}

/** Sets up all that the five have in common; the provider adds hosts and token levers. */
export function createStage<Switches extends object, User extends Person>(
  beginning: Beginning<Switches, User>,
): Stage<Switches, User> {
  const { id, now, origins } = beginning
  const { switches, client, users } = structuredClone({
    switches: beginning.switches,
    client: beginning.client,
    users: beginning.users,
  })
  const stage: Stage<Switches, User> = {
    id,
    now,
    hosts: {},
    origins,
    log: [],
    switches,
    client,
    users,
    issued: new Set(client.secret === undefined ? [] : [client.secret]),
    faults: {},
    sentinel: 'https://sentinel.invalid/elsewhere',
    onReset: [],
    handOut(secret) {
      stage.issued.add(secret)
      return secret
    },
    expireAccessTokens: () => undefined,
    expireRefreshTokens: () => undefined,
    revokeEverything: () => undefined,
    reset() {
      stage.revokeEverything()
      stage.log.length = 0
      stage.faults = {}
      stage.sentinel = 'https://sentinel.invalid/elsewhere'
      delete stage.tokenAnswer
      delete stage.before
      Object.assign(stage.switches, structuredClone(beginning.switches))
      stage.client = structuredClone(beginning.client)
      stage.users = structuredClone(beginning.users)
      for (const clear of stage.onReset) clear()
    },
  }
  return stage
}
