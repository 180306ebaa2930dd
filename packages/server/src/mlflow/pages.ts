import { invalid } from '../tracking/errors.ts'

/** @throws MlflowError INVALID_PARAMETER_VALUE for a size of a page that is none */
export function assertPageSize(size: number, most: number): number {
  const wrong = `Invalid value ${size} for parameter 'max_results' supplied.`
  if (size < 1) throw invalid(`${wrong} It must be a positive integer`)
  if (size > most) throw invalid(`${wrong} It must be at most ${most}`)
  return size
}
