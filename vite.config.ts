import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { getRequestListener } from '@hono/node-server'
import { svelte } from '@sveltejs/vite-plugin-svelte'
import {
  isRunnableDevEnvironment,
  normalizePath,
  runnerImport,
  type BuildEnvironmentOptions,
  type EnvironmentOptions,
  type Plugin,
  type Rolldown,
  type ViteDevServer,
} from 'vite'
import { defineConfig } from 'vitest/config'
import { commonHeaders } from './proxy/headers.ts'
import { proxyOrigin, readDotEnv, stamp, stampFile } from './test/build.js'

/** Where dev's page has the nonce of one answer; Vite knows but one for all. */
const noncePlace = 'latchkey-nonce'

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig(({ command }) => {
  // A test run may start a build, which is none itself.
  const testing = command === 'serve' && process.env.VITEST !== undefined
  if (!testing) readDotEnv()
  return {
    root: testing ? at('.') : at('web'),
    // Vite would otherwise offer the settings in `.env`, secrets among them, to the app's code.
    envDir: false,
    appType: 'custom',
    // In dev styles are elements, which the policy of the page lets in by this.
    html: command === 'serve' ? { cspNonce: noncePlace } : {},
    define: { __PROXY_ORIGIN__: JSON.stringify(proxyOrigin(process.env)) },
    plugins: [
      svelte({ configFile: false }),
      testing ? [] : proxyInDev(),
      headersOfStaticHosts(),
      workerWithoutNode(),
      sizes(),
    ],
    server: {
      host: 'localhost',
      port: Number(process.env.PORT ?? 8787),
      strictPort: true,
      // The proxy decides who may call it, in dev as elsewhere.
      cors: false,
      fs: { allow: [at('web'), at('shared'), at('node_modules')] },
    },
    environments: command === 'build' ? { client: web, node, worker, doctor, demo } : {},
    builder: {
      async buildApp(builder) {
        // Before the build reads them: sources that change meanwhile make it stale.
        const made = stamp(process.env)
        for (const name of ['client', 'node', 'worker', 'doctor', 'demo']) {
          const environment = builder.environments[name]
          if (environment !== undefined) await builder.build(environment)
        }
        writeFileSync(stampFile, made)
      },
    },
    test: {
      include: ['test/**/*.test.ts'],
      globalSetup: [at('test/setup.ts')],
      reporters: ['default', at('test/reporter.ts')],
      allowOnly: false,
      // Most of them wait for servers and browsers: two at a time, also where there are two cores.
      maxWorkers: 2,
      testTimeout: 30_000,
      hookTimeout: 60_000,
    },
  }
})

/** The app: static files for any static host. */
const web: EnvironmentOptions = {
  build: {
    outDir: at('dist/web'),
    emptyOutDir: true,
    // Inlined files would need `data:` in the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
}

/** The whole server in one file that needs no node_modules. */
const node: EnvironmentOptions = {
  consumer: 'server',
  resolve: { noExternal: true },
  build: oneFile('proxy/node.ts', 'dist/proxy/node.js', 'node'),
}

/** The whole proxy as a module worker, for runtimes that have web standards and nothing else. */
const worker: EnvironmentOptions = {
  consumer: 'server',
  keepProcessEnv: false,
  resolve: {
    noExternal: true,
    builtins: [],
    conditions: ['workerd', 'worker', 'browser', 'module', 'production'],
  },
  build: oneFile('proxy/worker.ts', 'dist/proxy/worker.js', 'neutral'),
}

/** `npm run doctor`, beside the server it examines. */
const doctor: EnvironmentOptions = {
  consumer: 'server',
  resolve: { noExternal: true },
  build: oneFile('proxy/doctor.ts', 'dist/proxy/doctor.js', 'node'),
}

/** `npm start` outside production; runs beside node_modules. */
const demo: EnvironmentOptions = {
  consumer: 'server',
  build: oneFile('test/demo.ts', 'dist/demo.js', 'node'),
}

function oneFile(
  source: string,
  output: string,
  platform: 'node' | 'neutral',
): BuildEnvironmentOptions {
  return {
    target: platform === 'node' ? 'node20' : 'es2023',
    outDir: dirname(at(output)),
    emptyOutDir: false,
    copyPublicDir: false,
    // Edge functions are limited in size; on Node a readable stack is worth more.
    minify: platform === 'neutral',
    sourcemap: platform === 'node',
    rolldownOptions: {
      input: at(source),
      platform,
      output: { entryFileNames: basename(output), codeSplitting: false },
    },
  }
}

/** Leaves the headers of the pages beside them, for static hosts that read them from a file. */
function headersOfStaticHosts(): Plugin {
  return {
    name: 'headers-of-static-hosts',
    apply: 'build',
    applyToEnvironment: ({ name }) => name === 'client',
    async writeBundle({ dir = '' }) {
      const source = at('proxy/headers-file.ts')
      const { module } = await runnerImport<typeof import('./proxy/headers-file')>(source)
      const files = readdirSync(dir, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(
          (entry) => `/${relative(dir, join(entry.parentPath, entry.name)).replaceAll('\\', '/')}`,
        )
        .sort()
      const config = module.readPageConfig(process.env)
      writeFileSync(join(dir, '_headers'), module.headersFile(config, files))
    },
  }
}

/** Fails the build of a worker that would not load where there is no Node. */
function workerWithoutNode(): Plugin {
  return {
    name: 'worker-without-node',
    applyToEnvironment: ({ name }) => name === 'worker',
    generateBundle(_, bundle) {
      for (const file of Object.values(bundle)) {
        if (file.type === 'asset') continue
        const needs = [...file.imports, ...file.dynamicImports]
        if (/\b(?:require|createRequire)\s*\(/.test(file.code)) needs.push('require()')
        if (needs.length > 0) this.error(`${file.fileName} needs ${needs.join(', ')}`)
      }
    },
  }
}

/** Prints what a first visit loads and what an edge function weighs. */
function sizes(): Plugin {
  let firstLoad: string[] = []
  return {
    name: 'sizes',
    apply: 'build',
    // One instance for all environments, or the app's files would be forgotten before they are printed.
    sharedDuringBuild: true,
    writeBundle(_, bundle) {
      if (this.environment.name === 'client') firstLoad = filesOfFirstLoad(bundle)
    },
    buildApp: {
      order: 'post',
      handler() {
        const load = firstLoad.map(
          (file) => brotliCompressSync(readFileSync(at(`dist/web/${file}`))).length,
        )
        const bundle = gzipSync(readFileSync(at('dist/proxy/worker.js')), { level: 9 }).length
        const kB = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`
        const total = load.reduce((sum, length) => sum + length, 0)
        console.log(`The app's first load: ${kB(total)} (brotli, ${load.length} files)`)
        console.log(`The worker bundle: ${kB(bundle)} (gzip), no Node built-in in it`)
        return Promise.resolve()
      },
    },
  }
}

/**
 * The page, its scripts and styles: what the entry loads at once (see web/main.ts) belongs to it,
 * what it only names for later, such as the protocol of browser custody, does not.
 */
function filesOfFirstLoad(bundle: Rolldown.OutputBundle): string[] {
  const files = new Set(['index.html'])
  const add = (name: string): void => {
    const chunk = bundle[name]
    if (chunk?.type !== 'chunk' || files.has(name)) return
    files.add(name)
    for (const style of chunk.viteMetadata?.importedCss ?? []) files.add(style)
    chunk.imports.forEach(add)
    if (chunk.isEntry) chunk.dynamicImports.filter(isStart).forEach(add)
  }
  const isStart = (name: string): boolean => {
    const chunk = bundle[name]
    return chunk?.type === 'chunk' && chunk.facadeModuleId === at('web/start.ts')
  }
  Object.entries(bundle).forEach(([name, file]) => {
    if (file.type === 'chunk' && file.isEntry) add(name)
  })
  return [...files]
}

/** In `vite dev`, the proxy on the app's own port, loaded anew when its code changes. */
function proxyInDev(): Plugin {
  // What must outlive a reload of the code, such as the simulators and the session secret.
  const memory = new Map<string, unknown>()
  return {
    name: 'proxy-in-dev',
    apply: 'serve',
    configureServer(server) {
      refuseOtherHosts(server)
      tellBrowsers(server)
      serveProxy(server, memory)
      refuseOtherFiles(server)
      // After Vite's own files.
      return () => servePages(server, memory)
    },
    async closeBundle() {
      const kept = [...memory.values()]
      // The hook runs once for each environment.
      memory.clear()
      for (const part of await Promise.allSettled(kept)) {
        if (part.status === 'fulfilled' && isClosable(part.value)) await part.value.close()
      }
    },
  }
}

function isClosable(part: unknown): part is { close: () => unknown } {
  return (
    typeof part === 'object' && part !== null && 'close' in part && typeof part.close === 'function'
  )
}

/** Dev serves the sources and holds the developer's secrets: never on a network. */
function refuseOtherHosts({ config }: ViteDevServer): void {
  const { host } = config.server
  if (typeof host === 'string' && ['localhost', '127.0.0.1', '::1'].includes(host)) return
  throw new Error(`vite dev listens on localhost only, not on ${String(host)}. Fix: drop --host`)
}

/** The sources too are for this origin's pages alone. */
function tellBrowsers(server: ViteDevServer): void {
  const origin = 'http://localhost'
  const headers = Object.entries(commonHeaders({ publicOrigin: origin, webOrigin: origin }))
  server.middlewares.use((_, outgoing, next) => {
    for (const [name, value] of headers) outgoing.setHeader(name, value)
    next()
  })
}

/**
 * Vite gives out every file that any code has imported, the proxy's own in dev, wherever it lies and
 * also by dot segments: so the folders that it is told of are held to here, before it looks.
 */
function refuseOtherFiles({ middlewares, config }: ViteDevServer): void {
  middlewares.use((incoming, outgoing, next) => {
    const path = decoded(/^[^?#]*/.exec(incoming.originalUrl ?? '')?.[0] ?? '')
    const isUpward = /(?:^|[/\\])\.\.(?:[/\\]|$)/.test(path)
    const [, outside] = /^\/@fs(\/.*)$/s.exec(normalizePath(path)) ?? []
    const isOurs = config.server.fs.allow.some((folder) => outside?.startsWith(`${folder}/`))
    if (!isUpward && (outside === undefined || isOurs)) next()
    else outgoing.writeHead(403).end()
  })
}

/** The text behind percent-encoding; as it is where it is none. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

/** The proxy as its code stands now. */
async function devProxy({ environments: { ssr } }: ViteDevServer) {
  if (!isRunnableDevEnvironment(ssr)) throw new Error('vite dev cannot run the proxy')
  return await ssr.runner.import<typeof import('./test/dev')>(at('test/dev.ts'))
}

function serveProxy(server: ViteDevServer, memory: Map<string, unknown>): void {
  server.middlewares.use((incoming, outgoing, next) => {
    if (!/^\/(?:bff(?:\/|$)|healthz$|readyz$)/.test(pathOf(incoming.originalUrl))) {
      next()
      return
    }
    const address = incoming.socket.remoteAddress ?? ''
    devProxy(server)
      .then(({ handle }) =>
        getRequestListener((request) => handle(request, { memory, address }), {
          overrideGlobalObjects: false,
        })(incoming, outgoing),
      )
      .catch(next)
  })
}

/** The app's page, with the status and the headers that the built product gives it. */
function servePages(server: ViteDevServer, memory: Map<string, unknown>): void {
  server.middlewares.use((incoming, outgoing, next) => {
    if (incoming.method !== 'GET' && incoming.method !== 'HEAD') {
      next()
      return
    }
    const path = pathOf(incoming.originalUrl)
    const nonce = randomBytes(16).toString('base64')
    Promise.all([
      devProxy(server).then(({ pageHead }) => pageHead(path, nonce, { memory })),
      server.transformIndexHtml(path, readFileSync(at('web/index.html'), 'utf8')),
    ])
      .then(([{ status, headers }, html]) => {
        outgoing.writeHead(status, { ...headers, 'content-type': 'text/html; charset=utf-8' })
        outgoing.end(incoming.method === 'HEAD' ? undefined : html.replaceAll(noncePlace, nonce))
      })
      .catch(next)
  })
}

/** The path of a request target, which may be a whole address (RFC 9112 §3.2.2). */
function pathOf(target = '/'): string {
  const address = target.startsWith('/') ? `http://localhost${target}` : target
  return URL.canParse(address) ? new URL(address).pathname : '/'
}
