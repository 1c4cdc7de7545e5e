import { expect } from 'vitest'
import { openProfile, startApp, test, type App } from './app'
import {
  card,
  control,
  everyProvider,
  expectState,
  leave,
  press,
  signIn,
  signInEverywhere,
  soon,
  textOf,
  throughProvider,
  type ProviderId,
} from './person'
import { watch } from './watch'

/** Who the simulators' first users are, as the providers' documents let an app know it. */
const known: Record<ProviderId, { label: string; profile: string[] }> = {
  onet: {
    label: 'anna.nowak@konto.onet.pl',
    profile: ['anna.nowak@konto.onet.pl', '71c97af0-662f-4b7a-9236-93c688d15916'],
  },
  konpro: { label: 'ada@studio.example', profile: ['ada@studio.example', 'Studio yearly'] },
  onesait: { label: 'developer', profile: ['developer'] },
  gearcode: { label: 'GearCode', profile: [] },
  seznam: { label: 'krasty@seznam.cz', profile: ['Krasty Novák', '0123abcd4567ef89'] },
}

/** How often a provider was asked something, by method, path and what the body says. */
function times(app: App, provider: ProviderId, asked: string, saying = ''): number {
  return app.simulators[provider].log.filter(
    ({ method, path, body }) => `${method} ${path}` === asked && body.includes(saying),
  ).length
}

function refusedAnywhere(app: App): string[] {
  return everyProvider.flatMap((provider) =>
    app.simulators[provider].log.flatMap(({ path, refused }) =>
      refused === undefined ? [] : [`${provider} ${path}: ${refused}`],
    ),
  )
}

test('all five sign in one after the other, and each says who the person is there', async ({
  browser,
}) => {
  const app = await startApp()
  const context = await openProfile(browser)
  const page = await context.newPage()
  await page.goto(app.origin)
  for (const provider of everyProvider) await expectState(page, provider, 'signed-out')

  await signInEverywhere(app, page)

  for (const provider of everyProvider) {
    await expectState(page, provider, 'signed-in')
    expect(await textOf(page, provider)).toContain(known[provider].label)
  }
  for (const provider of everyProvider) {
    await press(page, provider, 'open')
    await page.waitForURL(`${app.origin}/accounts/${provider}`)
    await expectState(page, provider, 'signed-in')
    // Whole answers may be folded away, so the text is asked of the document and not of the screen.
    for (const fact of [known[provider].label, ...known[provider].profile])
      await soon(() => page.textContent('body')).toContain(fact)
    await page.goBack()
    await page.waitForURL(`${app.origin}/`)
  }
  expect(refusedAnywhere(app)).toEqual([])
})

test('a refresh is one request at each of the five, and every account stays', async ({
  browser,
}) => {
  const app = await startApp()
  const page = await (await openProfile(browser)).newPage()
  await page.goto(app.origin)
  await signInEverywhere(app, page)

  for (const [id, asked] of [
    ['onet', 'POST /oauth2/token'],
    ['konpro', 'POST /v1/oauth/refresh_token'],
    ['onesait', 'POST /oauth-server/oauth/token'],
    ['gearcode', 'POST /oauth/token'],
    ['seznam', 'POST /api/v1/oauth/token'],
  ] as const) {
    expect(times(app, id, asked, 'refresh_token')).toBe(0)
    await press(page, id, 'refresh')
    await soon(() => times(app, id, asked, 'refresh_token')).toBe(1)
    await expectState(page, id, 'signed-in')
    expect(times(app, id, asked, 'refresh_token')).toBe(1)
  }

  await page.reload()
  for (const provider of everyProvider) await expectState(page, provider, 'signed-in')
  expect(refusedAnywhere(app)).toEqual([])
})

test('onesait tells what the person may do there, and a revocation ends the account', async ({
  browser,
}) => {
  const app = await startApp()
  const page = await (await openProfile(browser)).newPage()
  await page.goto(app.origin)
  await signIn(app, page, 'onesait')

  await press(page, 'onesait', 'check')
  await soon(() => page.textContent('body')).toContain('ROLE_TEST')
  await press(page, 'onesait', 'revoke')
  await expectState(page, 'onesait', 'signed-out')

  expect(times(app, 'onesait', 'POST /oauth-server/oauth/check_token')).toBe(1)
  expect(times(app, 'onesait', 'POST /oauth-server/openplatform-oauth/revoke_token')).toBe(1)
  expect(refusedAnywhere(app)).toEqual([])
})

test.for([
  ['onet', 'access', 'GET /oauth2/revoke', ''],
  ['seznam', 'access', 'POST /api/v1/oauth/revoke', '"access_token"'],
  ['seznam', 'refresh', 'POST /api/v1/oauth/revoke', '"refresh_token"'],
] as const)(
  'at %s the %s token is revoked by itself',
  async ([id, which, asked, saying], { browser }) => {
    const app = await startApp()
    const page = await (await openProfile(browser)).newPage()
    await page.goto(app.origin)
    await signIn(app, page, id)

    const revoke = await control(page, id, 'revoke')
    const choice = card(page, id).locator(`input[type="radio"][value="${which}"]`)
    if (await choice.isVisible()) await choice.check()
    await revoke.click()

    await soon(() => times(app, id, asked, saying)).toBe(1)
    await expectState(page, id, 'signed-in')
    expect(times(app, id, asked)).toBe(1)
    expect(refusedAnywhere(app)).toEqual([])
  },
)

test('one account signs out and the others stay; then all sign out, each with its result', async ({
  browser,
}) => {
  const app = await startApp()
  const page = await (await openProfile(browser)).newPage()
  await page.goto(app.origin)
  await signInEverywhere(app, page)

  await press(page, 'seznam', 'sign-out')

  await expectState(page, 'seznam', 'signed-out')
  for (const other of everyProvider.slice(0, 4)) await expectState(page, other, 'signed-in')
  // The refresh token first: the access token vouches for both.
  expect(
    app.simulators.seznam.log
      .filter(({ path }) => path === '/api/v1/oauth/revoke')
      .map(({ body }) => /refresh_token|access_token/.exec(body)?.[0]),
  ).toEqual(['refresh_token', 'access_token'])

  await page.locator('[data-action="sign-out-all"]').click()

  for (const provider of everyProvider) await expectState(page, provider, 'signed-out')
  const said = await Promise.all(everyProvider.map((provider) => textOf(page, provider)))
  expect(effectsOf(app, 'DELETE', '/bff/accounts/seznam')).toEqual({
    effects: { local: 'cleared', tokens: 'revoked', provider: 'unsupported' },
  })
  expect(effectsOf(app, 'DELETE', '/bff/session')).toEqual({
    accounts: {
      onet: {
        effects: { local: 'cleared', tokens: 'revoked', provider: 'redirect' },
        logoutUrl: `${app.simulators.onet.origins.sso ?? ''}/checkSSO/logout.html?client_id=${app.simulators.onet.client.id}`,
      },
      onesait: { effects: { local: 'cleared', tokens: 'revoked', provider: 'unsupported' } },
      gearcode: { effects: { local: 'cleared', tokens: 'unsupported', provider: 'unsupported' } },
    },
  })

  await page.reload()
  for (const [index, provider] of everyProvider.entries()) {
    await expectState(page, provider, 'signed-out')
    // What the sign-out did was said then, and is no longer said now.
    expect(said[index]).not.toBe(await textOf(page, provider))
  }
  expect(refusedAnywhere(app)).toEqual([])
})

test('Onet’s own sign-out leads back here with nobody signed in, and starts no new login', async ({
  browser,
}) => {
  const app = await startApp()
  const page = await (await openProfile(browser)).newPage()
  await page.goto(app.origin)
  await signIn(app, page, 'onet')
  await press(page, 'onet', 'sign-out')
  await expectState(page, 'onet', 'signed-out')
  const { log, origins } = app.simulators.onet
  log.length = 0

  await leave(page, () => page.locator(`a[href^="${origins.sso ?? ''}/"]`).click())

  await expectState(page, 'onet', 'signed-out')
  expect(page.url()).toBe(`${app.origin}/`)
  expect(await page.locator('[data-error]').count()).toBe(0)
  expect(log.map(({ path }) => path)).toEqual(['/checkSSO/logout.html'])

  // Onet has forgotten the person, and asks again.
  await leave(page, () => press(page, 'onet', 'sign-in'))
  await page.locator('[data-user="marek"]').waitFor()
  await throughProvider(app, page, 'marek')
  await expectState(page, 'onet', 'signed-in')
  expect(await textOf(page, 'onet')).toContain('marek@konto.onet.pl')
  expect(refusedAnywhere(app)).toEqual([])
})

test('signed out here only, Onet still knows the person and asks nothing at the next sign-in', async ({
  browser,
}) => {
  const app = await startApp()
  const context = await openProfile(browser)
  const page = await context.newPage()
  const watched = watch(context)
  await page.goto(app.origin)
  await signIn(app, page, 'onet')
  await press(page, 'onet', 'sign-out')
  await expectState(page, 'onet', 'signed-out')
  const { log } = app.simulators.onet
  log.length = 0

  await leave(page, () => press(page, 'onet', 'sign-in'))

  await expectState(page, 'onet', 'signed-in')
  expect(log.map(({ path }) => path)).toEqual([
    '/checkSSO/login.html',
    '/oauth2/token',
    '/resources/userinfo',
  ])
  expect(watched.callbacks()).toHaveLength(2)
})

function effectsOf(app: App, method: string, target: string): unknown {
  const answer = app.answers.findLast((one) => one.method === method && one.target === target)
  return JSON.parse(answer?.body.toString() ?? 'null')
}
