import {
  type Cut,
  cutDepthOf,
  type Forest,
  type Frame,
  iterationsOf,
  type Program,
  partialAnswers,
} from '@millwright/engine'
import type { Estimate } from '@millwright/stats'
import type { Judge } from './judge.ts'

/** How good a cut of the model is, and how much better than the whole (worse when the metric is a loss). */
export type Point = {
  readonly trees: number
  readonly depth?: number | undefined
  readonly quality: Estimate
  readonly difference: Estimate
}

export type Curves = {
  /** By the number of trees (iterations, where several trees make one), the last one being the whole model. */
  readonly byTrees: readonly Point[]
  /** By depth with all trees; undefined where the file has no values of inner nodes. */
  readonly byDepth: readonly Point[] | undefined
}

/** Points of a curve: all, when there are no more. */
const MOST_POINTS = 100
/** Scores kept at a time, 8 bytes each. */
const MOST_SCORES = 5e7

const NONE: Estimate = { value: 0, low: 0, high: 0 }

/** @throws RowError for rows that the model raises on */
export function computeCurves(
  program: Program,
  frame: Frame,
  { judge, forests }: { judge: Judge; forests: readonly Forest[] },
): Curves {
  const most = iterationsOf(forests)
  const deepest = cutDepthOf(forests)
  const width = forests.reduce((sum, { attrs }) => sum + attrs.init.length, 0)
  const room = Math.max(2, Math.min(MOST_POINTS, Math.floor(MOST_SCORES / (frame.rows * width))))
  const trees = gridOf(most, room)
  const depths = deepest === undefined ? [] : gridOf(deepest, Math.ceil(room / 2))
  const cuts: Cut[] = [
    { iterations: most },
    ...trees.slice(0, -1).map((iterations) => ({ iterations })),
    ...depths.map((depth) => ({ iterations: most, depth })),
  ]
  let whole: Float64Array | undefined
  const points: Point[] = []
  for (const answer of partialAnswers(program, frame, { method: judge.method, forests, cuts })) {
    const rows = judge.read(answer)
    whole ??= rows
    const cut = cuts[points.length]!
    const difference = rows === whole ? NONE : judge.compare(rows, whole)
    points.push({ trees: cut.iterations, depth: cut.depth, quality: judge.estimate(rows), difference })
  }
  const [all, ...others] = points
  return {
    byTrees: [...others.slice(0, trees.length - 1), all!],
    byDepth: deepest === undefined ? undefined : others.slice(trees.length - 1),
  }
}

/** Whole numbers up to `most`: all, or half of them spread evenly and half by their logarithm. */
function gridOf(most: number, room: number): number[] {
  if (most <= room) return Array.from({ length: most }, (_, i) => i + 1)
  const half = Math.ceil(room / 2)
  const even = Array.from({ length: half }, (_, i) => Math.round((most * (i + 1)) / half))
  const spread = Array.from({ length: half }, (_, i) => Math.round(most ** (i / half)))
  return [...new Set([...spread, ...even])].sort((a, b) => a - b)
}

/** Whether a point loses no more than the margin, whatever the true difference in its interval. */
export const isGoodEnough = ({ difference }: Point, { higherIsBetter }: Judge, margin: number): boolean =>
  higherIsBetter ? difference.low >= -margin : difference.high <= margin

/** The first, and so the smallest, that is good enough; the last always is. */
export const smallestGood = (points: readonly Point[], judge: Judge, margin: number): Point =>
  points.find((point) => isGoodEnough(point, judge, margin)) ?? points.at(-1)!
