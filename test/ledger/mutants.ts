import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build, type Rolldown } from 'vite'
import type { System } from './system'

/** A mistake: one place of the code, and what stands there instead. */
export interface Mutant {
  name: string
  file: string
  from: string | RegExp
  to: string
}

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))

/** The system with a mistake in it, as a module of its own. Throws where the place is not there once. */
export async function planted({ file, from, to, name }: Mutant): Promise<System> {
  const path = at(file)
  const places = readFileSync(path, 'utf8').split(from).length - 1
  if (places !== 1) throw new Error(`“${name}”: ${places} places in ${file} read “${String(from)}”`)
  const bundle = await build({
    configFile: false,
    logLevel: 'silent',
    root: at('.'),
    publicDir: false,
    plugins: [
      {
        name: 'mistake',
        enforce: 'pre',
        transform: (code, id) => (id === path ? code.replace(from, () => to) : undefined),
      },
    ],
    ssr: { noExternal: true },
    build: {
      ssr: at('test/ledger/system.ts'),
      write: false,
      minify: false,
      target: 'node20',
      rolldownOptions: { output: { codeSplitting: false } },
    },
  })
  const [{ code }] = (bundle as Rolldown.RolldownOutput).output // one file, not watched
  const url = `data:text/javascript;base64,${Buffer.from(code).toString('base64')}`
  return (await import(/* @vite-ignore */ url)) as System
}
