/** What a browser did and complained about while it was watched. */
import type { BrowserContext, Request } from 'playwright-core'

export interface Watch {
  requests: Request[]
  /** Everything any page wrote to its console, whatever the level. */
  console: string[]
  /** Errors on the console, uncaught ones, and violations of a security policy. */
  complaints: string[]
  /** The addresses that brought an authorization response, oldest first. */
  callbacks(): string[]
}

export function watch(context: BrowserContext): Watch {
  const watched: Watch = {
    requests: [],
    console: [],
    complaints: [],
    callbacks: () =>
      watched.requests
        .filter((request) => request.isNavigationRequest())
        .map((request) => request.url())
        .filter((url) => /\/callback\/\w+\?/.test(url)),
  }
  context.on('request', (request) => watched.requests.push(request))
  context.on('console', (message) => {
    const line = `${message.text()} (${message.location().url})`
    watched.console.push(line)
    if (message.type() === 'error') watched.complaints.push(line)
  })
  context.on('weberror', (error) => watched.complaints.push(String(error.error())))
  return watched
}

/**
 * What the pages of a context do that their own policy forbids, as it happens: told by the pages, and
 * by the browser where there is no page to tell it.
 */
export async function breachesIn(context: BrowserContext): Promise<string[]> {
  const breaches: string[] = []
  context.on('console', (message) => {
    const text = message.text()
    if (/security policy|trusted ?(?:type|html|script)|permissions policy/i.test(text))
      breaches.push(`${text} (${message.location().url})`)
  })
  // On the page's own console, because its frames have no other way out.
  await context.addInitScript(() => {
    addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI, sample }) => {
      // eslint-disable-next-line no-console -- read by whoever watches
      console.error(`security policy: ${effectiveDirective} ${blockedURI} ${sample}`)
    })
  })
  return breaches
}
