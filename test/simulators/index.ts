export { createGearcode } from './gearcode'
export { createKonpro } from './konpro'
export { createOnesait } from './onesait'
export { createOnet } from './onet'
export { createSeznam } from './seznam'
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
