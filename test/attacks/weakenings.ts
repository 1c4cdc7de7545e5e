import type { Weakening } from './weakening'

const login = 'proxy/session/logins.ts'
const callback = 'proxy/routes/callback.ts'
const reading = 'shared/oauth/callback.ts'

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
]
