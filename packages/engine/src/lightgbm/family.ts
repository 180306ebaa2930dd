import { utf8 } from '../bytes/text.ts'
import type { LightgbmModel } from '../formats/lightgbm/model.ts'
import { readLightgbm } from '../formats/lightgbm/read.ts'
import type { Graph } from '../ir/graph.ts'
import type { Cell, Ref } from '../ir/program.ts'
import { categoryCode } from '../ops/categories.ts'
import { argmax, binaryProba } from '../ops/links.ts'
import { arithmetic } from '../ops/scaling.ts'
import { dtypeName } from '../pickle/numpy.ts'
import { InertObject, NdArray } from '../pickle/values.ts'
import { labelled, matrix, scoresOf } from '../sklearn/answers.ts'
import type { Estimator } from '../sklearn/estimator.ts'
import { type Family, type Lower, once } from '../sklearn/lowering.ts'
import { answerOf, isClassification } from './objectives.ts'
import { addScores } from './scores.ts'

type Booster = { readonly model: LightgbmModel; readonly bestIteration: number }

const BOOSTER = 'lightgbm.basic.Booster'
const boosters = new WeakMap<InertObject, Booster>()

/** The booster of an estimator, read once. @throws ModelError unfitted | corrupt | unsupported */
function boosterOf(estimator: Estimator): Booster {
  const object = estimator.name === BOOSTER ? estimator.object : estimator.get('_Booster')
  if (!(object instanceof InertObject && object.state instanceof Map))
    throw estimator.error('unfitted', `${estimator.name} was never fitted`, 'call fit() before saving it')
  let booster = boosters.get(object)
  if (booster === undefined) {
    const { state } = object
    const text = ['_handle', 'handle', 'model_str', '_model_str'].map((key) => state.get(key)).find(isText)
    if (text === undefined) throw estimator.error('corrupt', 'its booster has no model')
    const best = state.get('best_iteration')
    booster = {
      model: readLightgbm(typeof text === 'string' ? text : utf8(text)),
      bestIteration: typeof best === 'number' && best > 0 ? best : Number.POSITIVE_INFINITY,
    }
    boosters.set(object, booster)
  }
  return booster
}

const isText = (value: unknown): value is string | Uint8Array =>
  typeof value === 'string' || value instanceof Uint8Array

/** Numbers of the columns: pandas' categories as their codes, unknown ones as missing. */
function numericColumns(graph: Graph, x: Ref, { features, categories }: LightgbmModel): Ref {
  if (graph.width(x) !== features)
    throw new RangeError(`it was trained on ${features} columns, gets ${graph.width(x)}`)
  if (categories.size === 0) return graph.toNumbers(x)
  const columns = Array.from({ length: features }, (_, column) => {
    const own = graph.select(x, [column])
    const known = categories.get(column) ?? []
    if (known.length === 0) return graph.toNumbers(own)
    return graph.add(categoryCode, [graph.toCells(own)], { categories: [known], unknown: 'missing' })
  })
  return graph.concat(columns)
}

/** Scores and answers of the booster, up to its best iteration. A random forest answers the mean of its iterations. */
function lowerScores(estimator: Estimator, x: Ref, graph: Graph) {
  const { model, bestIteration } = boosterOf(estimator)
  const trees = Math.min(bestIteration * model.groups, model.trees.length)
  const scores = once(() => addScores(graph, numericColumns(graph, x, model), model, trees))
  const answer = once(() => {
    const values = new Float64Array(model.groups).fill(trees / model.groups)
    const means = model.averages
      ? graph.add(arithmetic, [scores()], { steps: [{ by: 'divide', values }], single: false })
      : scores()
    return answerOf(graph, means, model.objective)
  })
  const methods = {
    raw_margin: once(() => scoresOf(graph, scores())),
    booster_predict: once(() => scoresOf(graph, answer())),
  }
  return { model, answer, methods }
}

const lowerBooster: Lower = (estimator, x, { graph }) => {
  const { methods } = lowerScores(estimator, x, graph)
  return { methods: { predict: methods.booster_predict, ...methods } }
}

const lowerClassifier: Lower = (estimator, x, { graph }) => {
  const { model, answer, methods } = lowerScores(estimator, x, graph)
  if (!isClassification(model.objective))
    throw estimator.error('unsupported', 'its objective has no probabilities of classes')
  const classes = classesOf(estimator)
  if (classes.labels.length !== Math.max(model.groups, 2))
    throw estimator.error('corrupt', 'it has other classes than its booster')
  const probabilities = once(() => (model.groups > 1 ? answer() : graph.add(binaryProba, [answer()], {})))
  return {
    classes: [classes.labels],
    methods: {
      predict: once(() => labelled(graph.add(argmax, [probabilities()], {}), classes)),
      predict_proba: once(() => matrix(probabilities())),
      ...(estimator.has('_fitted_with_feature_names') ? { decision_function: methods.raw_margin } : {}),
      ...methods,
    },
  }
}

/** Labels of a classifier, in the order of their encoder. */
function classesOf(estimator: Estimator): { labels: Cell[]; dtype: string } {
  const classes = estimator.get('_classes')
  if (!(classes instanceof NdArray)) throw estimator.error('corrupt', 'its classes are not an array')
  return { labels: estimator.cells('_classes'), dtype: dtypeName(classes.dtype) }
}

function columnNames(estimator: Estimator): readonly string[] {
  const { featureNames, features } = boosterOf(estimator).model
  return featureNames.length > 0 ? featureNames : Array.from({ length: features }, (_, i) => `x${i}`)
}

const shared = { fields: 'fitted_', columnNames }

/** LightGBM's boosters as text and in pickles, and its scikit-learn classes. */
export const lightgbmFamily: readonly Family[] = [
  { names: [BOOSTER], lower: lowerBooster, ...shared },
  { names: ['lightgbm.sklearn.LGBMClassifier'], lower: lowerClassifier, ...shared },
  {
    names: ['LGBMRegressor', 'LGBMRanker', 'LGBMModel'].map((name) => `lightgbm.sklearn.${name}`),
    lower: lowerBooster,
    ...shared,
  },
]
