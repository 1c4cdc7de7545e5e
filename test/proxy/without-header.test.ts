/** What an API may be asked without our header: as Chromium 156 was seen to ask, and in no other way. */
import { describe, expect, test } from 'vitest'
import { origin } from '../stage'
import { createCaller } from './api-caller'

const sibling = 'https://www.app.example'

type Headers = Record<string, string>

const events: Headers = {
  accept: 'text/event-stream',
  'sec-fetch-site': 'same-origin',
  'sec-fetch-mode': 'cors',
  'sec-fetch-dest': 'empty',
}
const siblingEvents: Headers = { ...events, 'sec-fetch-site': 'same-site', origin: sibling }
const link: Headers = {
  accept: 'text/html,application/xhtml+xml,*/*;q=0.8',
  'sec-fetch-site': 'same-origin',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
  'sec-fetch-user': '?1',
}
/** Chromium sends no `Accept` with it. */
const { accept: _none, 'sec-fetch-user': _noUser, ...bare } = link
const download: Headers = { ...bare, 'sec-fetch-dest': 'empty' }

async function asked(headers: Headers, variables: Record<string, string> = {}, method = 'GET') {
  const { browser, arrived } = await createCaller('seznam', () => new Response('x'), variables)
  const answer = await browser.send('/bff/api/seznam/v1/x', { method, headers })
  return { status: answer.status, arrived: arrived.length }
}

const letIn = { status: 200, arrived: 1 }
const refused = { status: 403, arrived: 0 }

describe('without our header an API answers', () => {
  test.each([
    ['an EventSource', events],
    ['an EventSource of a browser that names its origin', { ...events, origin }],
    ['a link', link],
    ['a download link', download],
  ])('%s of the app’s own page', async (_, headers) => {
    expect(await asked(headers)).toEqual(letIn)
    expect(await asked(headers, { WEB_ORIGIN: sibling })).toEqual(letIn)
  })

  test('an EventSource with credentials of the app on a sibling origin, which may read it', async () => {
    expect(await asked(siblingEvents, { WEB_ORIGIN: sibling })).toEqual(letIn)
    const { browser } = await createCaller('seznam', () => new Response('x'), {
      WEB_ORIGIN: sibling,
    })
    const answer = await browser.send('/bff/api/seznam/v1/x', { headers: siblingEvents })
    expect(answer.headers.get('access-control-allow-origin')).toBe(sibling)
    expect(answer.headers.get('access-control-allow-credentials')).toBe('true')
  })
})

describe('and refuses', () => {
  test.each(Object.keys(events))('an EventSource without %s', async (name) => {
    const { [name]: _left, ...headers } = events
    expect(await asked(headers)).toEqual(refused)
  })

  test.each(Object.keys(siblingEvents))('a sibling’s EventSource without %s', async (name) => {
    const { [name]: _left, ...headers } = siblingEvents
    expect(await asked(headers, { WEB_ORIGIN: sibling })).toEqual(refused)
  })

  test.each(Object.keys(bare))('a link without %s', async (name) => {
    const { [name]: _left, ...headers } = link
    expect(await asked(headers)).toEqual(refused)
  })

  const others: [string, Headers][] = [
    ['an EventSource of another site', { ...events, 'sec-fetch-site': 'cross-site' }],
    ['one of another site, that says so', { ...events, origin: 'https://evil.example' }],
    [
      'one of a sibling that is not the app',
      { ...siblingEvents, origin: 'https://old.app.example' },
    ],
    ['one of a sibling that hides', { ...siblingEvents, origin: 'null' }],
    ['one whose answer no script may read', { ...events, 'sec-fetch-mode': 'no-cors' }],
    ['one that takes anything', { ...events, accept: '*/*' }],
    ['one that says twice who asks', { ...events, 'sec-fetch-site': 'same-origin, same-origin' }],
    ['a sibling’s link', { ...link, 'sec-fetch-site': 'same-site' }],
    ['another site’s link', { ...link, 'sec-fetch-site': 'cross-site' }],
    ['the address bar', { ...link, 'sec-fetch-site': 'none' }],
    ['a form that was posted', { ...link, origin }],
    ['a frame', { ...link, 'sec-fetch-dest': 'iframe' }],
    ['a picture', { ...link, 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' }],
    ['a script', { ...link, 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'script' }],
    ['a stylesheet', { ...link, 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'style' }],
    ['a worker', { ...link, 'sec-fetch-mode': 'same-origin', 'sec-fetch-dest': 'worker' }],
    ['a script’s own call', { ...events, accept: '*/*', origin }],
    ['a prefetch', { ...link, 'sec-purpose': 'prefetch' }],
    ['a prerender', { ...link, 'sec-purpose': 'prefetch;prerender' }],
    ['a link beside a wrong header of ours', { ...link, 'x-latchkey': '2' }],
    ['an empty header of ours', { ...link, 'x-latchkey': '' }],
  ]
  test.each(others)('%s', async (_, headers) => {
    expect(await asked(headers)).toEqual(refused)
    expect(await asked(headers, { WEB_ORIGIN: sibling })).toEqual(refused)
  })

  test.each([events, link])('any method but GET', async (headers) => {
    for (const method of ['HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
      expect(await asked(headers, {}, method), method).toEqual(refused)
  })

  test('the same in front of anything that is no API', async () => {
    const { browser } = await createCaller('seznam', () => new Response('x'))
    for (const path of ['/bff/session', '/bff/accounts/seznam', '/bff/accounts/seznam/profile'])
      for (const headers of [events, link])
        expect((await browser.send(path, { headers })).status, path).toBe(403)
  })
})
