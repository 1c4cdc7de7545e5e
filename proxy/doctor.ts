import { ConfigError, readConfig, type Config } from './config'
import { probeLedger } from './doctor/ledger'
import { probe, type Finding } from './doctor/probe'

/** `npm run doctor`: reads the configuration, asks the ledger and each provider, and prints what is wrong with its fix. */
process.exitCode = await examine(process.env, (line) => process.stdout.write(`${line}\n`))

/** Answers the exit code: 0 when nothing is wrong. */
async function examine(env: NodeJS.ProcessEnv, print: (line: string) => void): Promise<number> {
  let config: Config
  try {
    config = readConfig(env)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    for (const fault of error.faults) print(`FAULT  ${fault}`)
    return 1
  }
  print(`ok     the configuration can be read; browsers see ${config.publicOrigin}`)
  for (const warning of config.warnings) print(`note   ${warning}`)
  const registrations = [...config.offers.values()].flatMap(
    ({ registration }) => registration ?? [],
  )
  if (registrations.length === 0)
    print('note   no provider is configured: set <PROVIDER>_CLIENT_ID; see .env.example')

  const ports = {
    fetch: (input: string | URL | Request, init?: RequestInit) => fetch(input, init),
    now: Date.now,
  }
  const findings = await Promise.all([
    ...(config.ledgerUrl ? [probeLedger(config.ledgerUrl)] : []),
    ...registrations.map((registration) => probe(registration, ports)),
  ])
  for (const finding of findings.flat()) print(lineOf(finding))
  return findings.flat().some(({ level }) => level === 'fault') ? 1 : 0
}

function lineOf({ level, about, finding, fix }: Finding): string {
  const mark = level === 'fault' ? 'FAULT ' : level.padEnd(6)
  return `${mark} ${about}: ${finding}${fix === undefined ? '' : `\n       fix: ${fix}`}`
}
