/** `npm run sbom`: what production consists of, as CycloneDX, from the lock file. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const at = (/** @type {string} */ path) => fileURLToPath(new URL(`../${path}`, import.meta.url))
const output = process.argv[2] ?? at('dist/sbom.cdx.json')

/** @typedef {Record<string, unknown> & { devDependencies?: unknown, dev?: true, devOptional?: true }} Package */
const manifest = /** @type {Package} */ (parse('package.json'))
const lock = /** @type {{ packages: Record<string, Package> }} */ (parse('package-lock.json'))

// `npm sbom --omit dev` also leaves out what production shares with development, such as Svelte: so npm
// is shown a project that has no development. Its folder's name becomes the component's.
const project = join(mkdtempSync(join(tmpdir(), 'sbom-')), 'latchkey')
mkdirSync(project)
delete manifest.devDependencies
delete lock.packages['']?.devDependencies
lock.packages = Object.fromEntries(
  Object.entries(lock.packages).filter(([, { dev, devOptional }]) => !dev && !devOptional),
)
writeFileSync(join(project, 'package.json'), JSON.stringify(manifest))
writeFileSync(join(project, 'package-lock.json'), JSON.stringify(lock))
const words = ['sbom', '--sbom-format', 'cyclonedx', '--omit', 'dev', '--package-lock-only']
const { status, stdout, error } = spawnSync('npm', words, {
  cwd: project,
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 'inherit'],
  shell: process.platform === 'win32',
})
rmSync(dirname(project), { recursive: true })
if (status !== 0) throw error ?? new Error(`npm sbom ended with ${status ?? 'a signal'}`)
mkdirSync(dirname(output), { recursive: true })
writeFileSync(output, stdout)
console.log(`The bill of materials: ${output}`)

/** @returns {unknown} */
function parse(/** @type {string} */ file) {
  return JSON.parse(readFileSync(at(file), 'utf8'))
}
