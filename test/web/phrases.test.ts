import { expect, test } from 'vitest'
import type { SignOutAnswer } from '../../shared/wire'
import { effectsInWords } from '../../web/phrases'

type Effects = SignOutAnswer['effects']

const told = (tokens: Effects['tokens'], grant: 'code' | 'password') =>
  effectsInWords('Acme', { effects: { local: 'cleared', tokens, provider: 'unsupported' } }, grant)

test('a provider with a page of its own may let the same person in again', () => {
  expect(told('revoked', 'code')).toEqual([
    'Acme has ended your tokens.',
    'Acme may still remember you, so the next sign-in may not ask who you are.',
  ])
})

test('where the password is asked for each time, nobody is said to be remembered', () => {
  expect(told('revoked', 'password')).toEqual(['Acme has ended your tokens.'])
})

test('tokens that another sign-in shares are said to live on, with what ends them', () => {
  expect(told('kept', 'password')).toEqual([
    'Another sign-in of the same user still uses these tokens, so Acme has not ended them. “Revoke” in that sign-in ends all of them.',
  ])
})
