import { basename } from 'node:path'
import { compileProgram, cutForests, forgetInnerValues, iterationsOf, type Program } from '@millwright/engine'
import { CommandError } from '../command.ts'
import { type Cost, measureCost } from './cost.ts'
import { type Curves, computeCurves, isGoodEnough, type Point, smallestGood } from './curve.ts'
import type { Judge } from './judge.ts'
import {
  between,
  digits,
  type Findings,
  type Milestone,
  pictureOf,
  recommend,
  recommendDepth,
  showFindings,
} from './report.ts'
import { type Choice, makeSmaller } from './smaller.ts'
import type { Outcome, Work } from './work.ts'

const NO_DEPTH = 'Depth is left out: the file does not say what inner nodes of its trees would answer'

/** Curves of quality and cost, what to choose, and the model that is chosen. */
export function explore(work: Work): Outcome {
  const { program, frame, judge, asked, forests } = work
  const name = basename(asked.files.model.path)
  const trees = iterationsOf(forests)
  assertPossible(work, trees)
  const curves = computeCurves(program, frame, { judge, forests })
  const best = curves.byTrees.at(-1)!
  const margin = asked.margin ?? judge.defaultMargin(best.quality.value)
  const isAsked = asked.trees !== undefined || asked.depth !== undefined
  const whole: Milestone = { ...best, cost: measureCost(forgetInnerValues(program), frame, judge.method) }
  const choice = isAsked ? asked : recommendedChoice(curves, work, margin)
  const smaller = makeSmaller(program, choice)
  const chosen = describeChoice(work, { smaller, choice, curves, whole })
  const findings: Findings = {
    title: `${name}: ${judge.name} on ${frame.rows} rows`,
    judge,
    margin,
    unit: forests.some(({ step }) => step > 1) ? 'iterations' : 'trees',
    trees,
    ...curves,
    milestones: withCosts(curves.byTrees, chosen.trees, costByTrees(work, whole)),
    depthMilestones: withCosts(curves.byDepth ?? [], chosen.depth, (point) =>
      measureCost(makeSmaller(program, { depth: point.depth }), frame, judge.method),
    ),
    whole,
    chosen,
    isAsked,
  }
  const recommendation = recommend(findings)
  return {
    document: documentOf(work, findings, recommendation),
    show(terminal) {
      terminal.stdout(`${judge.name} ${between(best.quality)} on ${work.rows} (95 %, ${judge.interval})\n`)
      showFindings(terminal, findings)
    },
    recommendation,
    notes: notesOf(work, findings),
    smaller,
    changes: changesOf(findings),
    picture: () => pictureOf(findings),
  }
}

function assertPossible({ asked, forests }: Work, trees: number): void {
  const name = basename(asked.files.model.path)
  if (asked.trees !== undefined && asked.trees > trees)
    throw new CommandError(`${name} has ${trees} trees or iterations, and --trees asks for ${asked.trees}`)
  const blind = forests.some(({ depth }) => depth === undefined)
  if (trees === 1 && blind)
    throw new CommandError(`${name} cannot be cut: its trees only mean something together`, [
      'train it with fewer trees: those grown in parallel, or with linear leaves, are one iteration',
    ])
  if (asked.depth !== undefined && blind)
    throw new CommandError(
      `--depth cannot be done: the file does not say what inner nodes of its trees would answer`,
      ['scikit-learn forests and pickled XGBoost models say so; --trees works on every kind'],
    )
}

function recommendedChoice({ byTrees, byDepth }: Curves, { judge }: Work, margin: number): Choice {
  if (byTrees.length === 1 && byDepth !== undefined && byDepth.length > 0)
    return { depth: smallestGood(byDepth, judge, margin).depth }
  const { trees } = smallestGood(byTrees, judge, margin)
  return trees === byTrees.at(-1)!.trees ? {} : { trees }
}

type Chosen = {
  readonly smaller: Program
  readonly choice: Choice
  readonly curves: Curves
  readonly whole: Milestone
}

/** Measured on the smaller model itself. */
function describeChoice(
  { program, frame, judge }: Work,
  { smaller, choice, curves, whole }: Chosen,
): Milestone {
  const { trees = curves.byTrees.at(-1)!.trees, depth } = choice
  const answerOf = (each: Program): Float64Array =>
    judge.read(compileProgram(each).run(frame, [judge.method])[0]!)
  const rows = answerOf(smaller)
  const cost = measureCost(smaller, frame, judge.method)
  if (choice.trees === undefined && depth === undefined) return { ...whole, cost }
  return {
    trees,
    depth,
    quality: judge.estimate(rows),
    difference: judge.compare(rows, answerOf(program)),
    cost,
  }
}

/** Fewer trees of a simplified forest are as simple as they get. */
function costByTrees({ program, frame, judge }: Work, whole: Milestone): (point: Point) => Cost {
  const simplified = makeSmaller(program, {})
  return ({ trees }) =>
    trees === whole.trees
      ? whole.cost
      : measureCost(cutForests(simplified, { iterations: trees }), frame, judge.method)
}

const MILESTONES = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000]

/** The points nearest to round numbers, the chosen one and the last, with what they cost. */
function withCosts(
  points: readonly Point[],
  chosen: number | undefined,
  costOf: (point: Point) => Cost,
): Milestone[] {
  const last = points.at(-1)
  if (last === undefined) return []
  const at = (point: Point): number => point.depth ?? point.trees
  const wanted = [...MILESTONES, ...(chosen === undefined ? [] : [chosen])].filter(
    (number) => number <= at(last),
  )
  const nearest = wanted.map((number) =>
    points.reduce((best, point) =>
      Math.abs(at(point) - number) < Math.abs(at(best) - number) ? point : best,
    ),
  )
  const shown = new Set([...nearest, last])
  return points.filter((point) => shown.has(point)).map((point) => ({ ...point, cost: costOf(point) }))
}

function notesOf({ judge }: Work, findings: Findings): string[] {
  const { byDepth, margin, whole } = findings
  const always = [
    ...(judge.caution === undefined ? [] : [judge.caution]),
    ...bestNote(judge, findings),
    "What no row can reach and what is there twice is left out too, which changes no bit, in every figure but the whole model's.",
  ]
  if (byDepth === undefined) return [...always, NO_DEPTH]
  const depth = byDepth.find((point) => isGoodEnough(point, judge, margin))
  const isShallower = depth !== undefined && depth !== byDepth.at(-1) && findings.chosen.depth === undefined
  return [...(isShallower && whole.trees > 1 ? [recommendDepth(findings, depth)] : []), ...always]
}

/** Where less is better than all, and not by chance, the smallest that is good enough is not the best. */
function bestNote({ higherIsBetter, name }: Judge, findings: Findings): string[] {
  const { byTrees, byDepth = [], chosen, unit } = findings
  const better = (a: Point, b: Point): boolean =>
    higherIsBetter ? a.quality.value > b.quality.value : a.quality.value < b.quality.value
  const best = [...byTrees, ...byDepth].reduce((so, point) => (better(point, so) ? point : so))
  const isSure = higherIsBetter ? best.difference.low > 0 : best.difference.high < 0
  if (!isSure || (best.trees === chosen.trees && best.depth === chosen.depth)) return []
  const where = best.depth === undefined ? `${best.trees} ${unit}` : `trees cut at depth ${best.depth}`
  const option = best.depth === undefined ? `--trees ${best.trees}` : `--depth ${best.depth}`
  return [
    `Best on these rows is ${name} ${digits(best.quality.value)} with ${where}, better than the whole: ${option}`,
  ]
}

function changesOf({ chosen, trees, unit }: Findings): string[] {
  return [
    ...(chosen.trees < trees ? [`the first ${chosen.trees} of ${trees} ${unit}`] : []),
    ...(chosen.depth === undefined ? [] : [`trees cut at depth ${chosen.depth}`]),
    'unreachable branches, equal siblings and repeated leaves left out, which changes no answer',
  ]
}

function documentOf({ asked, frame, program, judge }: Work, findings: Findings, recommendation: string) {
  const { margin, unit, trees, byTrees, byDepth, milestones, depthMilestones, whole, chosen } = findings
  return {
    model: { file: basename(asked.files.model.path), estimator: program.origin.estimator, [unit]: trees },
    rows: frame.rows,
    metric: judge.metric,
    interval: judge.interval,
    margin,
    whole,
    chosen,
    by_trees: byTrees,
    by_depth: byDepth ?? null,
    costs: { by_trees: milestones, by_depth: depthMilestones },
    recommendation,
  }
}
