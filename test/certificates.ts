/** Certificates as servers have them, good and bad, made by OpenSSL for one test run. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Certificate {
  cert: string
  key: string
}

export type Certificates = ReturnType<typeof makeCertificates>

/** Whom `openssl ca` signs for, which alone can date a certificate back. */
const authority = `
[ca]
default_ca = own
[own]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
[any]
commonName = supplied
`

/** One authority and what it signed, and what nobody did. All but one are for `localhost`. */
export function makeCertificates() {
  const folder = mkdtempSync(join(tmpdir(), 'certificates-'))
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text)
  }
  const read = (name: string) => readFileSync(join(folder, name), 'utf8')
  const run = (...words: string[]) => {
    const { status, stderr, error } = spawnSync('openssl', words, { cwd: folder, encoding: 'utf8' })
    if (status === 0) return
    throw new Error(`openssl ${words[0] ?? ''}: ${error?.message ?? stderr}. Fix: install openssl`)
  }
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const selfSigned = (name: string, ...more: string[]) => {
    const files = ['-keyout', `${name}.key`, '-out', `${name}.pem`]
    run('req', '-x509', ...newKey, '-days', '2', ...more, ...files)
    return { cert: read(`${name}.pem`), key: read(`${name}.key`) }
  }

  function signed(name: string, host: string, dates: string[], by = 'authority'): Certificate {
    const subject = ['-subj', `/CN=${host}`]
    run('req', '-new', ...newKey, ...subject, '-keyout', `${name}.key`, '-out', `${name}.csr`)
    write('names', `subjectAltName=DNS:${host}`)
    const signer = ['-config', 'ca.cnf', '-cert', `${by}.pem`, '-keyfile', `${by}.key`]
    const files = ['-in', `${name}.csr`, '-extfile', 'names', '-out', `${name}.pem`]
    run('ca', '-batch', '-notext', ...signer, ...dates, ...files)
    return { cert: read(`${name}.pem`), key: read(`${name}.key`) }
  }

  write('ca.cnf', authority)
  write('index.txt', '')
  write('index.txt.attr', 'unique_subject = no')
  const forLocalhost = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  selfSigned('authority', '-subj', '/CN=An authority')
  selfSigned('stranger', '-subj', '/CN=Another authority')
  return {
    /** The file that vouches for the authority, for `NODE_EXTRA_CA_CERTS`. */
    authorityFile: join(folder, 'authority.pem'),
    good: signed('good', 'localhost', ['-days', '2']),
    expired: signed('expired', 'localhost', [
      ...['-startdate', '20200101000000Z', '-enddate', '20200102000000Z'],
    ]),
    early: signed('early', 'localhost', [
      ...['-startdate', '20480101000000Z', '-enddate', '20480102000000Z'],
    ]),
    otherHost: signed('other', 'provider.example', ['-days', '2']),
    otherAuthority: signed('foreign', 'localhost', ['-days', '2'], 'stranger'),
    selfSigned: selfSigned('alone', ...forLocalhost),
    remove: () => {
      rmSync(folder, { recursive: true })
    },
  }
}
