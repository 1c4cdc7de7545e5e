import { setTimeout as wait } from 'node:timers/promises'
import type { WireEntry } from '../simulators'
import { ConnectionCut } from '../simulators/fault'
import { listen } from '../simulators/listen'
import { startProcesses } from '../processes'
import { startRedis } from '../redis'
import type { Dice } from './dice'
import { startResourceServer } from './resource-server'
import { clock, watch } from './witness'

/** When a process is killed: whenever, as a refresh of its arrives at the provider, as the answer leaves. */
export type Moment = 'random' | 'arrival' | 'answer'

export interface Kill {
  at: number
  /** Milliseconds since the epoch. */
  time: number
  moment: Moment
}

export type Targets = Awaited<ReturnType<typeof startTargets>>

/**
 * Three processes with one Redis, which are killed with SIGKILL and come back. Their GearCode thinks
 * for a moment, and carries nothing out for a process that has died meanwhile: what is lost after
 * that is lost between its answer and the ledger's write.
 */
export async function startTargets(path: string, dice: Dice) {
  const redis = await startRedis({ path })
  let issued: ReadonlySet<string> = new Set()
  const resources = await startResourceServer((token) => issued.has(token))
  const processes = await startProcesses({
    ledgerUrl: redis.url,
    env: { GEARCODE_API_URL: resources.origin, GEARCODE_API_PATHS: '/v1' },
    // Due after ten seconds, and good for one use: a second one ends the login.
    switches: { gearcode: { rotate: true, reuseDetection: true, expiresIn: 70 } },
  })
  const { gearcode } = processes.simulators
  issued = gearcode.issued
  const handler = gearcode.hosts.main
  if (!handler) throw new Error('the provider has no such host')
  // A door of its own for each process, to know to whom the provider answers.
  const every = Array.from({ length: processes.count }, (_, at) => at)
  const doors = await Promise.all(every.map(() => listen(handler, '127.0.0.1', 0)))
  const processOf = ({ headers }: WireEntry) =>
    doors.findIndex((door) => new URL(door.origin).host === headers.host)
  const restart = (at: number) => processes.restart(at, { GEARCODE_URL: doors[at]?.origin ?? '' })
  await Promise.all(every.map(restart))

  const kills: Kill[] = []
  const returns: Promise<void>[] = []
  let aim: Moment | undefined
  const isAiming = () => aim !== undefined
  const running = () => every.filter((at) => processes.isRunning(at))

  function kill(at: number, moment: Moment): void {
    if (!processes.isRunning(at)) return
    if (moment === aim) aim = undefined
    kills.push({ at, time: clock(), moment })
    returns.push(processes.kill9(at).then(() => restart(at)))
  }

  gearcode.before = async (operation, entry) => {
    if (operation !== 'refresh') return
    const at = processOf(entry)
    const life = processes.isRunning(at) ? kills.length : -1
    if (aim === 'arrival') kill(at, aim)
    await wait(dice.below(30))
    if (life < 0 || kills.slice(life).some((one) => one.at === at)) throw new ConnectionCut()
  }
  const witness = await watch(gearcode, redis.port, processOf)
  witness.onRenewal(({ to }) => {
    if (aim === 'answer') kill(to, aim)
  })

  return {
    processes,
    gearcode,
    witness,
    kills,
    /** Where a load balancer sends somebody: to a process that it takes for running. */
    async somewhere(): Promise<number> {
      while (running().length === 0) await wait(20)
      return dice.oneOf(running())
    },
    /** Kills one of them, while another one runs; done when it was hit. */
    async shoot(moment: Moment): Promise<void> {
      while (running().length < 2) await wait(10)
      if (moment === 'random') {
        await wait(dice.below(60))
        kill(dice.oneOf(running()), moment)
        return
      }
      aim = moment
      while (isAiming()) await wait(2)
    },
    /** Until all that were killed are back. */
    async standing(): Promise<void> {
      await Promise.all(returns)
    },
    async close(): Promise<void> {
      await Promise.allSettled(returns)
      witness.close()
      await processes.close()
      await Promise.all([resources, ...doors].map((one) => one.close()))
      await redis.stop()
    },
  }
}
