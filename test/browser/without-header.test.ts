/** What cannot carry our header, as a real browser sends it, through the built server to an API. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page } from 'playwright-core'
import { expect, onTestFinished } from 'vitest'
import { openProfile, startApp, test } from './app'
import { signIn } from './person'

/** An API with events and a file, and a page for whoever opens it from elsewhere. */
async function startApi() {
  const asked: string[] = []
  const server = createServer(({ url = '/', headers }, answer) => {
    if (headers.authorization !== undefined) asked.push(url)
    if (url === '/v1/events') {
      answer.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: hello\n\n')
      return
    }
    const type = url.startsWith('/v1/') ? 'text/csv' : 'text/html'
    answer.writeHead(200, { 'content-type': type }).end('a,b')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo // a TCP socket's address is never a string
  return { asked, port }
}

/** The first event that a page hears, or that it hears none. */
const firstEvent = (page: Page, address: string) =>
  page.evaluate(
    (url) =>
      new Promise<string>((resolve) => {
        const events = new EventSource(url, { withCredentials: true })
        events.onmessage = ({ data }) => {
          events.close()
          resolve(String(data))
        }
        events.onerror = () => {
          events.close()
          resolve('refused')
        }
      }),
    address,
  )

const click = (page: Page, address: string, download: boolean) =>
  page.evaluate(
    ({ url, isDownload }) => {
      const link = document.createElement('a')
      link.href = url
      if (isDownload) link.download = 'report.csv'
      document.body.append(link)
      link.click()
    },
    { url: address, isDownload: download },
  )

test('events and downloads of an API reach the app’s own page, and no other', async ({
  browser,
}) => {
  const api = await startApi()
  const app = await startApp({
    KONPRO_CUSTODY: 'proxy',
    KONPRO_API_URL: `http://127.0.0.1:${api.port}`,
    KONPRO_API_PATHS: '/v1',
  })
  const profile = await openProfile(browser, { acceptDownloads: true })
  const page = await profile.newPage()
  await page.goto(app.origin)
  await signIn(app, page, 'konpro')
  const at = `${app.origin}/bff/api/konpro`

  expect(await firstEvent(page, `${at}/v1/events`)).toBe('hello')
  for (const download of [true, false]) {
    const saved = page.waitForEvent('download')
    await click(page, `${at}/v1/report`, download)
    expect(await (await saved).failure()).toBeNull()
  }
  expect(api.asked).toEqual(['/v1/events', '/v1/report', '/v1/report'])

  // Of the same site, so that the cookies come along, and of another one.
  for (const host of ['localhost', '127.0.0.1']) {
    const other = await profile.newPage()
    await other.goto(`http://${host}:${api.port}/`)
    expect(await firstEvent(other, `${at}/v1/events`)).toBe('refused')
    const answered = other.waitForResponse((response) => response.url().startsWith(at))
    await click(other, `${at}/v1/report`, true)
    expect((await answered).status()).toBe(403)
  }
  expect(api.asked).toHaveLength(3)
})
