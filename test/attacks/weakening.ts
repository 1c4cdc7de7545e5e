/** A defence taken out: what `weaken.js` does to a copy of the sources before it runs the attack. */
export interface Weakening {
  /** Number of the attack, such as `A20`; its tests are named `A20 open redirect: …`. */
  attack: string
  /** What is wrong then, as a sentence for the table. */
  says: string
  changes: readonly Change[]
}

/** Text that stands exactly once in its file, and what stands there instead. */
export interface Change {
  file: string
  from: string
  to: string
}
