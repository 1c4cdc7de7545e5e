import type { TokenName } from '../../shared/provider'
import type {
  Account,
  CheckAnswer,
  ProfileAnswer,
  ProviderView,
  RevokeAnswer,
  SignOutAnswer,
} from '../../shared/wire'
import type { ApiInit } from './api'
import type { Failure } from './failure'
import type { Credentials, ProxyClient } from './proxy'

/** How a sign-in that was finished in the browser ended, and where the person had come from. */
export interface Finished {
  returnTo: string
  account: Account | null
  failure: Failure | null
}

/** One provider's account, wherever its tokens are kept: the same operations, the same answers. */
export interface Custody {
  /**
   * This provider's account, given the accounts of the proxy's session, which browser custody does
   * not wait for: a sign-out is seen without a network too.
   */
  account: (session: Promise<readonly Account[]>) => Promise<Account | null>
  /** Where a sign-in starts, as a link; null where starting takes work first. */
  loginHref: (returnTo: string) => string | null
  /** Prepares a sign-in by redirect and says where to go. */
  begin: (returnTo: string) => Promise<string>
  /** Finishes a sign-in by redirect; null where that is the proxy's work. */
  finish: ((parameters: URLSearchParams) => Promise<Finished>) | null
  signInWith: (credentials: Credentials) => Promise<Account>
  profile: () => Promise<ProfileAnswer>
  refresh: () => Promise<Account>
  check: () => Promise<CheckAnswer>
  revoke: (token: TokenName) => Promise<RevokeAnswer>
  signOut: () => Promise<SignOutAnswer>
  /**
   * Calls the provider's API on the person's behalf, at a path and query as the API has them. What the
   * API answers is answered, whatever its status; no redirect is followed. Rejects with a code where
   * it was not asked, or did not answer.
   */
  api: (path: string, init?: ApiInit) => Promise<Response>
  /**
   * A link into the API for a download, good once and soon; null where a link cannot carry what
   * vouches for it, and only `api` can download.
   */
  apiLink: ((path: string) => Promise<string>) | null
}

/** The proxy keeps the tokens; each operation is a call to it. */
export function proxyCustody({ id }: ProviderView, proxy: ProxyClient): Custody {
  return {
    account: async (session) => (await session).find(({ provider }) => provider === id) ?? null,
    loginHref: (returnTo) => proxy.loginHref(id, returnTo),
    begin: (returnTo) => Promise.resolve(proxy.loginHref(id, returnTo)),
    finish: null,
    signInWith: async (credentials) => (await proxy.login(id, credentials)).account,
    profile: () => proxy.profile(id),
    refresh: async () => (await proxy.refresh(id)).account,
    check: () => proxy.check(id),
    revoke: (token) => proxy.revoke(id, token),
    signOut: () => proxy.signOut(id),
    api: (path, init) => proxy.api(id, path, init),
    apiLink: (path) => proxy.apiLink(id, path),
  }
}
