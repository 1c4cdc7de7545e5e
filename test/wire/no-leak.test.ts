import { beforeAll, describe, expect, test } from 'vitest'
import { canary } from '../simulators'
import type { Simulator, WireEntry } from '../simulators'
import { sessionSecret, type Stage } from '../stage'
import { gearcodeJourneys } from './expected/gearcode'
import { konproJourneys } from './expected/konpro'
import { onesaitJourneys } from './expected/onesait'
import { onetJourneys, onetSeed } from './expected/onet'
import { seznamJourneys } from './expected/seznam'
import { createScene, play, type Journey, type ProviderId, type Scene } from './journey'
import { readingsOf, spellingsOf } from './readings'

/** Everything that left the proxy towards a browser or a log, and everything that must not be in it. */
interface Run {
  shown: string[]
  secrets: Set<string>
}

const passwords = ['faro-developer', 'typed-by-mistake-9Qz']

/** Notes what the proxies of this stage answer and log from now on, and what their secrets are. */
function overhear({ stage }: { stage: Stage }, run: Run): void {
  const simulators: Simulator[] = Object.values(stage.simulators)
  for (const simulator of simulators) {
    for (const secret of simulator.issued) run.secrets.add(secret)
    const add = simulator.issued.add.bind(simulator.issued)
    simulator.issued.add = (secret) => {
      run.secrets.add(secret)
      return add(secret)
    }
  }
  const push = stage.lines.push.bind(stage.lines)
  stage.lines.push = (...lines) => {
    for (const line of lines) run.shown.push(line.replace(/,"request":"[0-9a-f-]{36}"/, ''))
    return push(...lines)
  }
  const request = stage.app.request.bind(stage.app)
  stage.app.request = async (...given) => {
    const answer = await request(...given)
    const headers = [...answer.headers].map((header) => header.join(': ')).join('\n')
    run.shown.push(
      `${answer.status} ${answer.statusText}\n${headers}\n${await answer.clone().text()}`,
    )
    return answer
  }
}

async function travel<Id extends ProviderId>(id: Id, journeys: Journey<Id>[], run: Run) {
  for (const journey of journeys)
    for await (const { happened } of play(id, journey, {
      onScene: (scene) => overhear(scene, run),
    }))
      expect(happened).toBeDefined()
}

const faults = [
  'hang',
  'cut',
  'lost',
  'stall',
  'html',
  'empty',
  'redirect',
  'huge',
  { status: 500 },
  { status: 429, headers: { 'retry-after': '9' } },
] as const

/** Every operation of a provider while everything goes wrong in one way. */
async function despair(id: ProviderId, run: Run) {
  for (const fault of faults) {
    const scene = createScene(id)
    overhear(scene, run)
    const simulator: Simulator = scene.simulator
    simulator.faults = { token: fault }
    await scene.signIn()
    simulator.faults = {}
    await scene.signIn()
    simulator.faults = { refresh: fault, profile: fault, check: fault, revoke: fault }
    await everything(scene, id)
  }
}

/** The provider's error quotes what it was sent: all of it, or each value by itself where a word belongs. */
async function echo(id: ProviderId, run: Run) {
  for (const [status, quote] of [401, 500].flatMap((status) =>
    [all, first, second, third].map((quote) => [status, quote] as const),
  )) {
    const scene = createScene(id)
    overhear(scene, run)
    await scene.signIn()
    const simulator: Simulator = scene.simulator
    simulator.before = (operation, entry) => {
      if (operation === 'authorize') return
      const said = quote(valuesIn(entry))
      const body = { error: said, error_description: said, message: said, code: said }
      simulator.faults[operation] = {
        status,
        body: JSON.stringify(body),
        headers: {
          'content-type': 'application/json',
          'www-authenticate': `Bearer error="${said}"`,
        },
      }
    }
    await everything(scene, id)
  }
}

/** The connection breaks, and whoever says so quotes what was under way. */
async function stumble(id: ProviderId, run: Run) {
  const scene = createScene(id)
  overhear(scene, run)
  await scene.signIn()
  const simulator: Simulator = scene.simulator
  simulator.before = (operation, entry) => {
    if (operation === 'authorize') return
    const said = all(valuesIn(entry))
    throw new TypeError(`fetch failed: ${said}`, { cause: new Error(said) })
  }
  await everything(scene, id)
}

const all = (values: string[]) => values.join(' ')
const first = (values: string[]) => values.at(0) ?? ''
const second = (values: string[]) => values.at(1) ?? ''
const third = (values: string[]) => values.at(2) ?? ''

/** What is secret in a request, or may be, longest first. */
function valuesIn({ body, query, headers }: WireEntry): string[] {
  const inBody: unknown[] = body.startsWith('{')
    ? Object.values(JSON.parse(body) as object)
    : [...new URLSearchParams(body).values()]
  const inHeader = headers.authorization?.split(' ').slice(1) ?? []
  const values = [...inBody, ...inHeader, ...query.map(([, value]) => value)].map(String)
  return values.sort((a, b) => b.length - a.length)
}

async function everything({ call, signIn }: Scene<ProviderId>, id: ProviderId) {
  await call('GET', '/bff/session')
  await call('GET', `/bff/accounts/${id}/profile`)
  await call('POST', `/bff/accounts/${id}/check`)
  await call('POST', `/bff/accounts/${id}/refresh`)
  await call('POST', `/bff/accounts/${id}/revoke`, { token: 'refresh' })
  await call('POST', `/bff/accounts/${id}/revoke`, { token: 'access' })
  await signIn()
  await call('DELETE', `/bff/accounts/${id}`)
  await call('DELETE', '/bff/session')
}

/** What people do wrong. */
async function mistakes(run: Run) {
  const onesait = createScene('onesait')
  overhear(onesait, run)
  const [, mistyped] = passwords
  await onesait.call('POST', '/bff/login/onesait', { username: 'developer', password: mistyped })
  await onesait.call('POST', '/bff/login/onesait', { username: mistyped, password: mistyped })
  await onesait.call('POST', '/bff/login/onesait', { password: mistyped, unknown: mistyped })
  for (const id of ['onet', 'konpro', 'gearcode', 'seznam'] as const) {
    const scene = createScene(id)
    overhear(scene, run)
    await scene.signIn({ deny: true })
    const back = await scene.away()
    await scene.visit(back)
    await scene.visit(back)
    await scene.visit(`${back}&state=twice`)
    await scene.visit(`/bff/callback/${id}`)
  }
}

describe('nothing of a proxy-custody account', { timeout: 120_000 }, () => {
  const run: Run = {
    shown: [],
    secrets: new Set([sessionSecret, onetSeed.ONET_CLIENT_SECRET, ...passwords]),
  }

  beforeAll(async () => {
    await travel('onet', onetJourneys, run)
    await travel('konpro', konproJourneys, run)
    await travel('onesait', onesaitJourneys, run)
    await travel('gearcode', gearcodeJourneys, run)
    await travel('seznam', seznamJourneys, run)
    const ids = ['onet', 'konpro', 'onesait', 'gearcode', 'seznam'] as const
    for (const id of ids) {
      await echo(id, run)
      await stumble(id, run)
    }
    await Promise.all(ids.map((id) => despair(id, run)))
    await mistakes(run)
  }, 120_000)

  test('is searched for in a run that has something to hide', () => {
    expect(run.secrets.size).toBeGreaterThan(300)
    expect(run.shown.length).toBeGreaterThan(500)
    expect(run.shown.some((text) => text.includes('"event":"signed in"'))).toBe(true)
    expect(run.shown.some((text) => text.includes('"event":"refresh failed"'))).toBe(true)
    expect(run.shown.some((text) => text.includes('set-cookie: __Host-latchkey_'))).toBe(true)
  })

  test('reaches a browser or a log: no token, code, secret or password, however it is spelt', () => {
    const needles = [...run.secrets].flatMap(spellingsOf)
    const found = run.shown.flatMap((text) =>
      readingsOf(text).some((reading) => needles.some((needle) => reading.includes(needle)))
        ? [text]
        : [],
    )
    expect(found).toEqual([])
  })

  test('not even a part of one: every made secret begins with a word that is nowhere', () => {
    const found = run.shown.filter((text) =>
      readingsOf(text).some((reading) => reading.includes(canary)),
    )
    expect(found).toEqual([])
  })
})

describe('the search', () => {
  const secret = 'c0ffee.s7ZVWX-jydo_WmOB~ngQU+Wj4/Hrf='
  const finds = (text: string) => {
    const needles = spellingsOf(secret)
    return readingsOf(text).some((reading) => needles.some((needle) => reading.includes(needle)))
  }

  test.each([
    ['plain', secret],
    ['percent-encoded', encodeURIComponent(secret)],
    ['percent-encoded twice', encodeURIComponent(encodeURIComponent(secret))],
    ['base64', Buffer.from(secret).toString('base64')],
    ['base64 behind something', Buffer.from(`id:${secret}`).toString('base64')],
    ['base64 in JSON in base64url', base64url(JSON.stringify({ a: base64url(secret) }))],
    ['base64url behind more', base64url(`12345${secret}6`)],
    ['hexadecimal', Buffer.from(secret).toString('hex')],
    ['reversed', Array.from(secret).reverse().join('')],
    ['with escapes of JSON', JSON.stringify(secret).replace('/', '\\/')],
  ])('finds a secret that is %s', (_, spelt) => {
    expect(finds(`{"state":"x","a":"${spelt}"}`)).toBe(true)
  })

  test('finds nothing where nothing is', () => {
    expect(finds('{"state":"x","a":"c29tZXRoaW5nIGVsc2Ugd2l0aCBubyBzZWNyZXQ"}')).toBe(false)
  })
})

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url')
}
