import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { createRedisLimiter } from '../../proxy/redis-limiter'
import { openRedisStore, type RedisStore } from '../../proxy/session/redis-store'
import { createThrottle, type Throttle } from '../../proxy/throttle'
import { AppError, isAppError } from '../../shared/failure'
import { Secret } from '../../shared/secret'
import { startRedis, type StartedRedis } from '../redis'
import { sessionSecret } from '../stage'

const secrets = [new Secret(sessionSecret)]
const home = '203.0.113.7'

const wrong = () => Promise.reject(new AppError('invalid_credentials'))
const right = () => Promise.resolve('signed in')

/** What came of a try: a code, or what the work answered. */
async function outcome(attempt: Promise<string>): Promise<string> {
  try {
    return await attempt
  } catch (error) {
    if (isAppError(error)) return error.code
    throw error
  }
}

const guess = (throttle: Throttle, name: string, address: string | undefined = home) =>
  outcome(throttle.attempt(name, address, wrong))
const signIn = (throttle: Throttle, name: string, address: string | undefined = home) =>
  outcome(throttle.attempt(name, address, right))

/** Wrong tries at a name from so many networks, ten from each. */
async function guessFrom(throttle: Throttle, name: string, networks: number): Promise<void> {
  for (let network = 0; network < networks; network++)
    for (let tries = 0; tries < 10; tries++)
      await guess(throttle, name, `198.51.${network >> 8}.${network & 255}`)
}

describe('wrong passwords', () => {
  test('ten for a name from one network are enough, and another network is not told', async () => {
    const throttle = createThrottle(secrets)
    for (let tries = 0; tries < 10; tries++)
      expect(await guess(throttle, 'ada')).toBe('invalid_credentials')
    expect(await guess(throttle, 'ada')).toBe('rate_limited')
    // Nor does the right one help any more: nobody learns that it was right.
    expect(await signIn(throttle, 'ada')).toBe('rate_limited')
    expect(await signIn(throttle, 'ada', '203.0.113.8')).toBe('signed in')
    expect(await signIn(throttle, 'grace')).toBe('signed in')
  })

  test('many at once are no way around', async () => {
    const throttle = createThrottle(secrets)
    const answers = await Promise.all(Array.from({ length: 30 }, () => guess(throttle, 'ada')))
    expect(answers.filter((answer) => answer === 'invalid_credentials')).toHaveLength(10)
  })

  test('a hundred from a network are enough, whatever the names', async () => {
    const throttle = createThrottle(secrets)
    for (let tries = 0; tries < 100; tries++)
      expect(await guess(throttle, `user ${tries}`)).toBe('invalid_credentials')
    expect(await guess(throttle, 'one more')).toBe('rate_limited')
    expect(await signIn(throttle, 'one more', '203.0.113.8')).toBe('signed in')
  })

  test.each([
    ['of one /64', '2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff'],
    ['written as IPv6', '203.0.113.7', '::ffff:203.0.113.7'],
    ['written as IPv6 in hexadecimal', '203.0.113.7', '::ffff:cb00:7107'],
  ])('two addresses %s are one network', async (_, one, other) => {
    const throttle = createThrottle(secrets)
    for (let tries = 0; tries < 10; tries++) await guess(throttle, 'ada', one)
    expect(await guess(throttle, 'ada', other)).toBe('rate_limited')
  })

  test('a hundred for a name from anywhere stop strangers, and not whoever signed in there', async () => {
    const throttle = createThrottle(secrets)
    expect(await signIn(throttle, 'ada')).toBe('signed in')
    await guessFrom(throttle, 'ada', 10)
    expect(await guess(throttle, 'ada', '192.0.2.1')).toBe('rate_limited')
    expect(await signIn(throttle, 'ada', '192.0.2.1')).toBe('rate_limited')
    expect(await signIn(throttle, 'ada')).toBe('signed in')
    expect(await signIn(throttle, 'grace', '192.0.2.1')).toBe('signed in')
  })

  test('two thousand in all stop strangers, and not whoever signed in there', async () => {
    const throttle = createThrottle(secrets)
    expect(await signIn(throttle, 'ada')).toBe('signed in')
    for (let tries = 0; tries < 2_000; tries++)
      await guess(throttle, `user ${tries}`, `198.51.${tries >> 8}.${tries & 255}`)
    expect(await signIn(throttle, 'grace', '192.0.2.1')).toBe('rate_limited')
    expect(await signIn(throttle, 'ada')).toBe('signed in')
  })

  test('do not tell, once strangers are stopped, who has signed in from a network', async () => {
    const throttle = createThrottle(secrets)
    await signIn(throttle, 'ada')
    for (const name of ['ada', 'nobody']) await guessFrom(throttle, name, 10)
    expect(await guess(throttle, 'ada')).toBe('rate_limited')
    expect(await guess(throttle, 'nobody')).toBe('rate_limited')
  })

  test('ten from its own network stop also whoever signed in there', async () => {
    const throttle = createThrottle(secrets)
    await signIn(throttle, 'ada')
    for (let tries = 0; tries < 10; tries++) await guess(throttle, 'ada')
    expect(await signIn(throttle, 'ada')).toBe('rate_limited')
  })
})

describe('what was no wrong password does not count:', () => {
  test('a sign-in that succeeds', async () => {
    const throttle = createThrottle(secrets)
    for (let tries = 0; tries < 30; tries++) expect(await signIn(throttle, 'ada')).toBe('signed in')
    for (let tries = 0; tries < 10; tries++)
      expect(await guess(throttle, 'ada')).toBe('invalid_credentials')
  })

  test('a provider that is down', async () => {
    const throttle = createThrottle(secrets)
    const down = () => Promise.reject(new AppError('provider_unreachable'))
    for (let tries = 0; tries < 30; tries++)
      expect(await outcome(throttle.attempt('ada', home, down))).toBe('provider_unreachable')
    expect(await signIn(throttle, 'ada')).toBe('signed in')
  })

  test('a try that was refused, so that nobody is stopped for longer', async () => {
    const throttle = createThrottle(secrets)
    for (let tries = 0; tries < 10; tries++) await guess(throttle, 'ada')
    for (let tries = 0; tries < 200; tries++)
      expect(await guess(throttle, 'ada')).toBe('rate_limited')
    // The network has ten of its hundred behind it, not more.
    for (let tries = 0; tries < 90; tries++)
      expect(await guess(throttle, `user ${tries}`)).toBe('invalid_credentials')
    expect(await guess(throttle, 'one more')).toBe('rate_limited')
  })
})

describe('one name, however it is written, has one count:', () => {
  test.each([
    ['in capitals', 'JOSE.Weiss'],
    ['with blanks at its ends', '  jose.weiss\u00a0'],
    ['with letters of full width', 'ｊｏｓｅ.weiss'],
    ['with an accent', 'josé.weiss'],
    ['with an accent of its own', 'jose\u0301.weiss'],
    ['with many accents', 'j\u0300\u0301o\u0302s\u0303e\u0304.weiss'],
    ['with "ß"', 'jose.weiß'],
    ['with a long s', 'joſe.weiss'],
    ['with a soft hyphen', 'jose\u00ad.weiss'],
    ['with marks of no width', 'j\u200bo\u200cs\u200de\u2060.weiss\ufeff'],
    ['with a filler that looks like a blank', 'jose\u3164.weiss\u115f'],
    ['with a variation selector', 'jose\ufe0f.weiss\u{e0100}'],
    ['with tags', 'jose.weiss\u{e0041}'],
    ['with a change of direction', '\u202ejose.weiss\u2066'],
    ['with a control character', 'jose\u0000.weiss\u007f'],
  ])('%s', async (_, spelling) => {
    const throttle = createThrottle(secrets)
    for (let tries = 0; tries < 10; tries++) await guess(throttle, 'jose.weiss')
    expect(await guess(throttle, spelling)).toBe('rate_limited')
  })

  test('and another name has another', async () => {
    const throttle = createThrottle(secrets)
    for (let tries = 0; tries < 10; tries++) await guess(throttle, 'jose.weiss')
    for (const name of ['jose-weiss', 'jose.weis', 'jose weiss', 'jose.weiss.2'])
      expect(await guess(throttle, name)).toBe('invalid_credentials')
  })
})

describe('in a Redis that processes share', () => {
  let redis: StartedRedis
  const stores: RedisStore[] = []

  beforeAll(async () => {
    redis = await startRedis({ path: inject('redis') })
  })
  beforeEach(() => redis.flush())
  afterAll(async () => {
    await Promise.all(stores.map((store) => store.close()))
    await redis.stop()
  })

  /** A process's own; Redis may take as long as a busy machine needs, unless stated. */
  async function connected(url = redis.url, timeout = 10_000): Promise<Throttle> {
    const store = await openRedisStore(new Secret(url), { log: () => undefined })
    stores.push(store)
    return createThrottle(secrets, createRedisLimiter(store.client, timeout))
  }

  test('they count together', async () => {
    const [one, other] = [await connected(), await connected()]
    for (let tries = 0; tries < 5; tries++) {
      expect(await guess(one, 'ada')).toBe('invalid_credentials')
      expect(await guess(other, 'ADA')).toBe('invalid_credentials')
    }
    expect(await guess(one, 'ada')).toBe('rate_limited')
    expect(await guess(other, 'ada')).toBe('rate_limited')
  })

  test('many at once at each of them are no way around', async () => {
    const both = [await connected(), await connected()]
    const answers = await Promise.all(
      both.flatMap((throttle) => Array.from({ length: 20 }, () => guess(throttle, 'ada'))),
    )
    expect(answers.filter((answer) => answer === 'invalid_credentials')).toHaveLength(10)
  })

  test('who signed in at one is known at the other', async () => {
    const [one, other] = [await connected(), await connected()]
    await signIn(one, 'ada')
    await guessFrom(other, 'ada', 10)
    expect(await signIn(other, 'ada', '192.0.2.1')).toBe('rate_limited')
    expect(await signIn(other, 'ada')).toBe('signed in')
  })

  test('what is kept there names nobody, and ends by itself', async () => {
    const throttle = await connected()
    await signIn(throttle, 'ada')
    await guess(throttle, 'ada')
    const keys = (await redis.command('KEYS', 'latchkey:throttle:*')) as string[]
    expect(keys.map((key) => key.split(':')[2]).sort()).toEqual(
      ['here', 'known', 'name', 'network', 'overall'].sort(),
    )
    for (const key of keys) {
      expect(key).toMatch(/^latchkey:throttle:\w+:(all|[\w-]{43})$/)
      expect(await redis.command('PTTL', key)).toBeGreaterThan(0)
    }
  })

  test('one that hangs holds up no sign-in, and guesses are counted here meanwhile', async () => {
    const throttle = await connected(redis.url, 50)
    redis.pause()
    try {
      expect(await signIn(throttle, 'grace')).toBe('signed in')
      for (let tries = 0; tries < 10; tries++)
        expect(await guess(throttle, 'ada')).toBe('invalid_credentials')
      expect(await guess(throttle, 'ada')).toBe('rate_limited')
    } finally {
      redis.resume()
    }
  })

  test('one that is gone holds up no sign-in, and what it knows counts again when it is back', async () => {
    const own = await startRedis({ path: inject('redis') })
    const throttle = await connected(own.url)
    try {
      await own.kill()
      expect(await signIn(throttle, 'grace')).toBe('signed in')
      for (let tries = 0; tries < 10; tries++)
        expect(await guess(throttle, 'ada')).toBe('invalid_credentials')
      expect(await guess(throttle, 'ada')).toBe('rate_limited')
      await own.restartEmpty()
      await expect
        .poll(() => guess(throttle, 'ada'), { timeout: 20_000 })
        .toBe('invalid_credentials')
      expect(await own.command('KEYS', 'latchkey:throttle:here:*')).toHaveLength(1)
    } finally {
      await own.stop()
    }
  })

  test('one that refuses to count holds up no sign-in', async () => {
    const store = await openRedisStore(new Secret(redis.url), { log: () => undefined })
    stores.push(store)
    await redis.command('CONFIG', 'SET', 'maxmemory', '1')
    try {
      const throttle = createThrottle(secrets, createRedisLimiter(store.client))
      for (let tries = 0; tries < 10; tries++)
        expect(await guess(throttle, 'ada')).toBe('invalid_credentials')
      expect(await guess(throttle, 'ada')).toBe('rate_limited')
    } finally {
      await redis.command('CONFIG', 'SET', 'maxmemory', '0')
    }
  })
})
