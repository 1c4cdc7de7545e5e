/** Many requests on many connections, as fast as they are answered. */
import { connect } from 'node:net'
import { AnswerReader } from './answer-reader'

/** One request as its bytes go out. */
export interface Shot {
  bytes: Buffer
  method: string
  /**
   * Nobody can say what a server reads in it, or whether it then reads on: the last one on its connection.
   */
  isWild: boolean
}

export interface Tally {
  /** Requests that were answered, or whose connection was closed over them. */
  done: number
  /** How many by status; 0: closed without a word. */
  statuses: Map<number, number>
  /** The first request of each status, and how many were done before it. */
  firsts: Map<number, { after: number; request: string }>
}

/** Milliseconds that a server may take to say something to a request that it may still wait for. */
const patience = 120
/** Milliseconds in which a server that is alive says something. */
const limit = 60_000

/** Sends what `next` makes until so many are done, over this many connections at a time. */
export async function fire(
  port: number,
  next: () => Shot[],
  until: number,
  tally: Tally,
  width = 24,
): Promise<void> {
  const lane = async () => {
    while (tally.done < until) await sendAll(port, next(), tally)
  }
  await Promise.all(Array.from({ length: width }, lane))
}

export const emptyTally = (): Tally => ({ done: 0, statuses: new Map(), firsts: new Map() })

/** One connection: all at once, and then the answers. What a connection ends before does not count. */
function sendAll(port: number, shots: readonly Shot[], tally: Tally): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    let at = 0
    let timer = setTimeout(giveUp, limit)
    function giveUp() {
      socket.destroy()
      reject(new Error(`not answered: ${shots[at]?.bytes.toString('latin1').slice(0, 2000)}`))
    }
    const note = (status: number) => {
      const shot = shots[at++]
      if (!shot) return
      tally.statuses.set(status, (tally.statuses.get(status) ?? 0) + 1)
      if (!tally.firsts.has(status))
        tally.firsts.set(status, { after: tally.done, request: shot.bytes.toString('latin1') })
      tally.done++
      clearTimeout(timer)
      const following = shots[at]
      if (!following) socket.destroy()
      else if (following.isWild) timer = setTimeout(() => socket.destroy(), patience)
      else timer = setTimeout(giveUp, limit)
    }
    const reader = new AnswerReader(() => shots[at]?.method ?? 'GET', note)
    socket.on('data', (chunk) => reader.read(chunk))
    socket.on('error', () => undefined) // a reset is a close
    socket.on('close', () => {
      clearTimeout(timer)
      // A wild one that was cut off is done; an orderly one behind it was never read.
      if (shots[at]?.isWild) note(0)
      resolve()
    })
    if (shots[0]?.isWild) {
      clearTimeout(timer)
      timer = setTimeout(() => socket.destroy(), patience)
    }
    socket.write(Buffer.concat(shots.map(({ bytes }) => bytes)))
  })
}
