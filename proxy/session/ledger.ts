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
  /** It was signed out, and no other seat of the lineage is known to be signed in. */
  deserted: boolean
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
  read(seat: Seat & { generation?: number }): Promise<Standing>
  /**
   * Runs work alone on its lineage: what asks the provider about one pair never overlaps, so that no
   * refresh token is sent twice and no revocation meets a refresh or a sign-in half-way.
   */
  inTurn<T>(lineage: string, work: () => Promise<T>): Promise<T>
  /**
   * A new sign-in enters. Where the lineage shares its tokens with other seats, the fresher pair wins:
   * the one it brings, or the one that replaced it meanwhile.
   */
  join(seat: Seat, tokens: Tokens, shared: boolean): Promise<Latest>
  /** Makes tokens the lineage's latest, as a generation above `after`; a seat that was signed out stays so. */
  publish(seat: Seat, after: number, tokens: Tokens): Promise<Latest>
  /** The provider ended every generation up to this one, for all seats; a newer publish lives. */
  endGrant(seat: Seat, generation: number): Promise<void>
  /** The person ended the lineage: every seat known, for good. A later sign-in takes a new seat. */
  signOutAll(seat: Seat, generation: number): Promise<void>
  /** The person ended this seat, for good. */
  signOut(seat: Seat): Promise<void>
  /** True once per key: for what may be used a single time. Keys are forgotten after `until`. */
  useOnce(key: string, until: number): Promise<boolean>
  /** Whether a key is not known to be used; changes nothing. */
  isUnused(key: string): Promise<boolean>
  /** Whether anything newer than this generation would be known here: false after the ledger was lost. */
  remembers(generation: number): boolean
}
