/**
 * What was sealed and then changed is nothing: no handler can be made to tell one change from another,
 * or from no cookie at all.
 */
import { expect, test } from 'vitest'
import { createStage, origin, type Stage } from '../stage'
import { createCaller } from './api-caller'

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** Every single character changed, every length, and other ways to write the same bytes. */
function* changed(sealed: string): Generator<string> {
  for (let at = 0; at < sealed.length; at++) {
    const was = alphabet.indexOf(sealed.charAt(at))
    // The lowest bit, which at the end of a part may be one that decoding drops, and the highest.
    for (const bit of [1, 32])
      yield sealed.slice(0, at) + (alphabet[was ^ bit] ?? 'A') + sealed.slice(at + 1)
    yield sealed.slice(0, at)
  }
  const parts = sealed.split('.')
  yield* [`${sealed}=`, `${sealed}==`, `${sealed}A`, `${sealed}.`, `.${sealed}`, `"${sealed}"`]
  yield* [sealed.replace('.', '=.'), sealed.replaceAll('.', '%2E'), `Fe26.2*${sealed}`]
  yield* [parts.slice(1).join('.'), parts.toReversed().join('.'), [...parts, parts[4]].join('.')]
  const standard = sealed.replaceAll('-', '+').replaceAll('_', '/')
  if (standard !== sealed) yield standard
}

interface Outcome {
  status: number
  headers: [string, string][]
  body: string
}

async function outcomeOf(stage: Pick<Stage, 'app'>, path: string, cookie: string) {
  const headers = { 'x-latchkey': '1', origin, ...(cookie === '' ? {} : { cookie }) }
  const answer = await stage.app.request(new Request(origin + path, { headers }))
  const told = [...answer.headers].filter(([name]) => name !== 'x-request-id')
  return { status: answer.status, headers: told, body: await answer.text() } satisfies Outcome
}

/** Shows each of these cookies, and compares with what is answered to none. */
async function allLikeNone(stage: Pick<Stage, 'app'>, path: string, cookies: Iterable<string>) {
  const none = await outcomeOf(stage, path, '')
  let count = 0
  for (const cookie of cookies) {
    const outcome = await outcomeOf(stage, path, cookie)
    if (JSON.stringify(outcome) !== JSON.stringify(none)) expect(outcome, cookie).toEqual(none)
    count++
  }
  process.stdout.write(
    `${count} changed values at ${path.replace(/\?.*/, '')}: as if there were none\n`,
  )
}

const found = (cookies: ReadonlyMap<string, string>, name: RegExp) =>
  [...cookies].find(([one]) => name.test(one)) ?? ['', '']

test('an account’s cookie that was changed, renamed or cut is none', async () => {
  const stage = createStage()
  const browser = stage.browser()
  await browser.signIn('onet')
  const [name, value] = found(browser.cookies, /latchkey_onet_/)
  const other = stage.browser()
  await other.signIn('onet', { user: 'piotr' }).catch(() => other.signIn('onet'))
  await other.signIn('seznam')
  const [otherName, otherValue] = found(other.cookies, /latchkey_onet_/)
  const [seznamName, seznamValue] = found(other.cookies, /latchkey_seznam_/)
  await other.visit('/bff/login/onet')
  const [loginName, login] = found(other.cookies, /latchkey_login_/)
  expect((await outcomeOf(stage, '/bff/accounts/onet', `${name}=${value}`)).status).toBe(200)

  const half = Math.floor(value.length / 2)
  const [start, end] = [value.slice(0, half), value.slice(half)]
  const pieces = (count: number) =>
    Array.from({ length: count }, (_, at) => `${name}.${at}=${value.slice(at * 9, at * 9 + 9)}`)
  await allLikeNone(stage, '/bff/accounts/onet', [
    ...[...changed(value)].map((one) => `${name}=${one}`),
    `${otherName}=${value}`,
    `${name}=${otherValue}`,
    `${name}=${seznamValue}`,
    `${seznamName}=${value}`,
    `${name}=${login}`,
    `${loginName}=${value}`,
    `latchkey_logout_onet=${value}`,
    `${name.replace('onet', 'seznam')}=${value}`,
    `${name.replace('__Host-', '')}=${value}`,
    `${name.toUpperCase()}=${value}`,
    `${name}=${value}; ${name}=${value}`,
    `${name}.0=${start}`,
    `${name}.1=${end}`,
    `${name}.0=${start}; ${name}.2=${end}`,
    `${name}.1=${start}; ${name}.0=${end}`,
    `${name}.0=${start}; ${name}.1=${otherValue.slice(half)}`,
    `${name}.0=${start}; ${name}.1=${end}; ${name}.2=x`,
    `${name}.00=${start}; ${name}.01=${end}`,
    `${name}.00=${value}`,
    `${name}.999999=${value}`,
    `${name}.-1=${value}`,
    pieces(51).join('; '),
    pieces(400).join('; '),
  ])
}, 120_000)

test('a login’s cookie that was changed is none', async () => {
  const stage = createStage()
  const browser = stage.browser()
  const back = await browser.away('seznam')
  const [name, value] = found(browser.cookies, /latchkey_login_/)
  await browser.signIn('onet')
  const [, account] = found(browser.cookies, /latchkey_onet_/)
  await allLikeNone(stage, back, [
    ...[...changed(value)].map((one) => `${name}=${one}`),
    `${name}=${account}`,
    `${name.slice(0, -1)}${name.endsWith('_') ? '-' : '_'}=${value}`,
  ])
  expect((await browser.visit(back, { cookie: `${name}=${value}` })).headers.get('location')).toBe(
    '/',
  )
}, 120_000)

test('a logout’s cookie that was changed is none', async () => {
  const stage = createStage()
  const browser = stage.browser()
  await browser.signIn('onet')
  const [, account] = found(browser.cookies, /latchkey_onet_/)
  await browser.call('DELETE', '/bff/accounts/onet')
  const [name, value] = found(browser.cookies, /latchkey_logout_/)
  expect(value).not.toBe('')
  await allLikeNone(stage, '/bff/callback/onet', [
    ...[...changed(value)].map((one) => `${name}=${one}`),
    `${name}=${account}`,
    `${name.replace('onet', 'seznam')}=${value}`,
  ])
  const answer = await browser.visit('/bff/callback/onet')
  expect(answer.headers.get('location')).toBe('/')
}, 120_000)

test('a ticket that was changed is none', async () => {
  const { browser, arrived } = await createCaller('konpro', () => new Response('x'))
  const issued = await browser.call('POST', '/bff/tickets/konpro', { path: '/v1/x' })
  const { url } = (await issued.json()) as { url: string }
  const [path = '', ticket = ''] = url.split('?latchkey_ticket=')
  const follow = async (query: string) => {
    const answer = await browser.send(path + query)
    const told = [...answer.headers].filter(([name]) => name !== 'x-request-id')
    return JSON.stringify([answer.status, told, await answer.text()])
  }
  const none = await follow('')
  let count = 0
  for (const one of [...changed(ticket), ...browser.cookies.values()]) {
    const outcome = await follow(`?latchkey_ticket=${encodeURIComponent(one)}`)
    if (outcome !== none) expect(outcome, one).toBe(none)
    count++
  }
  process.stdout.write(`${count} changed tickets: as if there were none\n`)
  expect(arrived).toEqual([])
  expect((await browser.send(url)).status).toBe(200)
}, 120_000)
