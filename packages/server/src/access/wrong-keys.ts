import { isIPv6 } from 'node:net'
import { MillwrightError } from '@millwright/contracts/errors'

export type WrongKeys = {
  /** Counts a key that is not good. @throws MillwrightError TOO_MANY_WRONG_KEYS when an address sent too many */
  note(address: string | undefined): void
}

const WINDOW_MS = 60_000
/** Addresses that are remembered. */
const MOST_ADDRESSES = 4096

/**
 * Who sends `most` wrong keys within a minute is told to stop until it is over. Only wrong keys are looked at: a good one
 * is never refused for what others at its address send.
 */
export function createWrongKeys(most: number, now: () => number = () => performance.now()): WrongKeys {
  const seen = new Map<string, { count: number; readonly until: number }>()
  const countOf = (network: string, at: number) => {
    const known = seen.get(network)
    if (known !== undefined && at < known.until) return known
    const fresh = { count: 0, until: at + WINDOW_MS }
    seen.delete(network)
    seen.set(network, fresh)
    if (seen.size > MOST_ADDRESSES) seen.delete(seen.keys().next().value!)
    return fresh
  }
  return {
    note(address = '') {
      const at = now()
      const window = countOf(networkOf(address), at)
      window.count += 1
      if (window.count <= most) return
      throw new MillwrightError('TOO_MANY_WRONG_KEYS', { waitSeconds: Math.ceil((window.until - at) / 1000) })
    },
  }
}

/** An IPv6 caller has a network of 64 bits to itself; IPv4 comes as `::ffff:192.0.2.7` where both are listened to. */
export function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '')
  if (!isIPv6(plain)) return plain
  const [head = '', tail] = plain.split('::')
  const groups = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const filled =
    tail === undefined ? groups : [...groups, ...Array(8 - groups.length - after.length).fill('0'), ...after]
  return filled.slice(0, 4).join(':')
}
