import type { Registration } from '../provider'

/** Where the browser goes to end the provider's own session, or undefined where there is no such place. */
export function logoutUrl(registration: Registration): string | undefined {
  const { provider, endpoints } = registration
  if (!provider.logout || endpoints.logout === undefined) return undefined
  const url = new URL(endpoints.logout)
  for (const [name, value] of Object.entries(provider.logout.params?.(registration) ?? {}))
    if (value !== undefined) url.searchParams.set(name, value)
  return url.href
}
