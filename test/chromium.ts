/** A Chromium for the browser tests: found, or else installed. */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'

/** What every test browser is started with: no sandbox (containers), no traffic of its own. */
export const launchFlags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

const wellKnown = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome-stable',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
]

interface Found {
  path: string
  version: string
  how: 'set by CHROMIUM' | 'found' | 'installed'
}

/** A Chromium that has been seen to start. */
export async function findChromium(env: NodeJS.ProcessEnv): Promise<Found> {
  const complaints: string[] = []
  const attempt = async (
    paths: readonly string[],
    how: Found['how'],
  ): Promise<Found | undefined> => {
    for (const path of paths) {
      const version = existsSync(path) ? await versionOf(path) : new Error('no such file')
      if (typeof version === 'string') return { path, version, how }
      if (existsSync(path) || how !== 'found') complaints.push(`${path}: ${version.message}`)
    }
    return undefined
  }

  const found =
    // Whoever names a browser means that one: no other stands in for it.
    env.CHROMIUM !== undefined && env.CHROMIUM !== ''
      ? await attempt([env.CHROMIUM], 'set by CHROMIUM')
      : ((await attempt([...wellKnown, chromium.executablePath()], 'found')) ??
        (await attempt(install(complaints), 'installed')))
  if (found !== undefined) return found
  throw new Error(
    [
      'No Chromium starts here, and the browser tests need one.',
      ...complaints.map((complaint) => `  ${complaint}`),
      'Fix: install Chromium or Chrome and name it: CHROMIUM=/path/to/chromium npm test',
      'or, for the libraries it needs: npx playwright-core install --with-deps chromium',
    ].join('\n'),
  )
}

async function versionOf(path: string): Promise<string | Error> {
  try {
    const browser = await chromium.launch({
      executablePath: path,
      args: launchFlags,
      timeout: 30_000,
    })
    const version = browser.version()
    await browser.close()
    return version
  } catch (error) {
    return new Error(reasonIn(error instanceof Error ? error.message : String(error)))
  }
}

/** The line that says why, such as a missing library, out of a long report. */
function reasonIn(report: string): string {
  const lines = report.split('\n')
  return (
    lines.find((line) => /error while|cannot open|denied|^E(?:rror)?: /i.test(line)) ??
    lines[0] ??
    ''
  )
}

/** Installs one and says where it should be now. */
function install(complaints: string[]): string[] {
  if (isDebian() && process.getuid?.() === 0) {
    console.log('No Chromium found: installing Debian’s …')
    const options = ['-y', '--no-install-recommends']
    if (
      run(complaints, 'apt-get', ['update', '-q']) &&
      run(complaints, 'apt-get', ['install', '-q', ...options, 'chromium'])
    ) {
      return ['/usr/bin/chromium']
    }
  }
  console.log('No Chromium found: downloading Playwright’s …')
  const cli = fileURLToPath(new URL('../node_modules/playwright-core/cli.js', import.meta.url))
  // Root may install the libraries that it needs, too.
  const libraries = process.getuid?.() === 0 ? ['--with-deps'] : []
  const options = ['install', ...libraries, 'chromium']
  return run(complaints, process.execPath, [cli, ...options]) ? [chromium.executablePath()] : []
}

function run(complaints: string[], command: string, parameters: string[]): boolean {
  const { status, stderr, error } = spawnSync(command, parameters, {
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 300_000,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
  if (status === 0) return true
  complaints.push(`${command} ${parameters.join(' ')}: ${error?.message ?? reasonIn(stderr)}`)
  return false
}

/** Not Ubuntu, whose package of that name is a snap and does not start in containers. */
function isDebian(): boolean {
  const release = '/etc/os-release'
  return existsSync(release) && /^ID=debian$/m.test(readFileSync(release, 'utf8'))
}
