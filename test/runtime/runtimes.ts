import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { Miniflare } from 'miniflare'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The proxy, running somewhere. */
export interface Runtime {
  close(): Promise<void>
}

type Variables = Record<string, string>

/** Every way the proxy is run, by its name; each is started at a port with these variables. */
export const runtimes: Record<string, (port: number, env: Variables) => Promise<Runtime>> = {
  node: (port, env) => child(['dist/proxy/node.js'], port, env),
  workerd: startWorkerd,
  'vite dev': (port, env) => child(['node_modules/vite/bin/vite.js'], port, env),
}

async function startWorkerd(port: number, env: Variables): Promise<Runtime> {
  const miniflare = new Miniflare({
    modules: [
      {
        type: 'ESModule',
        path: 'worker.js',
        contents: readFileSync(`${root}/dist/proxy/worker.js`, 'utf8'),
      },
    ],
    compatibilityDate: '2026-04-01',
    compatibilityFlags: ['no_nodejs_compat'],
    bindings: env,
    host: '127.0.0.1',
    port,
  })
  await miniflare.ready
  return { close: () => miniflare.dispose() }
}

async function child(command: string[], port: number, env: Variables): Promise<Runtime> {
  const { PATH = '' } = process.env
  const started = spawn(process.execPath, command, {
    cwd: root,
    env: { PATH, PORT: String(port), ...env },
    stdio: 'ignore',
  })
  await answering(started, port)
  return {
    close: () =>
      new Promise((resolve) => {
        started.once('exit', () => {
          resolve()
        })
        started.kill('SIGTERM')
      }),
  }
}

async function answering(started: ChildProcess, port: number): Promise<void> {
  for (let tries = 0; tries < 150; tries++) {
    if (started.exitCode !== null) throw new Error(`it ended with ${started.exitCode}`)
    try {
      if ((await fetch(`http://localhost:${port}/healthz`)).ok) return
    } catch {
      // not listening yet
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('it does not answer')
}

export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => {
        resolve(typeof address === 'object' && address !== null ? address.port : 0)
      })
    })
  })
}
