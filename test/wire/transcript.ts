import { createHash } from 'node:crypto'
import type { Simulator, WireEntry } from '../simulators'

/** What a simulator received, as short text in which every random value has a name. */
export interface Transcript {
  /** Runs what a person does on a provider's pages: only the first request is the app's doing. */
  person<T>(work: () => Promise<T>): Promise<T>
  /** Gives a random value its name, such as `<code 1>`, wherever it shows from now on. */
  learn(kind: string, value: unknown): void
  /** The same with names in place of random values. */
  named<T>(value: T): T
  /** The requests since the last time, one text for each; see `describe`. */
  take(): string[]
}

/** Headers of the runtime and of the library, which no document mentions. */
const ofTheRuntime = ['user-agent']

export function createTranscript(simulator: Simulator): Transcript {
  const names = new Map<string, string>()
  const counts = new Map<string, number>()
  const byPerson = new Set<WireEntry>()
  const onPages = new Set<WireEntry>()
  let taken = 0

  const transcript: Transcript = {
    async person(work) {
      const from = simulator.log.length
      try {
        return await work()
      } finally {
        const [first, ...pages] = simulator.log.slice(from)
        if (first) byPerson.add(first)
        for (const page of pages) onPages.add(page)
        const query = new Map(first?.query)
        transcript.learn('state', query.get('state'))
        transcript.learn('challenge', query.get('code_challenge'))
      }
    },
    learn(kind, value) {
      if (typeof value !== 'string' || value.length < 8 || names.has(value)) return
      const count = (counts.get(kind) ?? 0) + 1
      counts.set(kind, count)
      names.set(value, `<${kind} ${count}>`)
    },
    named(value) {
      if (value === undefined) return value
      let text = JSON.stringify(value)
      for (const [secret, name] of names) text = text.replaceAll(secret, name)
      return JSON.parse(text) as typeof value // only texts inside it have changed
    },
    take() {
      const entries = simulator.log.slice(taken).filter((entry) => !onPages.has(entry))
      taken = simulator.log.length
      return entries.map((entry) => {
        learnVerifier(entry)
        return transcript.named(describe(simulator, entry, byPerson.has(entry)))
      })
    },
  }

  /** A verifier is named after the challenge it answers (RFC 7636 §4.2). */
  function learnVerifier({ body }: WireEntry): void {
    const verifier = new URLSearchParams(body).get('code_verifier') ?? jsonMember(body)
    if (typeof verifier !== 'string') return
    const challenge = createHash('sha256').update(verifier).digest('base64url')
    const name = names.get(challenge)?.replace('challenge', 'verifier')
    names.set(verifier, name ?? '<verifier of no challenge>')
  }

  return transcript
}

function jsonMember(body: string): unknown {
  return body.startsWith('{') ? new Map(Object.entries(membersOf(body))).get('code_verifier') : null
}

function membersOf(body: string): object {
  const members: unknown = JSON.parse(body)
  if (typeof members !== 'object' || members === null) throw new Error('the body is no JSON object')
  return members
}

/**
 * Method and address, then a line for each query pair (`?name=value`), each header (`name: value`)
 * and each member of the body (`name=value` in a form, `"name": value` in JSON), each group in
 * alphabetical order and none left out. A person's navigation shows no headers: a browser makes them.
 */
function describe(simulator: Simulator, entry: WireEntry, byPerson: boolean): string {
  const { method, host, path, query, headers, body, refused } = entry
  const shown = Object.entries(headers).filter(
    ([name]) => !byPerson && !ofTheRuntime.includes(name),
  )
  return [
    `${method} ${simulator.origins[host] ?? host}${path}`,
    ...query.map(([name, value]) => `?${name}=${value}`).sort(),
    ...shown.map(([name, value]) => `${name}: ${value}`).sort(),
    ...membersIn(body, headers['content-type']).sort(),
    ...(refused === undefined ? [] : [`REFUSED: ${refused}`]),
  ].join('\n')
}

function membersIn(body: string, type: string | undefined): string[] {
  if (body === '') return []
  if (type === 'application/json')
    return Object.entries(membersOf(body)).map(
      ([name, value]) => `"${name}": ${JSON.stringify(value)}`,
    )
  return [...new URLSearchParams(body)].map(([name, value]) => `${name}=${value}`)
}

/** A request as a test types it: indented lines, in any order after the first. */
export function request(text: string): string {
  const [first = '', ...rest] = text.split('\n').map((line) => line.trim())
  const group = (line: string) => (line.startsWith('?') ? 0 : /^[\w-]+: /.test(line) ? 1 : 2)
  return [first, ...rest.sort((a, b) => group(a) - group(b) || (a < b ? -1 : 1))].join('\n')
}
