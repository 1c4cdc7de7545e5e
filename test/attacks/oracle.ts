import { expect } from 'vitest'
import type { Answered, Browser, Stand } from './stand'

/** Providers that send people away and back. Onet and GearCode know no PKCE, which would hide mistakes with `state`. */
export const redirecting = ['onet', 'konpro', 'gearcode', 'seznam'] as const

/** Headers of a navigation that another site's page began. */
export const crossSite = { 'sec-fetch-site': 'cross-site' }

export const loginCookies = (browser: Browser) =>
  [...browser.cookies.keys()].filter((name) => name.includes('latchkey_login_'))

export const accountCookies = (browser: Browser) =>
  [...browser.cookies.keys()].filter((name) => !name.includes('latchkey_login_'))

/** A callback that signed nobody in: no provider was asked, no cookie came, and a code says why. */
export async function expectRefused(
  stand: Stand,
  browser: Browser,
  answer: Answered,
  code: string | RegExp,
): Promise<void> {
  expect(stand.tokenCalls()).toBe(0)
  expect(stand.sentinel.connections).toEqual([])
  expect(accountCookies(browser)).toEqual([])
  expect(await browser.signedIn()).toEqual([])
  expect(answer.status).toBe(303)
  expect(answer.code).toMatch(code)
}

/** A path with some parameters replaced, or taken out. */
export function altered(path: string, changes: Record<string, string | undefined>): string {
  const url = new URL(path, 'https://x.invalid')
  for (const [name, value] of Object.entries(changes))
    if (value === undefined) url.searchParams.delete(name)
    else url.searchParams.set(name, value)
  return url.pathname + url.search
}

/** A parameter of an address, or of a path; empty where it is not there. */
export function parameter(address: string, name: string): string {
  return new URL(address, 'https://x.invalid').searchParams.get(name) ?? ''
}
