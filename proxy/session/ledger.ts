import type { Tokens } from '../../shared/oauth/tokens'

/** The freshest tokens of a lineage. */
export interface Latest {
  generation: number
  tokens: Tokens
}

/** What the ledger knows of a seat in its lineage. */
export interface Standing {
  latest?: Latest | undefined
  /** Every generation up to this one is dead; 0 where the provider has ended nothing. */
  endedUpTo: number
  /** The person signed this seat out. */
  signedOut: boolean
}

/** Which sign-in is asked about, and until when it can matter (milliseconds since the epoch). */
export interface Seat {
  lineage: string
  seat: string
  until: number
}

/**
 * Where a refresh or an end is decided. The cookie is the durable copy of an account's tokens, the
 * ledger the fresher one. Every operation is atomic; times are the ledger's own clock.
 */
export interface Ledger {
  /** What is known of this seat. Read on every request, so that a copied cookie dies with its sign-out. */
  read(seat: Seat): Promise<Standing>
  /**
   * A new sign-in enters. Where the lineage shares its tokens with other seats, the fresher pair wins:
   * the one it brings, or the one that replaced it meanwhile.
   */
  join(seat: Seat, tokens: Tokens, shared: boolean): Promise<Latest>
  /** Makes tokens the lineage's latest, as a generation above `after`. False when the seat has ended and no other lives. */
  publish(seat: Seat, after: number, tokens: Tokens): Promise<Latest | false>
  /** The provider ended every generation up to this one, for all seats; a newer publish lives. */
  endGrant(seat: Seat, generation: number): Promise<void>
  /** The person ended the lineage: every seat known, for good. A later sign-in takes a new seat. */
  signOutAll(seat: Seat, generation: number): Promise<void>
  /** The person ended this seat, for good. Answers whether another seat still needs the tokens. */
  signOut(seat: Seat): Promise<{ latest?: Latest | undefined; othersLive: boolean }>
  /** True once per key: for what may be used a single time. Keys are forgotten after `until`. */
  useOnce(key: string, until: number): Promise<boolean>
  /** Whether a key is not known to be used; changes nothing. */
  isUnused(key: string): Promise<boolean>
  /** Whether anything newer than this generation would be known here: false after the ledger was lost. */
  remembers(generation: number): boolean
}
