import { ConfigError, type Config } from './config'
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
  try {
    const config = await configure()
    for (const warning of config.warnings) log('warning', warning)
    const running = await serve(config, webDirectory, log)
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.once(signal, () => {
        void running.close().then(() => process.exit(0))
      })
    log('info', 'listening', { url: running.url, publicOrigin: config.publicOrigin })
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`)
    process.exitCode = 1
  }
}

function messageOf(error: unknown): string {
  if (error instanceof ConfigError) return error.message
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')
    return 'The port is in use: set PORT to another one, or stop what listens there.'
  // The message may quote a variable's value.
  const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : ''
  return `The server could not start${code}: check HOST and PORT.`
}
