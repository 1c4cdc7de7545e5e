/** What every browser test stands on: the built product, five simulators and one Chromium per file. */
import {
  chromium,
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
} from 'playwright-core'
import { expect, inject, onTestFinished, test as plainTest } from 'vitest'
import { launchFlags } from '../chromium'
import { startSimulators, type Simulators, type StartOptions } from '../simulators'
import { builtServer, startServer, type Server } from './server'
import { openTap, type Answer } from './tap'
import { breachesIn } from './watch'

export const browserOptions = () => ({ executablePath: inject('chromium'), args: launchFlags })

/** A test with a Chromium, which is one for the whole file. */
export const test = plainTest.extend(
  'browser',
  { scope: 'file' },
  // Vitest reads from the pattern which other fixtures it needs: none.
  async ({}, { onCleanup }) => {
    const browser = await chromium.launch(browserOptions())
    onCleanup(() => browser.close())
    return browser
  },
)

/** Two session secrets: 43 characters of base64url, 32 bytes. */
export const sessionSecret = 'Jd3nmO8sQ2xLr0bK7Vw9zYpUeHcA1iFhXoN5Z6Mq4GT'
export const newerSecret = 'mO8sQ2xLr0bK7Vw9zYpUeHcA1iFhXoN5Z6Mq4GTJd3n'

/** The product, running, with everything around it that a test looks at. */
export interface App {
  /** Where browsers see it. */
  origin: string
  simulators: Simulators
  /** Everything the server answered to a browser. */
  answers: Answer[]
  /** From now on these requests never reach the server; see `Tap`. */
  leadAstray: (astray: (target: string) => boolean) => void
  /** From now on the server's clock is ahead by these milliseconds. */
  setAhead: (ahead: number) => void
  /** Everything all its processes wrote. */
  output: () => string
  /** The process ends and another one starts, with changes to its environment. */
  restart: (changes?: Record<string, string>) => Promise<void>
}

/** Starts it for one test, which ends it. */
export async function startApp(
  env: Record<string, string> = {},
  switches: StartOptions['switches'] = {},
): Promise<App> {
  const tap = await openTap()
  const started = await startSimulators({ appOrigin: tap.origin, ports: 0, switches })
  const servers: Server[] = []
  const start = async (changes: Record<string, string> = {}) => {
    const server = await startServer(builtServer, {
      NODE_ENV: 'production',
      PORT: '0',
      PUBLIC_ORIGIN: tap.origin,
      SESSION_SECRETS: sessionSecret,
      ...started.env,
      ...env,
      ...changes,
    })
    servers.push(server)
    tap.leadTo(server.url)
  }
  await start()
  onTestFinished(async () => {
    await Promise.all([tap.close(), started.close(), servers.at(-1)?.stop()])
  })
  return {
    origin: tap.origin,
    simulators: started.simulators,
    answers: tap.answers,
    leadAstray: (astray) => (tap.astray = astray),
    setAhead: (ahead) => (tap.ahead = ahead),
    output: () => servers.map((server) => server.output()).join('\n'),
    async restart(changes) {
      await servers.at(-1)?.stop()
      await start(changes)
    },
  }
}

/** A browser profile of its own, for one test; in which no page does what its policy forbids. */
export async function openProfile(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<BrowserContext> {
  const context = await openRoughProfile(browser, options)
  await expectNoBreach(context)
  return context
}

/** The same for a test that does what is forbidden. */
export async function openRoughProfile(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<BrowserContext> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
  onTestFinished(() => context.close())
  await forgetPictures(context)
  return context
}

/** Fails the test if a page of this context did what its policy forbids. */
export async function expectNoBreach(context: BrowserContext): Promise<void> {
  const breaches = await breachesIn(context)
  onTestFinished(() => {
    expect(breaches, 'breaches of a security policy').toEqual([])
  })
}

/** Pictures live at addresses that nobody serves here. */
export async function forgetPictures(context: BrowserContext): Promise<void> {
  await context.route('https://d.example/**', (route) =>
    route.fulfill({
      contentType: 'image/svg+xml',
      body: '<svg xmlns="http://www.w3.org/2000/svg"/>',
    }),
  )
}
