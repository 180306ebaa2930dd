import { MillwrightError } from '@millwright/contracts/errors'
import { computeBucket, isInCandidate } from '../routing/split.ts'
import type { Exchange } from './exchange.ts'
import type { SplitMetrics } from './metrics.ts'
import type { Served } from './served.ts'

/** How requests are divided while a rollout is under way. */
export type Split = {
  readonly salt: string
  /** Share of units that the candidate answers, in percent. */
  readonly weight: number
  /** Where a request says whom it is about. */
  readonly header: string
  readonly column: string | undefined
  readonly stable: Served
  readonly candidate: Served
  /** The stable version, for whom nothing says whom it is about. */
  readonly unassigned: Served
  readonly overrides: Readonly<Record<string, Served>>
  readonly requests: SplitMetrics
}

const OVERRIDE_HEADER = 'x-millwright-variant'
export const UNIT_HEADER = 'x-millwright-unit'

/**
 * The version that answers a request: the one its header names, else the one its unit is assigned to. Never by chance.
 * @param unitOf what the body says whom the request is about
 * @throws MillwrightError VALIDATION_FAILED
 */
export function chooseServed(
  split: Split,
  exchange: Pick<Exchange, 'header'>,
  unitOf: (column: string | undefined) => string | undefined,
): Served {
  const asked = exchange.header(OVERRIDE_HEADER)
  if (asked !== undefined) return override(split, asked)
  const { requests, weight } = split
  if (weight === 0) return counted('stable')
  const unit = headerUnit(exchange.header(split.header)) ?? unitOf(split.column)
  if (unit === undefined) return counted('no_unit')
  return counted(isInCandidate(computeBucket(split.salt, unit), weight) ? 'candidate' : 'stable')

  function counted(assignment: 'stable' | 'candidate' | 'no_unit'): Served {
    requests[assignment].value += 1
    return assignment === 'no_unit' ? split.unassigned : split[assignment]
  }
}

function override({ overrides, requests }: Split, asked: string): Served {
  const served = Object.hasOwn(overrides, asked) ? overrides[asked] : undefined
  if (served === undefined) {
    const message = `header ${OVERRIDE_HEADER}: expected ${Object.keys(overrides).join(' or ')}, got ${JSON.stringify(asked.slice(0, 64))}`
    throw new MillwrightError(
      'VALIDATION_FAILED',
      { count: 1 },
      { fields: [{ pointer: '', code: 'unknown_variant', message }] },
    )
  }
  requests.override.value += 1
  return served
}

/** Headers are read as Latin-1; units are UTF-8. */
const headerUnit = (value: string | undefined): string | undefined =>
  value === undefined ? undefined : unitText(Buffer.from(value, 'latin1').toString())

const UNIT_CHARACTERS = 256

/** A value as the text of a unit; undefined when it is none. */
export function unitText(value: unknown): string | undefined {
  const text = typeof value === 'number' ? String(value) : value
  const isUnit = typeof text === 'string' && text.length > 0 && text.length <= UNIT_CHARACTERS
  return isUnit ? text : undefined
}

/** The one unit that all rows have; undefined when they have none, or several. */
export function sharedUnit(values: readonly unknown[]): string | undefined {
  const [first] = values
  return values.every((value) => value === first) ? unitText(first) : undefined
}
