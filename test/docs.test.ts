/** The documents say what the code does; each checker is shown a violation too. */
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseEnv } from 'node:util'
import { describe, expect, test } from 'vitest'
import { createProxy } from '../proxy/app'
import { ConfigError, readConfig } from '../proxy/config'
import { providers } from '../shared/providers'
import { statusOf } from '../shared/wire'
import {
  createGearcode,
  createKonpro,
  createOnesait,
  createOnet,
  createSeznam,
  type Simulator,
} from './simulators'
import { sessionSecret } from './stage'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const filesIn = (folder: string) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .filter((file) => statSync(join(root, file)).isFile())

const documents = new Map(
  ['README.md', 'ARCHITECTURE.md', 'THREATS.md', ...filesIn('docs')]
    .filter((file) => file.endsWith('.md'))
    .map((file) => [file, read(file)]),
)
const documented = (file: string) => documents.get(file) ?? ''

/** What stands between backticks in the text, code blocks left out. */
function quotedIn(markdown: string): string[] {
  return [...prose(markdown).matchAll(/`([^`\n]+)`/g)].map(([, quoted = '']) => quoted)
}

function prose(markdown: string): string {
  return markdown.replace(/^```[^]*?^```$/gm, '')
}

const missing = (wanted: Iterable<string>, from: Iterable<string>) => {
  const there = new Set(from)
  return [...wanted].filter((one) => !there.has(one))
}

/** Every variable that the code asks for, found by listening to it; those it calls unknown are left out. */
function knownVariables(): string[] {
  const asked = new Set<string>()
  const listening = new Proxy<Record<string, string>>(
    { NODE_ENV: 'production', SESSION_SECRETS: sessionSecret },
    {
      get(env, name) {
        if (typeof name === 'string') asked.add(name)
        return Reflect.get(env, name) as string | undefined
      },
    },
  )
  readConfig(listening)
  return [...asked].filter(
    (name) => !faultsOf({ [name]: '1' }).some((fault) => fault.startsWith(`${name} is unknown`)),
  )
}

function faultsOf(env: Record<string, string>): readonly string[] {
  try {
    readConfig(env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
}

describe('the variables', () => {
  const known = knownVariables()
  const isVariable = (name: string) => known.includes(name) || name.includes('_')
  /** Names in capitals, wherever they stand; `switches.DIRECT` and `<PROVIDER>_URL` are other things. */
  const variablesIn = (markdown: string) =>
    [...markdown.matchAll(/(?<![\w.>])[A-Z]+(?:_[A-Z]+)*(?!\w)/g)].map(String).filter(isVariable)
  const example = parseExample(read('.env.example'))

  test('are found in the code', () => {
    expect(known).toEqual(
      expect.arrayContaining(['PORT', 'ONET_SSO_URL', 'GEARCODE_STATELESS', 'SEZNAM_ESSENTIAL']),
    )
    expect(known).not.toContain('KONPRO_CLIENT_SECRET')
  })

  test('all stand in docs/configuration.md', () =>
    expect(missing(known, variablesIn(documented('docs/configuration.md')))).toEqual([]))

  test.each([...documents])('%s names none that the code does not know', (_, markdown) => {
    // The made-up provider that shows how a description looks, and one that Node itself reads.
    const others = ['ACME_CLIENT_ID', 'ACME_URL', 'NODE_EXTRA_CA_CERTS']
    expect(missing(variablesIn(markdown), [...known, ...others])).toEqual([])
  })

  test('all stand in .env.example, and no other', () => {
    // Node's own, and only ever refused.
    const ours = known.filter((name) => name !== 'NODE_TLS_REJECT_UNAUTHORIZED')
    expect(Object.keys(example).sort()).toEqual(ours.sort())
  })

  test('an unknown one, or a missing one, is seen', () => {
    expect(missing(['ONET_URL'], variablesIn('| `ONET_URLS` |'))).toEqual(['ONET_URL'])
    expect(missing(variablesIn('set `ONET_URLS=…`'), known)).toEqual(['ONET_URLS'])
    expect(missing(variablesIn('```sh\nONET_URLS=x\n```'), known)).toEqual(['ONET_URLS'])
  })

  test('.env.example has a comment for each, and no secret', () => {
    const lines = read('.env.example').split('\n')
    for (const line of lines) expect(line).toMatch(/^(?:#.*)?$/)
    expect(
      Object.entries(example).filter(([name, value]) => /SECRET|_ID$/.test(name) && value),
    ).toEqual([])
  })

  test('.env.example is accepted with every line in use, and its values are the defaults', () => {
    const least = Object.fromEntries(
      Object.keys(example)
        .filter((name) => /_CLIENT_(?:ID|SECRET)$/.test(name))
        .map((name) => [name, 'some-credential']),
    )
    const needed = { ...least, SESSION_SECRETS: sessionSecret }
    expect(readConfig({ ...example, ...needed })).toEqual(readConfig(needed))
  })

  test('a value in .env.example that is not the default would be seen', () => {
    expect(readConfig({ PORT: '8788' })).not.toEqual(readConfig({}))
    expect(faultsOf({ ONET_DIRECT: 'yes' })).toHaveLength(1)
  })
})

/** The variables of an example file, as they are once the lines are uncommented. */
function parseExample(text: string): Record<string, string> {
  const lines = text.split('\n').flatMap((line) => /^# ([A-Z][A-Z_]*=.*)$/.exec(line)?.[1] ?? [])
  return Object.fromEntries(
    Object.entries(parseEnv(lines.join('\n'))).map(([name, value]) => [name, value ?? '']),
  )
}

describe('the error codes', () => {
  const rowsOf = (markdown: string) =>
    [...markdown.matchAll(/^\| `([a-z_]+)` \| (\d{3}) \|/gm)].map(([, code, status]) => [
      code,
      Number(status),
    ])
  const inOrder = (rows: unknown[][]) => rows.map(String).sort()

  test('all stand in docs/http.md, with their status, and no other', () =>
    expect(inOrder(rowsOf(documented('docs/http.md')))).toEqual(inOrder(Object.entries(statusOf))))

  test('a wrong status is seen', () =>
    expect(inOrder(rowsOf('| `csrf` | 404 | x |'))).not.toEqual(inOrder([['csrf', statusOf.csrf]])))
})

describe('the routes', () => {
  const fetch = () => Promise.reject(new TypeError('no network'))
  const { routes } = createProxy(readConfig({}), { fetch, now: Date.now, log: () => undefined })
  const isApi = (path: string) => path === '/bff/api/:provider/*'
  const served = new Set(
    routes
      .filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${isApi(path) ? 'ANY' : method} ${path.replace(/(.)\/$/, '$1')}`),
  )
  const written = (markdown: string) =>
    [...markdown.matchAll(/^\| `([A-Z]+ \/[^`?]*)/gm)].map(([, route = '']) => route)

  test('there are some', () => expect(served).toContain('GET /bff/callback/:provider'))

  test('all stand in docs/http.md, and no other', () =>
    expect([...new Set(written(documented('docs/http.md')))].sort()).toEqual([...served].sort()))

  test('one that is not served is seen', () =>
    expect(missing(written('| `GET /bff/tokens` | x |'), served)).toEqual(['GET /bff/tokens']))
})

describe('the commands', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  const commands = Object.keys(scripts)
  const commandsIn = (markdown: string) =>
    [...markdown.matchAll(/\bnpm (?:run ([a-z]+)|(start|test)\b)/g)].map(
      ([, run, short]) => run ?? short ?? '',
    )
  const tableIn = (markdown: string) =>
    commandsIn([...markdown.matchAll(/^\| `npm [^`]*`/gm)].map(String).join('\n'))

  test.each(['README.md', 'docs/development.md'])('all stand in the table of %s', (file) =>
    expect(missing(commands, tableIn(documented(file)))).toEqual([]),
  )

  test.each([...documents.keys()])('%s names none that does not exist', (file) =>
    expect(missing(commandsIn(documented(file)), commands)).toEqual([]),
  )

  test('one that does not exist is seen', () =>
    expect(missing(commandsIn('run `npm run deploy`'), commands)).toEqual(['deploy']))
})

describe('the links', () => {
  const linksIn = (markdown: string) =>
    [...prose(markdown).matchAll(/!?\[[^\]]*\]\(([^)\s]+)\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !/^[a-z]+:/.test(target))

  /** Anchors as GitHub makes them of headings. */
  const anchorsIn = (markdown: string) =>
    [...prose(markdown).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    )

  function deadLinks(file: string, markdown: string): string[] {
    return linksIn(markdown).filter((target) => {
      const [path = '', anchor] = target.split('#')
      const wanted = path === '' ? file : posix.join(dirname(file), path)
      if (!existsSync(join(root, wanted))) return true
      return anchor !== undefined && !anchorsIn(read(wanted)).includes(anchor)
    })
  }

  test.each([...documents])('of %s lead somewhere', (file, markdown) =>
    expect(deadLinks(file, markdown)).toEqual([]),
  )

  test.each(['(nowhere.md)', '(README.md#no-such-heading)', '(#no-such-heading)', '(docs/no.png)'])(
    'a dead one is seen: %s',
    (link) => expect(deadLinks('README.md', `[x]${link}`)).toHaveLength(1),
  )
})

describe('the files', () => {
  const isPath = (word: string) => /^(?:shared|proxy|web|test|docs)\/[\w./-]*$/.test(word)
  const pathsIn = (markdown: string) => quotedIn(markdown).filter(isPath)
  const deadPaths = (markdown: string) =>
    pathsIn(markdown).filter((path) => !existsSync(join(root, path)))

  test.each([...documents])('that %s names exist', (_, markdown) =>
    expect(deadPaths(markdown)).toEqual([]),
  )

  test('of shared and proxy all stand in ARCHITECTURE.md', () =>
    expect(
      missing([...filesIn('shared'), ...filesIn('proxy')], pathsIn(documented('ARCHITECTURE.md'))),
    ).toEqual([]))

  test('every folder of tests stands in docs/development.md', () => {
    const folders = filesIn('test')
      .filter((file) => file.endsWith('.test.ts') && file.split('/').length > 2)
      .map((file) => file.split('/').slice(0, 2).join('/'))
    expect(missing(new Set(folders), pathsIn(documented('docs/development.md')))).toEqual([])
  })

  test('one that does not exist is seen', () =>
    expect(deadPaths('see `proxy/tokens.ts`')).toEqual(['proxy/tokens.ts']))
})

describe('the providers', () => {
  const headingsIn = (markdown: string) =>
    [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading)

  test.each(['README.md', 'docs/configuration.md', 'docs/providers.md'])(
    'each has a section in %s',
    (file) =>
      expect(
        missing(
          providers.map(({ name }) => name),
          headingsIn(documented(file)),
        ),
      ).toEqual([]),
  )

  test('each default origin and redirect URI stands in docs/configuration.md', () => {
    const wanted = providers.flatMap((provider) => [
      provider.origin,
      ...(provider.front ? [provider.front.origin] : []),
      ...('authorize' in provider ? [`<PUBLIC_ORIGIN>/bff/callback/${provider.id}`] : []),
    ])
    expect(missing(wanted, quotedIn(documented('docs/configuration.md')))).toEqual([])
  })

  test('each documented API path stands in docs/configuration.md', () => {
    const paths = providers.flatMap(({ api }) => api?.paths ?? [])
    expect(missing(paths, quotedIn(documented('docs/configuration.md')))).toEqual([])
  })

  const simulators: Simulator[] = [
    createOnet(),
    createKonpro(),
    createOnesait(),
    createGearcode(),
    createSeznam(),
  ]
  test.each(simulators.map((simulator) => [simulator.id, simulator] as const))(
    'who can sign in at the simulated %s, and what can be switched, stands in docs/development.md',
    (_, { users, switches }) => {
      const people = Object.values(users).flatMap(({ login, password }) => [login, password])
      const quoted = quotedIn(documented('docs/development.md'))
      expect(missing([...people, ...Object.keys(switches)], quoted)).toEqual([])
    },
  )
})
