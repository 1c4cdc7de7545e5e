import { ConfigError, type Config } from './config'
import { surviveMistakes } from './last-resort'
import type { Log } from './log'
import { serve } from './serve'

/**
 * Runs the server until it is told to stop. What is wrong with the configuration is printed, all of
 * it, and the process ends with 1.
 */
export async function runUntilStopped(
  configure: () => Config | Promise<Config>,
  webDirectory: URL,
  log: Log,
): Promise<void> {
  surviveMistakes(log)
  try {
    const config = await configure()
    for (const warning of config.warnings) log('warning', warning)
    const running = await serve(config, webDirectory, log)
    onSignals(async (signal) => {
      log('info', 'stopping', { signal })
      await running.close()
    })
    log('info', 'listening', { url: running.url, publicOrigin: config.publicOrigin })
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`)
    process.exitCode = 1
  }
}

/** Milliseconds in which a second signal is the first one again: npm passes on a Ctrl-C that came anyway. */
const echo = 200

/** The first signal stops the server in good order and ends with 0, the second one ends at once with 1. */
function onSignals(stop: (signal: string) => Promise<void>): void {
  let first: number | undefined
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      if (first === undefined) {
        first = performance.now()
        void stop(signal).finally(() => process.exit(0))
      } else if (performance.now() - first > echo) process.exit(1)
    })
}

function messageOf(error: unknown): string {
  if (error instanceof ConfigError) return error.message
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')
    return 'The port is in use: set PORT to another one, or stop what listens there.'
  // The message may quote a variable's value.
  const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : ''
  return `The server could not start${code}: check HOST and PORT.`
}
