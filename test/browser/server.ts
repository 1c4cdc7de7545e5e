/** The built product as a process of its own. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The whole server in one file, as it is deployed. */
export const builtServer = 'dist/proxy/node.js'

export interface Server {
  /** Where it listens. */
  url: string
  pid: number
  /** Everything it wrote so far, on either stream. */
  output(): string
  /** Sends a signal, as an orchestrator or a terminal does. */
  signal(name: NodeJS.Signals): void
  /** Its exit code, once it has ended. */
  exit: Promise<number | null>
  stop(): Promise<void>
}

/** Starts an entry of the product and waits until it listens; throws what it printed if it ends instead. */
export async function startServer(entry: string, env: Record<string, string>): Promise<Server> {
  const { output, child, ended } = launch(entry, env)
  const url = await new Promise<string>((resolve, reject) => {
    const look = () => {
      const found = /"url":"(http:[^"]+)"/.exec(output())?.[1]
      if (found !== undefined) resolve(found)
    }
    child.stdout.on('data', look)
    void ended.then(() => reject(new Error(`${entry} ended: ${output()}`)))
  })
  return {
    url,
    // Whoever says where it listens has begun.
    pid: child.pid ?? 0,
    output,
    signal: (name) => void child.kill(name),
    exit: ended.then(() => child.exitCode),
    async stop() {
      // A browser keeps its connections open, for which a polite shutdown would wait ten seconds.
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** Runs an entry that is expected to end by itself. */
export async function runToEnd(
  entry: string,
  env: Record<string, string>,
): Promise<{ status: number | null; output: string }> {
  const { output, child, ended } = launch(entry, env)
  await ended
  return { status: child.exitCode, output: output() }
}

function launch(entry: string, env: Record<string, string>) {
  // The settings of whoever runs the tests have no say: only what they need to run Node at all.
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(process.execPath, [entry], {
    cwd: root,
    env: { PATH, HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let written = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (written += text))
  return { child, output: () => written, ended: once(child, 'close') }
}
