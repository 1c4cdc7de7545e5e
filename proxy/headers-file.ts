import { readConfig, type Config } from './config'
import type { Environment } from './faults'
import { keptForever, pageHeaders } from './headers'
import { providers } from '../shared/providers'

/**
 * What shapes the headers of the app's pages, read where the app is built: where app and proxy live,
 * and the providers that browsers call themselves. No secret is needed for it, nor looked at.
 */
export function readPageConfig(env: Environment): Config {
  const called = providers.filter(({ custody }) => custody === 'browser')
  const prefixes = called.map(({ id }) => `${id.toUpperCase()}_`)
  const relevant = Object.entries(env).filter(
    ([name]) =>
      ['PUBLIC_ORIGIN', 'WEB_ORIGIN'].includes(name) ||
      prefixes.some((prefix) => name.startsWith(prefix)),
  )
  return readConfig(Object.fromEntries(relevant), { production: false, providers: called })
}

/**
 * The headers of the built app as Cloudflare Pages, Netlify and others read them from `_headers`.
 * `files` are the paths of all that was built. Hosts join what two rules say of one header, or choose
 * for themselves: so none is in two rules that meet. And hashed files are named one by one, since a
 * rule for their folder would keep its 404s for ever too.
 */
export function headersFile(config: Config, files: readonly string[]): string {
  const { 'cache-control': kept = '', ...everywhere } = pageHeaders(config)
  const isHashed = (path: string) => path.startsWith('/assets/')
  const pages = ['/', '/accounts/*', '/callback/*']
  return [
    rule('/*', everywhere),
    ...[...pages, ...files.filter((path) => !isHashed(path))].map((path) =>
      rule(path, { 'cache-control': kept }),
    ),
    ...files.filter(isHashed).map((path) => rule(path, { 'cache-control': keptForever })),
  ].join('\n')
}

function rule(path: string, headers: Record<string, string>): string {
  const lines = Object.entries(headers).map(([name, value]) => `  ${name}: ${value}\n`)
  return `${path}\n${lines.join('')}`
}
