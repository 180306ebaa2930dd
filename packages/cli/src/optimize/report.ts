import type { Estimate } from '@millwright/stats'
import { formatBytes, printable, type Style, type Terminal, table } from '../terminal.ts'
import type { Cost } from './cost.ts'
import type { Point } from './curve.ts'
import type { Judge } from './judge.ts'
import { drawPicture, drawText, type Series } from './picture.ts'

/** A point with what it costs. */
export type Milestone = Point & { readonly cost: Cost }

export type Findings = {
  readonly title: string
  readonly judge: Judge
  readonly margin: number
  /** Trees, or iterations where several trees make one. */
  readonly unit: 'trees' | 'iterations'
  readonly trees: number
  readonly byTrees: readonly Point[]
  readonly byDepth: readonly Point[] | undefined
  readonly milestones: readonly Milestone[]
  readonly depthMilestones: readonly Milestone[]
  readonly whole: Milestone
  readonly chosen: Milestone
  readonly isAsked: boolean
}

export function showFindings({ stdout, style }: Terminal, findings: Findings): void {
  const { judge, unit, milestones, depthMilestones, byTrees, chosen } = findings
  if (byTrees.length > 1) {
    stdout(`\n${milestoneTable(findings, milestones, unit.toUpperCase(), style)}\n`)
    stdout(`${style.bold(`${judge.name} by number of ${unit}`)}\n`)
    stdout(
      drawText(
        seriesOf(judge.name, byTrees, ({ trees }) => trees),
        chosen.trees,
      ),
    )
  }
  if (depthMilestones.length > 0) stdout(`\n${milestoneTable(findings, depthMilestones, 'DEPTH', style)}`)
}

function milestoneTable(
  { judge }: Findings,
  milestones: readonly Milestone[],
  first: string,
  style: Style,
): string {
  const rows = milestones.map((point) => [
    String(first === 'DEPTH' ? point.depth : point.trees),
    between(point.quality),
    signed(point.difference),
    point.cost.single.toFixed(1),
    point.cost.batch.toFixed(2),
    formatBytes(point.cost.bytes),
  ])
  return table(rows, style, [first, judge.name, 'AGAINST ALL', 'µs ALONE', 'µs IN BATCH', 'SIZE'])
}

/** What to do, in one sentence. */
export function recommend(findings: Findings): string {
  const { judge, margin, whole, chosen, isAsked, unit, trees } = findings
  const limit = `${judge.name} ${digits(margin)}`
  if (!isAsked && chosen.trees === trees && chosen.depth === undefined)
    return `Keep ${everything(trees, unit)}: with fewer, ${limit} or more may be lost on these rows. Without what changes no bit: ${gains(whole.cost, chosen.cost)}.`
  const left = [
    chosen.trees < trees ? `${chosen.trees} of ${trees} ${unit}` : everything(trees, unit),
    ...(chosen.depth === undefined ? [] : [`cut at depth ${chosen.depth}`]),
  ].join(' ')
  const { difference, quality } = chosen
  const lost = judge.higherIsBetter ? difference.low < -margin : difference.high > margin
  const verb = lost ? 'change' : 'keep'
  const warning = lost ? ` More than the margin of ${digits(margin)} may be lost.` : ''
  return (
    `${left.replace(/^./, (first) => first.toUpperCase())} ${trees === 1 ? `${verb}s` : verb} ${judge.name} ${digits(whole.quality.value)} → ${digits(quality.value)} ` +
    `(difference ${signed(difference)}), ${gains(whole.cost, chosen.cost)}.${warning}`
  )
}

const everything = (trees: number, unit: string): string =>
  trees === 1 ? 'the tree' : `all ${trees} ${unit}`

/** The second sentence, where trees can be cut short. */
export function recommendDepth({ judge, unit, trees }: Findings, point: Point): string {
  return `All ${trees} ${unit} cut at depth ${point.depth} would keep ${judge.name} ${digits(point.quality.value)} (difference ${signed(point.difference)}): --depth ${point.depth}`
}

export const gains = (before: Cost, after: Cost): string =>
  `${speed(before.single / after.single)} alone, ${speed(before.batch / after.batch)} in a batch, ` +
  `${(before.bytes / after.bytes).toFixed(1)}× smaller`

/** Times of two runs on a busy machine differ by a twentieth anyway. */
function speed(factor: number): string {
  if (factor >= 0.95 && factor < 1.05) return 'as fast'
  return factor < 1 ? `${(1 / factor).toFixed(1)}× slower` : `${factor.toFixed(1)}× faster`
}

/** Four decimals below 10, else five digits. */
export const digits = (value: number): string =>
  Math.abs(value) < 10 ? value.toFixed(4) : value.toPrecision(5)

export const between = ({ value, low, high }: Estimate): string =>
  `${digits(value)} (${digits(low)} to ${digits(high)})`

/** A difference and half the width of its interval. */
const signed = ({ value, low, high }: Estimate): string =>
  `${value > 0 ? '+' : ''}${digits(value)} ± ${digits((high - low) / 2)}`

function seriesOf(name: string, points: readonly Point[], x: (point: Point) => number): Series {
  return {
    name,
    points: points.map((point) => ({
      x: x(point),
      y: point.quality.value,
      low: point.quality.low,
      high: point.quality.high,
    })),
  }
}

/** Quality by trees and by depth with the interval as a band, and what it costs beside. */
export function pictureOf(findings: Findings): string {
  const { title, judge, unit, byTrees, byDepth, milestones, whole, chosen } = findings
  const share = (of: (cost: Cost) => number) =>
    milestones.map((point) => ({ x: point.trees, y: (100 * of(point.cost)) / of(whole.cost) }))
  const quality = `${judge.name}, 95 %`
  return drawPicture(printable(title), [
    ...(byTrees.length > 1
      ? [
          {
            x: unit,
            y: quality,
            series: [seriesOf(judge.name, byTrees, ({ trees }) => trees)],
            chosen: chosen.trees,
          },
          {
            x: unit,
            y: '% of the whole model',
            series: [
              { name: 'time per row', points: share(({ single }) => single) },
              { name: 'size', points: share(({ bytes }) => bytes) },
            ],
            chosen: chosen.trees,
          },
        ]
      : []),
    ...(byDepth === undefined || byDepth.length < 2
      ? []
      : [
          {
            x: `depth of all ${unit}`,
            y: quality,
            series: [seriesOf(judge.name, byDepth, ({ depth }) => depth ?? 0)],
            chosen: chosen.depth,
          },
        ]),
  ])
}
