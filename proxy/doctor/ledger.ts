import type { Secret } from '../../shared/secret'
import type { Log } from '../log'
import { openRedisStore } from '../session/redis-store'
import type { Finding } from './probe'

const about = { about: 'ledger' }

/** Looks whether the shared ledger answers, takes what it is given, and keeps it. */
export async function probeLedger(url: Secret): Promise<Finding[]> {
  let code = 'closed'
  const notes: Finding[] = []
  const log: Log = (level, event, fields) => {
    if (fields?.code !== undefined) code = String(fields.code)
    else if (level === 'warning') notes.push({ ...about, level: 'note', finding: event })
  }
  const store = await openRedisStore(url, { log })
  const isThere = store.bornAt() !== undefined
  await store.close()
  return isThere
    ? [{ ...about, level: 'ok', finding: 'Redis answers and can be written to' }, ...notes]
    : [{ ...about, level: 'fault', finding: `Redis is of no use here (${code})`, fix: fixOf(code) }]
}

function fixOf(code: string): string {
  if (['NOAUTH', 'WRONGPASS'].includes(code))
    return 'check name and password in LEDGER_URL; percent-encode what is no letter or digit'
  if (code === 'NOPERM')
    return 'allow the user EVAL, EVALSHA, GET, SET, DEL, PTTL, TIME, INCRBY, EXPIRE, MULTI and EXEC, and keys that begin with latchkey:'
  if (['OOM', 'MISCONF'].includes(code)) return 'give Redis more room: it takes nothing more'
  if (code === 'READONLY') return 'name the primary in LEDGER_URL: this is a replica'
  if (code === 'LOADING') return 'wait until Redis has read its data, then run this again'
  if (code === 'ERR')
    return 'check the database number in LEDGER_URL, and that it is Redis 6.2 or newer, or Valkey'
  if (/CERT|SIGNED|UNABLE_TO|TLS|SSL|EPROTO/.test(code))
    return 'check that LEDGER_URL begins with rediss: where Redis speaks TLS and with redis: where not, that its host is the one in the certificate, and name a CA of your own in NODE_EXTRA_CA_CERTS'
  return 'check host and port in LEDGER_URL, rediss: for TLS, that Redis runs there, and any firewall between'
}
