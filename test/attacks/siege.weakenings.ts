import type { Weakening } from './weakening'

const apiPath = 'shared/api-path.ts'
const apiHeaders = 'proxy/api-headers.ts'
const apiCall = 'shared/api-call.ts'
const door = 'proxy/node-server.ts'
const loginRoute = 'proxy/routes/login.ts'
const refresher = 'proxy/session/refresher.ts'
const dialect = 'shared/oauth/dialect.ts'
const app = 'proxy/app.ts'

const redirectByRequest = {
  file: loginRoute,
  from: 'await authorize(registration, ports.now())',
  to: "await authorize({ ...registration, redirectUri: 'https://' + new URL(c.req.raw.url).host + '/bff/callback/' + provider.id }, ports.now())",
}
const everybodyAsks = {
  file: refresher,
  from: '{ generation, settled: (standing) => settled(signIn, standing) },',
  to: '',
}

/** What is taken out of the product for each of the attacks A50 to A82, A84, and A92 to A94. */
export const weakenings: readonly Weakening[] = [
  {
    attack: 'A50',
    says: 'whatever follows the mount is resolved against the API’s origin',
    changes: [
      { file: apiPath, from: '!isCallable(path, apiPaths, registration) ||', to: '' },
      {
        file: apiPath,
        from: 'new URL(apiOrigin + path + asked.search)',
        to: 'new URL(path + asked.search, apiOrigin)',
      },
    ],
  },
  {
    attack: 'A51',
    says: 'a path that can be read in two ways is compared as it stands',
    changes: [{ file: apiPath, from: 'return isUnambiguous(path) && ', to: 'return ' }],
  },
  {
    attack: 'A52',
    says: 'the redirect address is made from what the request names',
    changes: [redirectByRequest, { file: door, from: 'incoming.url = path\n', to: '\n' }],
  },
  {
    attack: 'A53',
    says: 'the redirect address is made from the Host header',
    changes: [redirectByRequest, { file: door, from: 'incoming.headers.host = host\n', to: '\n' }],
  },
  {
    attack: 'A54',
    says: 'a token in the query goes through',
    changes: [{ file: apiPath, from: 'carriesSecret(asked.search) ||', to: '' }],
  },
  {
    attack: 'A55',
    says: 'any address will do, in the clear and of the machine’s own network',
    changes: [
      {
        file: 'proxy/faults.ts',
        from: 'isTrustworthy(url) &&\n      !isMetadataHost(url.hostname),',
        to: 'true,',
      },
    ],
  },
  {
    attack: 'A56',
    says: 'the parser is lenient',
    changes: [
      {
        file: door,
        from: 'maxHeaderSize: mostRead,',
        to: 'maxHeaderSize: mostRead, insecureHTTPParser: true,',
      },
    ],
  },
  {
    attack: 'A57',
    says: 'headers for the next hop are copied',
    changes: [
      {
        file: apiCall,
        from: "  'range',\n]",
        to: "  'range',\n  'connection',\n  'te',\n  'upgrade',\n  'via',\n]",
      },
    ],
  },
  {
    attack: 'A58',
    says: 'cookies and addresses of an API pass',
    changes: [
      {
        file: apiCall,
        from: "  'retry-after',\n]",
        to: "  'retry-after',\n  'set-cookie',\n  'location',\n]",
      },
    ],
  },
  {
    attack: 'A58',
    says: 'pages of an API are shown',
    changes: [
      { file: apiHeaders, from: '!isHarmless(type) || isNavigation(request.headers)', to: 'false' },
    ],
  },
  {
    attack: 'A59',
    says: 'the browser’s cookies and the proxies’ words go to the API',
    changes: [
      {
        file: apiCall,
        from: "  'range',\n]",
        to: "  'range',\n  'cookie',\n  'referer',\n  'x-forwarded-for',\n]",
      },
    ],
  },
  {
    attack: 'A60',
    says: 'a body may be as large as it likes',
    changes: [
      {
        file: 'proxy/json-body.ts',
        from: 'readAtMost(body, most, waits)',
        to: 'readAtMost(body, 64 * 1024 * 1024, waits)',
      },
      {
        file: 'proxy/json-body.ts',
        from: "Number(headers.get('content-length') ?? 0) > most",
        to: 'false',
      },
    ],
  },
  {
    attack: 'A61',
    says: 'headers may take as long as they like',
    changes: [{ file: door, from: 'headersTimeout: waits.head,', to: 'headersTimeout: 0,' }],
  },
  {
    attack: 'A62',
    says: 'a provider in trouble is believed what it says of a person',
    changes: [
      {
        file: 'shared/oauth/refusal.ts',
        from: 'error.status < 300 || (error.status >= 400 && error.status < 500)',
        to: 'true',
      },
    ],
  },
  {
    attack: 'A63',
    says: 'an answer is read to its end',
    changes: [
      { file: 'shared/oauth/read.ts', from: 'if (size > sizeLimit) {', to: 'if (size > 1e12) {' },
    ],
  },
  {
    attack: 'A64',
    says: 'a lifetime is taken as it comes',
    changes: [
      {
        file: dialect,
        from: '...(expiresIn === undefined ? {} : { expires_in: expiresIn }),',
        to: '...(expiresIn === undefined && expires_in === undefined ? {} : { expires_in }),',
      },
    ],
  },
  {
    attack: 'A65',
    says: 'redirects are followed at the providers',
    changes: [{ file: dialect, from: "redirect: 'manual' }", to: "redirect: 'follow' }" }],
  },
  {
    attack: 'A66',
    says: 'a token may be any text',
    changes: [
      {
        file: dialect,
        from: "typeof value === 'string' && token.test(value)",
        to: "typeof value === 'string'",
      },
    ],
  },
  {
    attack: 'A67',
    says: 'a profile may be as deep as it likes',
    changes: [{ file: 'shared/oauth/read.ts', from: 'if (isDeep(body)) return undefined', to: '' }],
  },
  {
    attack: 'A68',
    says: 'certificates are not looked at',
    changes: [
      {
        file: 'proxy/node.ts',
        from: '() => readConfig(process.env),',
        to: "() => {\n    const config = readConfig(process.env)\n    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'\n    return config\n  },",
      },
    ],
  },
  {
    attack: 'A69',
    says: 'an entry that could not be read is not looked at again',
    changes: [
      {
        file: 'proxy/session/entries.ts',
        from: 'seen.delete(lineage)\n      throw error',
        to: 'throw error',
      },
    ],
  },
  {
    attack: 'A70',
    says: 'whoever waited for a refresh refreshes again',
    changes: [
      everybodyAsks,
      {
        file: refresher,
        from: 'let flight = flights.get(key)',
        to: 'let flight: Promise<Outcome> | undefined',
      },
    ],
  },
  {
    attack: 'A71',
    says: 'what another process has refreshed is refreshed again',
    changes: [everybodyAsks],
  },
  {
    attack: 'A72',
    says: 'every answer writes the cookie it knows',
    changes: [
      {
        file: 'proxy/session/session.ts',
        from: 'if (before && before.written >= signIn.generation) return\n',
        to: '\n',
      },
    ],
  },
  {
    attack: 'A73',
    says: 'a refresh whose answer is lost is sent again',
    changes: [{ file: 'proxy/resend.ts', from: 'if (!hasNotLeft(error)) throw error\n', to: '\n' }],
  },
  {
    attack: 'A74',
    says: 'fresh tokens are in the answer and nowhere else',
    changes: [
      {
        file: refresher,
        from: 'await ledger.publish(signIn, generation, fresh, turn)',
        to: '{ generation: ledger.now(), tokens: fresh, deserted: false }',
      },
    ],
  },
  {
    attack: 'A75',
    says: 'a sign-out clears the cookies, and that is all',
    changes: [
      { file: 'proxy/session/sign-out.ts', from: 'await ledger.signOut(signIn)\n', to: '\n' },
    ],
  },
  {
    attack: 'A76',
    says: 'what was sealed on a clock that was ahead is not opened',
    changes: [
      {
        file: 'proxy/session/seal.ts',
        from: "requiredClaims: ['iat', 'exp', 'content'],",
        to: "requiredClaims: ['iat', 'exp', 'content'], maxTokenAge: '400d',",
      },
    ],
  },
  {
    attack: 'A77',
    says: 'the key that a token names is asked for',
    changes: [
      {
        file: 'shared/providers/gearcode.ts',
        from: 'return decodeJwt(String(token))',
        to: "void fetch(JSON.parse(atob(String(token).split('.')[0] ?? '')).jku).catch(() => undefined)\n    return decodeJwt(String(token))",
      },
    ],
  },
  {
    attack: 'A78',
    says: 'a name may be guessed at a thousand times',
    changes: [
      {
        file: 'proxy/throttle.ts',
        from: "keyPrefix: 'here', points: 10,",
        to: "keyPrefix: 'here', points: 1000,",
      },
    ],
  },
  {
    attack: 'A79',
    says: 'a header that begins well is looked at for longer',
    changes: [
      {
        file: 'proxy/gate.ts',
        from: "return headers.get('x-latchkey') === '1' && isNear",
        to: "if (headers.get('x-latchkey')?.startsWith('1')) for (const until = performance.now() + 3; performance.now() < until; );\n  return headers.get('x-latchkey') === '1' && isNear",
      },
    ],
  },
  {
    attack: 'A80',
    says: 'data may be kept for a minute',
    changes: [
      {
        file: 'proxy/headers.ts',
        from: "'cache-control': 'no-store',",
        to: "'cache-control': 'max-age=60',",
      },
    ],
  },
  {
    attack: 'A81',
    says: 'answers say nothing of caches',
    changes: [{ file: 'proxy/headers.ts', from: "'cache-control': 'no-store',", to: '' }],
  },
  {
    attack: 'A82',
    says: 'an API’s word for caches passes',
    changes: [
      {
        file: apiCall,
        from: "  'retry-after',\n]",
        to: "  'retry-after',\n  'cache-control',\n  'expires',\n]",
      },
    ],
  },
  {
    attack: 'A84',
    says: 'a provider’s answer is copied by assignment',
    changes: [
      {
        file: dialect,
        from: 'const expiresIn = secondsOf(expires_in)',
        to: 'const copied: Answer = {}\n  for (const [name, value] of Object.entries(answer)) copied[name] = value\n  if (copied.isAdmin) throw new Error()\n  const expiresIn = secondsOf(expires_in)',
      },
    ],
  },
  {
    attack: 'A92',
    says: 'the gate reads the path as it stands, the routes decode it',
    changes: [
      {
        file: app,
        from: 'const gate = fromTheApp(config)',
        to: 'const own = fromTheApp(config)\n  const gate: typeof own = (c, next) => (/^[/]bff[/][a-z/]+$/.test(new URL(c.req.url).pathname) ? own(c, next) : next())',
      },
    ],
  },
  {
    attack: 'A93',
    says: 'a HEAD runs what a GET would',
    changes: [
      {
        file: app,
        from: "if (!all.includes(c.req.method)) throw new AppError('method_not_allowed')",
        to: "if (![...all, 'HEAD'].includes(c.req.method)) throw new AppError('method_not_allowed')",
      },
    ],
  },
  {
    attack: 'A94',
    says: 'packages may run scripts when they are installed',
    changes: [{ file: '.npmrc', from: 'ignore-scripts=true', to: 'ignore-scripts=false' }],
  },
]
