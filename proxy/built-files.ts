import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { extname, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync } from 'node:zlib'
import type { BuiltFile } from './pages'

const types: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
}

/**
 * Reads the built app into memory once, plain and compressed. A request's path is only ever looked up
 * among these names, so that no spelling of it reaches another file.
 */
export async function readBuiltFiles(directory: URL): Promise<BuiltFile | undefined> {
  const root = fileURLToPath(directory)
  if (!existsSync(root)) return undefined
  const files = new Map<string, { plain: Buffer; small: Buffer; type: string }>()
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const type = types[extname(entry.name)]
    if (!entry.isFile() || type === undefined) continue
    const full = `${entry.parentPath}${sep}${entry.name}`
    const path = `/${relative(root, full).split(sep).join('/')}`
    const plain = await readFile(full)
    files.set(path === '/index.html' ? '/' : path, {
      plain,
      small: brotliCompressSync(plain),
      type,
    })
  }
  return (path, request) => {
    const file = files.get(path)
    if (!file) return Promise.resolve(undefined)
    const isSmall = /\bbr\b/.test(request.headers.get('accept-encoding') ?? '')
    const headers = new Headers({ 'content-type': file.type, vary: 'accept-encoding' })
    if (isSmall) headers.set('content-encoding', 'br')
    const bytes = new Uint8Array(isSmall ? file.small : file.plain)
    return Promise.resolve(new Response(bytes, { headers }))
  }
}
