/**
 * A value that must not leave: a token, a password, a client secret. It prints, serialises and
 * inspects as `[secret]`, so it cannot slip into a log, an error or an answer; only `reveal`
 * gives it up, and every call of `reveal` is easy to find.
 */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  reveal(): string {
    return this.#value
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }

  [Symbol.toPrimitive](): string {
    return '[secret]'
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[secret]'
  }
}
