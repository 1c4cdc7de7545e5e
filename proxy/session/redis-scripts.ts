import { createHash } from 'node:crypto'
import type { Cluster, Redis } from 'ioredis'
import { codeOf, TimeIsUp } from './redis-errors'

const prefix = 'latchkey:'

/** Carried out inside Redis: one key, one trip, nothing in between. */
interface Script {
  lua: string
  sha1: string
}

/** What every script answers: the value or nothing, the store's clock, the value's version, a word. */
export interface Reply {
  value: string | undefined
  time: number
  version: string
  word: string
}

/** What a script is given beside its key: by how much the store's clock runs ahead of Redis's, and its own. */
export type Values = readonly [ahead: number, ...rest: (string | number)[]]

const clockThere = `
local time = redis.call('TIME')
local ahead = tonumber(ARGV[1])
local now = time[1] * 1000 + math.floor(time[2] / 1000) + ahead
`

/** A clock that is ahead has passed the end of what still lives by Redis's own. */
const valueThere = `${clockThere}
local value = redis.call('GET', KEYS[1])
if value and ahead > 0 and redis.call('PTTL', KEYS[1]) < ahead then value = false end
local version = value and redis.sha1hex(value) or ''
`

export const get = script(`${valueThere}
return {value, now, version, ''}
`)

export const swap = script(`${valueThere}
local known, following, ends = ARGV[2], ARGV[3], tonumber(ARGV[4])
if version ~= known then return {value, now, version, 'differs'} end
if ends < now then
  redis.call('DEL', KEYS[1])
  return {false, now, '', 'over'}
end
redis.call('SET', KEYS[1], following, 'PXAT', ARGV[4])
return {false, now, redis.sha1hex(following), 'put'}
`)

/** Since when this Redis remembers, written anew each time to see whether it takes anything. */
export const arrive = script(`${clockThere}
local born = redis.call('GET', KEYS[1]) or string.format('%.0f', now)
local put = redis.pcall('SET', KEYS[1], born)
return {born, now, '', put.err or ''}
`)

function script(lua: string): Script {
  return { lua, sha1: createHash('sha1').update(lua).digest('hex') }
}

/** Has Redis carry scripts out. Throws `TimeIsUp` after `limit` milliseconds, and the client's errors. */
export function createRunner(client: Redis | Cluster, limit: number) {
  /** What this connection has brought to Redis already. */
  const brought = new Set<Script>()
  client.on('ready', () => {
    brought.clear()
  })

  async function send(script: Script, key: string, values: Values): Promise<unknown> {
    const parameters = [prefix + key, ...values]
    // The first time in full: a refusal of the digest would be a second trip.
    if (!brought.has(script)) {
      brought.add(script)
      return await client.eval(script.lua, 1, ...parameters)
    }
    try {
      return await client.evalsha(script.sha1, 1, ...parameters)
    } catch (error) {
      if (codeOf(error) !== 'NOSCRIPT') throw error
      return await client.eval(script.lua, 1, ...parameters)
    }
  }

  return async function run(script: Script, key: string, values: Values): Promise<Reply> {
    return replyIn(await within(limit, send(script, key, values)))
  }
}

async function within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new TimeIsUp())
    }, milliseconds)
  })
  try {
    return await Promise.race([work, limit])
  } finally {
    clearTimeout(timer)
  }
}

function replyIn(answer: unknown): Reply {
  const [value, time, version, word] = Array.isArray(answer) ? (answer as unknown[]) : []
  if (
    (value === null || typeof value === 'string') &&
    typeof time === 'number' &&
    typeof version === 'string' &&
    typeof word === 'string'
  )
    return { value: value ?? undefined, time, version, word }
  throw new Error('Redis answered something else')
}
