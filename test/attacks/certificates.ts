/** Certificates as the good and the bad have them, made by openssl in a folder of their own. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Certificate {
  cert: string
  key: string
}

/** An authority of our own; `caFile` is for `NODE_EXTRA_CA_CERTS`. */
export function openAuthority() {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-tls-'))
  const openssl = (...words: string[]) =>
    execFileSync('openssl', words, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  openssl(
    'req',
    '-x509',
    ...newKey,
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-days',
    '9',
    '-subj',
    '/CN=Test',
  )
  const read = (name: string): Certificate => ({
    cert: readFileSync(join(folder, `${name}.pem`), 'utf8'),
    key: readFileSync(join(folder, `${name}.key`), 'utf8'),
  })
  return {
    caFile: join(folder, 'ca.pem'),
    /** Signed by the authority for this host; an end in the past makes it expired. */
    sign(name: string, host: string, days = 9): Certificate {
      writeFileSync(join(folder, `${name}.ext`), `subjectAltName=DNS:${host}`)
      openssl(
        'req',
        ...newKey,
        '-keyout',
        `${name}.key`,
        '-out',
        `${name}.csr`,
        '-subj',
        `/CN=${host}`,
      )
      openssl(
        ...[
          'x509',
          '-req',
          '-in',
          `${name}.csr`,
          '-CA',
          'ca.pem',
          '-CAkey',
          'ca.key',
          '-CAcreateserial',
        ],
        ...['-out', `${name}.pem`, '-days', String(days), '-extfile', `${name}.ext`],
      )
      return read(name)
    },
    /** Signed by nobody else. */
    signItself(name: string, host: string): Certificate {
      const words = ['-days', '9', '-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`]
      openssl('req', '-x509', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.pem`, ...words)
      return read(name)
    },
    close() {
      rmSync(folder, { recursive: true })
    },
  }
}
