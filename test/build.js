/** When and how `dist` is made; for `npm start`, `npm test` and the stamp that vite.config.ts leaves. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** What a build is made from. Tests are not, though the demo is. */
const sources = ['shared', 'proxy', 'web', 'test', 'vite.config.ts', 'package-lock.json']
const notBuilt = /\.test\.ts$|^test\/output\//

const outputs = ['web/index.html', 'proxy/node.js', 'proxy/worker.js', 'proxy/doctor.js', 'demo.js']

/** The record of what a build was made from. */
export const stampFile = join(root, 'dist', 'stamp.txt')

/**
 * The origin that the app must name in its calls: the proxy's, where the app lives on a sibling.
 * @param {NodeJS.ProcessEnv} env
 */
export function proxyOrigin({ PUBLIC_ORIGIN = '', WEB_ORIGIN = '' }) {
  return WEB_ORIGIN === '' || WEB_ORIGIN === PUBLIC_ORIGIN ? '' : PUBLIC_ORIGIN
}

/**
 * Settings from `.env`, where there is one; the real environment wins.
 */
export function readDotEnv() {
  const file = join(root, '.env')
  if (existsSync(file)) process.loadEnvFile(file)
}

/**
 * A digest of the sources. Not their dates: a checkout or a container's COPY sets those anew.
 * @param {NodeJS.ProcessEnv} env
 */
export function stamp(env) {
  const digest = createHash('sha256').update(proxyOrigin(env))
  for (const file of sources.flatMap(filesIn).sort()) {
    digest.update(`\0${file}\0`).update(readFileSync(join(root, file)))
  }
  return digest.digest('hex')
}

/**
 * @param {string} path
 * @returns {string[]}
 */
function filesIn(path) {
  const found = join(root, path)
  if (!existsSync(found)) return []
  const files = statSync(found).isDirectory()
    ? readdirSync(found, { recursive: true, encoding: 'utf8' })
        .map((name) => `${path}/${name.replaceAll('\\', '/')}`)
        .filter((file) => statSync(join(root, file)).isFile())
    : [path]
  return files.filter((file) => !notBuilt.test(file))
}

/** Why `dist` cannot be used as it is, or nothing. */
function reasonToBuild() {
  const missing = outputs.find((file) => !existsSync(join(root, 'dist', file)))
  if (missing !== undefined) return `dist/${missing} is missing`
  // An installation may bring `dist` without its sources: there is nothing to compare with.
  if (!existsSync(join(root, 'web'))) return undefined
  if (!existsSync(stampFile)) return 'dist was not finished'
  return readFileSync(stampFile, 'utf8') === stamp(process.env) ? undefined : 'dist is out of date'
}

/** Builds `dist` unless it was made from these very sources. */
export function buildWhenStale() {
  const reason = reasonToBuild()
  if (reason === undefined) return
  console.log(`Building, because ${reason} …`)
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js')
  if (!existsSync(vite)) {
    throw new Error(
      `${reason} and Vite is not installed. Fix: npm ci --include=dev && npm run build`,
    )
  }
  const { status, error } = spawnSync(process.execPath, [vite, 'build', '--logLevel', 'warn'], {
    cwd: root,
    stdio: 'inherit',
    // Vitest sets NODE_ENV=test, which would make a development build; and a test run reads no `.env`.
    env: { PUBLIC_ORIGIN: '', WEB_ORIGIN: '', ...process.env, NODE_ENV: 'production' },
  })
  if (status !== 0) throw new Error('The build failed.', { cause: error })
}
