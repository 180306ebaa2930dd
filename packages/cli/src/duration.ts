import { UsageError } from './command.ts'

const SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400 } as const
const DURATION = /^(\d{1,6})([smhd])$/

/** `90d`, `24h`, `30m`, `10s`; `0`. @returns seconds @throws UsageError */
export function parseDuration(text: string, option: string): number {
  if (text === '0') return 0
  const [, count, unit] = DURATION.exec(text) ?? []
  if (count === undefined)
    throw new UsageError(`--${option} takes 10s, 30m, 24h or 90d, got ${JSON.stringify(text)}`)
  return Number(count) * SECONDS[unit as keyof typeof SECONDS]
}
