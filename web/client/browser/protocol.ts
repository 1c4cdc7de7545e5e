/** Everything that speaks with a provider, in one chunk that is loaded on demand. */
export { check } from '../../../shared/oauth/check'
export { profile } from '../../../shared/oauth/profile'
export { revoke } from '../../../shared/oauth/revoke'
export { revokePair } from '../../../shared/oauth/revoke-pair'
export { callApi } from './api'
export { begin, finish, take, useApiToken } from './login'
export { refreshAccount, withToken } from './refresh'
