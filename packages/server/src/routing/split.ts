import { hash } from 'node:crypto'

/**
 * Where a unit stands between two versions: a number in [0, 1) that depends on nothing but salt and unit, so that every
 * gateway, restart and language agrees without asking anyone.
 *   bucket = (first 64 bits of SHA-256 of the UTF-8 text `salt:unit`, big-endian, >> 11) / 2^53
 * 53 bits are all that a double holds, so the division is exact. The salt has no colon.
 */
export function computeBucket(salt: string, unit: string): number {
  const digest = hash('sha256', `${salt}:${unit}`, 'hex')
  const high = Number.parseInt(digest.slice(0, 8), 16)
  const low = Number.parseInt(digest.slice(8, 16), 16)
  return (high * 2 ** 21 + (low >>> 11)) / 2 ** 53
}

/**
 * The candidate answers for a unit below its weight: who is in at 5 % is in at 10 %.
 * @param weight share of all units, in percent
 */
export const isInCandidate = (bucket: number, weight: number): boolean => bucket < weight / 100
