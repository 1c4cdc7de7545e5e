import { expect, test, vi } from 'vitest'
import type { Account, ProviderView } from '../../shared/wire'
import type { Custody } from '../../web/client/custody'
import { CallError } from '../../web/client/failure'
import { Card } from '../../web/state/card.svelte'

const view: ProviderView = {
  id: 'acme',
  name: 'Acme',
  custody: 'proxy',
  grant: 'code',
  configured: true,
  simulated: false,
  capabilities: ['profile', 'refresh'],
}

const ada: Account = {
  provider: 'acme',
  custody: 'proxy',
  subject: '1',
  label: 'Ada',
  scope: [],
  connectedAt: '2026-11-22T12:00:00.000Z',
  expiresAt: null,
  refreshable: true,
}

const signedOut = {
  effects: { local: 'cleared', tokens: 'revoked', provider: 'unsupported' },
} as const

/** A custody that does nothing but what a test says. */
function cardWith(changes: Partial<Custody>, { view: shown = view } = {}) {
  const never = () => Promise.reject(new Error('not expected in this test'))
  const custody: Custody = {
    account: async (session) => (await session)[0] ?? null,
    loginHref: () => '/bff/login/acme',
    begin: never,
    finish: null,
    signInWith: never,
    profile: never,
    refresh: never,
    check: never,
    revoke: never,
    signOut: never,
    api: never,
    apiLink: null,
    ...changes,
  }
  const told: string[] = []
  const lookAgain = vi.fn()
  const card = new Card(shown, custody, {
    announce: (news) => void told.push(news),
    lookAgain,
  })
  return { card, told, lookAgain }
}

const refusing = (code: ConstructorParameters<typeof CallError>[0]) => () =>
  Promise.reject(new CallError(code))

test('a provider that is not configured is off', () => {
  const { card } = cardWith({}, { view: { ...view, configured: false } })
  expect(card.state).toBe('off')
})

test('a card is signed out, signed in, and signed out again', async () => {
  const { card, told } = cardWith({ signOut: () => Promise.resolve(signedOut) })
  expect(card.state).toBe('signed-out')
  await card.look(Promise.resolve([ada]))
  expect(card.state).toBe('signed-in')
  await card.signOut()
  expect(card.state).toBe('signed-out')
  expect(card.departure?.effects.tokens).toBe('revoked')
  expect(told).toEqual(['Signed out of Acme.'])
})

test('a refresh shows while it lasts', async () => {
  const { card } = cardWith({ refresh: () => Promise.resolve(ada) })
  await card.look(Promise.resolve([ada]))
  const refreshed = card.refresh()
  expect(card.state).toBe('refreshing')
  await refreshed
  expect(card.state).toBe('signed-in')
})

test('an account that its provider ended says whose it was', async () => {
  const { card } = cardWith({ refresh: refusing('session_ended') })
  await card.look(Promise.resolve([ada]))
  await card.refresh()
  expect(card.state).toBe('ended')
  expect(card.endedFor).toBe('Ada')
  expect(card.trouble?.code).toBe('session_ended')
})

test.each(['provider_unreachable', 'provider_busy', 'provider_timeout', 'offline'] as const)(
  '%s is trouble, and the account stays',
  async (code) => {
    const { card } = cardWith({ refresh: refusing(code) })
    await card.look(Promise.resolve([ada]))
    await card.refresh()
    expect(card.state).toBe('trouble')
    expect(card.account).toEqual(ada)
  },
)

test('what failed is offered again only where no button of the account does the same', async () => {
  const { card } = cardWith({
    refresh: refusing('provider_timeout'),
    signOut: refusing('offline'),
    profile: refusing('provider_timeout'),
    check: refusing('provider_timeout'),
  })
  await card.look(Promise.resolve([ada]))
  await card.refresh()
  expect(card.canRetry).toBe(false)
  await card.signOut()
  expect(card.canRetry).toBe(false)
  await card.readProfile()
  expect(card.canRetry).toBe(true)
  await card.check()
  expect(card.canRetry).toBe(true)
})

test('the access token, which is chosen at first, is the first to choose', async () => {
  const revokes = { tokens: ['refresh' as const, 'access' as const], everywhere: false }
  const { card } = cardWith({}, { view: { ...view, revokes } })
  await card.look(Promise.resolve([ada]))
  expect(card.revocable).toEqual(['access', 'refresh'])
  await card.look(Promise.resolve([{ ...ada, refreshable: false }]))
  expect(card.revocable).toEqual(['access'])
})

test('a failed sign-in is no trouble of the account that is there', async () => {
  const { card } = cardWith({})
  await card.look(Promise.resolve([ada]))
  card.fail({ code: 'provider_error', during: 'sign-in' })
  expect(card.state).toBe('signed-in')
})

test('a look-up that began before a sign-out does not bring the account back', async () => {
  const { card } = cardWith({ signOut: () => Promise.resolve(signedOut) })
  await card.look(Promise.resolve([ada]))
  let answer: (accounts: Account[]) => void = () => undefined
  const late = card.look(new Promise<Account[]>((resolve) => (answer = resolve)))
  await card.signOut()
  answer([ada])
  await late
  expect(card.state).toBe('signed-out')
})

test('an account that another tab signed out is gone, with its profile', async () => {
  const profile = { profile: { subject: '1' }, raw: {} }
  const { card } = cardWith({ profile: () => Promise.resolve(profile) })
  await card.look(Promise.resolve([ada]))
  await card.readProfile()
  await card.look(Promise.resolve([]))
  expect(card.state).toBe('signed-out')
  expect(card.profile).toBeNull()
})

test('a browser that stores nothing is the trouble of one card only', async () => {
  const { card } = cardWith(
    { account: refusing('internal') },
    { view: { ...view, custody: 'browser' } },
  )
  await card.look(Promise.resolve([]))
  expect(card.state).toBe('signed-out')
  expect(card.trouble?.code).toBe('internal')
})

test('a change that is heard of while something is being done is looked at afterwards', async () => {
  let done: (account: Account) => void = () => undefined
  const { card, lookAgain } = cardWith({
    refresh: () => new Promise<Account>((resolve) => (done = resolve)),
  })
  await card.look(Promise.resolve([ada]))
  const refreshed = card.refresh()
  await card.look(Promise.resolve([]))
  expect(card.state).toBe('refreshing')
  expect(lookAgain).not.toHaveBeenCalled()
  done(ada)
  await refreshed
  expect(lookAgain).toHaveBeenCalledOnce()
})

test('a slow look-up does not undo a later one', async () => {
  const { card } = cardWith({})
  let answer: (accounts: Account[]) => void = () => undefined
  const slow = card.look(new Promise<Account[]>((resolve) => (answer = resolve)))
  await card.look(Promise.resolve([{ ...ada, expiresAt: '2026-11-22T13:00:00.000Z' }]))
  answer([ada])
  await slow
  expect(card.account?.expiresAt).toBe('2026-11-22T13:00:00.000Z')
})

test('what the browser keeps is seen without the proxy', async () => {
  const { card } = cardWith(
    { account: () => Promise.resolve(null) },
    { view: { ...view, custody: 'browser' } },
  )
  card.account = ada
  void card.look(new Promise(() => undefined))
  await vi.waitUntil(() => card.state === 'signed-out')
})

test('a refresh that failed here and went well in another tab is no trouble any more', async () => {
  const { card } = cardWith({ refresh: refusing('provider_timeout') })
  await card.look(Promise.resolve([ada]))
  await card.refresh()
  await card.look(Promise.resolve([ada]))
  expect(card.state).toBe('trouble')
  await card.look(Promise.resolve([{ ...ada, expiresAt: '2026-11-22T13:00:00.000Z' }]))
  expect(card.state).toBe('signed-in')
})
