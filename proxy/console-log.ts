import { configureSync, getConsoleSink, getLogger, jsonLinesFormatter } from '@logtape/logtape'
import type { Log } from './log'

/** The log of a running server: one JSON object per line on the console. */
export function createConsoleLog(): Log {
  configureSync({
    reset: true,
    sinks: { console: getConsoleSink({ formatter: jsonLinesFormatter }) },
    loggers: [
      { category: 'latchkey', sinks: ['console'], lowestLevel: 'info' },
      { category: ['logtape', 'meta'], sinks: [] },
    ],
  })
  const logger = getLogger('latchkey')
  return (level, event, fields) => {
    logger[level](event, { ...fields })
  }
}
