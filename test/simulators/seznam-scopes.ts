import { parseJson } from './read-request'
import { departs } from './refusal'
import type { SeznamUser } from './seznam-users'

/** The scopes of vyvojari.seznam.cz/oauth/scopes, and what each adds to the user object. */
const fields: Record<string, (user: SeznamUser) => Record<string, unknown>> = {
  identity: ({ oauth_user_id, email, firstname, lastname, advert_user_id }) => ({
    oauth_user_id,
    email,
    ...(firstname === undefined ? {} : { firstname }),
    ...(lastname === undefined ? {} : { lastname }),
    advert_user_id,
  }),
  'contact-phone': ({ contact_phone }) => ({ contact_phone }),
  avatar: ({ avatar_url }) => ({ avatar_url }),
  adulthood: ({ adulthood }) => ({ adulthood }),
  birthday: ({ birthday }) => ({ birthday }),
  gender: ({ gender }) => ({ gender }),
}

/** The user object as far as these scopes reach. */
export function fieldsOf(user: SeznamUser, scopes: string[]): Record<string, unknown> {
  return Object.fromEntries(scopes.flatMap((scope) => Object.entries(fields[scope]?.(user) ?? {})))
}

/** "One or more words (comma-separated)", with the mandatory one among them. */
export function readScopes(text: string, loose: boolean): string[] {
  const scopes = text.split(loose ? /[,\s]+/ : ',')
  if (scopes.some((scope) => !Object.hasOwn(fields, scope))) {
    throw departs('an unknown scope, or not separated by commas', 'invalid_scope')
  }
  if (!scopes.includes('identity'))
    throw departs('the scope identity is mandatory', 'invalid_scope')
  return [...new Set(scopes)]
}

/** Scopes that `claims` makes essential, as OpenID Connect Core §5.5 writes them. */
export function readEssential(text: string | undefined, scopes: string[]): string[] {
  if (text === undefined) return []
  const claims = parseJson(text)
  const userinfo = isObject(claims) ? claims.userinfo : undefined
  if (!isObject(claims) || !isObject(userinfo) || Object.keys(claims).length !== 1) {
    throw departs('claims is not {"userinfo":{…}} in JSON, percent-encoded once')
  }
  return Object.entries(userinfo).flatMap(([scope, wish]) => {
    if (!scopes.includes(scope)) throw departs('claims names a scope that is not asked for')
    if (!isObject(wish) || typeof wish.essential !== 'boolean') {
      throw departs('claims has no essential: true or false')
    }
    return wish.essential ? [scope] : []
  })
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
