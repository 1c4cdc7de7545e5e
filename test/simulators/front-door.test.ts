import { beforeEach, expect, test } from 'vitest'
import { address, createClock, send, type Sent } from './exchange'
import { createGearcode, type GearcodeSimulator } from './gearcode'
import { readForms } from './read-forms'
import { simulatorFetch } from './simulator-fetch'

const authorizeUrl = address('https://auth.gearcode.eu/oauth/authorize', {
  redirect_uri: 'https://my.sample.webapp.com/auth-callback',
  client_id: 'sample.webapp.fe9d3e203b164c7e8896369673003291',
  response_type: 'code',
})

let gearcode: GearcodeSimulator
let clock: ReturnType<typeof createClock>
let call: (sent: Sent) => ReturnType<typeof send>

beforeEach(() => {
  clock = createClock()
  gearcode = createGearcode({ now: clock.now })
  const fetch = simulatorFetch([gearcode])
  call = (sent) => send(fetch, sent)
})

const open = () => call({ url: authorizeUrl, method: 'GET' })
const visitOf = (page: string) =>
  readForms(page)[0]?.fields.find((field) => field.name === 'visit')?.value ?? ''
const pick = (visit: string) =>
  call({ url: 'https://auth.gearcode.eu/sign-in/person', form: { visit, pick: 'jan' } })
const allow = (visit: string) =>
  call({ url: 'https://auth.gearcode.eu/sign-in/decision', form: { visit, decision: 'allow' } })

test('a page says that it is simulated, and loads nothing', async () => {
  const { headers, text } = await open()
  expect(text).toContain('Simulated — not the real service')
  expect(text).not.toMatch(/<script|<img|https?:\/\//)
  const policy = headers.get('content-security-policy') ?? ''
  expect(policy).toMatch(/^default-src 'none'; style-src 'nonce-/)
  // It would stop the way back to the app after the form.
  expect(policy).not.toContain('form-action')
})

test('what people are called is text, not markup', async () => {
  const { jan } = gearcode.users
  if (jan) jan.fullName = '<b>"Jan"</b>'
  expect((await open()).text).toContain('&lt;b&gt;&quot;Jan&quot;&lt;/b&gt;')
})

test('a login can be left before anybody signed in', async () => {
  const visit = visitOf((await open()).text)
  const form = { visit, decision: 'deny' }
  const answer = await call({ url: 'https://auth.gearcode.eu/sign-in/person', form })
  expect(answer.headers.get('location')).toMatch(/error=access_denied$/)
})

test('nothing is allowed before somebody signed in', async () => {
  expect((await allow(visitOf((await open()).text))).status).toBe(400)
})

test('a visit ends with its decision, and after half an hour', async () => {
  const visit = visitOf((await open()).text)
  await pick(visit)
  expect((await allow(visit)).status).toBe(302)
  expect((await allow(visit)).status).toBe(400)
  const late = visitOf((await open()).text)
  clock.pass(1801)
  expect((await pick(late)).status).toBe(400)
})

test('nobody signs in whose account went away on the way', async () => {
  const visit = visitOf((await open()).text)
  delete gearcode.users.jan
  const { status, text } = await pick(visit)
  expect([status, text.includes('role="alert"')]).toEqual([200, true])
})
