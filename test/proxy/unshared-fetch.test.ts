import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { unsharedFetch } from '../../proxy/unshared-fetch'
import { sleep } from '../../shared/oauth/ports'

test('an answer too many of a provider reaches nobody', async () => {
  const answer = (body: string) =>
    `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  let asked = 0
  const provider = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', () => {
      const mine = `person ${asked++}`
      socket.write(answer(mine))
      // While the next person may be waiting on the same connection.
      setTimeout(() => socket.write(answer(`more of ${mine}`)), 3)
    })
  }).listen(0, '127.0.0.1')
  await once(provider, 'listening')
  const { port } = provider.address() as AddressInfo // it listens at a port

  const told: string[] = []
  for (let person = 0; person < 20; person++) {
    told.push(await (await unsharedFetch(`http://127.0.0.1:${port}/`)).text())
    await sleep(person % 6)
  }
  provider.close()
  expect(told).toEqual(told.map((_, person) => `person ${person}`))
})
