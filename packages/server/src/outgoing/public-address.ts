import { BlockList, isIP } from 'node:net'

/** Networks of IPv4 that are no one's on the internet: this machine, its neighbours, its cloud's metadata. */
const NOT_PUBLIC: readonly (readonly [network: string, bits: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
]
/** Of IPv6 one network is public; in it are those that stand for other addresses, or for none. */
const PUBLIC6 = ['2000::', 3] as const
const NOT_PUBLIC6: readonly (readonly [network: string, bits: number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
]

const refused = new BlockList()
for (const [network, bits] of NOT_PUBLIC) refused.addSubnet(network, bits, 'ipv4')
for (const [network, bits] of NOT_PUBLIC6) refused.addSubnet(network, bits, 'ipv6')
const taken = new BlockList()
taken.addSubnet(...PUBLIC6, 'ipv6')

/** Whether an address is one of the internet. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address)
  if (family === 4) return !refused.check(address, 'ipv4')
  return family === 6 && taken.check(address, 'ipv6') && !refused.check(address, 'ipv6')
}
