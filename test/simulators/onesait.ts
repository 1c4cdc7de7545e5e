import { jsonAnswer } from './answer'
import { createHost, type Route } from './host'
import { onesaitCheckRoutes } from './onesait-check'
import { onesaitLogin } from './onesait-login'
import { springNo } from './onesait-refusal'
import { statusPage } from './onesait-pages'
import { createSharedTokens } from './onesait-tokens'
import { onesaitUsers, type OnesaitUser } from './onesait-users'
import { pageAnswer } from './page'
import { createStage, type Simulator, type Stage } from './simulator'

export interface OnesaitSwitches {
  /** Validity of an access token in seconds, set per realm. */
  expiresIn: number
  omitExpiresIn: boolean
  /** `check_token` also takes GET, as before Spring Security OAuth 2.3.7. */
  legacyCheck: boolean
  /** The installation has `/oidc/userinfo`, which the document does not mention. */
  userinfo: boolean
  /** Scopes of the client. */
  scopes: string[]
  /** So many wrong passwords deactivate the user. */
  wrongPasswordLimit: number
}

export type OnesaitSimulator = Simulator<OnesaitSwitches, OnesaitUser>
export type OnesaitStage = Stage<OnesaitSwitches, OnesaitUser>

/** onesait Platform: user name and password, one pair of tokens for all logins of a user in a realm. */
export function createOnesait(
  options: Partial<OnesaitSwitches> & { now?: () => number } = {},
): OnesaitSimulator {
  const { now = Date.now, ...switches } = options
  const stage = createStage<OnesaitSwitches, OnesaitUser>({
    id: 'onesait',
    origins: { main: 'https://www.onesaitplatform.online' },
    switches: {
      expiresIn: 43_200,
      omitExpiresIn: false,
      legacyCheck: false,
      userinfo: true,
      scopes: ['openid', 'authorization_code'],
      wrongPasswordLimit: 5,
      ...switches,
    },
    client: {
      id: 'Latchkey-Demo_Realm.v1',
      secret: 'c0ffee.Realm-Key_2Zq~8+hT/w=',
      redirectUris: [],
    },
    users: onesaitUsers,
    now,
  })
  const tokens = createSharedTokens(stage)
  const status: Route = {
    sayNo: springNo,
    handle: () => pageAnswer(statusPage(stage.client.id, stage.users)),
  }
  stage.hosts.main = createHost(
    stage,
    'main',
    {
      'GET /': status,
      'GET /oauth-server': status,
      'POST /oauth-server/oauth/token': onesaitLogin(stage, tokens),
      ...onesaitCheckRoutes(stage, tokens),
    },
    (refusal, call) => {
      const { status: code = 404 } = refusal.details
      return jsonAnswer({ status: code, error: 'Not Found', path: call.url.pathname }, code)
    },
  )
  return stage
}
