import { createHost } from './host'
import { onetConnectRoutes } from './onet-connect'
import { onetSsoRoutes } from './onet-sso'
import { onetUsers, type OnetUser } from './onet-users'
import { randomHex } from './random'
import { createStage, type Simulator, type Stage, type TokenSwitches } from './simulator'
import { createTokens } from './tokens'

export interface OnetSwitches extends TokenSwitches {
  /** What a 400 looks like; no document says. */
  errors: 'json' | 'empty' | 'html'
  /** Logout takes a `state` and gives it back. */
  echoState: boolean
  /**
   * The documents do not know PKCE: its parameters are refused, ignored, or (`rfc9700`) known to the
   * token endpoint and to `/oauth2/authorize`, while the SSO page still drops them on the way.
   */
  pkce: 'undocumented' | 'ignored' | 'rfc9700'
}

export type OnetSimulator = Simulator<OnetSwitches, OnetUser>
export type OnetStage = Stage<OnetSwitches, OnetUser>

/** Onet Konto, from developer.okonto.pl: SSO check on one host, tokens on another, 400 for everything. */
export function createOnet(
  options: Partial<OnetSwitches> & { now?: () => number } = {},
): OnetSimulator {
  const { now = Date.now, ...switches } = options
  const stage = createStage<OnetSwitches, OnetUser>({
    id: 'onet',
    origins: { sso: 'https://konto.onet.pl', connect: 'https://connect.okonto.pl' },
    switches: {
      rotate: true,
      omitRefreshToken: false,
      omitExpiresIn: false,
      expiresIn: 36_000,
      reuseDetection: false,
      errors: 'json',
      echoState: false,
      pkce: 'undocumented',
      ...switches,
    },
    client: {
      id: 'demo.front.onetapi.pl',
      secret: 'c0ffee.s7ZVWX-jydo_WmOB~ngQU+Wj4/Hrf=',
      redirectUris: ['https://app.example/authorize'],
    },
    users: onetUsers,
    now,
  })
  // "like tokens, a hex string ending cs" (developer.okonto.pl, authorization)
  const mint = () => `${randomHex(64)}cs`
  const tokens = createTokens(stage, { code: mint, access: mint, refresh: mint })
  const { sso, authorize } = onetSsoRoutes(stage, tokens)
  stage.hosts.sso = createHost(stage, 'sso', sso)
  stage.hosts.connect = createHost(stage, 'connect', {
    'GET /oauth2/authorize': authorize,
    ...onetConnectRoutes(stage, tokens),
  })
  return stage
}
