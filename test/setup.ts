import type { TestProject } from 'vitest/node'
import { buildWhenStale } from './build.js'
import { findChromium } from './chromium'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The path of a Chromium that starts. */
    chromium: string
  }
}

/** What all tests stand on, once per run: the built product and a browser. */
export default async function setup(project: TestProject): Promise<void> {
  buildWhenStale()
  const { path, version, how } = await findChromium(process.env)
  console.log(`Chromium ${version} at ${path} (${how})`)
  project.provide('chromium', path)
}
