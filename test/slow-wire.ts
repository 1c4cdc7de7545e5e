/** A wire between a client and a server that a test makes slow, mute or cuts. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export type SlowWire = Awaited<ReturnType<typeof startSlowWire>>

/** Listens on a free port of loopback and carries every connection on to `port`. */
export async function startSlowWire(port: number) {
  const pairs = new Set<readonly [Socket, Socket]>()
  /** Those that carry nothing any more. */
  const stranded = new WeakSet<Socket>()
  const held: (() => void)[] = []
  let delay = 0
  let isMute = false
  let isCut = false
  let arrivals = 0

  /** In order: what comes later never leaves earlier, even where the delay was shortened. */
  function carry(from: Socket, to: Socket): void {
    let last = Promise.resolve()
    const pass = (act: () => void) => {
      const due = new Promise((resolve) => setTimeout(resolve, delay))
      last = last.then(async () => {
        await due
        if (isMute) await new Promise<void>((resolve) => held.push(resolve))
        if (!to.destroyed && !stranded.has(to)) act()
      })
    }
    from.on('data', (chunk) => {
      pass(() => to.write(chunk))
    })
    from.on('end', () => {
      pass(() => to.end())
    })
  }

  const server = createServer({ allowHalfOpen: true }, (near) => {
    arrivals += 1
    if (isCut) {
      near.destroy()
      return
    }
    const far = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    const pair = [near, far] as const
    pairs.add(pair)
    for (const socket of pair) {
      socket.setNoDelay(true)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => {
        pairs.delete(pair)
        for (const other of pair) other.destroy()
      })
    }
    carry(near, far)
    carry(far, near)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  function drop(): void {
    for (const pair of pairs) for (const socket of pair) socket.destroy()
  }
  function letGo(): void {
    isMute = false
    for (const go of held.splice(0)) go()
  }

  return {
    port: (server.address() as AddressInfo).port, // a TCP server's address is never a string
    /** How many connections were tried so far. */
    arrivals: () => arrivals,
    /** Milliseconds that everything takes from now on, each way. */
    slow(milliseconds: number) {
      delay = milliseconds
    },
    /** Connections are there and carry nothing, until `mend`. */
    hang() {
      isMute = true
    },
    /** The connections of now stay open and carry nothing any more; a new one works. */
    strand() {
      for (const pair of pairs) for (const socket of pair) stranded.add(socket)
    },
    /** Every connection ends, and each new one at once, until `mend`. */
    cut() {
      isCut = true
      drop()
    },
    /** Every connection ends; a new one works. */
    drop,
    /** Fast, open, talking. */
    mend() {
      delay = 0
      isCut = false
      letGo()
    },
    async close() {
      letGo()
      drop()
      server.close()
      await once(server, 'close')
    },
  }
}
