import { bench, describe } from 'vitest'
import { createSeal } from '../../proxy/session/seal'
import { Secret } from '../../shared/secret'
import { createStage, morning, origin, sessionSecret } from '../stage'

/** Ratios within one run; the first of each group is what the others are compared with. */
describe('reading the session', async () => {
  const stage = createStage()
  const ask = (cookie: string) =>
    stage.app.request(`${origin}/bff/session`, { headers: { 'x-latchkey': '1', cookie } })
  const browser = stage.browser()
  const cookies: string[] = ['']
  for (const provider of ['onet', 'onesait', 'gearcode', 'seznam']) {
    await browser.signIn(provider)
    cookies.push([...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; '))
  }

  bench('answering without any account', async () => {
    await stage.app.request(`${origin}/healthz`)
  })
  for (const count of [0, 1, 4])
    bench(`with ${count} accounts in cookies`, async () => {
      await ask(cookies[count] ?? '')
    })
})

describe('sealing 2 kB of tokens', async () => {
  const seal = createSeal([new Secret(sessionSecret)], () => morning)
  const tokens = {
    a: Buffer.from(crypto.getRandomValues(new Uint8Array(750))).toString('base64url'),
    r: Buffer.from(crypto.getRandomValues(new Uint8Array(750))).toString('base64url'),
  }
  const until = morning + 1000
  const sealed = await seal.seal('account', 'seznam', tokens, until)
  const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt'])
  const plain = new TextEncoder().encode(JSON.stringify(tokens))
  const iv = crypto.getRandomValues(new Uint8Array(12))

  bench('AES-GCM alone', async () => {
    await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, plain)
  })
  bench('sealing: compressed, as JWE', async () => {
    await seal.seal('account', 'seznam', tokens, until)
  })
  bench('opening', async () => {
    await seal.open('account', 'seznam', sealed)
  })
})
