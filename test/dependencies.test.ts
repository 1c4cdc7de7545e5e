import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

interface Locked {
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

/** The first releases without the advisories that matter here (GitHub advisory database). */
const floors = {
  hono: '4.13.7',
  '@hono/node-server': '2.0.10',
  vite: '8.0.16',
  svelte: '5.55.7',
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

test('every package is pinned by a digest and comes from the npm registry', () => {
  for (const [path, { integrity, resolved }] of installed) {
    expect(integrity, path).toMatch(/^sha512-/)
    // Absent where npm was told to omit the registry's own address.
    if (resolved !== undefined) expect(resolved).toMatch(/^https:\/\/registry\.npmjs\.org\//)
  }
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
