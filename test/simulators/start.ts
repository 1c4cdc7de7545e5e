import { createGearcode, type GearcodeSimulator, type GearcodeSwitches } from './gearcode'
import { createKonpro, type KonproSimulator, type KonproSwitches } from './konpro'
import { createOnesait, type OnesaitSimulator, type OnesaitSwitches } from './onesait'
import { createOnet, type OnetSimulator, type OnetSwitches } from './onet'
import { createSeznam, type SeznamSimulator, type SeznamSwitches } from './seznam'
import type { RegisteredClient, Simulator } from './simulator'
import { listen, type Listening } from './listen'
import { describeEntry } from './wire-log'

export interface StartOptions {
  /** Where browsers see the app: redirect addresses and CORS are registered for it. */
  appOrigin: string
  /** The first of seven ports in a row; a port that is taken is replaced by a free one. 0: all free ones. */
  ports?: number
  host?: '127.0.0.1'
  /** Told of every request that a document does not allow. */
  log?: (line: string) => void
  switches?: {
    onet?: Partial<OnetSwitches>
    konpro?: Partial<KonproSwitches>
    onesait?: Partial<OnesaitSwitches>
    gearcode?: Partial<GearcodeSwitches>
    seznam?: Partial<SeznamSwitches>
  }
}

export interface Simulators {
  onet: OnetSimulator
  konpro: KonproSimulator
  onesait: OnesaitSimulator
  gearcode: GearcodeSimulator
  seznam: SeznamSimulator
}

export interface StartedSimulators {
  /** What a server needs in its environment to use them. */
  env: Record<string, string>
  simulators: Simulators
  close(): Promise<void>
}

/** All five on their own loopback ports, registered for one app. */
export async function startSimulators(options: StartOptions): Promise<StartedSimulators> {
  const { appOrigin, ports = 8791, host = '127.0.0.1', log, switches = {} } = options
  const client = (own: Simulator, ...paths: string[]): RegisteredClient => ({
    ...own.client,
    redirectUris: paths.map((path) => `${appOrigin}${path}`),
  })
  const simulators: Simulators = {
    onet: createOnet(switches.onet),
    konpro: createKonpro({ corsOrigins: [appOrigin], ...switches.konpro }),
    onesait: createOnesait(switches.onesait),
    gearcode: createGearcode(switches.gearcode),
    seznam: createSeznam(switches.seznam),
  }
  const { onet, konpro, onesait, gearcode, seznam } = simulators
  for (const simulator of [onet, gearcode, seznam]) {
    simulator.client = client(simulator, `/bff/callback/${simulator.id}`)
  }
  konpro.client = client(konpro, '/callback/konpro', '/bff/callback/konpro')

  const listening: Listening[] = []
  const all: Simulator[] = [onet, konpro, onesait, gearcode, seznam]
  for (const simulator of all) {
    if (log) simulator.onEntry = (entry) => entry.refused !== undefined && log(describeEntry(entry))
    for (const [name, handler] of Object.entries(simulator.hosts)) {
      const bound = await listen(handler, host, ports === 0 ? 0 : ports + listening.length)
      listening.push(bound)
      simulator.origins[name] = bound.origin
    }
  }
  return {
    env: environment(simulators, appOrigin),
    simulators,
    close: async () => {
      await Promise.all(listening.map((bound) => bound.close()))
    },
  }
}

function environment(simulators: Simulators, appOrigin: string): Record<string, string> {
  const { onet, konpro, onesait, gearcode, seznam } = simulators
  return {
    ONET_CLIENT_ID: onet.client.id,
    ONET_CLIENT_SECRET: onet.client.secret ?? '',
    ONET_SSO_URL: onet.origins.sso ?? '',
    ONET_URL: onet.origins.connect ?? '',
    // A path at the SSO check and a whole address at the token endpoint, as the document has it.
    ONET_SSO_REDIRECT_URI: new URL(onet.client.redirectUris[0] ?? '', appOrigin).pathname,
    KONPRO_CLIENT_ID: konpro.client.id,
    KONPRO_APP_URL: konpro.origins.app ?? '',
    KONPRO_URL: konpro.origins.api ?? '',
    ONESAIT_CLIENT_ID: onesait.client.id,
    ONESAIT_CLIENT_SECRET: onesait.client.secret ?? '',
    ONESAIT_URL: onesait.origins.main ?? '',
    ONESAIT_SCOPE: 'openid',
    GEARCODE_CLIENT_ID: gearcode.client.id,
    GEARCODE_CLIENT_SECRET: gearcode.client.secret ?? '',
    GEARCODE_URL: gearcode.origins.main ?? '',
    SEZNAM_CLIENT_ID: seznam.client.id,
    SEZNAM_CLIENT_SECRET: seznam.client.secret ?? '',
    SEZNAM_URL: seznam.origins.main ?? '',
    SEZNAM_SCOPE: 'identity,contact-phone,avatar,birthday,gender',
    SEZNAM_ESSENTIAL: 'birthday',
  }
}
