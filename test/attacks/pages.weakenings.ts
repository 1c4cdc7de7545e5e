import type { Weakening } from './weakening'

const headers = 'proxy/headers.ts'
const accounts = 'web/state/accounts.svelte.ts'

/** What is taken out of the product for each of the attacks that need a browser. */
export const weakenings: readonly Weakening[] = [
  {
    attack: 'A31',
    says: 'our own header, Origin and Sec-Fetch-Site are not asked for',
    changes: [
      {
        file: 'proxy/gate.ts',
        from: "headers.get('x-latchkey') === '1' && isNear && hasOwnOrigin(headers, config)",
        to: 'isNear || hasOwnOrigin(headers, config) || true',
      },
    ],
  },
  {
    attack: 'A31',
    says: 'a WebSocket’s handshake counts as a navigation',
    changes: [
      {
        file: 'proxy/gate.ts',
        from: "c.req.header('upgrade')?.toLowerCase() === 'websocket'",
        to: 'false',
      },
    ],
  },
  {
    attack: 'A83',
    says: 'a page is left as it stands',
    changes: [{ file: accounts, from: 'this.#conceal()\n      flushSync()', to: 'void flushSync' }],
  },
  {
    attack: 'A83',
    says: 'a page that comes back is believed',
    changes: [
      { file: accounts, from: 'if (persisted) void this.load()', to: 'void persisted' },
      { file: accounts, from: 'this.#conceal()\n      flushSync()', to: 'void flushSync' },
    ],
  },
  {
    attack: 'A85',
    says: 'anybody may frame the pages',
    changes: [
      { file: headers, from: "'frame-ancestors': [\"'none'\"],", to: '' },
      { file: headers, from: "'x-frame-options': 'DENY',", to: '' },
    ],
  },
  {
    attack: 'A86',
    says: 'inline code runs',
    changes: [
      {
        file: headers,
        from: "'script-src': [\"'self'\"],",
        to: "'script-src': [\"'self'\", \"'unsafe-inline'\"],",
      },
    ],
  },
  {
    attack: 'A86',
    says: 'text becomes markup and code',
    changes: [
      {
        file: headers,
        from: "'script-src': [\"'self'\"],",
        to: "'script-src': [\"'self'\", \"'unsafe-eval'\"],",
      },
      { file: headers, from: "'require-trusted-types-for': [\"'script'\"],", to: '' },
    ],
  },
  {
    attack: 'A86',
    says: 'forms go anywhere',
    changes: [{ file: headers, from: "'form-action': [\"'self'\"],", to: '' }],
  },
  {
    attack: 'A87',
    says: 'own files may be workers',
    changes: [
      {
        file: headers,
        from: "'worker-src': [\"'none'\"],",
        to: "'worker-src': [\"'self'\"],",
      },
      { file: headers, from: "'require-trusted-types-for': [\"'script'\"],", to: '' },
    ],
  },
  {
    attack: 'A88',
    says: 'the whole address is told to whoever is asked',
    changes: [
      {
        file: headers,
        from: "'referrer-policy': 'no-referrer',",
        to: "'referrer-policy': 'unsafe-url',",
      },
      {
        file: 'web/index.html',
        from: '<meta name="referrer" content="no-referrer" />',
        to: '',
      },
    ],
  },
  {
    attack: 'A89',
    says: 'answers may be loaded by other sites',
    changes: [
      {
        file: headers,
        from: "isOneOrigin ? 'same-origin' : 'same-site'",
        to: "isOneOrigin ? 'cross-origin' : 'same-site'",
      },
    ],
  },
  {
    attack: 'A89',
    says: 'whoever opens a window of the app keeps hold of it',
    changes: [
      {
        file: headers,
        from: "'cross-origin-opener-policy': 'same-origin',",
        to: "'cross-origin-opener-policy': 'unsafe-none',",
      },
    ],
  },
  {
    attack: 'A90',
    says: 'a problem repeats what was asked',
    changes: [
      {
        file: 'proxy/problem.ts',
        from: 'return c.body(JSON.stringify(problem), status, {',
        to: "return c.body(JSON.stringify({ ...problem, detail: c.req.header('user-agent') }), status, {",
      },
    ],
  },
  {
    attack: 'A91',
    says: 'dev serves whatever its code has imported',
    changes: [
      {
        file: 'vite.config.ts',
        from: 'if (!isUpward && (outside === undefined || isOurs)) next()',
        to: 'if (isUpward || !isUpward || isOurs) next()',
      },
    ],
  },
  {
    attack: 'A91',
    says: 'dev listens to the network if told so',
    changes: [
      {
        file: 'vite.config.ts',
        from: 'throw new Error(`vite dev listens on localhost only, not on ${String(host)}. Fix: drop --host`)',
        to: 'void host',
      },
    ],
  },
]
