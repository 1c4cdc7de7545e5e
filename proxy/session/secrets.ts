import { Secret } from '../../shared/secret'
import type { Faults } from '../faults'

const variable = 'SESSION_SECRETS'
const howTo = 'make one with: openssl rand -base64 32 | tr "+/" "-_" | tr -d "="'

/**
 * Reads the secrets that seal cookies: the first seals, all open. Without any, one is generated for
 * this run, except in production, where a restart would sign everybody out.
 */
export function readSessionSecrets(faults: Faults, production: boolean) {
  const listed = faults.value(variable)
  if (listed === undefined) {
    if (production)
      faults.add(variable, `is missing; set it to a secret of at least 32 bytes (${howTo})`)
    const warning = `${variable} is not set: a new secret is made at each start, which signs everybody out.`
    return { secrets: [generated()], warnings: [warning] }
  }
  const values = listed
    .split(',')
    .map((value) => value.trim())
    .filter(Boolean)
  if (values.length === 0) faults.add(variable, `names no secret; ${howTo}`)
  values.forEach((value, index) => {
    const which = values.length > 1 ? `: secret ${index + 1} of ${values.length}` : ''
    if (!/^[\w-]+=*$/.test(value)) faults.add(variable, `is not base64url${which}; ${howTo}`)
    else if (byteLength(value) < 32)
      faults.add(variable, `is weaker than 32 bytes${which}; ${howTo}`)
    else if (production && new Set(value).size < 8)
      faults.add(variable, `is not random${which}; ${howTo}`)
  })
  return { secrets: values.map((value) => new Secret(value)), warnings: [] as string[] }
}

function byteLength(base64url: string): number {
  return Math.floor((base64url.replace(/=+$/, '').length * 3) / 4)
}

function generated(): Secret {
  const bytes = crypto.getRandomValues(new Uint8Array(32))
  return new Secret(Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(''))
}
