import type { OnetStage } from './onet'

/** Parameters of PKCE, where the switch lets them through. */
export function pkceParameters<Name extends string>(stage: OnetStage, ...names: Name[]): Name[] {
  return stage.switches.pkce === 'undocumented' ? [] : names
}
