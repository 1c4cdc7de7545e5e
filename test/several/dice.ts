/** Choices that look like chance and are the same for the same seed. */
export type Dice = ReturnType<typeof createDice>

/** The seed of a run: `SEED` where it is set, so that a run can be repeated. */
export const seed = Number(process.env.SEED ?? 20_261_122)

/** Mulberry32 by Tommy Ettinger: 32 bits of state are plenty for choosing who does what. */
export function createDice(from: number) {
  let state = from >>> 0
  function roll(): number {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (end: number) => Math.floor(roll() * end)
  return {
    /** From 0 up to, and without, this number. */
    below,
    /** One of these; throws where there is none. */
    oneOf: <T>(choices: readonly T[]): T => {
      const at = below(choices.length)
      if (at >= choices.length) throw new Error('nothing to choose from')
      return choices[at] as T // within the bounds
    },
    /** The same in another order. */
    shuffled: <T>(things: readonly T[]): T[] =>
      things
        .map((thing) => ({ thing, place: roll() }))
        .sort((a, b) => a.place - b.place)
        .map(({ thing }) => thing),
  }
}
