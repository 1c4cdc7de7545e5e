/** What a site that somebody else runs can do to a person who is signed in here, and learn of them. */
import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { openRoughProfile, startApp, test, type App } from '../browser/app'
import { expectState, press, signIn, soon } from '../browser/person'
import { openEvilSite } from './evil-site'

/** Everything a page can send to another origin without being let to. */
function sendEverything(page: Page, origin: string): Promise<void> {
  return page.evaluate(async (origin) => {
    const paths = [
      '/bff/accounts/onet/refresh',
      '/bff/accounts/onet/revoke',
      '/bff/accounts/onet',
      '/bff/accounts/onet/profile',
      '/bff/session',
      '/bff/login/onesait',
      '/bff/api/onet/external/profile',
      '/bff/callback/onet?code=a&state=b',
    ]
    const token = '{"token":"access"}'
    const bodies = [
      new URLSearchParams({ token: 'access', _method: 'DELETE' }),
      new Blob([token], { type: 'text/plain' }),
      new FormData(),
    ]
    const done: Promise<unknown>[] = []
    const element = (name: string, set: Record<string, string>) => {
      const made = document.createElement(name)
      for (const [key, value] of Object.entries(set)) made.setAttribute(key, value)
      document.body.append(made)
      done.push(
        new Promise((end) => {
          for (const event of ['load', 'error']) made.addEventListener(event, end)
          setTimeout(end, 1000)
        }),
      )
    }
    for (const path of paths) {
      const url = origin + path
      const sent: RequestInit = { mode: 'no-cors', credentials: 'include' }
      done.push(fetch(url, sent))
      for (const body of bodies) {
        done.push(fetch(url, { ...sent, method: 'POST', body }))
        navigator.sendBeacon(url, body)
      }
      // These ask for leave first.
      for (const method of ['DELETE', 'PUT'])
        done.push(fetch(url, { method, credentials: 'include' }))
      const headers = { 'X-Latchkey': '1', 'content-type': 'application/json' }
      done.push(fetch(url, { method: 'POST', headers, body: token, credentials: 'include' }))
      element('img', { src: url })
      element('script', { src: url })
      element('iframe', { src: url })
      for (const rel of ['prefetch', 'stylesheet']) element('link', { rel, href: url })
      element('iframe', { name: 'sink' })
      for (const enctype of [
        'application/x-www-form-urlencoded',
        'multipart/form-data',
        'text/plain',
      ]) {
        const form = document.createElement('form')
        Object.assign(form, { method: 'post', action: url, target: 'sink', enctype })
        const field = document.createElement('input')
        Object.assign(field, { name: '{"token":"access","x":"', value: '"}' })
        form.append(field)
        document.body.append(form)
        form.submit()
      }
      const events = new EventSource(url, { withCredentials: true })
      done.push(
        new Promise((end) => events.addEventListener('error', end)).then(() => events.close()),
      )
      const socket = new WebSocket(url.replace('http', 'ws'))
      done.push(new Promise((end) => socket.addEventListener('error', end)))
    }
    await Promise.allSettled(done)
  }, origin)
}

const touches = /^(?:POST|GET|DELETE|PUT) \/bff\//

test('A31 requests without leave: nothing that another site sends has an effect', async ({
  browser,
}) => {
  const app = await startApp()
  const context = await openRoughProfile(browser)
  const page = await context.newPage()
  await page.goto(app.origin)
  await signIn(app, page, 'onet')
  await press(page, 'onet', 'open')
  await soon(() => page.textContent('body')).toContain('71c97af0')
  const before = await sessionOf(app, page)
  const evil = await openEvilSite()

  for (const [lure, isNear] of [
    [evil.elsewhere, false],
    [evil.nearby, true],
  ] as const) {
    const heard = app.answers.length
    const asked = app.simulators.onet.log.length
    await page.goto(lure)
    await sendEverything(page, app.origin)
    await soon(() => app.answers.slice(heard).every(({ status }) => status > 0)).toBe(true)
    const arrived = app.answers
      .slice(heard)
      .filter(({ method, target }) => touches.test(`${method} ${target}`))
    expect(arrived.length).toBeGreaterThan(60)
    // From another site the cookie of the account does not even come along; from a neighbour it does.
    const brought = arrived.filter(({ asked }) => /latchkey_onet_/.test(asked.cookie ?? ''))
    if (isNear) expect(brought.length).toBeGreaterThan(30)
    else expect(brought).toEqual([])
    expect(
      arrived
        .filter(({ status }) => status < 400 || status === 401)
        .map(({ method, target, status }) => `${method} ${target} ${status}`),
    ).toEqual([])
    const changed = arrived.filter(({ headers }) =>
      headers.some(([name]) => /^set-cookie$/i.test(name)),
    )
    expect(changed).toEqual([])
    // The provider heard of none of it.
    expect(app.simulators.onet.log.length - asked).toBe(0)
  }

  // A form that takes the whole page along is a navigation, and those sign nobody out either.
  const form = `<form method="post" action="${app.origin}/bff/accounts/onet/revoke"><input name="token" value="access"></form>`
  const taking = await openEvilSite(form)
  await page.goto(taking.elsewhere)
  await page.evaluate(() => document.forms[0]?.submit())
  await soon(() => page.url()).toContain('/bff/accounts/onet/revoke')
  const taken = () => app.answers.findLast(({ target }) => target.endsWith('/revoke'))
  await soon(() => taken()?.status).toBe(403)

  await page.goto(app.origin)
  await expectState(page, 'onet', 'signed-in')
  expect(await sessionOf(app, page)).toBe(before)
}, 90_000)

/** Who is signed in, and until when, as the app would ask. */
async function sessionOf(app: App, page: Page): Promise<string> {
  return page.evaluate(async (url) => {
    const answer = await fetch(url, { headers: { 'X-Latchkey': '1' } })
    return answer.text()
  }, `${app.origin}/bff/session`)
}

test('A88 Referer: nobody learns from where in the app a person comes', async ({ browser }) => {
  const app = await startApp()
  const context = await openRoughProfile(browser)
  const heard: { url: string; referer: string | undefined }[] = []
  const page = await context.newPage()
  context.on('request', (request) => {
    void request.allHeaders().then(
      ({ referer }) => heard.push({ url: request.url(), referer }),
      () => undefined, // the page left before it was sent
    )
  })
  await page.goto(app.origin)
  await signIn(app, page, 'konpro')
  await signIn(app, page, 'seznam')
  // The picture lies elsewhere, and the address holds what is nobody's business.
  await page.goto(`${app.origin}/accounts/seznam?secret=1`)
  await soon(() => heard.some(({ url }) => url.startsWith('https://d.example/'))).toBe(true)
  await page.goto(`${app.origin}/callback/konpro?code=stolen&state=forged`)
  await expectState(page, 'konpro', 'signed-in')
  // A link that leads out of the app, such as an attacker would like to plant.
  const evil = await openEvilSite()
  await page.evaluate((url) => {
    history.replaceState(null, '', '/accounts/onet?secret=2')
    const link = document.createElement('a')
    link.href = url
    document.body.append(link)
    link.click()
  }, evil.elsewhere)
  await soon(() => evil.asked.length).toBeGreaterThan(0)

  const told = [
    ...app.answers.map(({ target, asked }) => ({ url: target, referer: asked.referer })),
    ...evil.asked.map(({ target, referer }) => ({ url: target, referer })),
    ...heard,
  ]
  expect(told.length).toBeGreaterThan(40)
  const tells = ({ referer }: { referer: string | undefined }) =>
    referer !== undefined && new URL(referer).origin === app.origin
  expect(told.filter(tells)).toEqual([])
}, 60_000)

/** All that a page can find out about an address of another origin, one that is framed or opened included. */
function spyOn(page: Page, urls: string[]): Promise<Record<string, unknown>> {
  return page.evaluate(async (urls) => {
    const outcome = (made: HTMLElement, set: () => void) =>
      new Promise((end) => {
        for (const event of ['load', 'error']) made.addEventListener(event, () => end(event))
        set()
        document.body.append(made)
        setTimeout(() => end('nothing'), 3000)
      })
    const seen: Record<string, unknown> = {}
    const spy = async (url: string) => {
      const image = document.createElement('img')
      const script = document.createElement('script')
      const style = Object.assign(document.createElement('link'), { rel: 'stylesheet' })
      const frame = document.createElement('iframe')
      const object = document.createElement('object')
      const sent: RequestInit = { mode: 'no-cors', credentials: 'include' }
      const fetched = await fetch(url, sent).then(
        ({ type, status }) => `${type} ${status}`,
        () => 'refused',
      )
      const read = await fetch(url, { credentials: 'include' }).then(
        ({ status }) => `read ${status}`,
        () => 'refused',
      )
      const led = await fetch(url, { ...sent, redirect: 'manual' }).then(
        ({ type }) => type,
        () => 'refused',
      )
      const shown = await outcome(frame, () => (frame.src = url))
      const sizes = performance
        .getEntriesByName(url)
        .map((entry) => entry.toJSON() as Record<string, unknown>)
        .map(({ transferSize, encodedBodySize, responseStatus }) => [
          transferSize,
          encodedBodySize,
          responseStatus,
        ])
      seen[url] = {
        image: await outcome(image, () => (image.src = url)),
        script: await outcome(script, () => (script.src = url)),
        style: await outcome(style, () => (style.href = url)),
        object: await outcome(object, () => (object.data = url)),
        frame: [shown, frame.contentWindow?.length],
        fetched,
        read,
        led,
        sizes: [...new Set(sizes.map((size) => JSON.stringify(size)))].sort(),
      }
    }
    await Promise.all(urls.map(spy))
    return seen
  }, urls)
}

test('A89 XS-leaks: another site cannot tell whether somebody is signed in', async ({
  browser,
}) => {
  const app = await startApp()
  const context = await openRoughProfile(browser)
  const page = await context.newPage()
  const evil = await openEvilSite()
  const paths = [
    '/',
    '/accounts/onet',
    '/bff/session',
    '/bff/accounts/onet',
    '/bff/accounts/onet/profile',
    '/bff/api/onet/external/profile',
    '/bff/login/onet',
    '/assets/nothing.js',
  ]
  const spy = async () => {
    const seen: unknown[] = []
    for (const lure of [evil.elsewhere, evil.nearby]) {
      await page.goto(lure)
      seen.push(
        await spyOn(
          page,
          paths.map((path) => app.origin + path),
        ),
      )
    }
    return seen
  }
  const before = await spy()
  await page.goto(app.origin)
  await signIn(app, page, 'onet')
  const after = await spy()
  expect(after).toEqual(before)
  // And there is nothing to be told apart: no part of the app is given to others at all.
  const given = Object.entries((after[0] ?? {}) as Record<string, Record<string, unknown>>)
  for (const [url, { image, script, fetched, read }] of given)
    expect([image, script, fetched, read], url).toEqual(['error', 'error', 'refused', 'refused'])

  // A window of the app that another site opens is out of its reach at once.
  await page.goto(evil.elsewhere)
  const [opened] = await Promise.all([
    context.waitForEvent('page'),
    page.evaluate((url) => {
      Object.assign(window, { opened: window.open(url) })
    }, `${app.origin}/accounts/onet`),
  ])
  await soon(() => opened.url()).toContain('/accounts/onet')
  await soon(() => opened.textContent('body')).toContain('71c97af0')
  const reach = await page.evaluate(() => {
    const { closed, length } = (window as unknown as { opened: Window }).opened
    return { closed, length }
  })
  expect(reach).toEqual({ closed: true, length: 0 })
  expect(await opened.evaluate(() => window.opener === null)).toBe(true)
}, 90_000)
