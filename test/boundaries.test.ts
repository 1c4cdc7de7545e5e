/** The rules of the layout, read from the code itself; each checker is shown a violation too. */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Every source by its path below the root. */
type Sources = ReadonlyMap<string, string>

const project: Sources = new Map(
  ['shared', 'proxy', 'web', 'test']
    .flatMap((side) =>
      readdirSync(join(root, side), { recursive: true, encoding: 'utf8' }).map(
        (name) => `${side}/${name.replaceAll('\\', '/')}`,
      ),
    )
    .filter((file) => /\.(?:ts|js|svelte|html|css|json)$/.test(file))
    .map((file) => [file, readFileSync(join(root, file), 'utf8')]),
)

const providerIds = [...project]
  .filter(([file]) => file.startsWith('shared/providers/'))
  .flatMap(([, code]) => /^\s+id: '(\w+)'/m.exec(code)?.[1] ?? [])

/** What a file imports: packages and built-ins by name, our own files by path below the root. */
function importsOf(file: string, code: string): string[] {
  const names = ts
    .preProcessFile(scriptOf(file, code), true, true)
    .importedFiles.map(({ fileName }) => fileName)
  return names.map((name) => (name.startsWith('.') ? posix.join(dirname(file), name) : name))
}

/** The scripts of a component or page; any other source is all script. */
function scriptOf(file: string, code: string): string {
  if (!/\.(?:svelte|html)$/.test(file)) return code
  return [...code.matchAll(/<script\b[^>]*>([^]*?)<\/script>/g)].map(([, body]) => body).join('\n')
}

const forbidden: Record<string, RegExp> = {
  shared: /^(?:proxy|web|test)\//,
  proxy: /^(?:web|test)\//,
  web: /^(?:proxy|test)\//,
  // Derived from our own descriptions, a simulator would confirm our mistakes.
  'test/simulators': /^(?:shared|proxy|web)\//,
}

function crossings(sources: Sources): string[] {
  return [...sources].flatMap(([file, code]) =>
    Object.entries(forbidden)
      .filter(([side]) => file.startsWith(`${side}/`))
      .flatMap(([, taboo]) => importsOf(file, code).filter((name) => taboo.test(name)))
      .map((name) => `${file} imports ${name}`),
  )
}

/** Code without its comments: those may say which provider taught us something. */
function withoutComments(file: string, code: string): string {
  if (/\.(?:ts|js)$/.test(file)) return words(code)
  const markup = code.replace(/<script\b[^>]*>[^]*?<\/script>/g, '')
  return `${markup.replace(/<!--[^]*?-->|\/\*[^]*?\*\//g, '')}\n${words(scriptOf(file, code))}`
}

/** Every token that the parser keeps: names, strings, templates, expressions. */
function words(code: string): string {
  const found: string[] = []
  const visit = (node: ts.Node): void => {
    if (node.getChildCount(source) === 0) found.push(node.getText(source))
    else
      node
        .getChildren(source)
        .filter((child) => !ts.isJSDoc(child))
        .forEach(visit)
  }
  const source = ts.createSourceFile('code.ts', code, ts.ScriptTarget.Latest, true)
  visit(source)
  return found.join(' ')
}

function namedProviders(sources: Sources, ids: readonly string[]): string[] {
  // Between letters it is another word ("monetary"); beside `_`, a digit or a capital it is the name.
  const name = new RegExp(`(?<![a-z])(?:${ids.join('|')})(?![a-z])`, 'i')
  const parted = (text: string) => text.replace(/([a-z])([A-Z])/g, '$1 $2')
  return [...sources]
    .filter(([file]) => /^(?:shared|proxy|web)\//.test(file))
    .filter(([file]) => !file.startsWith('shared/providers/'))
    .flatMap(([file, code]) => {
      const match = name.exec(parted(`${file}\n${withoutComments(file, code)}`))
      return match === null ? [] : [`${file} names ${match[0]}`]
    })
}

function vagueNames(sources: Sources): string[] {
  return [...sources.keys()].filter((file) =>
    /(?:^|[/.-])(?:utils?|helpers?)(?:[/.-]|$)|manager/i.test(file),
  )
}

const isBuiltin = (name: string) => name.startsWith('node:') || builtinModules.includes(name)

/** A file and everything of ours that it reaches. */
function reach(sources: Sources, entry: string): Set<string> {
  const seen = new Set<string>()
  const follow = (file: string): void => {
    if (seen.has(file)) return
    seen.add(file)
    for (const name of importsOf(file, sources.get(file) ?? '')) {
      const target = [name, `${name}.ts`, `${name}/index.ts`].find((path) => sources.has(path))
      if (target !== undefined) follow(target)
    }
  }
  follow(entry)
  return seen
}

function builtinsOutsideNode(sources: Sources): string[] {
  const worker = reach(sources, 'proxy/worker.ts')
  return [...sources]
    .filter(([file]) => /^(?:shared|web)\//.test(file) || worker.has(file))
    .flatMap(([file, code]) =>
      importsOf(file, code)
        .filter(isBuiltin)
        .map((name) => `${file} imports ${name}`),
    )
}

const planted = (files: Record<string, string>): Sources => new Map(Object.entries(files))

describe('the sides meet in shared only', () => {
  test('in this project', () => expect(crossings(project)).toEqual([]))

  test.each([
    ['shared/a.ts', "import { x } from '../proxy/b'"],
    ['shared/a.ts', "export * from '../web/b'"],
    ['proxy/routes/a.ts', "import type { X } from '../../web/b'"],
    ['proxy/a.ts', "const x = await import('../test/b')"],
    [
      'web/pages/A.svelte',
      `<script lang="ts">\nimport x from '../../proxy/b'\n</script>\n<p>x</p>`,
    ],
    ['web/a.ts', "import '../test/b'"],
    ['test/simulators/a.ts', "import x from '../../shared/b'"],
  ])('a crossing in %s is seen: %s', (file, code) => {
    expect(crossings(planted({ [file]: code }))).toHaveLength(1)
  })
})

describe('no provider is named outside its own file', () => {
  test('in this project', () => expect(namedProviders(project, providerIds)).toEqual([]))

  test('the names are read from the descriptions', () => {
    expect(providerIds).toHaveLength(readdirSync(join(root, 'shared/providers')).length - 2)
  })

  test.each([
    ['shared/a.ts', "if (id === 'seznam') go()"],
    ['shared/a.ts', 'const seznamScopes = []'],
    ['proxy/a.ts', 'env.SEZNAM_CLIENT_ID'],
    ['proxy/a.ts', 'const url = `https://x/${y}/seznam`'],
    ['proxy/a.ts', '/** @see x */ const withSeznam = 1'],
    ['web/A.svelte', '<p>Sign in with Seznam</p>'],
    ['web/A.svelte', "<script>const x = 'Seznam'</script>"],
    ['web/components/SeznamForm.svelte', ''],
    ['web/index.html', '<meta content="seznam">'],
  ])('a name in %s is seen: %s', (file, code) => {
    expect(namedProviders(planted({ [file]: code }), ['seznam'])).toHaveLength(1)
  })

  test.each([
    ['shared/providers/seznam.ts', "export default { id: 'seznam' }"],
    ['shared/a.ts', "// Seznam answers so.\n/** Seznam */ const x = 'a' /* seznam */"],
    ['web/A.svelte', '<!-- Seznam --><p>x</p><script>/* Seznam */</script>'],
  ])('a comment and its own file may name it: %s', (file, code) => {
    expect(namedProviders(planted({ [file]: code }), ['seznam'])).toEqual([])
  })

  test('another word that contains a name is none', () => {
    const source = planted({ 'shared/a.ts': "const monetary = 'ONETIME'" })
    expect(namedProviders(source, ['onet'])).toEqual([])
  })
})

describe('a file is named after what it does', () => {
  test('in this project', () => expect(vagueNames(project)).toEqual([]))

  test.each([
    'shared/utils.ts',
    'web/helpers/a.ts',
    'proxy/SessionManager.ts',
    'test/util.test.ts',
  ])('a vague name is seen: %s', (file) =>
    expect(vagueNames(planted({ [file]: '' }))).toEqual([file]),
  )
})

describe('no Node built-in where there may be no Node', () => {
  test('in this project', () => {
    expect(existsSync(join(root, 'proxy/worker.ts'))).toBe(true)
    expect(builtinsOutsideNode(project)).toEqual([])
  })

  test('the worker reaches the whole proxy', () => {
    expect(reach(project, 'proxy/worker.ts')).toContain('proxy/app.ts')
  })

  test.each([
    { 'shared/a.ts': "import { createHash } from 'node:crypto'" },
    { 'web/a.ts': "import { Buffer } from 'buffer'" },
    { 'proxy/worker.ts': "import './app'", 'proxy/app.ts': "import 'node:fs'" },
    { 'proxy/worker.ts': "import './routes'", 'proxy/routes/index.ts': "import('fs/promises')" },
  ])('a built-in is seen: %o', (files: Record<string, string>) => {
    expect(builtinsOutsideNode(planted(files))).toHaveLength(1)
  })

  test('the Node entry may use them', () => {
    const files = { 'proxy/node.ts': "import 'node:fs'", 'proxy/worker.ts': "import './app'" }
    expect(builtinsOutsideNode(planted(files))).toEqual([])
  })
})
