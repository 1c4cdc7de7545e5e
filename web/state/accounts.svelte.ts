import { flushSync } from 'svelte'
import type { Account, ProviderView } from '../../shared/wire'
import type { Channel } from '../client/channel'
import type { Custody } from '../client/custody'
import { failureOf } from '../client/failure'
import type { ProxyClient } from '../client/proxy'
import { codeFromUrl } from '../messages'
import { Card, type Trouble } from './card.svelte'

export interface AccountsParts {
  proxy: ProxyClient
  channel: Channel
  custodyOf: (view: ProviderView) => Custody
}

/** Answers that it takes to name every cookie a browser keeps for one site. */
const mostClearings = 30

/** All providers of this deployment with this person's accounts. */
export class Accounts {
  readonly #parts: AccountsParts
  #looking = false
  /** Numbers the loads, so that a slow one does not undo a later one. */
  #loads = 0
  #loading = Promise.resolve()

  cards = $state.raw<readonly Card[]>([])
  /** `loading` until it is known who is signed in: before, nobody is shown as signed out. */
  phase = $state<'loading' | 'ready' | 'failed'>('loading')
  /** What is wrong with all of them, or with a provider that is none of them. */
  trouble = $state.raw<Pick<Trouble, 'code' | 'retryAfter'> | null>(null)
  news = $state('')
  leaving = $state(false)
  clearing = $state(false)

  simulated = $derived(this.cards.some(({ view }) => view.configured && view.simulated))
  signedIn = $derived(this.cards.filter(({ account }) => account !== null))
  configured = $derived(this.cards.filter(({ view }) => view.configured))

  constructor(parts: AccountsParts) {
    this.#parts = parts
  }

  /** Listens to the other tabs and to the person coming back to this page. */
  listen() {
    const again = () => void this.#lookAgain()
    this.#parts.channel.listen(again)
    const comeBack = () => {
      // Who comes back to a tab is told of twice.
      if (document.visibilityState === 'visible' && !this.#looking) again()
    }
    document.addEventListener('visibilitychange', comeBack)
    // A window that stood beside another one was visible all the time.
    addEventListener('focus', comeBack)
    // The browser may keep the page as it was when it was left, and show it again after a sign-out:
    // so it is left without anybody, and who is signed in is asked anew.
    addEventListener('pagehide', () => {
      this.#conceal()
      flushSync()
    })
    addEventListener('pageshow', ({ persisted }) => {
      if (persisted) void this.load()
    })
  }

  find(provider: string): Card | null {
    return this.cards.find(({ view }) => view.id === provider) ?? null
  }

  load(): Promise<void> {
    this.#conceal()
    this.#loading = this.#fill(this.#loads)
    return this.#loading
  }

  #conceal() {
    // Whatever is still loading was asked for by a page that was another one.
    this.#loads++
    this.#loading = Promise.resolve()
    this.phase = 'loading'
    this.trouble = null
    this.cards = []
    this.news = ''
  }

  async #fill(load: number): Promise<void> {
    const { cards, trouble } = await this.#read()
    // Overtaken by a later one, as on a page that was left and is back: what this saw may be over.
    if (load !== this.#loads) return this.#loading
    this.cards = cards
    this.trouble = trouble
    this.phase = trouble ? 'failed' : 'ready'
    // A sign-in by redirect comes back as a new page like any other. Who hears it only looks.
    if (this.signedIn.length > 0) this.#parts.channel.tell()
  }

  async #read() {
    try {
      const session = this.#session()
      const [{ providers }] = await Promise.all([this.#parts.proxy.providers(), session])
      const cards = providers.map((view) => this.#cardOf(view))
      await Promise.all(cards.map((card) => card.look(session)))
      return { cards, trouble: null }
    } catch (error) {
      return { cards: [], trouble: failureOf(error) }
    }
  }

  /** Shows what the proxy, or the URL, says about a sign-in that failed. */
  tellFailed(failed: { code: string; provider: string }) {
    const code = codeFromUrl(failed.code)
    const card = this.find(failed.provider)
    if (card) card.fail({ code, during: 'sign-in' })
    else this.trouble = { code }
  }

  async signOutAll(): Promise<void> {
    if (this.leaving) return
    this.leaving = true
    this.trouble = null
    const here = this.signedIn.filter(({ view }) => view.custody === 'browser')
    try {
      await Promise.all([this.#signOutProxy(), ...here.map((card) => card.signOut())])
    } catch (error) {
      this.trouble = failureOf(error)
    } finally {
      this.leaving = false
    }
  }

  /** Clears the cookies that others planted, as far as it takes; then it may go on. */
  async clearCookies(): Promise<void> {
    if (this.clearing) return
    this.clearing = true
    try {
      // A cookie that cannot be cleared comes again and again.
      for (let asked = 0; asked < mostClearings; asked++)
        if (!(await this.#parts.proxy.clearCookies()).more) break
    } catch (error) {
      this.trouble = failureOf(error)
    } finally {
      this.clearing = false
    }
  }

  async #signOutProxy(): Promise<void> {
    const { accounts } = await this.#parts.proxy.signOutAll()
    // A look may have seen them gone before this answer says what became of them.
    for (const [provider, departure] of Object.entries(accounts))
      this.find(provider)?.depart(departure)
  }

  async #lookAgain(): Promise<void> {
    if (this.phase !== 'ready') return
    this.#looking = true
    try {
      const session = this.#session()
      await Promise.all([session, ...this.cards.map((card) => card.look(session))])
      if (this.trouble?.code === 'offline') this.trouble = null
    } catch (error) {
      // What is shown stays: not to know better is no reason to sign anybody out.
      this.trouble = failureOf(error)
    } finally {
      this.#looking = false
    }
  }

  async #session(): Promise<readonly Account[]> {
    return (await this.#parts.proxy.session()).accounts
  }

  #cardOf(view: ProviderView): Card {
    return new Card(view, this.#parts.custodyOf(view), {
      announce: (news) => {
        this.news = news
      },
      lookAgain: () => void this.#lookAgain(),
    })
  }
}
