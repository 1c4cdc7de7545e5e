import type { Weakening } from './weakening'

const login = 'proxy/session/logins.ts'
const callback = 'proxy/routes/callback.ts'
const reading = 'shared/oauth/callback.ts'
const gate = 'proxy/gate.ts'
const jar = 'proxy/session/jar.ts'
const seal = 'proxy/session/seal.ts'
const returning = 'proxy/return-path.ts'

/** What is taken out of the product for each of the attacks A1 to A47. */
export const weakenings: readonly Weakening[] = [
  {
    attack: 'A1',
    says: 'the server keeps a login for whoever brings its state',
    changes: [
      {
        file: login,
        from: "jar.set(nameOf(login.state), sealed, { sameSite: 'Lax'",
        to: ";(globalThis.logins ??= new Map()).set(nameOf(login.state), sealed)\n  jar.set(nameOf(login.state), sealed, { sameSite: 'Lax'",
      },
      {
        file: login,
        from: 'const sealed = jar.get(name)\n',
        to: 'const sealed = jar.get(name) ?? globalThis.logins?.get(name)\n',
      },
    ],
  },
  {
    attack: 'A2',
    says: 'a missing state equals a missing memory of one',
    changes: [
      {
        file: callback,
        from: "? await takeOnlyLogin(c.get('jar'), provider.id, seal)\n      : undefined",
        to: "? await takeOnlyLogin(c.get('jar'), provider.id, seal)\n      : { state: '', redirectUri: c.get('offer').registration.redirectUri, issuedAt: ports.now(), returnTo: '/', provider: provider.id }",
      },
      {
        file: reading,
        from: "if (login.state === '' || (!echoed && !mayBeSilent)) throw new AppError('login_forged')",
        to: '',
      },
    ],
  },
  {
    attack: 'A2',
    says: 'every provider may come back without state',
    changes: [
      {
        file: callback,
        from: 'isRedirect(provider) && provider.dropsState',
        to: 'isRedirect(provider)',
      },
      {
        file: reading,
        from: 'isRedirect(provider) && provider.dropsState === true',
        to: 'isRedirect(provider)',
      },
    ],
  },
  {
    attack: 'A3',
    says: 'the state picks the cookie and is compared with nothing',
    changes: [
      {
        file: login,
        from: 'if (login?.state !== state) return undefined',
        to: 'if (!login) return undefined',
      },
      {
        file: reading,
        from: 'echoed ? login.state : oauth.expectNoState',
        to: 'oauth.skipStateCheck',
      },
    ],
  },
  {
    attack: 'A4',
    says: 'a login is not used up',
    changes: [
      {
        file: callback,
        from: ' || !(await ledger.useOnce(key, login.issuedAt + 2 * loginLifetime))',
        to: '',
      },
    ],
  },
  {
    attack: 'A5',
    says: 'the age of a login is not asked',
    changes: [
      { file: callback, from: 'const age = ports.now() - login.issuedAt', to: 'const age = 0' },
    ],
  },
  {
    attack: 'A6',
    says: 'of a parameter given twice the first counts',
    changes: [
      {
        file: callback,
        from: 'return new Set(names).size !== names.length',
        to: 'return names.length < 0',
      },
      {
        file: reading,
        from: "if (new Set(names).size !== names.length) throw new AppError('login_forged')",
        to: '',
      },
    ],
  },
  {
    attack: 'A7',
    says: 'logins under way are not counted',
    changes: [{ file: login, from: 'index >= mostLogins - 1', to: 'index >= 100' }],
  },
  {
    attack: 'A7',
    says: 'one cookie serves all logins',
    changes: [
      {
        file: login,
        from: 'return `latchkey_login_${state.slice(0, 8)}`',
        to: 'return `latchkey_login_${state.slice(0, 0)}`',
      },
    ],
  },
  {
    attack: 'A8',
    says: 'PKCE is off',
    changes: [
      {
        file: 'shared/oauth/authorize.ts',
        from: '...(provider.pkce ? { verifier: oauth.generateRandomCodeVerifier() } : {}),',
        to: '',
      },
    ],
  },
  {
    attack: 'A9',
    says: 'a login is found whichever provider it was begun at',
    changes: [
      {
        file: login,
        from: 'const login = await readLogin(jar, nameOf(state), [provider], seal)',
        to: "const login = await readLogin(jar, nameOf(state), ['onet', 'konpro', 'gearcode', 'seznam'], seal)",
      },
    ],
  },
  {
    attack: 'A10',
    says: 'a login is found whichever provider it was begun at',
    changes: [
      {
        file: login,
        from: 'const login = await readLogin(jar, nameOf(state), [provider], seal)',
        to: "const login = await readLogin(jar, nameOf(state), ['onet', 'konpro', 'gearcode', 'seznam'], seal)",
      },
    ],
  },
  {
    attack: 'A11',
    says: 'the issuer is not compared',
    changes: [
      {
        file: reading,
        from: '{ client_id: registration.clientId },\n      parameters,',
        to: "{ client_id: registration.clientId },\n      new URLSearchParams([...parameters].filter(([name]) => name !== 'iss')),",
      },
    ],
  },
  {
    attack: 'A11',
    says: 'an empty issuer counts as none',
    changes: [
      {
        file: reading,
        from: "if (parameters.get('iss') === '') throw new AppError('login_forged')",
        to: '',
      },
    ],
  },
  {
    attack: 'A12',
    says: 'the newest account’s token serves every provider',
    changes: [
      {
        file: 'proxy/session/session.ts',
        from: 'mustKnow(provider)\n      return known(provider)[0]',
        to: 'mustKnow(provider)\n      return known(provider)[0] && { ...known(provider)[0], tokens: seen[0]?.signIn.tokens }',
      },
    ],
  },
  {
    attack: 'A13',
    says: 'the provider’s own words travel on to the app',
    changes: [
      {
        file: callback,
        from: 'return home(c, withError(path, code, provider.id))',
        to: "return home(c, withError(path, parameters.get('error_description') ?? code, provider.id))",
      },
    ],
  },
  {
    attack: 'A14',
    says: 'a landing without code counts as a login that failed',
    changes: [
      {
        file: callback,
        from: "if (isLogoutLanding && (await takeLogout(c.get('jar'), provider.id, seal))) return home(c, '/')",
        to: '',
      },
    ],
  },
  {
    attack: 'A15',
    says: 'a prefetch counts as a click',
    changes: [
      {
        file: gate,
        from: "if (isAhead(c.req.raw)) throw new AppError('prefetch_refused')",
        to: '',
      },
    ],
  },
  {
    attack: 'A15',
    says: 'HEAD runs what GET runs',
    changes: [
      {
        file: 'proxy/app.ts',
        from: "return (c, next) => (c.req.method === 'GET' ? navigation : gate)(c, next)",
        to: "return (c, next) => (['GET', 'HEAD'].includes(c.req.method) ? navigation : gate)(c, next)",
      },
      {
        file: 'proxy/app.ts',
        from: "'/callback/:provider': { all: ['GET'] },",
        to: "'/callback/:provider': { all: ['GET', 'HEAD'] },",
      },
    ],
  },
  {
    attack: 'A15',
    says: 'a code may be anything',
    changes: [{ file: reading, from: String.raw`/^[\x20-\x7e]{1,4096}$/`, to: '/^[^]+$/' }],
  },
  {
    attack: 'A16',
    says: 'a new sign-in leaves the one before alive',
    changes: [
      {
        file: callback,
        from: 'if (login.previous) await ledger.signOut(login.previous)',
        to: '',
      },
    ],
  },
  {
    attack: 'A17',
    says: 'a state that fits no login is answered by the only one under way, and left to PKCE',
    changes: [
      {
        file: callback,
        from: "return await takeLogin(c.get('jar'), provider.id, state, seal)",
        to: "return (await takeLogin(c.get('jar'), provider.id, state, seal)) ?? (await takeOnlyLogin(c.get('jar'), provider.id, seal))",
      },
      {
        file: reading,
        from: 'echoed ? login.state : oauth.expectNoState',
        to: 'oauth.skipStateCheck',
      },
    ],
  },
  {
    attack: 'A18',
    says: 'a callback without its login begins another one by itself',
    changes: [
      {
        file: callback,
        from: 'return home(c, withError(path, code, provider.id))',
        to: "return code === 'login_forged' ? c.redirect(`/bff/login/${provider.id}`, 303) : home(c, withError(path, code, provider.id))",
      },
    ],
  },
  {
    attack: 'A19',
    says: 'what a login’s address brings along is passed on to the provider',
    changes: [
      {
        file: 'proxy/routes/login.ts',
        from: 'return c.redirect(url.href, 302)',
        to: 'for (const [name, value] of new URL(c.req.url).searchParams) url.searchParams.set(name, value)\n      return c.redirect(url.href, 302)',
      },
    ],
  },
  {
    attack: 'A19',
    says: 'the server keeps a login for whoever brings its state',
    changes: [
      {
        file: login,
        from: "jar.set(nameOf(login.state), sealed, { sameSite: 'Lax'",
        to: ";(globalThis.logins ??= new Map()).set(nameOf(login.state), sealed)\n  jar.set(nameOf(login.state), sealed, { sameSite: 'Lax'",
      },
      {
        file: login,
        from: 'const sealed = jar.get(name)\n',
        to: 'const sealed = jar.get(name) ?? globalThis.logins?.get(name)\n',
      },
    ],
  },
  {
    attack: 'A20',
    says: 'an address of our origin is written out as its path, whatever that reads as',
    changes: [
      {
        file: returning,
        from: String.raw`if (url.origin !== webOrigin || /^\/[/\\]/.test(url.pathname)) return '/'`,
        to: "if (url.origin !== webOrigin) return '/'",
      },
    ],
  },
  {
    attack: 'A20',
    says: 'the way back is matched by pattern and not parsed',
    changes: [
      {
        file: returning,
        from: "if (wanted === undefined || wanted.length > longest || !wanted.startsWith('/')) return '/'",
        to: "if (wanted === undefined || !wanted.startsWith('/') || wanted.startsWith('//')) return '/'\n  if (wanted !== '') return wanted",
      },
    ],
  },
  {
    attack: 'A20',
    says: 'the way back is not judged again when the login ends',
    changes: [
      {
        file: callback,
        from: 'const path = returnPath(login?.returnTo, config.webOrigin)',
        to: "const path = login?.returnTo ?? '/'",
      },
    ],
  },
  {
    attack: 'A20',
    says: 'our own routes are a way back like any other',
    changes: [{ file: returning, from: '|| ours.test(url.pathname)', to: '' }],
  },
  {
    attack: 'A21',
    says: 'of two cookies with one name the last one counts',
    changes: [{ file: jar, from: 'for (const name of twice) pairs.delete(name)', to: '' }],
  },
  {
    attack: 'A22',
    says: 'every kind of blank around a cookie’s name is dropped',
    changes: [{ file: jar, from: '.exec(pair)', to: '.exec(pair.trim())' }],
  },
  {
    attack: 'A22',
    says: 'the prefix is read in any case',
    changes: [
      {
        file: jar,
        from: "const [, name = '', value = ''] = match",
        to: "const [, given = '', value = ''] = match\n    const name = given.replace(/^__host-/i, '__Host-')",
      },
    ],
  },
  {
    attack: 'A23',
    says: 'a sign-in takes over the seat of the cookie it finds',
    changes: [
      {
        file: 'proxy/session/begin.ts',
        from: 'const seat = base64url',
        to: "const seat = c.get('session').followed(provider.id)?.seat ?? base64url",
      },
      {
        file: callback,
        from: 'if (login.previous) await ledger.signOut(login.previous)',
        to: '',
      },
    ],
  },
  {
    attack: 'A23',
    says: 'a sign-in that comes back from a provider forgets which one it follows',
    changes: [
      {
        file: callback,
        from: 'if (login.previous) await ledger.signOut(login.previous)',
        to: '',
      },
    ],
  },
  {
    attack: 'A24',
    says: 'the server reads no more headers than Node does by itself',
    changes: [
      {
        file: 'proxy/node-server.ts',
        from: 'const mostRead = 768 * 1024',
        to: 'const mostRead = 16 * 1024',
      },
    ],
  },
  {
    attack: 'A24',
    says: 'the way out clears nothing',
    changes: [
      {
        file: 'proxy/routes/cookies.ts',
        from: 'if (length <= roomyCookies || room <= 0) break',
        to: 'if (length > 0) break',
      },
    ],
  },
  {
    attack: 'A25',
    says: 'every cookie is decoded, whatever it holds',
    changes: [
      {
        file: jar,
        from: String.raw`/^[ \t]*([\w.-]+)=([\w.-]*)[ \t]*$/`,
        to: '/^ *([^=]+)=(.*)$/',
      },
      {
        file: jar,
        from: 'pairs.set(name, value)',
        to: 'pairs.set(name, decodeURIComponent(value))',
      },
    ],
  },
  {
    attack: 'A30',
    says: 'the gate leaves it to the cookies’ SameSite',
    changes: [
      {
        file: gate,
        from: "if (!carriesOurHeader(c.req.raw, config)) throw new AppError('csrf')",
        to: '',
      },
    ],
  },
  {
    attack: 'A31',
    says: 'our header is not asked for where nothing speaks of another site',
    changes: [
      {
        file: gate,
        from: "return headers.get('x-latchkey') === '1' && isNear && hasOwnOrigin(headers, config)",
        to: 'return isNear && hasOwnOrigin(headers, config)',
      },
    ],
  },
  {
    attack: 'A32',
    says: 'only content types that forms have are looked at',
    changes: [
      {
        file: gate,
        from: "if (!carriesOurHeader(c.req.raw, config)) throw new AppError('csrf')",
        to: "if (/^(?:text\\/plain|multipart\\/form-data|application\\/x-www-form-urlencoded)/.test(c.req.header('content-type') ?? '') && !carriesOurHeader(c.req.raw, config)) throw new AppError('csrf')",
      },
    ],
  },
  {
    attack: 'A33',
    says: 'Sec-Fetch-Site is not asked',
    changes: [
      {
        file: gate,
        from: "return headers.get('x-latchkey') === '1' && isNear && hasOwnOrigin(headers, config)",
        to: "return headers.get('x-latchkey') === '1' && hasOwnOrigin(headers, config)",
      },
    ],
  },
  {
    attack: 'A33',
    says: 'an Origin that begins like ours is ours',
    changes: [
      {
        file: gate,
        from: 'return origin === null || origin === publicOrigin',
        to: 'return origin === null || origin.startsWith(publicOrigin)',
      },
    ],
  },
  {
    attack: 'A34',
    says: 'a header may name another method',
    changes: [
      {
        file: 'proxy/app.ts',
        from: "import { Hono, type MiddlewareHandler } from 'hono'",
        to: "import { Hono, type MiddlewareHandler } from 'hono'\nimport { methodOverride } from 'hono/method-override'",
      },
      {
        file: 'proxy/app.ts',
        from: "app.route('/bff', bff(parts))",
        to: "app.use(methodOverride({ app, header: 'X-HTTP-Method-Override' }))\n  app.route('/bff', bff(parts))",
      },
    ],
  },
  {
    attack: 'A34',
    says: 'an API is told of another method',
    changes: [
      {
        file: 'shared/api-call.ts',
        from: "  'accept-language',\n",
        to: "  'accept-language',\n  'x-http-method-override',\n",
      },
    ],
  },
  {
    attack: 'A35',
    says: 'the whole site is trusted',
    changes: [
      {
        file: gate,
        from: "(site === 'same-site' && headers.get('origin') === config.webOrigin)",
        to: "site === 'same-site'",
      },
      {
        file: gate,
        from: 'return origin === null || origin === publicOrigin',
        to: "return origin === null || origin.endsWith('app.example')",
      },
    ],
  },
  {
    attack: 'A36',
    says: 'an image begins a login as well as a click',
    changes: [
      {
        file: gate,
        from: "if (destination !== undefined && destination !== 'document') throw new AppError('csrf')",
        to: '',
      },
    ],
  },
  {
    attack: 'A37',
    says: 'a landing without code signs out',
    changes: [
      {
        file: callback,
        from: "if (isLogoutLanding && (await takeLogout(c.get('jar'), provider.id, seal))) return home(c, '/')",
        to: "if (isLogoutLanding) {\n      c.get('session').clear(provider.id)\n      return home(c, '/')\n    }",
      },
    ],
  },
  {
    attack: 'A38',
    says: 'a stream of events may be begun from anywhere',
    changes: [
      {
        file: gate,
        from: 'if (!known.some((manner) => isIn(manner, raw))) {',
        to: "if (raw.headers.get('accept') !== 'text/event-stream' && !known.some((manner) => isIn(manner, raw))) {",
      },
    ],
  },
  {
    attack: 'A39',
    says: 'CORS names whoever asks',
    changes: [
      {
        file: 'proxy/cors.ts',
        from: "const isSibling = webOrigin !== publicOrigin && c.req.header('origin') === webOrigin",
        to: "const isSibling = true\n    granted['access-control-allow-origin'] = c.req.header('origin') ?? webOrigin",
      },
    ],
  },
  {
    attack: 'A39',
    says: 'an origin that begins like the sibling is the sibling',
    changes: [
      {
        file: 'proxy/cors.ts',
        from: "c.req.header('origin') === webOrigin",
        to: "c.req.header('origin')?.startsWith(webOrigin)",
      },
    ],
  },
  {
    attack: 'A40',
    says: 'a seal may be spelt in several ways',
    changes: [
      { file: seal, from: "if (!sealed.split('.').every(isCanonical)) return undefined", to: '' },
    ],
  },
  {
    attack: 'A40',
    says: 'what a seal cannot be opened for is told',
    changes: [
      {
        file: seal,
        from: '// Forged, expired, of another purpose or provider, or sealed by a secret no longer listed.\n        return undefined',
        to: "throw new Error('cannot be opened')",
      },
    ],
  },
  {
    attack: 'A41',
    says: 'the last secret seals and not the first',
    changes: [
      {
        file: seal,
        from: "const [kid = ''] = await ids",
        to: "const kid = (await ids).at(-1) ?? ''",
      },
    ],
  },
  {
    attack: 'A42',
    says: 'a sign-out ends the cookie only',
    changes: [{ file: 'proxy/session/sign-out.ts', from: 'await ledger.signOut(signIn)', to: '' }],
  },
  {
    attack: 'A42',
    says: 'an older cookie’s token is refreshed as if it were the latest',
    changes: [
      {
        file: 'proxy/routes/accounts.ts',
        from: 'isNews ? signIn : await session.freshen(signIn)',
        to: 'await session.freshen(signIn)',
      },
    ],
  },
  {
    attack: 'A43',
    says: 'a sign-out ends the cookie only',
    changes: [{ file: 'proxy/session/sign-out.ts', from: 'await ledger.signOut(signIn)', to: '' }],
  },
  {
    attack: 'A44',
    says: 'one key and no purpose for all that is sealed',
    changes: [
      { file: seal, from: '`seal ${purpose}`', to: "'seal'" },
      { file: seal, from: 'typ: `${purpose}.${version}`,\n            audience', to: 'audience' },
    ],
  },
  {
    attack: 'A45',
    says: 'the provider is not part of the seal',
    changes: [{ file: seal, from: 'audience: provider,\n', to: '' }],
  },
  {
    attack: 'A46',
    says: 'pieces of a longer value stay behind',
    changes: [
      {
        file: jar,
        from: 'if (!pieces.includes(piece) && isPresent(piece)) remove(piece)',
        to: '',
      },
    ],
  },
  {
    attack: 'A46',
    says: 'a piece’s number may be written in several ways',
    changes: [
      {
        file: jar,
        from: "const [, name = '', value = ''] = match",
        to: "const [, given = '', value = ''] = match\n    const name = given.replace(/\\.0+(?=\\d)/, '.')",
      },
    ],
  },
  {
    attack: 'A47',
    says: 'what opens is taken for an account unseen',
    changes: [
      {
        file: 'proxy/session/sign-in.ts',
        from: 'if (!result.success) return undefined\n  const { s, l, g, i, n, u, c, t } = result.output',
        to: 'const { s, l, g, i, n, u, c, t } = content',
      },
    ],
  },
]
