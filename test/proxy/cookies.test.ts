import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createStage } from '../stage'

const kilobytes = (count: number) => 'x'.repeat(count * 1024)
/** So many foreign cookies of 4 kB. */
const planted = (count: number, name = 'planted') =>
  Array.from({ length: count }, (_, at) => `${name}${at}=${kilobytes(4)}`)

type Browser = ReturnType<ReturnType<typeof createStage>['browser']>
const cookiesOf = (browser: Browser) =>
  [...browser.cookies].map(([name, value]) => `${name}=${value}`)
const clear = (browser: Browser, cookies: string[]) =>
  browser.call('DELETE', '/bff/cookies', undefined, { cookie: cookies.join('; ') })

describe('too many cookies', () => {
  test('are 431 wherever they are read, and nowhere else', async () => {
    const browser = createStage().browser()
    const cookie = planted(40).join('; ')
    for (const path of ['/bff/session', '/bff/providers', '/bff/login/onet', '/bff/nowhere']) {
      const answer = await browser.call('GET', path, undefined, { cookie })
      expect([answer.status, await answer.json()], path).toMatchObject([
        431,
        { code: 'headers_too_large', status: 431 },
      ])
    }
    expect((await browser.send('/healthz', { headers: { cookie } })).status).toBe(200)
    expect((await clear(browser, planted(180))).status).toBe(200)
  })

  test('are not those of four accounts with tokens of 16 kB', async () => {
    const browser = createStage().browser()
    const account = (id: string) =>
      Array.from({ length: 6 }, (_, at) => `__Host-latchkey_${id}_abcdefgh.${at}=${kilobytes(4)}`)
    const cookie = ['onet', 'gearcode', 'seznam', 'onesait'].flatMap(account).join('; ')
    expect(cookie.length).toBeGreaterThan((4 * 16 * 1024 * 4) / 3)
    expect((await browser.call('GET', '/bff/session', undefined, { cookie })).status).toBe(200)
  })

  test('other headers and the address have a limit of their own, everywhere', async () => {
    const browser = createStage().browser()
    for (const [path, headers] of [
      ['/bff/session', { a: kilobytes(66) }],
      ['/healthz', { a: kilobytes(66) }],
      [`/healthz?${kilobytes(66)}`, {}],
    ] as const)
      expect((await browser.send(path, { headers })).status).toBe(431)
  })
})

describe('a clearing', () => {
  test('expires the largest of others, for the host, its parents and every place, and none of ours', async () => {
    const stage = createStage({ PUBLIC_ORIGIN: 'https://a.b.example.co.uk' })
    const browser = stage.browser()
    const sent = [
      'small=1',
      ...planted(40),
      `__Host-latchkey_onet_abcdefgh=${kilobytes(4)}`,
      `latchkey_seznam_abcdefgh=${kilobytes(5)}`,
    ]
    const answer = await browser.send('/bff/cookies', {
      method: 'DELETE',
      headers: { 'x-latchkey': '1', cookie: sent.join('; ') },
    })
    const { cleared, more } = (await answer.json()) as { cleared: string[]; more: boolean }
    expect(more).toBe(true)
    // Not ours, whatever it is called: ours bear the prefix that only this host can set.
    expect(cleared[0]).toBe('latchkey_seznam_abcdefgh')
    expect(cleared).not.toContain('small')
    const lines = answer.headers.getSetCookie()
    expect(
      lines.every((line) => line.includes('=; Max-Age=0; Path=/') && line.endsWith('; Secure')),
    ).toBe(true)
    expect(lines.join()).not.toContain('__Host-latchkey')
    const where = lines
      .filter((line) => line.startsWith(`${cleared[0] ?? ''}=`))
      .map((line) => /Path=[^;]*(?:; Domain=[^;]*)?/.exec(line)?.[0])
    // In turn, from any of them on.
    expect(where.sort()).toEqual(
      ['/', '/bff', '/bff/', '/bff/cookies']
        .flatMap((path) =>
          [
            '',
            '; Domain=a.b.example.co.uk',
            '; Domain=b.example.co.uk',
            '; Domain=example.co.uk',
          ].map((domain) => `Path=${path}${domain}`),
        )
        .sort(),
    )
  })

  test('ends: the browser that does what it is told fits again, and is signed in', async () => {
    const browser = createStage().browser()
    await browser.signIn('onet')
    const own = cookiesOf(browser)
    let others = planted(180)
    let rounds = 0
    for (let more = true; more; rounds++) {
      const answer = await clear(browser, [...own, ...others])
      expect(JSON.stringify([...answer.headers]).length).toBeLessThan(16 * 1024)
      const said = (await answer.json()) as { cleared: string[]; more: boolean }
      others = others.filter((pair) => !said.cleared.includes(pair.replace(/=.*/, '')))
      more = said.more
    }
    expect(rounds).toBeLessThan(30)
    const cookie = [...own, ...others].join('; ')
    const session = await browser.call('GET', '/bff/session', undefined, { cookie })
    expect(await session.json()).toMatchObject({ accounts: [{ provider: 'onet' }] })
  })

  test('has nothing to do where there is room', async () => {
    const answer = await clear(createStage().browser(), planted(10))
    expect(await answer.json()).toEqual({ cleared: [], more: false })
    expect(answer.headers.getSetCookie()).toEqual([])
  })

  test('is not done for another site, nor without our header', async () => {
    const browser = createStage().browser()
    const cookie = planted(60).join('; ')
    for (const headers of [
      { cookie },
      { cookie, 'x-latchkey': '1', 'sec-fetch-site': 'cross-site' },
    ]) {
      const answer = await browser.send('/bff/cookies', {
        method: 'DELETE',
        headers: headers as Record<string, string>,
      })
      expect([answer.status, answer.headers.getSetCookie()]).toEqual([403, []])
    }
  })

  test('copes with whatever a browser may send for a cookie', async () => {
    const browser = createStage().browser()
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.string({
            unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)),
          }),
        ),
        async (odd) => {
          const answer = await clear(browser, [
            ...odd.filter((pair) => !pair.includes('\x7f')),
            ...planted(50),
          ])
          expect(answer.status).toBe(200)
        },
      ),
      { numRuns: 100 },
    )
  })
})
