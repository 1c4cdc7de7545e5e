/** What a store holds under a key. */
export interface Stored {
  /** Absent where there is nothing, or nothing any more. */
  value?: string | undefined
  /** Names this very value, for a swap; the empty string where there is none. */
  version: string
  /** The store's clock, milliseconds since the epoch. */
  now: number
}

/** What is put in place of a value. */
export interface Next {
  value: string
  /** When it may be forgotten: milliseconds since the epoch, on the store's clock. */
  until: number
  /** What may go first where room is short. */
  worth: Worth
}

/**
 * In the order in which they go: `once` anybody can have written, who is nobody here, so it never
 * makes anything else go; `idle` is known elsewhere too; `fresh` may be known to nobody else; without
 * `ended` a copied cookie would be good again.
 */
export type Worth = 'once' | 'idle' | 'fresh' | 'ended'

/**
 * Text under keys, changed by compare-and-swap, one key per operation. It is all that a ledger needs
 * of a database: a map, Redis or a Durable Object can be one. Operations throw `StoreAway` where it
 * cannot be reached, does not answer in time, or refuses.
 */
export interface Store {
  get(key: string): Promise<Stored>
  /** Puts `next` where `version` still names what is there; answers what is there now. */
  swap(key: string, version: string, next: Next): Promise<Stored & { done: boolean }>
  /** A browser has shown that it holds what is kept here; of use where room is short. */
  acknowledge?(key: string): void
  /** When this store began to remember: what was known before is not known here. Undefined while away. */
  bornAt(): number | undefined
  /**
   * When it came back, on the store's clock, for whoever wonders what others may not have told it
   * yet; 0 where it was never away.
   */
  returnedAt(): number
  /** The store's clock as far as it is known, milliseconds since the epoch. */
  now(): number
  /** Told each time the store has come back. */
  onReturn(listener: () => void): void
  close(): Promise<void>
}

/** The store did not do what it was asked, or nobody knows whether it did. */
export class StoreAway extends Error {
  override readonly name = 'StoreAway'
}
