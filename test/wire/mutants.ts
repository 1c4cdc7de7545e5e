import type { Provider, Registration } from '../../shared/provider'
import { Secret } from '../../shared/secret'

/** One change to a description. */
export interface Mutant {
  /** The key that changes, as in `exchange.params().resource_id`. */
  key: string
  how: string
  provider: Provider
}

type Path = readonly string[]

/** Every change to every key of a description: its steps, values, list items and what its hooks return. */
export function mutantsOf(provider: Provider): Mutant[] {
  return changesAt(provider, []).map(({ path, key, how, value }) => ({
    key: key ?? nameOf(path),
    how,
    // A mutant is wrong on purpose, so it need not be a Provider.
    provider: replaced(provider, path, value) as Provider,
  }))
}

interface Change {
  path: Path
  /** Where it is more than the path's name. */
  key?: string
  how: string
  /** `removed` takes the key out. */
  value: unknown
}

const removed = Symbol('removed')

/** Where any other text means something else, or the same as none. */
const alternatives: Record<string, readonly unknown[]> = {
  auth: ['basic', 'post', 'public', 'bearer'],
  body: ['form', 'json', 'query'],
  method: ['GET', 'POST'],
  separator: [' '],
  custody: ['proxy'],
  namedBy: [],
}
const settingKinds = ['redirect', 'word']
const tokenNames = ['access', 'refresh']

/** Without these a description does not compile. */
const required = ['auth', 'paths']

/** Lists whose order says nothing. */
const sets = ['dead']

function changesAt(value: unknown, path: Path): Change[] {
  const canGo = path.length > 0 && !required.includes(path.at(-1) ?? '')
  const whole = canGo ? [{ path, how: 'removed', value: removed }] : []
  if (typeof value === 'function') return [...whole, ...changesOfHook(value, path)]
  if (Array.isArray(value)) return [...whole, ...changesOfList(value, path)]
  if (typeof value === 'object' && value !== null)
    return [
      ...whole,
      ...Object.entries(value).flatMap(([name, inner]) => changesAt(inner, [...path, name])),
    ]
  return [...whole, ...othersFor(value, path).map((other) => changed(path, value, other))]
}

function changed(path: Path, before: unknown, after: unknown): Change {
  return { path, how: `${String(before)} → ${String(after)}`, value: after }
}

function othersFor(value: unknown, path: Path): unknown[] {
  if (value === true) return [] // its opposite is its absence
  if (typeof value === 'number') return [value + 1]
  const choices = choicesAt(path) ?? [`${String(value)}-x`]
  return choices.filter((choice) => choice !== value)
}

function choicesAt(path: Path): readonly unknown[] | undefined {
  if (path.at(-2) === 'settings') return settingKinds
  if (path.at(-2) === 'tokens') return tokenNames
  return alternatives[path.at(-1) ?? '']
}

function changesOfList(list: unknown[], path: Path): Change[] {
  const items = list.flatMap((item, index) => [
    { path, key: nameOf([...path, `[${index}]`]), how: 'dropped', value: list.toSpliced(index, 1) },
    ...othersFor(item, [...path, `[${index}]`]).map((other) => ({
      ...changed(path, item, other),
      key: nameOf([...path, `[${index}]`]),
      value: list.with(index, other),
    })),
  ])
  const hasOrder = list.length > 1 && !sets.includes(path.at(-1) ?? '')
  return [
    ...items,
    ...(hasOrder ? [{ path, how: 'reversed', value: list.toReversed() }] : []),
    ...(list.length === 0 ? [{ path, how: 'with an item', value: ['/item'] }] : []),
  ]
}

type Hook = (...given: unknown[]) => Record<string, unknown>

function changesOfHook(hook: unknown, path: Path): Change[] {
  const original = hook as Hook // the vocabulary has two hooks, and both return records
  const wrap = (how: string, name: string | undefined, alter: Alter): Change => ({
    path,
    key: name === undefined ? `${nameOf(path)}()` : `${nameOf(path)}().${name}`,
    how,
    value: (...given: unknown[]) => alter(original(...given)),
  })
  const isPerson = path.at(-1) === 'person'
  const sample = isPerson ? original({}, registered) : original(registered)
  return [
    wrap('nothing', undefined, () => (isPerson ? { subject: null } : {})),
    ...Object.entries(sample).flatMap(([name, value]) => [
      wrap('left out', name, ({ [name]: _, ...rest }) => rest),
      ...(typeof value === 'string'
        ? [wrap('altered', name, (answer) => ({ ...answer, [name]: `${value}-x` }))]
        : []),
    ]),
    ...(isPerson && 'label' in sample
      ? [
          wrap('label for subject', undefined, ({ subject, label, ...rest }) => ({
            ...rest,
            subject: label ?? null,
            label: subject,
          })),
        ]
      : []),
  ]
}

type Alter = (answer: Record<string, unknown>) => Record<string, unknown>

/** What a hook is given to learn the names it returns. */
const registered: Omit<Registration, 'provider'> = {
  clientId: 'id',
  clientSecret: new Secret('secret'),
  redirectUri: 'https://app.example/callback',
  endpoints: {},
  scope: [],
  essential: [],
  settings: {},
}

function nameOf(path: Path): string {
  return path.join('.').replaceAll('.[', '[')
}

/** A copy that differs in one place. */
function replaced(whole: unknown, [step, ...rest]: Path, value: unknown): unknown {
  if (step === undefined) return value
  if (typeof whole !== 'object' || whole === null) throw new Error(`nothing is at ${step}`)
  const entries = Object.entries(whole).map(([name, inner]): [string, unknown] => [
    name,
    name === step ? replaced(inner, rest, value) : inner,
  ])
  return Object.fromEntries(entries.filter(([, inner]) => inner !== removed))
}
