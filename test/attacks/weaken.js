/**
 * Shows that the attacks would be seen: takes one defence after the other out of a copy of the
 * sources, builds it, and runs that attack's tests, which must fail. By hand:
 *
 *     node test/attacks/weaken.js            all
 *     node test/attacks/weaken.js A20 A33    these
 *     node test/attacks/weaken.js --table    only brings the table of docs/attacks.md up to date
 */
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { createBuilder, runnerImport } from 'vite'

/**
 * @typedef {import('./weakening').Weakening} Weakening
 * @typedef {{ name: string, status: string, message: string }} Outcome
 * @typedef {{ title: string, status: string, failureMessages?: string[] }} Assertion
 * @typedef {{ testResults: { message: string, assertionResults: Assertion[] }[] }} Report
 */

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = 'test/attacks'
const say = (/** @type {string} */ line) => process.stdout.write(`${line}\n`)

/** Every weakening that stands in a file `weakenings.ts` or `*.weakenings.ts`. */
async function readWeakenings() {
  const files = readdirSync(join(root, folder)).filter((name) =>
    /(?:^|\.)weakenings\.ts$/.test(name),
  )
  const found = await Promise.all(
    files.map(async (name) => {
      /** @type {{ module: { weakenings: Weakening[] } }} */
      const { module } = await runnerImport(join(root, folder, name), { configFile: false })
      return module.weakenings
    }),
  )
  return found.flat().sort((a, b) => numberOf(a.attack) - numberOf(b.attack))
}

/** @param {string} attack */
function numberOf(attack) {
  return Number(attack.slice(1))
}

/**
 * The files in which an attack has tests.
 * @param {string} attack
 */
function filesOf(attack) {
  return readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join(folder, name))
    .filter((file) => new RegExp(`['"\`]${attack} `).test(readFileSync(join(root, file), 'utf8')))
}

/** A copy of the sources beside the same packages, built. */
async function copySources() {
  const copy = mkdtempSync(join(tmpdir(), 'latchkey-weakened-'))
  const left = ['node_modules', '.git', 'dist', 'coverage', 'test/output']
  cpSync(root, copy, {
    recursive: true,
    filter: (path) => !left.includes(relative(root, path)),
  })
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  // Dependencies as they are, everything else made from this copy.
  await build(copy, ['client', 'node', 'worker', 'doctor', 'demo'])
  return copy
}

/**
 * Builds these parts of the product, and says to the tests that all is up to date.
 * @param {string} copy
 * @param {readonly string[]} parts
 */
async function build(copy, parts) {
  if (parts.length > 0) {
    const builder = await createBuilder({
      configFile: join(copy, 'vite.config.ts'),
      logLevel: 'silent',
    })
    for (const part of parts) {
      const environment = builder.environments[part]
      if (environment !== undefined) await builder.build(environment)
    }
  }
  /** @type {unknown} */
  const copied = await import(pathToFileURL(join(copy, 'test/build.js')).href)
  const { stamp, stampFile } = /** @type {typeof import('../build.js')} */ (copied)
  writeFileSync(stampFile, stamp(process.env))
}

/**
 * What of the product is made of a file.
 * @param {string} file
 */
function partsOf(file) {
  if (file.startsWith('web/')) return ['client']
  if (file.startsWith('proxy/')) return ['node']
  return file.startsWith('shared/') || file === 'vite.config.ts' ? ['client', 'node'] : []
}

/**
 * Runs tests by the start of their names.
 * @param {string} copy
 * @param {readonly string[]} attacks
 * @returns {Outcome[]}
 */
function run(copy, attacks) {
  const files = [...new Set(attacks.flatMap(filesOf))]
  if (files.length === 0) return []
  // To find a Chromium takes longer than most attacks.
  const needsBrowser = files.some((file) =>
    /inject\(|\.\.\/browser\/app/.test(readFileSync(join(root, file), 'utf8')),
  )
  const report = join(copy, 'report.json')
  rmSync(report, { force: true })
  const { NO_COLOR = '1', ...env } = process.env
  spawnSync(
    process.execPath,
    [
      join(copy, 'node_modules/vitest/vitest.mjs'),
      'run',
      ...(needsBrowser ? [] : ['--config', plainConfig(copy)]),
      '--reporter=json',
      `--outputFile=${report}`,
      '-t',
      `(?:^| )(?:${attacks.join('|')}) `,
      ...files,
    ],
    { cwd: copy, env: { ...env, NO_COLOR, NODE_ENV: 'test' }, stdio: 'ignore' },
  )
  /** @type {unknown} */
  const told = JSON.parse(readFileSync(report, 'utf8'))
  const { testResults } = /** @type {Report} */ (told)
  return testResults.flatMap(({ message, assertionResults }) => [
    ...(message === '' || assertionResults.some(({ status }) => status === 'failed')
      ? []
      : [{ name: '', status: 'broken', message: firstLine(message) }]),
    ...assertionResults
      .filter(({ title, status }) => status !== 'skipped' && isOf(attacks, title))
      .map(({ title, status, failureMessages = [] }) => ({
        name: title,
        status,
        message: firstLine(failureMessages.join('\n')),
      })),
  ])
}

/**
 * What the tests need of vite.config.ts, without a search for browsers and databases.
 * @param {string} copy
 */
function plainConfig(copy) {
  const file = join(copy, 'weakened.config.js')
  const options = { include: ['test/**/*.test.ts'], testTimeout: 30_000, hookTimeout: 60_000 }
  writeFileSync(file, `export default ${JSON.stringify({ root: copy, test: options })}\n`)
  return file
}

/**
 * @param {readonly string[]} attacks
 * @param {string} title
 */
function isOf(attacks, title) {
  return attacks.some((attack) => title.startsWith(`${attack} `))
}

/** @param {string} text */
function firstLine(text) {
  return text.split('\n', 1).join('').slice(0, 160)
}

/**
 * One weakening, from its changes to the verdict; the copy is as it was when it is done.
 * @param {string} copy
 * @param {Weakening} weakening
 * @param {readonly string[]} stale parts that the weakening before has left
 */
async function judge(copy, { attack, changes }, stale) {
  const files = [...new Set(changes.map(({ file }) => file))]
  const before = files.map((file) => [file, readFileSync(join(copy, file), 'utf8')])
  try {
    for (const { file, from, to } of changes) {
      const text = readFileSync(join(copy, file), 'utf8')
      if (text.split(from).length !== 2) return `BROKEN: “${from}” stands not once in ${file}`
      writeFileSync(
        join(copy, file),
        text.replace(from, () => to),
      )
    }
    await build(copy, [...new Set([...stale, ...files.flatMap(partsOf)])])
    const outcomes = run(copy, [attack])
    const broken = outcomes.find(({ status }) => status === 'broken')
    const red = outcomes.filter(({ status }) => status === 'failed')
    const [first] = red
    // What never began shows nothing.
    if (first?.message.startsWith('browserType.launch')) return `BROKEN: ${first.message}`
    if (first) return `red: ${red.length} of ${outcomes.length}, “${first.name}”: ${first.message}`
    if (broken) return `BROKEN: ${broken.message}`
    return outcomes.length === 0 ? 'BROKEN: it has no test' : 'STILL GREEN'
  } catch (error) {
    return `BROKEN: ${firstLine(String(error))}`
  } finally {
    for (const [file = '', text = ''] of before) writeFileSync(join(copy, file), text)
  }
}

/**
 * @param {readonly Weakening[]} weakenings
 */
async function weakenAll(weakenings) {
  process.env.NODE_ENV = 'production'
  const copy = await copySources()
  const verdicts = []
  try {
    const attacks = [...new Set(weakenings.map(({ attack }) => attack))]
    const unwell = run(copy, attacks).filter(
      ({ status }) => status !== 'passed' && status !== 'skipped',
    )
    for (const { name, message } of unwell) say(`RED BEFORE ANY CHANGE: ${name} ${message}`)
    /** @type {string[]} */
    let stale = []
    for (const weakening of weakenings) {
      const verdict = await judge(copy, weakening, stale)
      stale = weakening.changes.flatMap(({ file }) => partsOf(file))
      say(`${weakening.attack} ${verdict}\n    when ${weakening.says}`)
      verdicts.push(verdict)
    }
    const red = verdicts.filter((verdict) => verdict.startsWith('red')).length
    say(`${verdicts.length} weakenings, ${red} red, ${verdicts.length - red} not`)
    if (red < verdicts.length || unwell.length > 0) process.exitCode = 1
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

/**
 * Brings the table of docs/attacks.md up to date: which file tests an attack, and what it was weakened
 * by. What an attack tries, and what stands against it, is written by hand; a new row has a draft.
 * @param {readonly Weakening[]} weakenings
 */
function writeTable(weakenings) {
  const file = join(root, 'docs/attacks.md')
  const text = readFileSync(file, 'utf8')
  const row = /^\| (A\d+) \| (.*) \| (.*) \| .* \| .* \|$/gm
  /** @type {Map<string, { tries: string, defence: string, line: string }>} */
  const rows = new Map(
    [...text.matchAll(row)].map(([line, attack = '', tries = '', defence = '']) => [
      attack,
      { tries, defence, line },
    ]),
  )
  for (const { attack, changes } of weakenings) {
    const places = [...new Set(changes.map((one) => `\`${one.file}\``))].join(', ')
    if (!rows.has(attack)) rows.set(attack, { tries: titleOf(attack), defence: places, line: '' })
  }
  const lines = [...rows]
    .sort(([a], [b]) => numberOf(a) - numberOf(b))
    .map(([attack, { tries, defence, line }]) => {
      if (defence.startsWith('does not apply')) return line
      const says = weakenings.filter((one) => one.attack === attack).map((one) => one.says)
      const tests = filesOf(attack).map((one) => `\`${basename(one)}\``)
      return `| ${[attack, tries, defence, tests.join(', '), says.join('; ')].join(' | ')} |`
    })
  const head = text.indexOf('| --- |')
  const start = text.indexOf('\n', head) + 1
  const rest = text.slice(start).replace(/^(?:\|.*\n)*/, '')
  writeFileSync(file, `${text.slice(0, start)}${lines.join('\n')}\n${rest}`)
}

/**
 * What an attack's tests call it.
 * @param {string} attack
 */
function titleOf(attack) {
  const [file = ''] = filesOf(attack)
  const text = file === '' ? '' : readFileSync(join(root, file), 'utf8')
  return new RegExp(`['"\`]${attack} ([^:'"\`]+)`).exec(text)?.[1] ?? ''
}

const wanted = process.argv.slice(2)
const all = await readWeakenings()
if (wanted.includes('--table')) writeTable(all)
else await weakenAll(wanted.length === 0 ? all : all.filter((one) => wanted.includes(one.attack)))
