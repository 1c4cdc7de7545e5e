/**
 * What the app says about a failure: what happened, and what to do next. `{provider}` becomes the
 * provider's name. A code without a sentence does not compile.
 */
import { isErrorCode } from '../shared/wire'
import type { FailureCode } from './client/failure'

export interface Message {
  what: string
  next: string
}

export const messages: Record<FailureCode, Message> = {
  access_denied: {
    what: 'The sign-in was turned down, by you or by {provider}.',
    next: 'If that was not meant, start again and allow access.',
  },
  account_too_large: {
    what: '{provider} sent more than a sign-in can hold.',
    next: 'Ask whoever runs this app to request fewer scopes, then sign in again.',
  },
  csrf: {
    what: 'The request was refused because it did not seem to come from this page.',
    next: 'Reload the page and try again.',
  },
  headers_too_large: {
    what: 'This browser sends more cookies of other pages than can be taken, so nothing can be done here.',
    next: 'Clear those cookies; your sign-ins here stay. Other pages of this site may ask you to sign in again.',
  },
  internal: {
    what: 'Something went wrong on our side.',
    next: 'Try again. If it stays, tell whoever runs this app.',
  },
  invalid_credentials: {
    what: '{provider} does not accept what you entered.',
    next: 'Check it and try again.',
  },
  invalid_request: {
    what: 'Something in that request was not right.',
    next: 'Check what you entered and try again.',
  },
  ledger_unavailable: {
    what: 'This sign-in cannot be renewed at the moment; it is not lost.',
    next: 'Try again in a minute.',
  },
  login_expired: {
    what: 'That sign-in took too long or was already used.',
    next: 'Start again; it only takes a moment.',
  },
  login_forged: {
    what: 'That sign-in was not started in this browser, so it was not accepted.',
    next: 'Start again here. If you followed a link from someone else, be careful.',
  },
  method_not_allowed: {
    what: 'That cannot be done this way.',
    next: 'Reload the page to get its newest version.',
  },
  not_found: {
    what: 'What was asked for does not exist.',
    next: 'Reload the page to get its newest version.',
  },
  not_ready: {
    what: 'Latchkey is still starting or misses something it needs.',
    next: 'Try again in a moment.',
  },
  not_refreshable: {
    what: '{provider} gave no means to refresh this sign-in.',
    next: 'It stays until its token ends; then sign in again.',
  },
  not_signed_in: {
    what: 'You are no longer signed in at {provider}, perhaps because of another tab.',
    next: 'Sign in again to go on.',
  },
  offline: {
    what: 'Latchkey cannot be reached.',
    next: 'Check your connection and try again. Nobody was signed out.',
  },
  path_not_allowed: {
    what: 'That address may not be called from here.',
    next: 'Choose one that {provider} documents.',
  },
  payload_too_large: {
    what: 'That was more than can be sent at once.',
    next: 'Send less and try again.',
  },
  prefetch_refused: {
    what: 'A sign-in cannot be loaded ahead of time.',
    next: 'Start it with the button.',
  },
  provider_busy: {
    what: '{provider} is asking everyone to slow down.',
    next: 'You stay signed in. Try again a little later.',
  },
  provider_error: {
    what: '{provider} has trouble answering right now.',
    next: 'No account was signed out by this. Try again in a moment.',
  },
  provider_off: {
    what: '{provider} is switched off here.',
    next: 'Ask whoever runs this app to switch it on.',
  },
  provider_timeout: {
    what: '{provider} took too long to answer.',
    next: 'No account was signed out by this. Try again in a moment.',
  },
  provider_unreachable: {
    what: '{provider} cannot be reached.',
    next: 'No account was signed out by this. Try again in a moment.',
  },
  rate_limited: {
    what: 'That was tried too often.',
    next: 'Wait a moment before you try again.',
  },
  request_timeout: {
    what: 'The request took too long to arrive.',
    next: 'Check your connection and try again.',
  },
  session_ended: {
    what: 'Your sign-in at {provider} has ended.',
    next: 'Sign in again to go on.',
  },
  token_expired: {
    what: '{provider} no longer accepts the token of this sign-in.',
    next: 'Refresh it, or sign in again.',
  },
  unknown_provider: {
    what: 'There is no such provider here.',
    next: 'Choose one of those shown.',
  },
  unsupported: {
    what: '{provider} does not offer this.',
    next: 'Nothing was changed.',
  },
}

/** For a code that the URL brought and we do not know. */
const unknownMessage: Message = {
  what: 'The sign-in did not finish.',
  next: 'Start again; if it stays, tell whoever runs this app.',
}

/** The sentence for a code. Only known codes are ever shown as such; see `codeFromUrl`. */
export function messageOf(code: FailureCode | 'unknown', provider?: string): Message {
  const { what, next } = code === 'unknown' ? unknownMessage : messages[code]
  return { what: named(what, provider), next: named(next, provider) }
}

function named(text: string, provider?: string): string {
  // A function, because a name with `$&` in it is not a pattern; a name's own case is kept.
  return text.replace(
    /\{provider\}/g,
    (_, place: number) => provider ?? (place === 0 ? 'The provider' : 'the provider'),
  )
}

/** Text from the URL as one of our codes: a link cannot make the app say its words. */
export function codeFromUrl(text: string): FailureCode | 'unknown' {
  return isErrorCode(text) ? text : 'unknown'
}
