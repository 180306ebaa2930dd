import { invalidFields } from '../rows.ts'

const TIMEOUT = /^(\d{1,8})([HMSmun])$/
const MILLISECONDS = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 }
const UNITS = Object.keys(MILLISECONDS).join(' ')
/** Longest time that a timer takes: 24 days. */
const LONGEST_MS = 2 ** 31 - 1

/** The time that a caller gives, in milliseconds. @throws MillwrightError VALIDATION_FAILED */
export function parseTimeout(given: string): number {
  const [, count, unit] = TIMEOUT.exec(given) ?? []
  if (unit === undefined) {
    const message = `grpc-timeout: expected up to 8 digits and one of ${UNITS}, got "${given.slice(0, 32)}"`
    throw invalidFields([{ pointer: '', code: 'wrong_type', message }])
  }
  return Math.min(LONGEST_MS, Number(count) * MILLISECONDS[unit as keyof typeof MILLISECONDS])
}
