/** What guards the packages and the sources: each guard is seen to see something. */
import { spawnSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'

const at = (file: string) => fileURLToPath(new URL(`../${file}`, import.meta.url))
const lockFile = readFileSync(at('package-lock.json'), 'utf8')
const { scripts } = JSON.parse(readFileSync(at('package.json'), 'utf8')) as {
  scripts: Record<string, string>
}

const folder = mkdtempSync(join(tmpdir(), 'supply-chain-'))
afterAll(() => {
  rmSync(folder, { recursive: true })
})

/** Runs a script, or a package's own, with Node; whether it was content, and what it wrote. */
function run(file: string, words: readonly string[], cwd = at('.')) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [at(file), ...words], {
    cwd,
    encoding: 'utf8',
  })
  return { isContent: status === 0, output: stdout + stderr }
}

describe('the lock file', () => {
  const lint = (lock: string) => {
    const copy = join(folder, 'lock.json')
    writeFileSync(copy, lock)
    return run('node_modules/lockfile-lint/bin/lockfile-lint.js', ['--path', copy])
  }
  const address = 'https://registry.npmjs.org/valibot/-/valibot'

  test('is looked at by npm run check', () => {
    expect(scripts.check).toMatch(/&& lockfile-lint$/)
    expect(lockFile.split(address)).toHaveLength(2)
    expect(lint(lockFile).isContent).toBe(true)
  })

  test.each([
    ['another host', 'https://registry.example/valibot/-/valibot', 'invalid host'],
    ['no TLS', 'http://registry.npmjs.org/valibot/-/valibot', 'invalid protocol'],
    ['another name', 'https://registry.npmjs.org/valibut/-/valibut', 'different name'],
  ])('with an address of %s is refused', (_, instead, reason) => {
    const { isContent, output } = lint(lockFile.replace(address, instead))
    expect(isContent).toBe(false)
    expect(output).toContain(reason)
  })

  test('with a weaker digest is refused', () => {
    const { isContent, output } = lint(lockFile.replace('"sha512-', '"sha1-'))
    expect(isContent).toBe(false)
    expect(output).toContain('invalid integrity')
  })
})

describe('a secret in a file', () => {
  // Put together here, so that none stands in this file.
  const random = (length: number) =>
    Array.from({ length }, (_, index) => 'aZ9bY8cX7d'.charAt((index * 7) % 10)).join('')
  const secrets = {
    'a token of GitHub': `ghp_${random(36)}`,
    'a password in an address': `https://someone:${random(16)}@registry.acme.io/`,
    'a private key': generateKeyPairSync('ec', { namedCurve: 'P-256' })
      .privateKey.export({ type: 'pkcs8', format: 'pem' })
      .toString(),
  }

  /** What `npm run check` runs, in a folder with one file of ours and these. */
  function lint(files: Record<string, string>) {
    const project = mkdtempSync(join(folder, 'sources-'))
    for (const name of ['.secretlintrc.json', '.secretlintignore', '.env.example'])
      copyFileSync(at(name), join(project, name))
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(project, name, '..'), { recursive: true })
      writeFileSync(join(project, name), text)
    }
    const pattern = /secretlint "([^"]+)"/.exec(scripts.check ?? '')?.[1] ?? ''
    const words = ['--secretlintrc', join(project, '.secretlintrc.json'), pattern]
    return run('node_modules/secretlint/bin/secretlint.js', words, project)
  }

  test('is none where there is none', () => {
    expect(lint({ 'proxy/app.ts': 'export const token = 1\n' }).isContent).toBe(true)
  })

  test.each(Object.entries(secrets))('is seen: %s', (_, secret) => {
    const names = ['proxy/app.ts', '.github/workflow.yml', 'docs/a.md', '.env.production']
    const { isContent, output } = lint(
      Object.fromEntries(names.map((name) => [name, `const value = \`${secret}\`\n`])),
    )
    expect(isContent).toBe(false)
    for (const name of names) expect(output).toContain(name)
  })
})

describe('the bill of materials', () => {
  interface Component {
    name: string
    version: string
    purl: string
    'bom-ref': string
    hashes: { alg: string; content: string }[]
  }
  interface Bill {
    bomFormat: string
    specVersion: string
    serialNumber: string
    version: number
    metadata: { component: Component }
    components: Component[]
    dependencies: { ref: string; dependsOn: string[] }[]
  }
  interface Locked {
    version: string
    integrity: string
    dev?: true
    devOptional?: true
  }
  const file = join(folder, 'deep', 'sbom.cdx.json')
  const written = run('test/sbom.js', [file])
  const bill = JSON.parse(readFileSync(file, 'utf8')) as Bill
  const { packages } = JSON.parse(lockFile) as { packages: Record<string, Locked> }

  test('is CycloneDX, about us', () => {
    expect(scripts.sbom).toBe('node test/sbom.js')
    expect(written.isContent).toBe(true)
    expect(bill).toMatchObject({ bomFormat: 'CycloneDX', version: 1 })
    expect(bill.specVersion).toMatch(/^1\.[5-9]$/)
    expect(bill.serialNumber).toMatch(/^urn:uuid:[\da-f-]{36}$/)
    expect(bill.metadata.component).toMatchObject({ name: 'latchkey' })
  })

  test('lists exactly what the lock file has for production, with its digests', () => {
    const wanted = Object.entries(packages)
      .filter(([path, { dev, devOptional }]) => path !== '' && !dev && !devOptional)
      .map(([path, { version, integrity }]) => {
        const digest = Buffer.from(integrity.replace('sha512-', ''), 'base64').toString('hex')
        return `${path.replace(/.*node_modules\//, '')}@${version} ${digest}`
      })
    const listed = bill.components.map(
      ({ name, version, hashes }) =>
        `${name}@${version} ${hashes.map(({ alg, content }) => `${alg === 'SHA-512' ? '' : alg}${content}`).join()}`,
    )
    expect(listed.sort()).toEqual(wanted.sort())
    for (const name of ['hono', 'undici', 'svelte', 'jose'])
      expect(bill.components.map((component) => component.name)).toContain(name)
  })

  test('names each once, and depends on nothing that it does not list', () => {
    const names = bill.components.map((component) => component['bom-ref'])
    expect(new Set(names).size).toBe(names.length)
    const known = [bill.metadata.component['bom-ref'], ...names]
    const referred = bill.dependencies.flatMap(({ ref, dependsOn }) => [ref, ...dependsOn])
    expect(referred.filter((ref) => !known.includes(ref))).toEqual([])
  })
})
