import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Mebibytes that a process has in memory. */
export function sizeOf(pid: number): number {
  const kilobytes =
    process.platform === 'linux'
      ? /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
      : execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })
  return Math.round(Number(kilobytes) / 1024)
}

/** Looks at its size again and again while something goes on; by how many mebibytes it grew at most. */
export async function growthOf(pid: number, work: () => Promise<unknown>): Promise<number> {
  const before = sizeOf(pid)
  let peak = before
  const look = setInterval(() => (peak = Math.max(peak, sizeOf(pid))), 5)
  try {
    await work()
  } finally {
    clearInterval(look)
  }
  return Math.max(peak, sizeOf(pid)) - before
}
