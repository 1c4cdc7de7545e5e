import { createConsoleLog } from './console-log'
import { readConfig } from './config'
import { runUntilStopped } from './run'

/** The Node entry: `node dist/proxy/node.js` is the whole server. */
await runUntilStopped(
  () => readConfig(process.env),
  new URL('../web/', import.meta.url),
  createConsoleLog(),
)
