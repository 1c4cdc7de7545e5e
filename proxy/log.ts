/** One line of the log. Values are plain; a secret's type prints as `[secret]`. */
export type Log = (
  level: 'info' | 'warning' | 'error',
  event: string,
  fields?: Readonly<Record<string, string | number | boolean | undefined>>,
) => void

/** Whose request an event came of. */
export interface Sender {
  request: string | undefined
  /** Never the address itself, where a household has many. */
  network: string | undefined
}

/**
 * An error as the log may know it: names, codes and a provider's error word, through the causes.
 * Messages and bodies stay out, for they quote what was sent.
 */
export function traceOf(error: unknown): string {
  const names: string[] = []
  for (let at = error; at instanceof Error && names.length < 5; at = at.cause)
    names.push(nameOf(at))
  return names.join(' < ') || typeof error
}

function nameOf(error: Error): string {
  const detail = 'word' in error ? error.message : 'code' in error ? String(error.code) : ''
  return detail === '' ? error.name : `${error.name}(${detail})`
}
