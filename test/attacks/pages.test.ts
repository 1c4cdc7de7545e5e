/** Attacks on the pages, in a real browser: frames, foreign code, workers, reflected words. */
import { readdirSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { openProfile, openRoughProfile, startApp, test, type App } from '../browser/app'
import { card, expectState, press, signIn, soon } from '../browser/person'
import { breachesIn } from '../browser/watch'
import { openEvilSite } from './evil-site'

test('A85 clickjacking: no other page can frame a page, an error or an answer', async ({
  browser,
}) => {
  const app = await startApp()
  const context = await openRoughProfile(browser)
  const page = await context.newPage()
  const paths = [
    '/',
    '/accounts/onet',
    '/callback/konpro',
    '/nowhere',
    '/favicon.svg',
    '/bff/session',
    '/bff/nothing',
    '/bff/login/onet',
    '/bff/callback/seznam?code=a&state=b',
  ]
  const framed = paths.map((path) => `<iframe src="${app.origin}${path}"></iframe>`)
  const evil = await openEvilSite(framed.join(''))
  for (const lure of [evil.elsewhere, evil.nearby]) {
    await page.goto(lure)
    const seen = () => page.frames().map((frame) => new URL(frame.url()).protocol)
    await soon(() => seen().slice(1)).toEqual(paths.map(() => 'chrome-error:'))
  }
  // What only older browsers heed.
  expect(
    app.answers.map(({ headers }) => headers.find(([name]) => name === 'x-frame-options')?.[1]),
  ).toEqual(app.answers.map(() => 'DENY'))
})

/** A page of the app under its own policy, as if an attacker had got this markup into it. */
async function withMarkup(app: App, page: Page, markup: string): Promise<void> {
  await page.route(`${app.origin}/nowhere`, async (route) => {
    const answer = await route.fetch()
    const body = (await answer.text()).replace('</body>', `${markup}</body>`)
    await route.fulfill({ response: answer, body })
  })
  await page.goto(`${app.origin}/nowhere`)
  await page.locator('main a[href="/"]').first().waitFor()
}

test('A86 CSP: markup that got into the page runs nothing and leads nowhere', async ({
  browser,
}) => {
  const app = await startApp()
  const evil = await openEvilSite('parent.document.title = "owned"')
  const context = await openRoughProfile(browser)
  const breaches = await breachesIn(context)
  const page = await context.newPage()
  const { elsewhere } = evil
  const injections: { markup: string; breaks: string }[] = [
    { markup: '<script>document.title = "owned"</script>', breaks: 'script-src-elem inline' },
    { markup: `<script src="${elsewhere}/a.js"></script>`, breaks: 'script-src-elem http' },
    { markup: '<script src="data:,document.title=1"></script>', breaks: 'script-src-elem data' },
    { markup: '<img src="x" onerror="document.title = 1">', breaks: 'script-src-attr inline' },
    { markup: '<svg onload="document.title = 1"></svg>', breaks: 'script-src-attr inline' },
    { markup: `<base href="${elsewhere}/">`, breaks: 'base-uri' },
    { markup: `<object data="${elsewhere}/o"></object>`, breaks: 'object-src' },
    { markup: `<embed src="${elsewhere}/e">`, breaks: 'object-src' },
    { markup: `<iframe src="${elsewhere}/f"></iframe>`, breaks: 'frame-src' },
    { markup: '<iframe srcdoc="<script>top.document.title = 1</script>"></iframe>', breaks: '' },
    { markup: '<style>body { display: none }</style>', breaks: 'style-src-elem inline' },
    { markup: `<link rel="stylesheet" href="${elsewhere}/s.css">`, breaks: 'style-src-elem http' },
    { markup: `<link rel="manifest" href="${elsewhere}/m">`, breaks: '' },
    { markup: `<img src="${elsewhere}/pixel">`, breaks: 'img-src http' },
    { markup: `<video src="${elsewhere}/v"></video>`, breaks: 'media-src' },
    {
      markup: `<form action="${elsewhere}/form" method="post"><input type="submit" id="go"></form>`,
      breaks: 'form-action',
    },
    {
      markup: '<a href="javascript:document.title = 1" id="go">Go</a>',
      breaks: 'script-src-elem inline',
    },
    {
      markup: `<meta http-equiv="Content-Security-Policy" content="script-src *"><script>document.title = 1</script>`,
      breaks: 'script-src-elem inline',
    },
  ]
  for (const { markup, breaks } of injections) {
    breaches.length = 0
    await withMarkup(app, page, markup)
    const bait = page.locator('#go')
    if ((await bait.count()) > 0) await bait.click({ noWaitAfter: true })
    const told = () =>
      breaches.filter((breach) => breach.startsWith('security policy: ')).join('\n')
    if (breaks !== '') await soon(told, markup).toContain(`security policy: ${breaks}`)
    expect(await page.title(), markup).not.toMatch(/^(?:owned|1)$/)
    expect(page.url()).toBe(`${app.origin}/nowhere`)
    await page.unroute(`${app.origin}/nowhere`)
  }
  expect(evil.asked).toEqual([])
}, 60_000)

test('A86 CSP: code in the page makes neither code nor markup out of text', async ({ browser }) => {
  const app = await startApp()
  const context = await openRoughProfile(browser)
  const breaches = await breachesIn(context)
  const page = await context.newPage()
  await page.goto(app.origin)
  await expectState(page, 'onet', 'signed-out')
  const outcomes = await page.evaluate(async () => {
    // What the debugger calls may do more than what the page runs by itself.
    await new Promise((later) => setTimeout(later))
    const attempts: Record<string, () => unknown> = {
      innerHTML: () => (document.body.innerHTML += '<b>markup</b>'),
      outerHTML: () => (document.body.outerHTML = '<b>markup</b>'),
      insertAdjacentHTML: () => document.body.insertAdjacentHTML('beforeend', '<b>markup</b>'),
      srcdoc: () => (document.createElement('iframe').srcdoc = '<b>markup</b>'),
      parser: () => new DOMParser().parseFromString('<b>markup</b>', 'text/html'),
      fragment: () => document.createRange().createContextualFragment('<b>markup</b>'),
      write: () => {
        // By its name, as it is deprecated.
        ;(document as unknown as Record<string, (text: string) => void>)['write']?.('x')
      },
      'script text': () => (document.createElement('script').text = 'code'),
      'script src': () => (document.createElement('script').src = '/code.js'),
      handler: () => document.body.setAttribute('onclick', 'code'),
      // eslint-disable-next-line @typescript-eslint/no-implied-eval -- to see it refused
      Function: () => new Function('return 1'),
      eval: () => (globalThis as unknown as { eval: (code: string) => unknown }).eval('1'),
      // eslint-disable-next-line @typescript-eslint/no-implied-eval -- to see it refused
      timer: () => setTimeout('document.title = 1'),
      policy: () =>
        (
          Reflect.get(window, 'trustedTypes') as {
            createPolicy: (name: string, rules: object) => unknown
          }
        ).createPolicy('evil', {}),
      worker: () => new Worker('/assets/worker.js'),
    }
    return Object.entries(attempts).flatMap(([name, attempt]) => {
      try {
        attempt()
        return [`${name} was done`]
      } catch {
        return []
      }
    })
  })
  expect(outcomes).toEqual([])
  await soon(() => breaches.join('\n')).toMatch(/require-trusted-types-for/)
  // What these tests rely on: a breach that nobody expects is noticed.
  expect(breaches.length).toBeGreaterThan(10)
})

test('A87 service worker hijack: no script becomes a worker of this origin', async ({
  browser,
}) => {
  const app = await startApp()
  const hostile = { 'content-type': 'text/javascript', 'service-worker-allowed': '/' }
  const own = readdirSync(new URL('../../dist/web/assets/', import.meta.url))
    .filter((name) => name.endsWith('.js'))
    .map((name) => `/assets/${name}`)
  // Once under the page's policy, and once as if it had none: the answers alone must do then.
  for (const bypassCSP of [false, true]) {
    const context = await openRoughProfile(browser, { bypassCSP })
    const page = await context.newPage()
    await page.goto(app.origin)
    await signIn(app, page, 'onet')
    app.simulators.onet.faults.profile = { status: 200, body: 'self.x = 1', headers: hostile }
    const api = '/bff/api/onet/external/profile'
    const registered = await page.evaluate(
      async (scripts) => {
        await new Promise((later) => setTimeout(later))
        const tries = scripts.map(async (script) => {
          await navigator.serviceWorker.register(script, { type: 'module' })
          return script
        })
        const settled = await Promise.allSettled(tries)
        return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
      },
      bypassCSP ? [api, '/bff/session', '/nowhere'] : [api, ...own],
    )
    expect(registered).toEqual([])
    const found = await page.evaluate(async () => {
      return (await navigator.serviceWorker.getRegistrations()).length
    })
    expect(found).toBe(0)
    const answer = await page.evaluate(async (path) => {
      const { headers } = await fetch(path, { headers: { 'X-Latchkey': '1' } })
      return [headers.get('service-worker-allowed'), headers.get('x-content-type-options')]
    }, api)
    expect(answer).toEqual([null, 'nosniff'])
    app.simulators.onet.faults = {}
    await press(page, 'onet', 'sign-out')
    await expectState(page, 'onet', 'signed-out')
  }
})

test('A90 reflection: what is sent never comes back as markup', async ({ browser }) => {
  const app = await startApp()
  const mark = '<script>latchkey</script>'
  const coded = encodeURIComponent(mark)
  const paths = [
    `/${coded}`,
    `/?q=${coded}`,
    `/accounts/${coded}`,
    `/assets/${coded}.js`,
    `/bff/${coded}`,
    `/bff/session?${coded}`,
    `/bff/accounts/${coded}`,
    `/bff/accounts/onet/profile?${coded}=1`,
    `/bff/login/${coded}`,
    `/bff/login/onet?return_to=/${coded}`,
    `/bff/callback/seznam?error=${coded}&error_description=${coded}&state=${coded}`,
    `/bff/callback/${coded}`,
    `/bff/api/onet/${coded}`,
    `/bff/api/${coded}/x`,
    `/healthz?${coded}`,
  ]
  const headers = { 'user-agent': mark, accept: mark, 'x-latchkey': '1', 'x-request-id': mark }
  for (const path of paths)
    for (const method of ['GET', 'POST', 'PUT'])
      for (const sent of [
        headers,
        { ...headers, referer: `http://x/${mark}`, cookie: `a=${mark}` },
      ]) {
        const answer = await fetch(app.origin + path, {
          method,
          headers: sent,
          redirect: 'manual',
          ...(method === 'GET' ? {} : { body: mark }),
        })
        const text = `${[...answer.headers].join('\n')}\n${await answer.text()}`
        expect(text, `${method} ${path}`).not.toContain('<script>latchkey')
      }

  const page = await (await openProfile(browser)).newPage()
  await page.goto(`${app.origin}/?error=${coded}&provider=${coded}`)
  await page.locator('[data-error]').first().waitFor()
  expect(await page.textContent('body')).not.toContain('latchkey</script>')
})

test('a profile of markup and foreign addresses is text, and no picture', async ({ browser }) => {
  const app = await startApp()
  const context = await openProfile(browser)
  const krasty = app.simulators.seznam.users.krasty as unknown as Record<string, string> // its fields are text
  const markup = '<img src=x onerror="document.title = 1">'
  krasty.firstname = markup
  krasty.account_name = markup
  const page = await context.newPage()
  await page.goto(app.origin)
  await signIn(app, page, 'seznam')
  expect(await card(page, 'seznam').innerText()).toContain(markup)
  for (const address of [
    'javascript:alert(1)',
    'data:image/svg+xml,<svg onload="alert(1)"/>',
    'http://d.example/plain',
    'blob:https://d.example/0',
    '//d.example/x',
  ]) {
    krasty.avatar_url = address
    await page.goto(`${app.origin}/accounts/seznam`)
    await soon(() => page.locator('dd').allInnerTexts()).toContain(`${markup} Novák`)
    expect(await page.locator('main img').count(), address).toBe(0)
  }
})
