import { afterAll, beforeAll, expect, test } from 'vitest'
import { findsFault, type Field } from './examine'
import { planted, type Mutant } from './mutants'
import { standIns } from './world'

const session = 'proxy/session'

/** Where most mistakes show. */
const calm: Field = { keeping: 'shared', weather: 'calm' }

const mutants: (Mutant & { field?: Field })[] = [
  {
    name: 'no lock',
    file: `${session}/entry.ts`,
    from: 'lock && lock.owner !== owner && lock.until > now',
    to: 'lock && lock.owner === undefined',
  },
  {
    name: 'a lock without a lease',
    field: {
      keeping: 'shared',
      weather: 'rough',
      focus: { harm: 'kill', isDue: true, browsers: 1, processes: 1 },
    },
    file: `${session}/entry.ts`,
    from: 'lock && lock.owner !== owner && lock.until > now',
    to: 'lock && lock.owner !== owner',
  },
  {
    name: 'a lease shorter than a call',
    file: `${session}/ledger.ts`,
    from: 'const asked = { owner, lease, generation, waitedFor }',
    to: 'const asked = { owner, lease: 3_000, generation, waitedFor }',
  },
  {
    name: 'no result is published',
    file: `${session}/refresher.ts`,
    from: 'const latest = await ledger.publish(signIn, generation, fresh, turn)',
    to: 'const latest = { generation: ledger.now(), tokens: fresh, deserted: false }',
  },
  {
    name: 'one key for all',
    file: `${session}/entries.ts`,
    from: 'return `lineage:${lineage}`',
    to: 'return `lineage:${lineage.slice(0, 0)}`',
  },
  {
    name: 'no tombstone',
    file: `${session}/entry.ts`,
    from: 'return (entry, now) => ({ entry: left(entry, [seat], now), result: undefined })',
    to: 'return () => ({ result: undefined, seat })',
  },
  {
    name: 'a sign-out ends the cookie only',
    file: `${session}/sign-out.ts`,
    from: 'await ledger.signOut(signIn)',
    to: '',
  },
  {
    name: 'a sign-out revokes what others share',
    file: `${session}/sign-out.ts`,
    from: "if (!deserted) return 'kept'",
    to: '',
  },
  {
    name: 'generations are counted',
    field: {
      keeping: 'own memory',
      weather: 'rough',
      focus: { harm: 'kill', kind: 'shared pair', browsers: 2 },
    },
    file: `${session}/entry.ts`,
    from: 'revokedUpTo + 1, now)',
    to: 'revokedUpTo + 1 + 0 * now)',
  },
  {
    name: 'nothing is merged when a store is back',
    field: { keeping: 'shared', weather: 'rough', focus: { harm: 'store lost' } },
    file: `${session}/entries.ts`,
    from: 'const hasMore = mine !== undefined && adds(there, mine, now)',
    to: 'const hasMore = mine !== undefined && now < 0 && adds(there, mine, now)',
  },
  {
    name: 'the ledger is read only when a refresh is due',
    file: `${session}/session.ts`,
    from: 'await ledger.read(opened)\n',
    to: `(opened.tokens.expiresAt ?? 0) - now() > 60_000
      ? { latest: undefined, endedUpTo: 0, signedOut: false }
      : await ledger.read(opened)\n`,
  },
  {
    name: 'a refresh that meets a sign-out leaves an orphan',
    file: `${session}/refresher.ts`,
    from: 'if (latest.deserted && ',
    to: 'if (latest.generation < 0 && ',
  },
  {
    name: 'who waits inherits another’s sign-out',
    field: { ...calm, focus: { kind: 'shared pair', browsers: 2, processes: 1, isDue: true } },
    file: `${session}/entry.ts`,
    from: '{ latest, endedUpTo, deserted, rest }: SeatStanding,\n  generation: number,\n  waitedFor',
    to: '{ latest, endedUpTo, signedOut: deserted, rest }: SeatStanding,\n  generation: number,\n  waitedFor',
  },
  {
    name: 'a lost ledger takes the newer cookie away',
    field: {
      keeping: 'own memory',
      weather: 'rough',
      focus: { harm: 'kill', kind: 'rotating', browsers: 1, most: undefined },
    },
    file: `${session}/session.ts`,
    from: 'if (isOver && ledger.remembers(signIn.generation) && !mayBeBehind(signIn))',
    to: 'if (isOver)',
  },
  {
    name: 'a shared pair is signed in to outside the turn',
    field: { ...calm, focus: { kind: 'shared pair', browsers: 2 } },
    file: 'proxy/routes/login.ts',
    from: 'ledger.inTurn(seat, async (turn) =>\n        begin(c, registration, await password(registration, credentials, turn.guard(ports)), parts),\n      )',
    to: '(async () =>\n        begin(c, registration, await password(registration, credentials, ports), parts))()',
  },
]

let restore: () => void
beforeAll(() => {
  restore = standIns()
})
afterAll(() => {
  restore()
})

const runs = 3000

test('a ledger without a mistake is not noticed', { timeout: 300_000 }, async () => {
  const same = 'mostSpent = 8'
  const system = await planted({ name: '', file: `${session}/entry.ts`, from: same, to: same })
  for (const field of [calm, ...mutants.flatMap((mutant) => mutant.field ?? [])])
    expect(await findsFault(system, field, runs / 5)).toBeUndefined()
})

const rows: string[] = []
afterAll(() => {
  process.stdout.write(
    `${['Mistakes that were planted, and what showed them:', ...rows].join('\n')}\n`,
  )
})

test.each(mutants)(
  'a ledger with a mistake is noticed: $name',
  { timeout: 300_000 },
  async (mutant) => {
    const found = await findsFault(await planted(mutant), mutant.field ?? calm, runs)
    rows.push(`  ${mutant.name}: ${found ? `${found.what} (run ${found.after})` : 'NOT NOTICED'}`)
    expect(found).toBeDefined()
  },
)
