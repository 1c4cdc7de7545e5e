/** The list of providers. A new one is one more file, and one more line here. */
import type { Provider } from '../provider'
import { gearcode } from './gearcode'
import { konpro } from './konpro'
import { onesait } from './onesait'
import { onet } from './onet'
import { seznam } from './seznam'

export const providers: readonly Provider[] = [onet, konpro, onesait, gearcode, seznam]
