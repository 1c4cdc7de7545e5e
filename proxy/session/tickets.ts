import * as v from 'valibot'
import type { Seal } from './seal'

/** Where a ticket stands in an address. */
const parameter = 'latchkey_ticket'

/** How long a page may take to follow the link it asked for; in milliseconds. */
const lifetime = 30_000

/**
 * Leave to ask an API once without our header, where the browser says too little about who asks: bound
 * to one sign-in, one provider and one address.
 */
export interface Ticket {
  seat: string
  /** Random, so that it can be used once. */
  id: string
  until: number
}

const ticketSchema = v.object({
  target: v.string(),
  seat: v.string(),
  id: v.string(),
  until: v.number(),
})

/** The link to this address, good for one use in the next half a minute. */
export async function issueTicket(
  provider: string,
  seat: string,
  asked: URL,
  seal: Seal,
  now: number,
): Promise<{ link: string; until: number }> {
  const target = targetOf(asked)
  const until = now + lifetime
  const content = { target, seat, id: crypto.randomUUID(), until }
  const sealed = await seal.seal('ticket', provider, content, until)
  return { link: `${target}${asked.search ? '&' : '?'}${parameter}=${sealed}`, until }
}

/** The ticket, if it was issued here for this address and has not ended; not yet whether it was used. */
export async function openTicket(
  provider: string,
  sealed: string,
  asked: URL,
  seal: Seal,
): Promise<Ticket | undefined> {
  const read = v.safeParse(ticketSchema, await seal.open('ticket', provider, sealed))
  if (!read.success) return undefined
  const { target, ...ticket } = read.output
  return target === targetOf(asked) ? ticket : undefined
}

/** Under which the ledger knows that a ticket was used. */
export function usedTicketKey({ id }: Ticket): string {
  return `ticket ${id}`
}

/**
 * Takes the ticket out of an address, whose other parameters stay as they were written. Undefined
 * where there is none, or more than one: those may be read in two ways.
 */
export function takeTicket(url: URL): { asked: URL; sealed: string | undefined } {
  if (!url.searchParams.has(parameter)) return { asked: url, sealed: undefined }
  const found: string[] = []
  const kept = url.search
    .slice(1)
    .split('&')
    .filter((pair) => {
      // Behind a "&", or a "?" at its start would be dropped.
      const [[name, value] = ['', '']] = new URLSearchParams(`&${pair}`)
      if (name !== parameter) return true
      found.push(value)
      return false
    })
  const asked = new URL(url)
  asked.search = kept.join('&')
  return { asked, sealed: found.length === 1 ? found[0] : undefined }
}

function targetOf({ pathname, search }: URL): string {
  return pathname + search
}
