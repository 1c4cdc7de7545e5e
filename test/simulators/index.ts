export { createGearcode, type GearcodeSimulator, type GearcodeSwitches } from './gearcode'
export { createKonpro, type KonproSimulator, type KonproSwitches } from './konpro'
export { createOnesait, type OnesaitSimulator, type OnesaitSwitches } from './onesait'
export { createOnet, type OnetSimulator, type OnetSwitches } from './onet'
export { createSeznam, type SeznamSimulator, type SeznamSwitches } from './seznam'
export { canary } from './random'
export { signInThrough, type Choices, type CookieJar } from './sign-in-through'
export type { Simulator } from './simulator'
export { simulatorFetch } from './simulator-fetch'
export {
  startSimulators,
  type Simulators,
  type StartedSimulators,
  type StartOptions,
} from './start'
export type { WireEntry } from './wire-log'
