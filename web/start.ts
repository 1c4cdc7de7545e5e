import { mount } from 'svelte'
import App from './App.svelte'
import type { Arrival } from './arrival'
import { browserCustody, type BrowserParts } from './client/browser/custody'
import { Keep } from './client/browser/keep'
import type { Locks } from './client/browser/locks'
import { openStore } from './client/browser/store'
import { openChannel } from './client/channel'
import { proxyCustody } from './client/custody'
import { createProxyClient } from './client/proxy'
import { Accounts } from './state/accounts.svelte'
import { clock } from './state/clock.svelte'
import { Router } from './state/router.svelte'
import './app.css'

/** Puts the app together and shows it. */
export function start(arrival: Arrival, { protocol }: Pick<BrowserParts, 'protocol'>) {
  const ports = { fetch: fetch.bind(globalThis), now: () => Date.now() }
  const proxy = createProxyClient({ origin: __PROXY_ORIGIN__, ...ports })
  const locks: Locks = { request: (name, run) => navigator.locks.request(name, run) }
  const keep = new Keep(openStore(), locks)
  const parts: BrowserParts = { ...ports, locks, keep, protocol }

  const accounts = new Accounts({
    proxy,
    channel: openChannel(),
    custodyOf: (view) =>
      view.custody === 'browser' ? browserCustody(view, parts) : proxyCustody(view, proxy),
  })
  const router = new Router()
  clock.start()
  router.listen()
  accounts.listen()
  const target = document.getElementById('app')
  if (!target) throw new Error('index.html has no #app')
  mount(App, { target, props: { accounts, router, arrival } })
}
