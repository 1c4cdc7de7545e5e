import type { TestProject } from 'vitest/node'
import { buildWhenStale } from './build.js'
import { findChromium } from './chromium'
import { findRedis } from './redis'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The path of a Chromium that starts. */
    chromium: string
    /** The file of a Redis server that starts. */
    redis: string
  }
}

/** What all tests stand on, once per run: the built product, a browser and a Redis. */
export default async function setup(project: TestProject): Promise<void> {
  buildWhenStale()
  const chromium = await findChromium(process.env)
  console.log(`Chromium ${chromium.version} at ${chromium.path} (${chromium.how})`)
  project.provide('chromium', chromium.path)
  const redis = findRedis(process.env)
  console.log(`Redis ${redis.version} at ${redis.path} (${redis.how})`)
  project.provide('redis', redis.path)
}
