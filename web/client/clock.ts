/**
 * The time as the proxy has it. A machine's own clock may be an hour off, be set while somebody is
 * signed in, or have gone on while the machine slept: none of that makes a token older or younger.
 */

/** The machine's two clocks, in milliseconds. */
export interface Machine {
  /** Since the epoch, as far as the machine knows; `Date.now()`. */
  wall: () => number
  /** Since some moment, never set by anybody; `performance.now()`. It may stop in sleep. */
  steady: () => number
}

/** How far the two may drift apart before one of them was set or stood still: in milliseconds. */
const tolerance = 5_000

/** A call to the proxy measures the time while it lasts. */
export type Measurement = (date: string | null) => void

/** The machine's clock, corrected by what the `Date` of the proxy's answers says (RFC 9110 §6.6.1). */
export class ServerClock {
  readonly #machine: Machine
  readonly #moved: () => void
  /** What is to be added to the machine's wall clock. */
  #offset = 0
  /** Wall clock less steady clock when the offset was learned; undefined before. */
  #apart: number | undefined
  #asking: Promise<void> | undefined

  /** `moved` is told when the corrected time is another one than before. */
  constructor(machine: Machine, moved: () => void = () => undefined) {
    this.#machine = machine
    this.#moved = moved
  }

  /** Milliseconds since the epoch, by the last offset that is known. */
  now = (): number => this.#machine.wall() + this.#offset

  /** To be called when a call is sent; what it answers takes the answer's `Date`, or null without one. */
  measure(): Measurement {
    const sent = this.#machine.wall()
    const apart = this.#drift()
    return (date) => {
      // A clock that was set on the way, or a machine that slept, measured something else.
      if (Math.abs(this.#drift() - apart) > tolerance) return
      this.#learn(date, sent, this.#machine.wall())
    }
  }

  /**
   * Resolves once `now` can be relied on. Where the machine's clocks drifted apart, `ask` makes one
   * call that measures anew; where no answer comes, the last offset has to do, and it is asked again
   * the next time.
   */
  async settle(ask: () => Promise<unknown>): Promise<void> {
    if (!this.#isDoubtful()) return
    const over = () => {
      this.#asking = undefined
    }
    this.#asking ??= ask().then(over, over)
    await this.#asking
  }

  #learn(date: string | null, sent: number, received: number) {
    const told = Date.parse(date ?? '')
    const before = this.#offset
    // A server that does not tell the time leaves us with the machine's.
    if (!Number.isNaN(told)) {
      // It was written at some moment of the call, and cut to the second.
      const [least, most] = [told - received, told + 1000 - sent]
      this.#offset = this.#isDoubtful()
        ? (least + most) / 2
        : Math.min(Math.max(this.#offset, least), most)
    }
    this.#apart = this.#drift()
    if (this.#offset !== before) this.#moved()
  }

  #isDoubtful(): boolean {
    return this.#apart === undefined || Math.abs(this.#drift() - this.#apart) > tolerance
  }

  #drift(): number {
    return this.#machine.wall() - this.#machine.steady()
  }
}
