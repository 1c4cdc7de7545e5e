import { Hono } from 'hono'
import { getDomain } from 'tldts'
import type { ClearedAnswer } from '../../shared/wire'
import { roomyCookies } from '../header-limits'
import type { Parts, ProxyEnv } from '../parts'

/** Bytes of one answer's Set-Cookie lines; what stands before us, and clients, take some 16 kB. */
const mostLines = 12 * 1024

/** Where a cookie must lie to come with this request (RFC 6265 §5.1.4); which, nobody tells. */
const places = ['/', '/bff', '/bff/', '/bff/cookies']

/**
 * `DELETE /bff/cookies`: the way out where other pages of this site have planted more cookies than are
 * taken. The largest go first, until there is room; ours stay. Any page of the site may plant them,
 * so nobody can say what they are good for: the app asks the person.
 */
export function cookiesRoute({ config }: Parts) {
  const { protocol, hostname } = new URL(config.publicOrigin)
  const isSecure = protocol === 'https:'
  const prefix = isSecure ? '__Host-latchkey_' : 'latchkey_'
  const domains = domainsOf(hostname)

  const expired = (name: string): string[] =>
    places.flatMap((path) =>
      [undefined, ...domains].map((domain) =>
        [
          // One without a name and a value is none (RFC 6265bis §5.6).
          name === '' ? '=cleared' : `${name}=`,
          'Max-Age=0',
          `Path=${path}`,
          ...(domain === undefined ? [] : [`Domain=${domain}`]),
          ...(isSecure ? ['Secure'] : []),
        ].join('; '),
      ),
    )

  return new Hono<ProxyEnv>().delete('/', (c) => {
    const header = c.req.header('cookie') ?? ''
    const cleared: string[] = []
    let length = header.length
    let room = mostLines
    for (const [name, size] of largestFirst(header)) {
      if (length <= roomyCookies || room <= 0) break
      if (name.startsWith(prefix)) continue
      for (const line of fromAnywhere(expired(name))) {
        room -= 'set-cookie: \r\n'.length + line.length
        if (room <= 0) break
        c.header('set-cookie', line, { append: true })
      }
      cleared.push(name)
      length -= size
    }
    return c.json({ cleared, more: room <= 0 } satisfies ClearedAnswer)
  })
}

/** In turn from a random one: of a name so long that not all fit, each is sent in the end. */
function fromAnywhere(lines: readonly string[]): string[] {
  const at = Math.floor(Math.random() * lines.length)
  return [...lines.slice(at), ...lines.slice(0, at)]
}

/** Names in a Cookie header with the bytes they take, however often they come. */
function largestFirst(header: string): [string, number][] {
  const sizes = new Map<string, number>()
  for (const pair of header.split(';')) {
    const at = pair.indexOf('=')
    const name = (at < 0 ? '' : pair.slice(0, at)).replace(/^[ \t]+|[ \t]+$/g, '')
    sizes.set(name, (sizes.get(name) ?? 0) + pair.length + 1)
  }
  return [...sizes].sort(([, one], [, other]) => other - one)
}

/** Every domain that a page of this site can have set a cookie for: the host and its parents. */
function domainsOf(hostname: string): string[] {
  const domain = getDomain(hostname, { allowPrivateDomains: true })
  if (domain === null) return []
  const extra = hostname.slice(0, -domain.length).split('.').filter(Boolean)
  return [...extra.map((_, at) => [...extra.slice(at), domain].join('.')), domain]
}
