import { configureSync, getConsoleSink, getLogger, jsonLinesFormatter } from '@logtape/logtape'
import type { Log } from './log'

/** The log of a running server: one JSON object per line on the console. */
export function createConsoleLog(): Log {
  configureSync({
    reset: true,
    sinks: {
      console: getConsoleSink({ formatter: (record) => escape(jsonLinesFormatter(record)) }),
    },
    loggers: [
      { category: 'latchkey', sinks: ['console'], lowestLevel: 'info' },
      { category: ['logtape', 'meta'], sinks: [] },
    ],
  })
  const logger = getLogger('latchkey')
  return (level, event, fields) => {
    // An event is no template: what stands in braces is not to be looked up.
    const text = event.includes('{') ? event.replace(/[{}]/g, '$&$&') : event
    logger[level](text, { ...fields })
  }
}

/**
 * JSON escapes what is below U+0020. The rest of what a terminal obeys, or a reader is deceived by:
 * further control characters, line separators, and marks that turn the direction of text.
 */
function escape(line: string): string {
  return line
    .trimEnd()
    .replace(/[\x7f-\x9f\xad\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
      Array.from(
        { length: character.length },
        (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
      ).join(''),
    )
}
