import type { Db } from '../db/database.ts'
import { type Metric, numberOf } from './metrics.ts'

export type SeriesQuery = {
  readonly key: string
  /** First and last step, both included; undefined: all. */
  readonly steps: readonly [first: number, last: number] | undefined
  /** Most points. */
  readonly points: number
}

/** A metric of a run over its steps, thinned out so that no peak is lost. */
export async function seriesOf(db: Db, run: number, { key, steps, points }: SeriesQuery): Promise<Metric[]> {
  let query = db
    .selectFrom('metrics')
    .innerJoin('metric_keys', 'metric_keys.id', 'metrics.key')
    .select(['value', 'is_nan', 'timestamp', 'step'])
    .where('run', '=', run)
    .where('name', '=', key)
    .orderBy('step')
    .orderBy('timestamp')
    .orderBy('value')
  if (steps !== undefined) query = query.where('step', '>=', steps[0]).where('step', '<=', steps[1])
  const rows = await query.execute()
  return thin(rows, points).map((row) => ({
    ...{ key, value: numberOf(row), timestamp: row.timestamp, step: row.step },
  }))
}

/**
 * At most `most` of the points: the first, the last, and the lowest and highest of equal stretches between them (the M4
 * aggregation without its ends: Jugel et al., VLDB 2014), in their order. NaN is neither low nor high.
 * @param most at least 1
 */
export function thin<T extends { readonly value: number; readonly is_nan: number }>(
  points: readonly T[],
  most: number,
): readonly T[] {
  if (points.length <= most) return points
  if (most < 4) return [points[0]!, ...(most > 1 ? [points.at(-1)!] : [])]
  const stretches = Math.floor((most - 2) / 2)
  const kept = new Set([0, points.length - 1])
  for (let stretch = 0; stretch < stretches; stretch++) {
    const from = 1 + Math.floor((stretch * (points.length - 2)) / stretches)
    const to = 1 + Math.floor(((stretch + 1) * (points.length - 2)) / stretches)
    for (const index of extremesOf(points, from, to)) kept.add(index)
  }
  return [...kept].sort((a, b) => a - b).map((index) => points[index]!)
}

/** Where the lowest and the highest of a stretch are; its first, when all are NaN. */
function extremesOf(
  points: readonly { readonly value: number; readonly is_nan: number }[],
  from: number,
  to: number,
): number[] {
  let low = -1
  let high = -1
  for (let index = from; index < to; index++) {
    const { value, is_nan } = points[index]!
    if (is_nan === 1) continue
    if (low < 0 || value < points[low]!.value) low = index
    if (high < 0 || value > points[high]!.value) high = index
  }
  return low < 0 ? [from] : [low, high]
}
