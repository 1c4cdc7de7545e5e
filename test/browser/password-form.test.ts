import { expect } from 'vitest'
import { openProfile, startApp, test } from './app'
import { card, expectError, expectState, somebody } from './person'

test('the password form is one that password managers know, and names no account', async ({
  browser,
}) => {
  const app = await startApp()
  const page = await (await openProfile(browser)).newPage()
  await page.goto(app.origin)
  const form = card(page, 'onesait').locator('form')
  const attributes = (name: string) =>
    form.locator(`input[name="${name}"]`).evaluate((input) => ({
      type: (input as HTMLInputElement).type,
      autocomplete: input.getAttribute('autocomplete'),
      autocapitalize: input.getAttribute('autocapitalize'),
      spellcheck: (input as HTMLInputElement).spellcheck,
      required: (input as HTMLInputElement).required,
      label: (input as HTMLInputElement).labels?.[0]?.textContent,
    }))

  await form.waitFor()
  expect(await form.count()).toBe(1)
  // Should a browser ever send it by itself: not in an address.
  expect(await form.getAttribute('method')).toBe('post')
  expect(await form.locator('button[type="submit"]').count()).toBe(1)
  expect(await attributes('username')).toMatchObject({
    type: 'text',
    autocomplete: 'username',
    autocapitalize: 'none',
    spellcheck: false,
    required: true,
    label: 'User name',
  })
  expect(await attributes('password')).toMatchObject({
    type: 'password',
    autocomplete: 'current-password',
    required: true,
    label: 'Password',
  })
})

test('what was typed goes out once, in a body, and is gone from the page', async ({ browser }) => {
  const app = await startApp()
  const page = await (await openProfile(browser)).newPage()
  const addresses: string[] = []
  const bodies: string[] = []
  page.on('request', (request) => {
    addresses.push(request.url(), request.headers().referer ?? '')
    bodies.push(request.postData() ?? '')
  })
  await page.goto(app.origin)
  const form = card(page, 'onesait').locator('form')
  const type = async (password: string) => {
    await form.locator('[name="username"]').fill('developer')
    await form.locator('[name="password"]').fill(password)
    await form.locator('[name="password"]').press('Enter')
  }

  await type('canary-of-a-password')
  await expectError(page, 'onesait', 'invalid_credentials')
  expect(await form.locator('[name="password"]').inputValue()).toBe('')
  const { password = '' } = app.simulators.onesait.users[somebody.onesait] ?? {}
  await type(password)
  await expectState(page, 'onesait', 'signed-in')

  expect(bodies.filter((body) => body.includes('canary-of-a-password'))).toHaveLength(1)
  expect(bodies.filter((body) => body.includes(password))).toHaveLength(1)
  const kept = await page.evaluate(() =>
    JSON.stringify([localStorage, sessionStorage, location.href, history.state]),
  )
  const seen = [...addresses, kept, await page.content(), app.output()].join('\n')
  for (const secret of ['canary-of-a-password', password]) expect(seen).not.toContain(secret)
})
