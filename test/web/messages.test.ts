import { expect, test } from 'vitest'
import { statusOf } from '../../shared/wire'
import { codeFromUrl, messageOf, messages } from '../../web/messages'

test.each([...Object.keys(statusOf), 'offline'])('%s is explained, with what to do', (code) => {
  const message = messages[code as keyof typeof messages]
  expect(message.what).toMatch(/^[A-Z{].*\.$/)
  expect(message.next).toMatch(/^[A-Z].*\.$/)
})

test('no two failures are told alike', () => {
  const told = Object.values(messages).map(({ what }) => what)
  expect(new Set(told).size).toBe(told.length)
})

test('the provider is named where it is known', () => {
  expect(messageOf('provider_timeout', 'Acme').what).toBe('Acme took too long to answer.')
  expect(messageOf('provider_timeout').what).toBe('The provider took too long to answer.')
})

test.each(['<svg onload=1>', 'constructor', '__proto__', 'ACCESS_DENIED', ''])(
  'the URL cannot make the app say %j',
  (text) => {
    expect(codeFromUrl(text)).toBe('unknown')
    const { what, next } = messageOf(codeFromUrl(text), 'Acme')
    expect(`${what} ${next}`).toBe(
      'The sign-in did not finish. Start again; if it stays, tell whoever runs this app.',
    )
  },
)

test('a known code from the URL is itself', () => {
  expect(codeFromUrl('access_denied')).toBe('access_denied')
})
