import type { XgboostModel } from '../formats/xgboost/model.ts'
import { readXgboost } from '../formats/xgboost/read.ts'
import type { Graph } from '../ir/graph.ts'
import type { Ref } from '../ir/program.ts'
import { check } from '../ops/checks.ts'
import { argmax, binaryProba, threshold, toFloat32 } from '../ops/links.ts'
import { markMissing } from '../ops/single.ts'
import { InertObject } from '../pickle/values.ts'
import { labelled, matrix, vector } from '../sklearn/answers.ts'
import type { Estimator } from '../sklearn/estimator.ts'
import { type Family, type Lower, type Lowered, type LoweredOutput, once } from '../sklearn/lowering.ts'
import { columnNamesOf, numericColumns } from './columns.ts'
import { addMargins } from './margins.ts'
import { answerOf, type Objective, objectiveOf } from './objectives.ts'
import { type Wrapper, wrapperInFile, wrapperOf } from './wrapper.ts'

const models = new WeakMap<InertObject, XgboostModel>()

/** The booster of an estimator, read once. @throws ModelError unfitted | corrupt | unsupported */
function modelOf(estimator: Estimator): XgboostModel {
  const booster = estimator.name === BOOSTER ? estimator.object : estimator.get('_Booster')
  if (!(booster instanceof InertObject && booster.state instanceof Map))
    throw estimator.error('unfitted', `${estimator.name} was never fitted`, 'call fit() before saving it')
  let model = models.get(booster)
  if (model === undefined) {
    const handle = booster.state.get('handle')
    if (!(handle instanceof Uint8Array)) throw estimator.error('corrupt', 'its booster has no model')
    model = readXgboost(handle)
    models.set(booster, model)
  }
  return model
}

const BOOSTER = 'xgboost.core.Booster'

/** A booster over columns: its margins and answers, up to the best iteration or with every tree. */
class Booster {
  readonly graph: Graph
  readonly model: XgboostModel
  readonly objective: Objective
  readonly #x: Ref
  readonly #margins = new Map<string, Ref>()

  constructor(graph: Graph, model: XgboostModel, x: Ref) {
    this.graph = graph
    this.model = model
    this.objective = objectiveOf(model.objective)
    this.#x = numericColumns(graph, x, model)
  }

  /** Where training stopped early, files say which iteration was best. */
  get bestIterations(): number {
    const best = Number(this.model.attributes.get('best_iteration'))
    return Number.isInteger(best) && best >= 0 ? best + 1 : Number.POSITIVE_INFINITY
  }

  /** @param checked a DMatrix refuses infinity, predicting in place does not */
  margin(iterations: number, checked: boolean, missing = Number.NaN): Ref {
    const key = `${iterations} ${checked} ${missing}`
    const known = this.#margins.get(key)
    if (known !== undefined) return known
    let x = Number.isNaN(missing) ? this.#x : this.graph.add(markMissing, [this.#x], { marker: missing })
    if (checked) x = this.graph.add(check, [x], { nan: 'allow', inf: 'refuse', limit: 'f32' })
    const margin = addMargins(this.graph, x, this.model, iterations)
    this.#margins.set(key, margin)
    return margin
  }

  answer(margin: Ref): Ref {
    return answerOf(this.graph, margin, this.objective)
  }

  output(node: Ref): LoweredOutput {
    return this.graph.width(node) === 1 ? vector(node, 'float32') : matrix(node, 'float32')
  }
}

const ALL = Number.POSITIVE_INFINITY

function lowerBare(booster: Booster): Lowered {
  const all = once(() => booster.output(booster.answer(booster.margin(ALL, true))))
  return {
    methods: {
      predict: all,
      raw_margin: once(() => booster.output(booster.margin(booster.bestIterations, true))),
      booster_predict: all,
    },
  }
}

function lowerWrapped(booster: Booster, { classes, missing }: Wrapper): Lowered {
  const { model } = booster
  const best = booster.bestIterations
  const inPlace = model.booster.kind === 'trees'
  const answer = once(() => booster.answer(booster.margin(best, !inPlace, missing)))
  const methods = {
    raw_margin: once(() => booster.output(booster.margin(best, true, missing))),
    booster_predict: once(() => booster.output(booster.answer(booster.margin(ALL, true)))),
  }
  if (classes === undefined) return { methods: { predict: once(() => booster.output(answer())), ...methods } }
  if (model.targets > 1) return { methods: { ...severalLabels(booster, answer), ...methods } }
  const [labels] = [classes.labels]
  if (labels.length !== Math.max(model.classes, 2))
    throw new RangeError('it has other classes than its booster')
  return {
    classes: [labels],
    methods: {
      predict: once(() => labelled(classIndex(booster, answer()), classes)),
      ...(model.objective === 'multi:softmax'
        ? {}
        : { predict_proba: once(() => matrix(probabilities(booster, answer()), 'float32')) }),
      ...methods,
    },
  }
}

/** One binary answer per target. */
function severalLabels({ graph }: Booster, answer: () => Ref): Lowered['methods'] {
  return {
    predict: once(() => matrix(graph.add(threshold, [answer()], { threshold: 0.5, inclusive: false }))),
    predict_proba: once(() => matrix(answer(), 'float32')),
  }
}

function classIndex({ graph, model }: Booster, answer: Ref): Ref {
  if (model.objective === 'multi:softmax') return answer
  return graph.width(answer) > 1
    ? graph.add(argmax, [answer], {})
    : graph.add(threshold, [answer], { threshold: 0.5, inclusive: false })
}

const probabilities = ({ graph }: Booster, answer: Ref): Ref =>
  graph.width(answer) > 1 ? answer : graph.add(toFloat32, [graph.add(binaryProba, [answer], {})], {})

const lowerBooster: Lower = (estimator, x, { graph }) => {
  const model = modelOf(estimator)
  const wrapper = wrapperInFile(model)
  const booster = new Booster(graph, model, x)
  return wrapper === undefined ? lowerBare(booster) : lowerWrapped(booster, wrapper)
}

const lowerWrapper: Lower = (estimator, x, { graph }) => {
  const model = modelOf(estimator)
  return lowerWrapped(new Booster(graph, model, x), wrapperOf(estimator, model))
}

const shared = {
  fields: 'classes_ n_classes_ evals_result_ _le best_iteration_ best_score_ best_ntree_limit_',
  columnNames: (estimator: Estimator) => columnNamesOf(modelOf(estimator)),
  versionOf: (estimator: Estimator) => modelOf(estimator).version.join('.'),
}

const WRAPPERS = [
  'XGBClassifier',
  'XGBRegressor',
  'XGBRanker',
  'XGBRFClassifier',
  'XGBRFRegressor',
  'XGBModel',
]

/** XGBoost's boosters in their own files and in pickles, and its scikit-learn classes. */
export const xgboostFamily: readonly Family[] = [
  { names: [BOOSTER], lower: lowerBooster, ...shared },
  { names: WRAPPERS.map((name) => `xgboost.sklearn.${name}`), lower: lowerWrapper, ...shared },
]
