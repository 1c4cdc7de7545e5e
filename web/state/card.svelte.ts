import type { TokenName } from '../../shared/provider'
import type {
  Account,
  CheckAnswer,
  ProfileAnswer,
  ProviderView,
  SignOutAnswer,
} from '../../shared/wire'
import type { Custody } from '../client/custody'
import { failureOf, isTrouble, type FailureCode } from '../client/failure'
import type { Credentials } from '../client/proxy'
import { returnPath } from '../route'

export type State =
  'off' | 'signed-out' | 'signing-in' | 'signed-in' | 'refreshing' | 'ended' | 'trouble'

/** What is being done with an account. */
export type Deed = 'sign-in' | 'profile' | 'refresh' | 'check' | 'revoke' | 'sign-out'

/** What a person cannot repeat with a button that every account shows. */
const tuckedAway: readonly Deed[] = ['profile', 'check', 'revoke']

export interface Trouble {
  code: FailureCode | 'unknown'
  during: Deed
  retryAfter?: number | undefined
}

export interface Surroundings {
  /** Says what changed, to those who cannot see it. */
  announce: (news: string) => void
  /** Asks for another look, where one came at a wrong moment. */
  lookAgain: () => void
}

/** One provider as a person sees it: its account, what is being done, and what came of it. */
export class Card {
  readonly view: ProviderView
  readonly #custody: Custody
  readonly #surroundings: Surroundings

  account = $state.raw<Account | null>(null)
  profile = $state.raw<ProfileAnswer | null>(null)
  checked = $state.raw<CheckAnswer | null>(null)
  /** What the sign-out did, until the next sign-in. */
  departure = $state.raw<SignOutAnswer | null>(null)
  trouble = $state.raw<Trouble | null>(null)
  notice = $state<string | null>(null)
  doing = $state<Deed | null>(null)
  /** Whose sign-in the provider ended. */
  endedFor = $state<string | null>(null)
  #again: (() => Promise<boolean>) | null = null
  #turn = 0
  /** Numbers the look-ups, so that a slow one does not undo a later one. */
  #looks = 0
  #latest = 0
  #missed = false

  state = $derived.by((): State => {
    if (!this.view.configured) return 'off'
    if (this.doing === 'sign-in') return 'signing-in'
    if (this.doing === 'refresh') return 'refreshing'
    if (this.endedFor !== null) return 'ended'
    if (!this.account) return 'signed-out'
    const { trouble } = this
    const troubled =
      trouble &&
      trouble.during !== 'sign-in' &&
      trouble.code !== 'unknown' &&
      isTrouble(trouble.code)
    return troubled ? 'trouble' : 'signed-in'
  })
  busy = $derived(this.doing !== null)

  constructor(view: ProviderView, custody: Custody, surroundings: Surroundings) {
    this.view = view
    this.#custody = custody
    this.#surroundings = surroundings
  }

  can(capability: ProviderView['capabilities'][number]): boolean {
    return this.view.capabilities.includes(capability)
  }

  /** Which of the account's tokens the provider revokes, the one that ends least first. */
  revocable = $derived.by((): readonly TokenName[] => {
    const tokens = this.view.revokes?.tokens ?? []
    const held: readonly TokenName[] = this.account?.refreshable
      ? ['access', 'refresh']
      : ['access']
    return held.filter((token) => tokens.includes(token))
  })

  get finishesHere(): boolean {
    return this.#custody.finish !== null
  }

  loginHref(returnTo: string): string | null {
    return this.view.configured ? this.#custody.loginHref(returnTo) : null
  }

  /**
   * Looks up the account anew. What the person did meanwhile is newer than what the look-up saw, and
   * wins. Two tabs share one account, so one that is gone was signed out elsewhere.
   * Throws what the session throws, where the account is the proxy's.
   */
  async look(session: Promise<readonly Account[]>): Promise<void> {
    if (!this.view.configured) return
    const turn = this.#turn
    const look = ++this.#looks
    let account: Account | null
    try {
      account = await this.#custody.account(session)
    } catch (error) {
      if (this.view.custody === 'proxy') throw error
      // A browser that refuses to store anything loses its own accounts, not those of the proxy.
      this.trouble = { ...failureOf(error), during: 'sign-in' }
      return
    }
    if (look < this.#latest) return
    this.#latest = look
    if (this.busy) {
      this.#missed = true
      return
    }
    if (turn !== this.#turn) {
      this.#surroundings.lookAgain()
      return
    }
    if (account?.connectedAt !== this.account?.connectedAt) this.#forget()
    if (account) this.departure = null
    // What failed here went well in another tab.
    const isRefreshed = account && account.expiresAt !== this.account?.expiresAt
    if (isRefreshed && this.trouble?.during === 'refresh') this.trouble = null
    this.account = account
  }

  /** The page leaves for the provider. */
  leave() {
    this.#turn++
    this.trouble = null
    this.doing = 'sign-in'
  }

  fail(trouble: Trouble) {
    this.trouble = trouble
  }

  async signIn(returnTo: string): Promise<void> {
    const begun = await this.#do('sign-in', async () => {
      location.assign(await this.#custody.begin(returnTo))
    })
    if (begun) this.leave()
  }

  async signInWith(credentials: Credentials): Promise<void> {
    await this.#do('sign-in', async () => {
      this.#arrive(await this.#custody.signInWith(credentials))
    })
  }

  /** Finishes a sign-in that came back to this page; answers where the person wants to be. */
  async finish(parameters: URLSearchParams): Promise<string> {
    const { finish } = this.#custody
    if (!finish) return '/'
    let place = '/'
    await this.#do('sign-in', async () => {
      const { returnTo, account, failure } = await finish(parameters)
      place = returnTo
      if (account) this.#arrive(account)
      if (failure) this.trouble = { ...failure, during: 'sign-in' }
    })
    return returnPath(place)
  }

  async readProfile(): Promise<void> {
    await this.#do('profile', async () => {
      this.profile = await this.#custody.profile()
    })
  }

  async refresh(): Promise<void> {
    await this.#do('refresh', async () => {
      this.account = await this.#custody.refresh()
      this.checked = null
      this.#changed('Refreshed just now.', `${this.view.name}: refreshed.`)
    })
  }

  async check(): Promise<void> {
    await this.#do('check', async () => {
      this.checked = await this.#custody.check()
      const { active } = this.checked
      this.#surroundings.announce(
        `${this.view.name}: the token is ${active ? 'active' : 'no longer active'}.`,
      )
    })
  }

  async revoke(token: TokenName): Promise<void> {
    await this.#do('revoke', async () => {
      const { account } = await this.#custody.revoke(token)
      this.#forget()
      this.account = account
      this.#changed(
        account
          ? `The ${token} token was revoked.`
          : `${this.view.name} revoked your tokens, so you are signed out.`,
        `${this.view.name}: revoked.`,
      )
    })
  }

  async signOut(): Promise<void> {
    await this.#do('sign-out', async () => {
      this.depart(await this.#custody.signOut())
    })
  }

  /** Signed out, here or together with all others. */
  depart(departure: SignOutAnswer) {
    this.#turn++
    this.#forget()
    this.account = null
    this.departure = departure
    this.#changed(null, `Signed out of ${this.view.name}.`)
  }

  /** Does what failed once more. */
  retry(): void {
    void this.#again?.()
  }

  /** Whether what failed can be done once more and has no control of its own in sight. */
  get canRetry(): boolean {
    return this.trouble !== null && tuckedAway.includes(this.trouble.during) && this.#again !== null
  }

  #arrive(account: Account) {
    this.#forget()
    this.account = account
    this.departure = null
    this.#changed(null, `Signed in at ${this.view.name} as ${account.label}.`)
  }

  #forget() {
    this.profile = null
    this.checked = null
    this.notice = null
    this.trouble = null
    this.endedFor = null
  }

  #changed(notice: string | null, news: string) {
    this.notice = notice
    this.#surroundings.announce(news)
  }

  /** One thing at a time; answers whether it was done. */
  async #do(deed: Deed, act: () => Promise<void>): Promise<boolean> {
    if (this.busy) return false
    this.#turn++
    this.#again = () => this.#do(deed, act)
    this.doing = deed
    this.trouble = null
    this.notice = null
    if (deed === 'sign-in') this.departure = null
    try {
      await act()
      // It may hold what somebody typed.
      this.#again = null
      return true
    } catch (error) {
      this.#failed(deed, error)
      return false
    } finally {
      this.doing = null
      if (this.#missed) this.#surroundings.lookAgain()
      this.#missed = false
    }
  }

  #failed(during: Deed, error: unknown) {
    const { code, retryAfter } = failureOf(error)
    const over = code === 'session_ended' || code === 'not_signed_in'
    if (over && this.account) {
      const { label } = this.account
      this.#forget()
      this.account = null
      if (code === 'session_ended') this.endedFor = label
    }
    this.trouble = { code, during, retryAfter }
  }
}
