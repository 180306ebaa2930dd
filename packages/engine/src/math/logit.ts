import { log } from './glibc.ts'

/** scipy.special.logit since 1.15: log(p / (1 − p)), and near one half (0.3 … 0.65) log1p(2(p − ½)) − log1p(−2(p − ½)) */
export function logit(p: number): number {
  if (!(p >= 0.3 && p <= 0.65)) return log(p / (1 - p))
  const s = 2 * (p - 0.5)
  return Math.log1p(s) - Math.log1p(-s)
}
