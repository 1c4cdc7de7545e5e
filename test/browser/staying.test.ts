import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type Page } from 'playwright-core'
import { expect, onTestFinished } from 'vitest'
import {
  browserOptions,
  forgetPictures,
  newerSecret,
  expectNoBreach,
  openProfile,
  sessionSecret,
  startApp,
  test,
} from './app'
import { everyProvider, expectState, press, signIn, signInEverywhere } from './person'

test('whoever signed in stays so over a reload, a restart of the server and a new secret', async ({
  browser,
}) => {
  const app = await startApp()
  const page = await (await openProfile(browser)).newPage()
  await page.goto(app.origin)
  await signInEverywhere(app, page)

  await page.reload()
  await expectEverywhere(page)

  await app.restart()
  await page.reload()
  await expectEverywhere(page)

  await app.restart({ SESSION_SECRETS: `${newerSecret},${sessionSecret}` })
  await page.reload()
  await expectEverywhere(page)
  // The tokens are there too, not only the names.
  for (const provider of everyProvider) {
    await press(page, provider, 'refresh')
    await expectState(page, provider, 'signed-in')
    expect(await page.locator('[data-error]').count()).toBe(0)
  }

  // What was sealed under the newer secret no longer needs the older one.
  await app.restart({ SESSION_SECRETS: newerSecret })
  await page.reload()
  await expectEverywhere(page)
})

test('with a secret that it does not know the server signs nobody in', async ({ browser }) => {
  const app = await startApp()
  const page = await (await openProfile(browser)).newPage()
  await page.goto(app.origin)
  await signIn(app, page, 'seznam')
  await signIn(app, page, 'konpro')
  await app.restart({ SESSION_SECRETS: newerSecret })
  await page.reload()
  await expectState(page, 'seznam', 'signed-out')
  await expectState(page, 'konpro', 'signed-in')
})

test('a browser that is closed and opened again is still signed in everywhere', async () => {
  const app = await startApp()
  const profile = await mkdtemp(join(tmpdir(), 'latchkey-profile-'))
  onTestFinished(() => rm(profile, { recursive: true, force: true, maxRetries: 5 }))
  const open = async () => {
    const context = await chromium.launchPersistentContext(profile, browserOptions())
    await forgetPictures(context)
    await expectNoBreach(context)
    return context
  }

  const before = await open()
  const page = before.pages()[0] ?? (await before.newPage())
  await page.goto(app.origin)
  await signInEverywhere(app, page)
  await before.close()

  const written = await filesBelow(profile)
  const tokens = [...app.simulators.konpro.issued].filter((secret) => /^kp_[ar]t_/.test(secret))
  expect(tokens.length).toBeGreaterThanOrEqual(2)
  for (const token of tokens) {
    for (const spelling of [Buffer.from(token), Buffer.from(token, 'utf16le')])
      expect(
        written.filter(({ bytes }) => bytes.includes(spelling)).map(({ name }) => name),
      ).toEqual([])
  }

  const after = await open()
  onTestFinished(() => after.close())
  const again = after.pages()[0] ?? (await after.newPage())
  await again.goto(app.origin)
  await expectEverywhere(again)
  await press(again, 'konpro', 'refresh')
  await expectState(again, 'konpro', 'signed-in')
  expect(await again.locator('[data-error]').count()).toBe(0)
})

async function expectEverywhere(page: Page): Promise<void> {
  for (const provider of everyProvider) await expectState(page, provider, 'signed-in')
}

async function filesBelow(directory: string): Promise<{ name: string; bytes: Buffer }[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
  return Promise.all(files.map(async (name) => ({ name, bytes: await readFile(name) })))
}
