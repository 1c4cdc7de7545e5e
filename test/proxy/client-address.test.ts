import { expect, test } from 'vitest'
import { clientAddress } from '../../proxy/client-address'

const peer = '10.0.0.1'

test.each<[string, number, string | null, string]>([
  ['nobody is believed where no proxy is trusted', 0, '203.0.113.7', peer],
  ['one proxy adds at the right', 1, '203.0.113.7', '203.0.113.7'],
  ['what the request brought stands further left', 1, '1.1.1.1, 203.0.113.7', '203.0.113.7'],
  ['two proxies add twice', 2, '1.1.1.1, 203.0.113.7, 10.0.0.2', '203.0.113.7'],
  ['a request that took a shorter way', 2, '203.0.113.7', '203.0.113.7'],
  ['a request that took no proxy', 1, null, peer],
  ['an empty header', 1, '', peer],
  ['an empty entry', 1, '203.0.113.7, ', peer],
  ['a word', 1, 'unknown', peer],
  ['an endless word', 1, 'x'.repeat(10_000), peer],
  ['an address that is none', 1, '999.0.113.7', peer],
  ['IPv6', 1, '2001:db8::1', '2001:db8::1'],
  ['IPv6 in brackets', 1, '[2001:db8::1]', '2001:db8::1'],
  ['IPv6 with a port', 1, '[2001:db8::1]:51000', '2001:db8::1'],
  ['IPv4 with a port', 1, '203.0.113.7:51000', '203.0.113.7'],
  ['blanks', 1, '  203.0.113.7\t', '203.0.113.7'],
])('%s', (_, trusted, header, address) => {
  expect(clientAddress(peer, header, trusted)).toBe(address)
})

test.each(['1'.repeat(60_000), ' '.repeat(60_000) + '1'.repeat(4_000)])(
  'sixty thousand characters cost next to nothing',
  (entry) => {
    const began = performance.now()
    expect(clientAddress(peer, entry, 1)).toBe(peer)
    expect(performance.now() - began).toBeLessThan(50)
  },
)
