/** Times and effects in words. */
import type { ProviderView, SignOutAnswer } from '../shared/wire'

/** The page's language; dates and times follow the person's own settings. */
const language = 'en'

const relative = new Intl.RelativeTimeFormat(language, { numeric: 'always', style: 'long' })
const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })

/** "in 14 minutes", "3 days ago". */
export function fromNow(time: string, now: number): string {
  const seconds = (Date.parse(time) - now) / 1000
  const distance = Math.abs(seconds)
  if (distance < 60) return seconds <= 0 ? 'just now' : 'in less than a minute'
  if (distance < 90 * 60) return relative.format(Math.round(seconds / 60), 'minute')
  if (distance < 48 * 3600) return relative.format(Math.round(seconds / 3600), 'hour')
  return relative.format(Math.round(seconds / 86_400), 'day')
}

/** As `fromNow`, of what has happened: a clock that lags behind does not put it into the future. */
export function since(time: string, now: number): string {
  return fromNow(time, Math.max(now, Date.parse(time)))
}

/** Date and time as the person's own settings write them. */
export function fullTime(time: string): string {
  return absolute.format(new Date(time))
}

/** What became of the tokens and of the provider's own session, said as it is. */
export function effectsInWords(
  name: string,
  { effects }: SignOutAnswer,
  grant: ProviderView['grant'],
): string[] {
  const tokens = {
    revoked: `${name} has ended your tokens.`,
    kept: `Another sign-in of the same user still uses these tokens, so ${name} has not ended them. “Revoke” in that sign-in ends all of them.`,
    unsupported: `${name} has no way to end tokens early. They were deleted here and end by themselves.`,
    failed: `${name} could not be told to end your tokens. They were deleted here and end by themselves.`,
  }
  const provider = {
    ended: `Your session at ${name} itself has ended too.`,
    redirect: `You are still signed in at ${name} itself, so the next sign-in may not ask who you are.`,
    unsupported: `${name} may still remember you, so the next sign-in may not ask who you are.`,
  }
  // Where the password is asked for each time, no session of the provider lets anybody in without it.
  return grant === 'password'
    ? [tokens[effects.tokens]]
    : [tokens[effects.tokens], provider[effects.provider]]
}
