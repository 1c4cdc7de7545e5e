/** A real Redis for the tests: found, or else installed; each test starts its own. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { freePort } from './runtime/runtimes'

interface Found {
  path: string
  version: string
  how: 'set by REDIS' | 'found' | 'installed'
}

/** A Redis, or a Valkey, that has been seen to start. */
export function findRedis(env: NodeJS.ProcessEnv): Found {
  const complaints: string[] = []
  const attempt = (names: readonly string[], how: Found['how']): Found | undefined => {
    for (const path of names) {
      const version = versionOf(path)
      if (typeof version === 'string') return { path, version, how }
      complaints.push(`${path}: ${version.message}`)
    }
    return undefined
  }
  const names = ['redis-server', 'valkey-server', '/opt/homebrew/bin/redis-server']
  const found =
    // Whoever names one means that one: no other stands in for it.
    env.REDIS !== undefined && env.REDIS !== ''
      ? attempt([env.REDIS], 'set by REDIS')
      : (attempt(names, 'found') ?? attempt(install(complaints), 'installed'))
  if (found !== undefined) return found
  throw new Error(
    [
      'No Redis starts here, and the tests of the shared ledger need one.',
      ...complaints.map((complaint) => `  ${complaint}`),
      'Fix: apt-get install redis-server (Debian), brew install redis (macOS),',
      'or name one: REDIS=/path/to/redis-server npm test',
    ].join('\n'),
  )
}

/** Its version, if it is new enough: what expires at a given time needs 6.2. */
function versionOf(path: string): string | Error {
  const { stdout, error } = spawnSync(path, ['--version'], { encoding: 'utf8' })
  const version = /v=(\d+\.\d+\.\d+)/.exec(stdout)?.[1]
  if (version === undefined) return new Error(error?.message ?? 'says no version')
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > 6 || (major === 6 && minor >= 2) ? version : new Error(`${version} is too old`)
}

/** Installs one, with what makes certificates, and says how it is called. */
function install(complaints: string[]): string[] {
  console.log('No Redis found: installing Debian’s …')
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n']
  const packages = ['redis-server', 'openssl']
  const run = (...words: string[]): boolean => {
    const [command = '', ...parameters] = [...sudo, 'apt-get', ...words]
    const { status, stderr, error } = spawnSync(command, parameters, {
      encoding: 'utf8',
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: 300_000,
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    })
    if (status !== 0) complaints.push(`${command}: ${error?.message ?? stderr.trim()}`)
    return status === 0
  }
  return run('update', '-q') && run('install', '-qy', '--no-install-recommends', ...packages)
    ? ['redis-server']
    : []
}

export interface RedisOptions {
  /** The server's file, as `findRedis` names it. */
  path?: string
  /** A free one unless stated. */
  port?: number
  /** Settings beside those every one has, such as `['--maxmemory', '2mb']`. */
  args?: readonly string[]
  password?: string
  /** TLS only, with a certificate for localhost of its own making. */
  tls?: boolean
  /** A Cluster of one node. */
  cluster?: boolean
}

export type StartedRedis = Awaited<ReturnType<typeof startRedis>>

/**
 * Starts a Redis on loopback that keeps nothing on disk, and waits until it answers. Stop it when the
 * test is over; it dies with this process in any case.
 */
export async function startRedis(options: RedisOptions = {}) {
  const { path = 'redis-server', args = [], password, tls = false, cluster = false } = options
  const port = options.port ?? (await freePortBelow(cluster ? 55_000 : 65_536))
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-redis-'))
  const certificate = tls ? makeCertificate(directory) : undefined
  let child: ChildProcess | undefined

  const settings = [
    ...['--bind', '127.0.0.1', '--dir', directory, '--save', '', '--appendonly', 'no'],
    ...['--maxmemory-policy', 'noeviction', '--loglevel', 'warning'],
    ...(certificate
      ? [
          ...['--port', '0', '--tls-port', String(port), '--tls-auth-clients', 'no'],
          ...['--tls-cert-file', certificate.file, '--tls-key-file', certificate.keyFile],
        ]
      : ['--port', String(port)]),
    ...(password === undefined ? [] : ['--requirepass', password]),
    ...(cluster ? ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1'] : []),
    ...args,
  ]

  async function start(): Promise<void> {
    const started = spawn(path, settings, { stdio: ['ignore', 'pipe', 'pipe'] })
    let written = ''
    for (const stream of [started.stdout, started.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (written += text))
    child = started
    endWithUs(started)
    while (!(await isListening(port))) {
      if (started.exitCode !== null) throw new Error(`redis-server ended: ${written}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    if (!cluster) return
    await command('CLUSTER', 'ADDSLOTSRANGE', '0', '16383')
    while (!String(await command('CLUSTER', 'INFO')).includes('cluster_state:ok'))
      await new Promise((resolve) => setTimeout(resolve, 50))
  }

  async function end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const ending = child
    child = undefined
    if (!ending || ending.exitCode !== null || ending.signalCode !== null) return
    const gone = once(ending, 'exit')
    // One that is held takes no polite word.
    if (signal === 'SIGTERM') ending.kill('SIGCONT')
    ending.kill(signal)
    await gone
  }

  /** One command by a connection of its own; what Redis answers. A refusal throws. */
  async function command(name: string, ...words: (string | number)[]): Promise<unknown> {
    const client = new Redis({
      port,
      host: 'localhost',
      lazyConnect: true,
      retryStrategy: () => null,
      ...(password === undefined ? {} : { password }),
      ...(certificate ? { tls: { ca: certificate.pem } } : {}),
    })
    try {
      await client.connect()
      return await client.call(name, ...words)
    } finally {
      client.disconnect()
    }
  }

  await start()
  const at = password === undefined ? '' : `:${encodeURIComponent(password)}@`
  return {
    port,
    /** For `LEDGER_URL`. */
    url: `${tls ? 'rediss' : 'redis'}://${at}localhost:${port}${cluster ? '?cluster=1' : ''}`,
    /** The same through another port, such as that of a slow wire. */
    urlAt: (other: number) =>
      `${tls ? 'rediss' : 'redis'}://${at}localhost:${other}${cluster ? '?cluster=1' : ''}`,
    /** Vouches for its certificate, PEM; and as a file, for `NODE_EXTRA_CA_CERTS`. */
    ca: certificate?.pem,
    caFile: certificate?.file,
    command,
    /** At once, as when the machine loses power. */
    kill: () => end('SIGKILL'),
    async stop() {
      await end('SIGTERM')
      rmSync(directory, { recursive: true, force: true })
    },
    /** Connections stay open and nothing is answered, until it is resumed. */
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    /** A new one on the same port that remembers nothing. */
    async restartEmpty() {
      await end('SIGKILL')
      rmSync(join(directory, 'nodes.conf'), { force: true })
      await start()
    },
    /** Forgets everything without going away. */
    flush: () => command('FLUSHALL'),
  }
}

/** Starts a Cluster of two nodes that have half of the keys each. */
export async function startCluster(path?: string) {
  const args = ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1']
  const start = async () =>
    await startRedis({
      port: await freePortBelow(55_000),
      args,
      ...(path === undefined ? {} : { path }),
    })
  const [one, other] = [await start(), await start()]
  await one.command('CLUSTER', 'ADDSLOTSRANGE', 0, 8191)
  await other.command('CLUSTER', 'ADDSLOTSRANGE', 8192, 16383)
  await one.command('CLUSTER', 'MEET', '127.0.0.1', other.port)
  for (const node of [one, other])
    while (!String(await node.command('CLUSTER', 'INFO')).includes('cluster_state:ok'))
      await new Promise((resolve) => setTimeout(resolve, 50))
  return {
    nodes: [one, other] as const,
    url: `redis://localhost:${one.port},localhost:${other.port}`,
    stop: () => Promise.all([one.stop(), other.stop()]),
  }
}

/** The nodes of a Cluster talk to each other ten thousand ports above. */
async function freePortBelow(bound: number): Promise<number> {
  for (;;) {
    const port = await freePort()
    if (port < bound) return port
  }
}

/** None outlives the tests, however these end: who watches sees this process's end of a pipe close. */
function endWithUs(child: ChildProcess): void {
  const words = ['-c', 'cat; kill -9 "$1"', 'sh', String(child.pid)]
  const watch = spawn('sh', words, { stdio: ['pipe', 'ignore', 'ignore'] })
  child.once('exit', () => watch.kill('SIGKILL'))
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => {
      resolve(false)
    })
  })
}

function makeCertificate(directory: string) {
  const file = join(directory, 'certificate.pem')
  const keyFile = join(directory, 'key.pem')
  const { status, stderr, error } = spawnSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...['-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
      ...['-keyout', keyFile, '-out', file],
    ],
    { encoding: 'utf8' },
  )
  if (status !== 0)
    throw new Error(
      `openssl makes no certificate: ${error?.message ?? stderr}. Fix: install openssl`,
    )
  return { file, keyFile, pem: readFileSync(file, 'utf8') }
}
