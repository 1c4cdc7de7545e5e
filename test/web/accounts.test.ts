import { expect, test, vi } from 'vitest'
import type { Account, ProviderView } from '../../shared/wire'
import { proxyCustody } from '../../web/client/custody'
import { createProxyClient } from '../../web/client/proxy'
import { Accounts } from '../../web/state/accounts.svelte'

const view: ProviderView = {
  id: 'acme',
  name: 'Acme',
  custody: 'proxy',
  grant: 'code',
  configured: true,
  simulated: false,
  capabilities: [],
}

const ada: Account = {
  provider: 'acme',
  custody: 'proxy',
  subject: '1',
  label: 'Ada',
  scope: [],
  connectedAt: '2026-11-22T12:00:00.000Z',
  expiresAt: null,
  refreshable: false,
}

const departures = {
  accounts: {
    acme: { effects: { local: 'cleared', tokens: 'revoked', provider: 'unsupported' } },
  },
}

/** The accounts of a page, and how often it told the other windows that something changed. */
function pageWith(accounts: Account[]) {
  const tell = vi.fn()
  const answers: Record<string, unknown> = {
    '/bff/providers': { providers: [view] },
    '/bff/session': { accounts },
  }
  const proxy = createProxyClient({
    origin: '',
    measure: () => () => undefined,
    changed: tell,
    fetch: (path, init) =>
      Promise.resolve(
        Response.json(
          init?.method === 'DELETE' ? departures : typeof path === 'string' && answers[path],
        ),
      ),
  })
  const page = new Accounts({
    proxy,
    channel: { tell, tellAll: tell, listen: () => undefined },
    custodyOf: (shown) => proxyCustody(shown, proxy),
  })
  return { page, tell }
}

test('a page that arrives signed in tells the other windows', async () => {
  const { page, tell } = pageWith([ada])
  await page.load()
  expect(page.find('acme')?.state).toBe('signed-in')
  expect(tell).toHaveBeenCalledOnce()
})

test('a page on which nobody is signed in has nothing to tell', async () => {
  const { page, tell } = pageWith([])
  await page.load()
  expect(tell).not.toHaveBeenCalled()
})

test('a sign-out of all says what became of an account that a look saw gone before', async () => {
  const { page } = pageWith([ada])
  await page.load()
  const card = page.find('acme')
  const leaving = page.signOutAll()
  await card?.look(Promise.resolve([]))
  await leaving
  expect(card?.departure?.effects.tokens).toBe('revoked')
})

test('a page that is left while it loads shows nobody when it is back', async () => {
  const heard = new Map<string, () => void>()
  vi.stubGlobal('document', new EventTarget())
  vi.stubGlobal('addEventListener', (name: string, listener: () => void) => {
    heard.set(name, listener)
  })
  try {
    const { page } = pageWith([ada])
    page.listen()
    const loading = page.load()
    heard.get('pagehide')?.()
    await loading
    expect([page.phase, page.cards]).toEqual(['loading', []])
    await page.load()
    expect(page.find('acme')?.state).toBe('signed-in')
  } finally {
    vi.unstubAllGlobals()
  }
})
