import type { CatboostModel } from '../formats/catboost/model.ts'
import { readCatboost } from '../formats/catboost/read.ts'
import type { Graph } from '../ir/graph.ts'
import type { Cell, Ref } from '../ir/program.ts'
import { argmax, binaryProba, exp, expit, softmaxInOrder, threshold } from '../ops/links.ts'
import type { InertObject } from '../pickle/values.ts'
import { labelled, matrix, scoresOf } from '../sklearn/answers.ts'
import type { Estimator } from '../sklearn/estimator.ts'
import { type Family, type Lower, once } from '../sklearn/lowering.ts'
import { addScores } from './scores.ts'

const models = new WeakMap<InertObject, CatboostModel>()

/** The model of an estimator, read once. @throws ModelError unfitted | corrupt | unsupported */
function modelOf(estimator: Estimator): CatboostModel {
  let model = models.get(estimator.object)
  if (model === undefined) {
    const bytes = estimator.find('model') ?? estimator.find('__model')
    if (!(bytes instanceof Uint8Array))
      throw estimator.error('unfitted', `${estimator.name} was never fitted`, 'call fit() before saving it')
    model = readCatboost(bytes)
    models.set(estimator.object, model)
  }
  return model
}

/** How the answers of a classifier come from scores. */
const PROBABILITIES: Readonly<Record<string, (graph: Graph, scores: Ref) => Ref>> = {
  Logloss: positive,
  CrossEntropy: positive,
  MultiClass: (graph, scores) => graph.add(softmaxInOrder, [scores], {}),
  MultiClassOneVsAll: (graph, scores) => graph.add(expit, [scores], { scale: 1 }),
}

function positive(graph: Graph, scores: Ref): Ref {
  if (graph.width(scores) !== 1) throw new RangeError('it has several scores for two classes')
  return graph.add(binaryProba, [graph.add(expit, [scores], { scale: 1 })], {})
}

/** Losses whose regressors answer scores, and those whose regressors answer their exponentials. */
const IDENTITY = new Set(
  `RMSE MAE Quantile MultiQuantile MAPE Lq Huber Expectile MultiRMSE MultiRMSEWithMissingValues LogCosh
  QueryRMSE QuerySoftMax PairLogit PairLogitPairwise YetiRank YetiRankPairwise StochasticRank LambdaMart StochasticFilter`.split(
    /\s+/,
  ),
)
const EXPONENTIAL = new Set(['Poisson', 'Tweedie'])

/** Names of all losses served. */
export const lossNames = (): string[] => [...Object.keys(PROBABILITIES), ...IDENTITY, ...EXPONENTIAL].sort()

const lowerCatboost: Lower = (estimator, x, { graph }) => {
  const model = modelOf(estimator)
  const width = columnNames(estimator).length
  if (graph.width(x) !== width)
    throw estimator.error('corrupt', `it was trained on ${width} columns, gets ${graph.width(x)}`)
  const scores = once(() => addScores(graph, x, model))
  const raw_margin = once(() => scoresOf(graph, scores()))
  const probabilities = Object.hasOwn(PROBABILITIES, model.loss) ? PROBABILITIES[model.loss] : undefined
  if (probabilities !== undefined) return lowerClassifier(model, { graph, scores, raw_margin, probabilities })
  if (EXPONENTIAL.has(model.loss))
    return { methods: { predict: once(() => scoresOf(graph, graph.add(exp, [scores()], {}))), raw_margin } }
  if (IDENTITY.has(model.loss)) return { methods: { predict: raw_margin, raw_margin } }
  throw estimator.error(
    'unsupported',
    `CatBoost's loss ${model.loss} is not known`,
    'export the model to ONNX',
  )
}

type Parts = {
  readonly graph: Graph
  readonly scores: () => Ref
  readonly raw_margin: () => ReturnType<typeof scoresOf>
  readonly probabilities: (graph: Graph, scores: Ref) => Ref
}

function lowerClassifier(model: CatboostModel, { graph, scores, raw_margin, probabilities }: Parts) {
  const count = Math.max(model.dimension, 2)
  const labels: readonly Cell[] = model.classes?.labels ?? Array.from({ length: count }, (_, i) => i)
  if (labels.length !== count)
    throw new RangeError(`it has ${labels.length} classes for ${count} probabilities`)
  const classIndex = () =>
    model.dimension > 1
      ? graph.add(argmax, [scores()], {})
      : graph.add(threshold, [scores()], { threshold: 0, inclusive: false })
  return {
    classes: [labels],
    methods: {
      predict: once(() => labelled(classIndex(), { labels, dtype: model.classes?.dtype ?? 'int64' })),
      predict_proba: once(() => matrix(probabilities(graph, scores()))),
      raw_margin,
    },
  }
}

/** Features of all kinds by their place in a row; those the model forgot the name of by their number. */
function columnNames(estimator: Estimator): readonly string[] {
  const { floats, categories } = modelOf(estimator)
  const features = [...floats, ...categories]
  const width = Math.max(0, ...features.map(({ flatIndex }) => flatIndex + 1))
  if (width > 2 ** 20) throw new RangeError(`it has ${width} columns`)
  const names = new Map(features.map(({ flatIndex, name }) => [flatIndex, name]))
  return Array.from({ length: width }, (_, i) => {
    const name = names.get(i) ?? ''
    return name === '' ? `x${i}` : name
  })
}

/** CatBoost's models in their own files and in pickles. */
export const catboostFamily: readonly Family[] = [
  {
    names: ['CatBoost', 'CatBoostClassifier', 'CatBoostRegressor', 'CatBoostRanker'].map(
      (name) => `catboost.core.${name}`,
    ),
    fields: 'classes_',
    columnNames,
    lower: lowerCatboost,
  },
]
