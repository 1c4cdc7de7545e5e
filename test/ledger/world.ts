import { createHash, createHmac } from 'node:crypto'

/** Something that can be killed and can stall: what waits for it goes on only while it lives. */
export interface Party {
  name: string
  isAlive: boolean
  isStalled: boolean
}

/** Something on its way: it goes on when the schedule says so, or when it cannot take any longer. */
interface Gate {
  label: string
  /** Whose gate it is; what is already on the wire is nobody's. */
  party: Party | undefined
  deadline: number
  open: () => void
}

interface Timer {
  at: number
  party: Party | undefined
  fire: () => void
}

/** Later than any date that a cookie's life or Redis's real clock reaches while the tests run. */
const morning = Date.UTC(2035, 4, 7, 8)

/**
 * Time and order. All that is asynchronous waits at a gate or at a timer of this clock; between two of
 * them the code under test runs until it waits again. So an order of gates is a whole interleaving.
 */
export class World {
  now = morning
  /** What happened, for whoever wants to read it. */
  readonly story: string[] = []
  isTold = false
  #gates: Gate[] = []
  #timers: Timer[] = []
  /** Work of the real world under way, such as a trip to Redis. */
  #real = 0

  tell(event: () => string): void {
    if (!this.isTold) return
    const time = ((this.now - morning) / 1000).toFixed(3).padStart(10)
    this.story.push(`${time} s  ${event()}`)
  }

  /** Waits for the schedule. Where the party has died, for ever. */
  async gate(label: string, party?: Party, deadline = Infinity): Promise<void> {
    await new Promise<void>((open) => {
      if (party?.isAlive !== false) this.#gates.push({ label, party, deadline, open })
    })
  }

  /** Calls back when this clock is there; answers how to take that back. */
  timer(ms: number, fire: () => void, party?: Party): () => void {
    const timer = { at: this.now + Math.max(ms, 0), party, fire }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer)
    }
  }

  async sleep(ms: number, party: Party): Promise<void> {
    await new Promise<void>((resolve) => this.timer(ms, resolve, party))
  }

  /** Lets the real world do something, on its own clock. */
  async real<T>(work: () => Promise<T>): Promise<T> {
    this.#real++
    running = undefined
    try {
      return await work()
    } finally {
      this.#real--
      runs(this)
    }
  }

  /** Does something, and lets everybody run until all wait again. */
  async step(work: () => void): Promise<void> {
    runs(this)
    work()
    // Everything between two gates is done by microtasks; see `standIns`.
    do await new Promise((resolve) => setImmediate(resolve))
    while (this.#real > 0)
    running = undefined
  }

  /** Opens one of the gates that can open; false where there is none. */
  async open(pick: number): Promise<boolean> {
    const gate = this.#ready[pick % Math.max(this.#ready.length, 1)]
    if (!gate) return false
    await this.#pass(gate)
    return true
  }

  /** Opens one gate after the other, first come, first served, until none is left. */
  async flow(): Promise<void> {
    for (let isMore = true; isMore;) isMore = await this.open(0)
  }

  /** The same, while one of them stays shut. */
  async flowPast(pick: number): Promise<void> {
    const shut = this.#ready[pick % Math.max(this.#ready.length, 1)]
    for (;;) {
      const gate = this.#ready.find((one) => one !== shut)
      if (!gate) return
      await this.#pass(gate)
    }
  }

  get #ready(): Gate[] {
    return this.#gates.filter(({ party }) => !party?.isStalled)
  }

  async #pass(gate: Gate): Promise<void> {
    this.#gates = this.#gates.filter((one) => one !== gate)
    this.tell(() => gate.label)
    await this.step(gate.open)
  }

  /** Time passes. What comes due on the way happens on the way. */
  async pass(ms: number): Promise<void> {
    const end = this.now + ms
    for (;;) {
      const timer = first(this.#timers, ({ at }) => at)
      const gate = first(this.#gates, ({ deadline }) => deadline)
      if (gate && gate.deadline <= end && gate.deadline <= (timer?.at ?? Infinity)) {
        this.now = Math.max(this.now, gate.deadline)
        await this.#pass(gate)
      } else if (timer && timer.at <= end) {
        this.now = Math.max(this.now, timer.at)
        this.#timers = this.#timers.filter((one) => one !== timer)
        await this.step(timer.fire)
      } else break
    }
    this.now = end
  }

  /** When something next comes due; Infinity where nothing does. */
  get nextDue(): number {
    return Math.min(
      first(this.#timers, ({ at }) => at)?.at ?? Infinity,
      first(this.#gates, ({ deadline }) => deadline)?.deadline ?? Infinity,
    )
  }

  /** Forgets what waits for a party that died. */
  bury(party: Party): void {
    this.#gates = this.#gates.filter((gate) => gate.party !== party)
    this.#timers = this.#timers.filter((timer) => timer.party !== party)
  }
}

/** What the dead wait for. */
export function never<T>(): Promise<T> {
  return new Promise(() => undefined)
}

/** The earliest of those that can happen; the first of equals. */
function first<T extends { party: Party | undefined }>(
  all: readonly T[],
  when: (one: T) => number,
): T | undefined {
  let found: T | undefined
  for (const one of all)
    if (!one.party?.isStalled && (!found || when(one) < when(found))) found = one
  return found
}

/** The world whose code runs at this moment. */
let running: World | undefined

function runs(world: World | undefined): void {
  running = world
}

/**
 * Puts a world's clock in the place of timers, and answers by microtask in the place of
 * `crypto.subtle`, whose thread pool would finish in an order of its own. The answers are the same.
 * What runs outside a world is not touched. Answers how to end it.
 */
export function standIns(): () => void {
  const { setTimeout: realTimeout, clearTimeout: realClear } = globalThis
  const realSignal = AbortSignal.timeout.bind(AbortSignal)
  const { subtle } = crypto
  const pending = new Map<unknown, () => void>()

  const timeout = (fire: () => void, ms = 0): unknown => {
    if (!running) return realTimeout(fire, ms)
    const id = { unref: () => id, ref: () => id }
    const cancel = running.timer(ms, () => {
      pending.delete(id)
      fire()
    })
    pending.set(id, cancel)
    return id
  }
  const clear = (id: unknown): void => {
    const cancel = pending.get(id)
    if (!cancel) {
      realClear(id as NodeJS.Timeout | undefined)
      return
    }
    pending.delete(id)
    cancel()
  }
  const signal = (ms: number): AbortSignal => {
    if (!running) return realSignal(ms)
    const controller = new AbortController()
    running.timer(ms, () => {
      controller.abort(new DOMException('it took too long', 'TimeoutError'))
    })
    return controller.signal
  }
  const stubs = {
    digest: (_algorithm: string, bytes: Uint8Array) =>
      Promise.resolve(bufferOf(createHash('sha256').update(bytes).digest())),
    importKey: (_format: string, key: Uint8Array) => Promise.resolve(key),
    sign: (_algorithm: string, key: Uint8Array, bytes: Uint8Array) =>
      Promise.resolve(bufferOf(createHmac('sha256', key).update(bytes).digest())),
  }

  Object.assign(globalThis, { setTimeout: timeout, clearTimeout: clear })
  Object.assign(AbortSignal, { timeout: signal })
  Object.defineProperties(subtle, own(stubs))
  return () => {
    Object.assign(globalThis, { setTimeout: realTimeout, clearTimeout: realClear })
    Object.assign(AbortSignal, { timeout: realSignal })
    for (const name of Object.keys(stubs)) Reflect.deleteProperty(subtle, name)
  }
}

function own(functions: object): PropertyDescriptorMap {
  return Object.fromEntries(
    Object.entries(functions).map(([name, value]: [string, unknown]) => [
      name,
      { value, configurable: true },
    ]),
  )
}

function bufferOf(bytes: Buffer): ArrayBuffer {
  return new Uint8Array(bytes).buffer
}
