import type { Estimator } from './estimator.ts'
import { findFamily } from './support.ts'
import { PRIVATE_ATTRIBUTES, VERIFIED, VERSIONS } from './verified.ts'

/** Runs of versions, `0.20-1.9`, by public class name. */
const RUNS: ReadonlyMap<string, string> = new Map(
  VERIFIED.flatMap(([runs, classes]) => classes.split(' ').map((name) => [`sklearn.${name}`, runs] as const)),
)

const OLDEST = VERSIONS[0]!
const NEWEST = VERSIONS.at(-1)!

/** Versions of scikit-learn in which the answers of a class were compared with the library's own; '' when in none. */
export const verifiedRuns = (name: string): string => RUNS.get(name) ?? ''

type Standing = 'verified' | 'not compared' | 'newer' | 'older' | 'unknown'

function standingOf(estimator: Estimator): Standing {
  const { version } = estimator
  const [minor] = /^\d+\.\d+/.exec(version ?? '') ?? []
  if (minor === undefined) return 'unknown'
  if (!VERSIONS.includes(minor)) {
    if (comparable(minor) > comparable(NEWEST)) return 'newer'
    return comparable(minor) < comparable(OLDEST) ? 'older' : 'not compared'
  }
  return isIn(verifiedRuns(estimator.name), minor) ? 'verified' : 'not compared'
}

function isIn(runs: string, minor: string): boolean {
  return runs.split(' ').some((run) => {
    const [first = '', last = first] = run.split('-').map(comparable)
    return first !== '' && first <= comparable(minor) && comparable(minor) <= last
  })
}

/** `1.10` after `1.9`. */
const comparable = (minor: string): string => minor.replace(/\d+/g, (digits) => digits.padStart(4, '0'))

/**
 * A fitted attribute with a leading underscore, in a file of a version nobody compared, that no compared version writes:
 * it could change a number.
 */
export const isUnseenAttribute = (estimator: Estimator, key: string): boolean =>
  key.startsWith('_') &&
  !key.startsWith('__') &&
  !PRIVATE_ATTRIBUTES.has(key) &&
  standingOf(estimator) === 'newer'

const WHY: Readonly<Record<Exclude<Standing, 'verified'>, string>> = {
  newer: `newer than ${NEWEST}, the newest that was compared; every fitted attribute is known`,
  older: `older than ${OLDEST}, the oldest that was compared; every fitted attribute is known`,
  'not compared': 'in which they were not compared with the library; every fitted attribute is known',
  unknown: `of an unknown version, read as ${NEWEST}`,
}

/** What people should know about the versions of scikit-learn that wrote these estimators; empty when all were compared. */
export function unverifiedNotes(estimators: readonly Estimator[]): string[] {
  const ours = estimators.filter(({ name }) => name.startsWith('sklearn.') && findFamily(name) !== undefined)
  const groups = Map.groupBy(ours, (estimator) => `${standingOf(estimator)}|${estimator.version ?? ''}`)
  return [...groups].flatMap(([key, members]) => {
    const [standing, version] = key.split('|') as [Standing, string]
    if (standing === 'verified') return []
    const names = [...new Set(members.map(({ name }) => name.split('.').at(-1)!))].join(', ')
    return [`unverified version: ${names} of scikit-learn ${version || '?'}, ${WHY[standing]}`]
  })
}
