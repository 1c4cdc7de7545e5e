import { mount } from 'svelte'
import App from './App.svelte'
import type { Arrival } from './arrival'
import { browserCustody, type BrowserParts } from './client/browser/custody'
import { Keep } from './client/browser/keep'
import { openLocks } from './client/browser/locks'
import { openStore } from './client/browser/store'
import { openChannel } from './client/channel'
import { ServerClock } from './client/clock'
import { proxyCustody } from './client/custody'
import { createProxyClient } from './client/proxy'
import { Accounts } from './state/accounts.svelte'
import { clock } from './state/clock.svelte'
import { Router } from './state/router.svelte'
import './app.css'

/** Puts the app together and shows it. */
export function start(arrival: Arrival, { protocol }: Pick<BrowserParts, 'protocol'>) {
  const machine = { wall: () => Date.now(), steady: () => performance.now() }
  const time = new ServerClock(machine, () => {
    clock.set(time.now())
  })
  const channel = openChannel()
  const common = { fetch: fetch.bind(globalThis), changed: channel.tellAll }
  const proxy = createProxyClient({
    ...common,
    origin: __PROXY_ORIGIN__,
    measure: () => time.measure(),
  })
  const settle = () => time.settle(proxy.time)
  const locks = openLocks(navigator.locks)
  const parts: BrowserParts = {
    ...common,
    now: time.now,
    settle,
    isOnline: () => navigator.onLine,
    locks,
    keep: new Keep(openStore(), locks),
    protocol,
  }

  const accounts = new Accounts({
    proxy,
    channel,
    custodyOf: (view) =>
      view.custody === 'browser' ? browserCustody(view, parts) : proxyCustody(view, proxy),
  })
  const router = new Router()
  clock.start(time.now, settle)
  router.listen()
  accounts.listen()
  const target = document.getElementById('app')
  if (!target) throw new Error('index.html has no #app')
  mount(App, { target, props: { accounts, router, arrival } })
}
