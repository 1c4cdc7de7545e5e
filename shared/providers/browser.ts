/** The descriptions that the app bundles: of providers whose tokens the browser may keep itself. */
import type { RedirectProvider } from '../provider'
import { konpro } from './konpro'

export const browserProviders: Readonly<Record<string, RedirectProvider>> = { [konpro.id]: konpro }
