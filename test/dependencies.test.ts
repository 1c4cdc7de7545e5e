import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

interface Locked {
  /** Where it is another than its folder's. */
  name?: string
  version?: string
  integrity?: string
  resolved?: string
  hasInstallScript?: true
}

const read = (file: string) => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')
const lock = JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> }
const manifest = JSON.parse(read('package.json')) as Record<
  'dependencies' | 'devDependencies',
  Record<string, string>
>
const installed = Object.entries(lock.packages).filter(([path]) => path !== '')

/**
 * The first releases without the advisories that matter here (GitHub advisory database), of copies that
 * others bring along too.
 */
const floors = {
  hono: '4.13.7', // GHSA-hxh3-vqpv-xpqv
  '@hono/node-server': '2.0.10', // CVE-2026-73565
  svelte: '5.55.7', // CVE-2026-42573
  undici: '7.29.1', // ten of October 2026
  jose: '4.15.5', // CVE-2024-28176
  // Of development only:
  vite: '8.0.16', // CVE-2026-53632
  vitest: '3.0.5', // CVE-2025-24964
  'playwright-core': '1.55.1', // CVE-2025-59288
  koa: '3.0.3', // CVE-2025-62595
  ws: '8.17.1', // CVE-2024-37890
}

/** What looks right and was wrong. */
const refused = {
  '@hono/oauth-providers': 'a state that is missing on both sides passed (CVE-2026-81888)',
}

function notBelow(version: string, floor: string): boolean {
  return version.localeCompare(floor, 'en', { numeric: true }) >= 0
}

test('versions are compared by number, not by letter', () => {
  expect(notBelow('4.13.19', '4.13.7')).toBe(true)
  expect(notBelow('4.13.7', '4.13.7')).toBe(true)
  expect(notBelow('4.9.9', '4.13.7')).toBe(false)
  expect(notBelow('3.99.0', '4.13.7')).toBe(false)
})

describe('no copy of a package is older than its first safe release:', () => {
  test.each(Object.entries(floors))('%s %s', (name, floor) => {
    const copies = installed.filter(([path]) => path.endsWith(`node_modules/${name}`))
    expect(copies).not.toEqual([])
    for (const [, { version = '' }] of copies) {
      expect(notBelow(version, floor), `${name} ${version}`).toBe(true)
    }
  })
})

test.each(Object.entries(refused))('%s is not used: %s', (name) => {
  expect(installed.filter(([path]) => path.endsWith(`node_modules/${name}`))).toEqual([])
})

test('every package is pinned by a digest and comes from its own place in the npm registry', () => {
  for (const [path, { name, version = '', integrity, resolved }] of installed) {
    expect(integrity, path).toMatch(/^sha512-[\w+/]{86}==$/)
    const its = name ?? path.replace(/.*node_modules\//, '')
    const file = `${its.replace(/.*\//, '')}-${version}.tgz`
    // What has no address of its own would be asked for wherever the machine's settings say.
    expect(resolved, path).toBe(`https://registry.npmjs.org/${its}/-/${file}`)
  }
  expect(read('.npmrc')).toMatch(/^omit-lockfile-registry-resolved=false$/m)
})

test('our own dependencies are exact versions', () => {
  for (const version of Object.values({ ...manifest.dependencies, ...manifest.devDependencies })) {
    expect(version).toMatch(/^\d+\.\d+\.\d+$/)
  }
})

test('no package may run an install script, and none that has one is new', () => {
  expect(read('.npmrc')).toMatch(/^ignore-scripts=true$/m)
  // Each brings its binary as an optional package of its own and only checks it when installed.
  const known = ['fsevents', 'sharp', 'workerd']
  const scripted = installed.filter(([, { hasInstallScript }]) => hasInstallScript)
  const names = scripted.map(([path]) => path.replace(/.*node_modules\//, ''))
  expect(names.filter((name) => !known.includes(name))).toEqual([])
})
