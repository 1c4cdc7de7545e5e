import { expect, test } from 'vitest'
import { networkOf } from '../../proxy/network'

test.each([
  ['203.0.113.7', '203.0.113.7'],
  ['::ffff:203.0.113.7', '203.0.113.7'],
  ['::ffff:cb00:7107', '203.0.113.7'],
  ['0:0:0:0:0:FFFF:cb00:7107', '203.0.113.7'],
  // Of a host that reaches IPv4 by translation (RFC 6052): else all of IPv4 were one network.
  ['64:ff9b::203.0.113.7', '203.0.113.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:0DB8:1:2::ffff', '2001:db8:1:2'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['::1', '0:0:0:0'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
  ['::ffff:999.0.113.7', '::ffff:999.0.113.7'],
  ['1::2::3', '1::2::3'],
  ['', ''],
])('the address %j is of the network %j', (address, network) => {
  expect(networkOf(address)).toBe(network)
})
