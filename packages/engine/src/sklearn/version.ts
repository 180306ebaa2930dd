import type { Estimator } from './estimator.ts'

/** Whether the file was written by a version before this one. One that does not say counts as new. */
export const isBefore = (estimator: Estimator, major: number, minor: number): boolean =>
  estimator.version !== undefined && !isVersion(estimator, major, minor)

/** Whether the file was written by this scikit-learn version or a later one. For rules the data does not show. */
export function isVersion(estimator: Estimator, major: number, minor: number): boolean {
  const parts = /^(\d+)\.(\d+)/.exec(estimator.version ?? '')
  if (parts === null) return false
  const [, fileMajor, fileMinor] = parts.map(Number)
  return fileMajor! > major || (fileMajor === major && fileMinor! >= minor)
}
