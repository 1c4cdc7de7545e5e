/** Mix-ups: what was begun at one provider, or belongs to it, is of no use at another. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { signInThrough, type WireEntry } from '../simulators'
import { origin, somebody } from '../stage'
import { altered, crossSite, expectRefused, parameter, redirecting } from './oracle'
import { openStand, type ProviderId, type Stand } from './stand'

let stand: Stand
beforeAll(async () => {
  stand = await openStand()
})
beforeEach(() => stand.forget())
afterAll(() => stand.close())

const pairs = redirecting.flatMap((one) =>
  redirecting.flatMap((other) => (one === other ? [] : [[one, other] as const])),
)

test.each(pairs)('A9 path swap: the answer of %s is none of %s', async (one, other) => {
  const person = stand.browser()
  const callback = await person.away(one)
  stand.forget()
  const swapped = callback.replace(`/callback/${one}`, `/callback/${other}`)
  await expectRefused(stand, person, await person.visit(swapped, crossSite), 'login_forged')
  // Also where a login at the other one is under way.
  const own = await person.leave(other)
  await expectRefused(stand, person, await person.visit(swapped, crossSite), 'login_forged')
  const mixed = altered(swapped, { state: parameter(own, 'state') })
  const answer = await person.visit(mixed, crossSite)
  // The state is right there, so that the code is shown to that provider: it does not know it.
  expect(answer.code).toMatch(/^(?:login_expired|provider_error)$/)
  expect(stand.arrived(one).token).toBe(0)
  expect(await person.signedIn()).toEqual([])
})

test.each(['seznam', 'konpro', 'onet'] as const)(
  'A10 classic mix-up: a hostile provider sends people on to %s, and gets neither code nor secret',
  async (honest) => {
    const hostile = 'gearcode'
    const template = await stand.browser().leave(honest)
    const victim = stand.browser()
    const begun = await victim.leave(hostile)
    stand.forget()
    // The same state, the client id and the redirect URI of the honest one.
    const onwards = new URL(template)
    onwards.searchParams.set('state', parameter(begun, 'state'))
    const back = await signInThrough(stand.simulators[honest], onwards.href, {
      user: somebody[honest] ?? '',
    })
    const code = parameter(back, 'code')
    expect(code).not.toBe('')
    const arrives = back.slice(origin.length)
    await expectRefused(stand, victim, await victim.visit(arrives, crossSite), 'login_forged')
    expect(stand.simulators[hostile].log).toEqual([])
    // Nor does the honest one take the hostile one's redirect URI.
    onwards.searchParams.set('redirect_uri', parameter(begun, 'redirect_uri'))
    await expect(
      signInThrough(stand.simulators[honest], onwards.href, { user: somebody[honest] ?? '' }),
    ).rejects.toThrow()
  },
)

test.each(redirecting)(
  'A11 iss: %s is the issuer, spelt as configured, or silent',
  async (provider) => {
    const { origins } = stand.simulators[provider]
    const issuer = origins.main ?? origins.connect ?? origins.api ?? ''
    const wrong = [
      'https://evil.example',
      stand.sentinel.url,
      `${issuer}/`,
      issuer.toUpperCase(),
      issuer.replace('http', 'https'),
      encodeURIComponent(issuer),
      `${issuer}.`,
      ` ${issuer}`,
      issuer.replace('127.0.0.1', 'localhost'),
      '',
      'null',
    ]
    for (const iss of wrong) {
      const person = stand.browser()
      const callback = altered(await person.away(provider), { iss })
      stand.forget()
      await expectRefused(stand, person, await person.visit(callback, crossSite), 'login_forged')
    }
    const twice = stand.browser()
    const callback = `${altered(await twice.away(provider), { iss: issuer })}&iss=${issuer}`
    stand.forget()
    await expectRefused(stand, twice, await twice.visit(callback, crossSite), 'login_forged')

    const right = stand.browser()
    await right.visit(altered(await right.away(provider), { iss: issuer }), crossSite)
    expect(await right.signedIn()).toEqual([provider])
  },
)

test('A12 secret of provider A at provider B: each gets its own and nothing of the others', async () => {
  const everyone: ProviderId[] = ['onet', 'konpro', 'onesait', 'gearcode', 'seznam']
  const person = stand.browser()
  for (const provider of everyone) await person.signIn(provider)
  for (const provider of everyone) {
    await person.ask('POST', `/bff/accounts/${provider}/refresh`)
    await person.ask('POST', `/bff/accounts/${provider}/check`)
    await person.ask('GET', `/bff/accounts/${provider}/profile`)
  }
  await person.ask('GET', '/bff/api/gearcode/v1/things')
  await person.ask('GET', '/bff/api/seznam/api/v1/user')
  await person.ask('GET', '/bff/api/konpro/v1/pacific/account.get')
  await person.ask('GET', '/bff/api/onet/resources/userinfo')
  await person.ask('GET', '/bff/api/onesait/oauth-server/oidc/userinfo')
  await person.ask('DELETE', '/bff/session')

  for (const provider of everyone) {
    const { log } = stand.simulators[provider]
    const got = [...log.map(textOf), ...(provider === 'gearcode' ? apiTexts() : [])].join('\n')
    expect(got).not.toBe('')
    for (const other of everyone.filter((one) => one !== provider)) {
      const { client, issued } = stand.simulators[other]
      const foreign = [client.id, ...issued, `/bff/callback/${other}`]
      expect(foreign.filter((value) => contains(got, value))).toEqual([])
    }
  }
  for (const provider of everyone)
    expect(stand.arrived(provider)).toMatchObject({ token: 2, refresh: 1 })
})

/** All that arrived with a request, what is encoded in it too. */
function textOf({ path, query, headers, body }: WireEntry): string {
  const [, basic = ''] = /^Basic (.+)$/.exec(headers.authorization ?? '') ?? []
  return [
    path,
    ...query.flat(),
    ...Object.values(headers),
    Buffer.from(basic, 'base64').toString(),
    body,
    ...[...new URLSearchParams(body)].flat(),
  ].join('\n')
}

const apiTexts = () =>
  stand.api.requests.map(({ target, headers, body }) =>
    [target, ...headers.flat(), body].join('\n'),
  )

function contains(text: string, value: string): boolean {
  return [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1)].some((one) =>
    text.includes(one),
  )
}
