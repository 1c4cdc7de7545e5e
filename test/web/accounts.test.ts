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

/** The accounts of a page, and how often it told the other windows that something changed. */
function pageWith(accounts: Account[]) {
  const answers: Record<string, unknown> = {
    '/bff/providers': { providers: [view] },
    '/bff/session': { accounts },
  }
  const proxy = createProxyClient({
    origin: '',
    fetch: (path) => Promise.resolve(Response.json(typeof path === 'string' && answers[path])),
  })
  const tell = vi.fn()
  const page = new Accounts({
    proxy,
    channel: { tell, listen: () => undefined },
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
