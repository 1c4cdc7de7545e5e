/** Tests, weakenings and docs/attacks.md name the same attacks. */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { Weakening } from './weakening'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (file: string) => readFileSync(root + file, 'utf8')

const weakenings = Object.values(
  import.meta.glob<{ weakenings: readonly Weakening[] }>(['./weakenings.ts', './*.weakenings.ts'], {
    eager: true,
  }),
).flatMap((module) => module.weakenings)

/** The files that have a test of each attack. */
const tests = new Map<string, string[]>()
for (const name of readdirSync(root + 'test/attacks').filter((one) => one.endsWith('.test.ts')))
  for (const [, attack = ''] of read(`test/attacks/${name}`).matchAll(/['"`](A\d+) [^'"`\n]/g)) {
    const files = tests.get(attack) ?? []
    if (!files.includes(name)) tests.set(attack, [...files, name])
  }

interface Row {
  attack: string
  cells: string[]
}

function rowsOf(markdown: string): Row[] {
  return [...markdown.matchAll(/^\| (A\d+) \| (.*) \|$/gm)].map(([, attack = '', rest = '']) => ({
    attack,
    cells: rest.split(' | '),
  }))
}

/** A row that says why there is nothing to attack has no test. */
const doesNotApply = ({ cells }: Row) => cells[1]?.startsWith('does not apply') === true

const rows = rowsOf(read('docs/attacks.md'))
const inOrder = (attacks: Iterable<string>) =>
  [...new Set(attacks)].sort((a, b) => Number(a.slice(1)) - Number(b.slice(1)))

test('every place that is weakened stands once in its file', () => {
  const astray = weakenings.flatMap(({ attack, changes }) =>
    changes
      .filter(({ file, from }) => !existsSync(root + file) || read(file).split(from).length !== 2)
      .map(({ file, from }) => `${attack}: ${file}: ${from}`),
  )
  expect(astray).toEqual([])
})

test('a weakening changes something', () => {
  for (const { changes } of weakenings) {
    expect(changes.length).toBeGreaterThan(0)
    for (const { from, to } of changes) expect(to).not.toBe(from)
  }
})

test('every attack that has a test has a weakening, and the other way round', () => {
  const weakened = inOrder(weakenings.map(({ attack }) => attack))
  expect(weakened).toEqual(inOrder(tests.keys()))
})

test('docs/attacks.md has a row for each of them, and for what does not apply', () => {
  const tested = rows.filter((row) => !doesNotApply(row)).map(({ attack }) => attack)
  expect(tested).toEqual(inOrder(tests.keys()))
  expect(rows.map(({ attack }) => attack)).toEqual(inOrder(rows.map(({ attack }) => attack)))
})

test('a row names its tests and says when they were seen red', () => {
  for (const row of rows.filter((one) => !doesNotApply(one))) {
    const [, , files = '', says = ''] = row.cells
    for (const name of tests.get(row.attack) ?? []) expect(files).toContain(`\`${name}\``)
    const own = weakenings.filter(({ attack }) => attack === row.attack)
    expect([row.attack, says]).toEqual([row.attack, own.map((one) => one.says).join('; ')])
  }
})

test('a row that is missing, and one that names another test, would be seen', () => {
  expect(rowsOf('| A1 | x | y | `z.test.ts` | w |')).toEqual([
    { attack: 'A1', cells: ['x', 'y', '`z.test.ts`', 'w'] },
  ])
  expect(rowsOf('| B1 | x |\nA2 | x |')).toEqual([])
})
