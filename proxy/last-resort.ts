import { traceOf, type Log } from './log'

/**
 * Keeps the process running whatever is thrown where nobody catches it. What a request holds goes with
 * it, and the ledger is made to outlive a process that ends anywhere; so to go on is safer than an end
 * that whoever finds such a mistake can bring about at will.
 */
export function surviveMistakes(log: Log): void {
  process.on('uncaughtException', (error) => {
    log('error', 'uncaught exception', { cause: traceOf(error), at: placeOf(error) })
  })
  process.on('unhandledRejection', (reason) => {
    log('error', 'unhandled rejection', { cause: traceOf(reason), at: placeOf(reason) })
  })
  // Whoever reads the log may go away; there is nowhere to write that.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
}

/** The place in the code, without the message before it, which may quote anything. */
function placeOf(error: unknown): string | undefined {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  return /^ +at (.{1,200})$/m.exec(stack.slice(stack.indexOf('\n    at ')))?.[1]
}
