import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { providers } from '../../shared/providers'
import { gearcodeJourneys } from './expected/gearcode'
import { konproJourneys } from './expected/konpro'
import { onesaitJourneys } from './expected/onesait'
import { onetJourneys } from './expected/onet'
import { seznamJourneys } from './expected/seznam'
import { firstDifference } from './journey'
import { mutantsOf, type Mutant } from './mutants'

/** Goes through every journey of one provider with these descriptions; see `firstDifference`. */
const judges: Record<string, (list: typeof providers) => Promise<string | undefined>> = {
  onet: (list) => firstDifference('onet', onetJourneys, list),
  konpro: (list) => firstDifference('konpro', konproJourneys, list),
  onesait: (list) => firstDifference('onesait', onesaitJourneys, list),
  gearcode: (list) => firstDifference('gearcode', gearcodeJourneys, list),
  seznam: (list) => firstDifference('seznam', seznamJourneys, list),
}

const file = new URL('../../docs/description-keys.md', import.meta.url)
const rows: string[] = []

describe.each(providers.map((provider) => [provider.id, provider] as const))(
  'the description of %s',
  (id, original) => {
    const judge = judges[id]
    const mutants = mutantsOf(original)
    const keys = [...new Set(mutants.map(({ key }) => key))]

    test('passes every journey as it is', async () => {
      expect(await judge?.(providers)).toBeUndefined()
    })

    test.each(keys)('is not the same without %s', async (key) => {
      const changes = mutants.filter((mutant) => mutant.key === key)
      const steps = await Promise.all(changes.map((mutant) => stepThatCatches(mutant, original.id)))
      const survivors = changes.filter((_, index) => steps[index] === undefined)
      expect(
        survivors.map(({ how }) => `${key} ${how}`),
        'nothing depends on this key: take it out of the description, or describe what it is for',
      ).toEqual([])
      rows.push(`| ${id} | \`${key}\` | ${[...new Set(steps)].join('<br>')} |`)
    })

    async function stepThatCatches({ provider }: Mutant, mutated: string) {
      return await judge?.(providers.map((one) => (one.id === mutated ? provider : one)))
    }
  },
)

test('the table of keys names what each is caught by; UPDATE=1 writes it anew', () => {
  const table = [
    '# The keys of the provider descriptions',
    '',
    'Each key of `shared/providers/`, and the step of a journey in `test/wire/expected/` that no',
    'longer goes as the document has it when the key is changed or removed. Written by',
    '`UPDATE=1 npx vitest run test/wire/mutation`.',
    '',
    '| provider | key | caught by |',
    '| --- | --- | --- |',
    ...rows,
    '',
  ].join('\n')
  if (process.env.UPDATE === '1') writeFileSync(file, table)
  expect(readFileSync(file, 'utf8')).toBe(table)
})
