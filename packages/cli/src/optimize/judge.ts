import type { Answer, Method, Program } from '@millwright/engine'
import {
  areaUnderCurve,
  bootstrapMean,
  compareAreas,
  comparePairedMeans,
  comparePairedProportions,
  drawResamples,
  type Estimate,
  placeScores,
  type ResampledMean,
  resampleMean,
  wilsonInterval,
} from '@millwright/stats'
import { CommandError, UsageError } from '../command.ts'
import { isJudgedByClass, type Labels, sharesOf } from './labels.ts'

const METRICS = ['auc', 'accuracy', 'logloss', 'rmse', 'mae'] as const
type Metric = (typeof METRICS)[number]

/** Measures how good answers are. Of a model only what it says row by row matters: a placement, a hit, a loss. */
export type Judge = {
  readonly metric: Metric
  /** How the metric is written in a sentence. */
  readonly name: string
  /** How its intervals are computed. */
  readonly interval: string
  /** The answer of the model that is judged. */
  readonly method: Method
  readonly higherIsBetter: boolean
  /** One number per row. */
  read(answer: Answer): Float64Array
  estimate(rows: Float64Array): Estimate
  /** How much higher the metric is for `rows` than for `whole`, compared row by row. */
  compare(rows: Float64Array, whole: Float64Array): Estimate
  /** What should be kept in mind when the figures are read. */
  readonly caution?: string
  /** What may be lost, when nothing was asked for, given the metric of the whole model. */
  defaultMargin(whole: number): number
}

type Rule = Omit<Judge, 'metric' | 'method'> & { readonly methods: readonly Method[] }

/** @throws UsageError, CommandError when the metric does not fit the model or the target */
export function chooseJudge(program: Program, labels: Labels, asked: string | undefined): Judge {
  const metric = asked ?? defaultMetric(labels)
  if (!isMetric(metric)) throw new UsageError(`--metric takes ${METRICS.join(', ')}, got "${metric}"`)
  refuseMisfit(metric, labels)
  const { methods, ...rule } = RULES[metric](labels)
  const available = new Set(program.outputs.map(({ name }) => name))
  const method = methods.find((name) => available.has(name))
  if (method === undefined)
    throw new CommandError(`${rule.name} needs ${methods.join(' or ')}, which the model does not answer`, [
      `--metric ${METRICS.filter((other) => other !== metric).join('|')}`,
    ])
  return { metric, method, ...rule }
}

const isMetric = (name: string): name is Metric => (METRICS as readonly string[]).includes(name)

const isBinary = (labels: Labels): boolean => isJudgedByClass(labels) && (labels.classes?.length ?? 2) === 2

function defaultMetric(labels: Labels): Metric {
  if (isBinary(labels)) return 'auc'
  return labels.classes === undefined ? 'rmse' : 'accuracy'
}

/** With fewer rows of a class its variance says nothing. */
const FEWEST_OF_CLASS = 5

function refuseMisfit(metric: Metric, labels: Labels): void {
  if (metric === 'auc' && !isBinary(labels))
    throw new CommandError('auc is the order of two classes, and the target has other values', [
      labels.classes === undefined ? '--metric rmse or mae' : '--metric accuracy or logloss',
    ])
  const rare = sharesOf(labels).find(({ share }) => share * labels.values.length < FEWEST_OF_CLASS)
  if (metric === 'auc' && rare !== undefined)
    throw new CommandError(
      `${Math.round(rare.share * labels.values.length)} rows are of the class ${rare.label}; auc needs ${FEWEST_OF_CLASS} of each`,
      ['give more rows of that class'],
    )
  if ((metric === 'rmse' || metric === 'mae') && labels.classes !== undefined)
    throw new CommandError(`${metric} is a distance of numbers, and the model answers classes`, [
      '--metric auc, accuracy or logloss',
    ])
  if (metric === 'logloss' && !isJudgedByClass(labels))
    throw new CommandError('logloss judges probabilities of classes, and the target has other values', [
      '--metric rmse or mae',
    ])
  if (metric === 'accuracy' && labels.classes === undefined)
    throw new CommandError('accuracy counts right classes, and the model answers numbers', [
      isJudgedByClass(labels) ? '--metric auc or logloss' : '--metric rmse or mae',
    ])
}

/** Classes of a classifier, or the one score of a model that does not know it is one. */
const probability = ({ classes }: Labels): readonly Method[] =>
  classes === undefined ? ['predict'] : ['predict_proba']

const RULES: Readonly<Record<Metric, (labels: Labels) => Rule>> = {
  auc: (labels) => ({
    name: 'AUC',
    interval: 'DeLong',
    methods: [...probability(labels), 'decision_function', 'raw_margin'],
    higherIsBetter: true,
    read: (answer) => placeScores(lastColumn(answer), labels.values),
    estimate: (placements) => areaUnderCurve(placements, labels.values),
    compare: (placements, whole) => compareAreas(placements, whole, labels.values),
    defaultMargin: () => 0.005,
  }),
  accuracy: (labels) => ({
    name: 'accuracy',
    interval: 'Wilson',
    methods: ['predict'],
    higherIsBetter: true,
    read: ({ parts }) =>
      labels.values.map((index, row) => (parts[0]!.data[row] === labels.classes![index] ? 1 : 0)),
    estimate: (hits) =>
      wilsonInterval(
        hits.reduce((sum, hit) => sum + hit, 0),
        hits.length,
      ),
    compare: comparePairedProportions,
    caution: `Who always names the most frequent class has accuracy ${Math.max(...sharesOf(labels).map(({ share }) => share)).toFixed(4)}.`,
    defaultMargin: () => 0.005,
  }),
  logloss: (labels) =>
    lossRule('logloss', probability(labels), {
      loss: (answer) => labels.values.map((index, row) => -Math.log(shareOf(answer, row, index))),
      rows: labels.values.length,
    }),
  rmse: ({ values }) =>
    lossRule('RMSE', ['predict'], {
      loss: ({ parts }) => values.map((value, row) => (Number(parts[0]!.data[row]) - value) ** 2),
      of: Math.sqrt,
      rows: values.length,
    }),
  mae: ({ values }) =>
    lossRule('MAE', ['predict'], {
      loss: ({ parts }) => values.map((value, row) => Math.abs(Number(parts[0]!.data[row]) - value)),
      rows: values.length,
    }),
}

type Loss = {
  readonly loss: (answer: Answer) => Float64Array
  readonly of?: (mean: number) => number
  readonly rows: number
}

/** A mean of losses, or a function of it, with intervals of the bootstrap; the same rows are drawn for every model. */
function lossRule(name: string, methods: readonly Method[], { loss, of, rows }: Loss): Rule {
  const resamples = drawResamples(rows)
  const known = new WeakMap<Float64Array, ResampledMean>()
  const resampled = (losses: Float64Array): ResampledMean => {
    const mean = known.get(losses) ?? resampleMean(losses, resamples)
    known.set(losses, mean)
    return mean
  }
  return {
    name,
    interval: 'bootstrap, 1000 resamples, fixed seed',
    methods,
    higherIsBetter: false,
    read: loss,
    estimate: (losses) => bootstrapMean(resampled(losses), of),
    compare: (losses, whole) => comparePairedMeans(resampled(losses), resampled(whole), of),
    defaultMargin: (whole) => whole / 100,
  }
}

/** The score of the second of two classes, or the only one. */
function lastColumn({ parts }: Answer): Float64Array {
  const { shape, data } = parts[0]!
  const width = shape[1] ?? 1
  return Float64Array.from({ length: shape[0]! }, (_, row) => Number(data[row * width + width - 1]))
}

/** As scikit-learn's log_loss: probabilities stay a float64 epsilon away from 0. */
const LEAST_SHARE = 2 ** -52

function shareOf({ parts }: Answer, row: number, index: number): number {
  const { shape, data } = parts[0]!
  const width = shape[1] ?? 1
  const last = Number(data[row * width + width - 1])
  const share = width === 1 ? (index === 1 ? last : 1 - last) : Number(data[row * width + index])
  return Math.max(share, LEAST_SHARE)
}
