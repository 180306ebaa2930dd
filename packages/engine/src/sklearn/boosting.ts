import type { Graph } from '../ir/graph.ts'
import type { Attrs, Ref } from '../ir/program.ts'
import { select } from '../ops/columns.ts'
import {
  argmax,
  binaryProba,
  constant,
  expit,
  expNormalise,
  rawScores,
  softmax,
  threshold,
  toFloat32,
} from '../ops/links.ts'
import type { Op } from '../ops/op.ts'
import { trees, treesOnto } from '../ops/trees.ts'
import { InertObject, NdArray } from '../pickle/values.ts'
import { classesOf, labelled, matrix, scoresOf, vector } from './answers.ts'
import type { Estimator } from './estimator.ts'
import { plantForest } from './forest.ts'
import { type Context, type Family, isAbsent, type Lower, once } from './lowering.ts'
import { readTree } from './tree-state.ts'
import { checkSingle } from './trees.ts'
import { isVersion } from './version.ts'

/** The classification losses until 1.3 (`early`) and since, which differ in rounding and at ties. */
type Loss = {
  readonly early: boolean
  readonly exponential: boolean
  /** Trees per stage. */
  readonly columns: number
}

type Start = (x: Ref) => Ref

/** Adds an operation, or computes it now when its input is the same for every row. */
function addFolded<A extends Attrs>(graph: Graph, op: Op<A>, input: Ref, attrs: A): Ref {
  const node = graph.nodes[input]!
  if (node.op !== constant.name) return graph.add(op, [input], attrs)
  const row = op.ref(attrs, [Array.from(node.attrs.values as Float64Array)])
  const values = Float64Array.from(row as readonly number[])
  return graph.add(constant, [], op === (rawScores as Op<never>) ? { values, rounded: true } : { values })
}

/** Trees per stage: the width of `estimators_`. */
function columnsOf(booster: Estimator): number {
  const { shape, fortran } = booster.array('estimators_')
  const [stages, columns] = shape
  if (shape.length !== 2 || !(stages! > 0 && columns! > 0) || (fortran && columns! > 1))
    throw booster.error('corrupt', 'estimators_ is not a table of trees')
  return columns!
}

/**
 * start + Σ learning_rate · leaf, added stage by stage in float64; the product is rounded before it is added.
 * A start that is the same for every row becomes part of the forest.
 */
function addScores(booster: Estimator, x: Ref, { graph }: Context, start: Start): Ref {
  const columns = columnsOf(booster)
  const rate = booster.number('learning_rate')
  const planted = booster.list('estimators_').map((value, i) => {
    const tree = readTree(booster.child(value, `tree ${i}`))
    if (tree.outputs !== 1 || tree.width !== 1) throw booster.error('corrupt', 'a tree has several outputs')
    return { nodes: tree, values: tree.values.map((leaf) => rate * leaf), slot: i % columns }
  })
  const checked = checkSingle(graph, x, false)
  const from = start(graph.add(toFloat32, [checked], {}))
  const fixed = graph.nodes[from]!.op === constant.name
  const init = fixed ? (graph.nodes[from]!.attrs.values as Float64Array) : new Float64Array(columns)
  if (init.length !== columns) throw booster.error('corrupt', 'init_ and estimators_ differ in width')
  const rounded = graph.nodes[from]!.attrs.rounded === true
  const sum = { cast: 'f32', leafWidth: 1, init, divide: 1 } as const
  const keepsInner = graph.innerValues && leavesAreMeans(booster)
  const attrs = plantForest(planted, rounded ? { ...sum, rounded } : sum, keepsInner)
  return fixed ? graph.add(trees, [checked], attrs) : graph.add(treesOnto, [checked, from], attrs)
}

/** What the estimators that boosting began with up to 0.20 answer to every row: the attribute that holds it. */
const FIXED_STARTS: Readonly<Record<string, string>> = {
  MeanEstimator: 'mean',
  QuantileEstimator: 'quantile',
  LogOddsEstimator: 'prior',
  ScaledLogOddsEstimator: 'prior',
  PriorProbabilityEstimator: 'priors',
}

function fixedStart(init: Estimator, columns: number): Float64Array | undefined {
  if (init.object.cls.module !== 'sklearn.ensemble.gradient_boosting') return undefined
  const { name } = init.object.cls
  if (name === 'ZeroEstimator') return new Float64Array(columns)
  const key = Object.hasOwn(FIXED_STARTS, name) ? FIXED_STARTS[name]! : undefined
  if (key === undefined) return undefined
  return init.get(key) instanceof NdArray ? init.numbers(key) : Float64Array.of(init.number(key))
}

/** With the squared error a leaf holds the mean of its rows, as inner nodes do; other losses replace it in leaves only. */
const leavesAreMeans = (booster: Estimator): boolean =>
  ['squared_error', 'ls'].includes(booster.text('loss', ''))

/** `init_` is 'zero' or a fitted estimator, given the features as float32. */
function startOf(booster: Estimator, context: Context, convert: (init: Estimator, x: Ref) => Ref): Start {
  const init = booster.get('init_')
  const absent = init === 'zero' || isAbsent(init)
  const values = absent
    ? new Float64Array(columnsOf(booster))
    : fixedStart(booster.child(init, 'init_'), columnsOf(booster))
  if (values !== undefined) return () => context.graph.add(constant, [], { values })
  return (x) => convert(booster.child(init, 'init_'), x)
}

function lossOf(booster: Estimator): Loss {
  const loss = booster.find('_loss') ?? booster.find('loss_')
  return {
    early: loss instanceof InertObject && /(_gb_losses|gradient_boosting)$/.test(loss.cls.module),
    exponential: booster.text('loss', '') === 'exponential',
    columns: columnsOf(booster),
  }
}

/**
 * Class probabilities of `init_` as raw scores. scipy's logit was reformulated in 1.15, which the file does not tell:
 * models from scikit-learn 1.6 on, of the same months, are taken to run with it (a few units in the last place).
 */
function startScores(booster: Estimator, context: Context, loss: Loss): Start {
  const { graph } = context
  const margin = isVersion(booster, 1, 8) ? 2 ** -52 : 2 ** -23 // machine epsilon of float64, of float32
  return startOf(booster, context, (init, x) => {
    const [proba] = context.lower(init, x).methods.predict_proba?.().parts ?? []
    if (proba === undefined)
      throw init.error('unsupported', `${init.name} has no probabilities to start from`)
    if (loss.columns > 1)
      return addFolded(graph, rawScores, proba, {
        link: loss.early ? 'log' : 'centred-log',
        scale: 1,
        margin,
      })
    const positive = addFolded(graph, select, proba, { columns: Int32Array.of(1) })
    const scale = loss.exponential ? 0.5 : 1
    return addFolded(graph, rawScores, positive, {
      link: isVersion(booster, 1, 6) ? 'logit' : 'log-odds',
      scale,
      margin,
    })
  })
}

function addProbabilities(graph: Graph, scores: Ref, loss: Loss): Ref {
  if (loss.columns > 1) return graph.add(loss.early ? expNormalise : softmax, [scores], {})
  const positive = graph.add(expit, [scores], { scale: loss.exponential ? 2 : 1 })
  return graph.add(binaryProba, [positive], {})
}

/** Ties of two classes: the early logistic loss compares probabilities, so that 0.5 is the first class. */
function addClass(graph: Graph, scores: Ref, loss: Loss): Ref {
  if (loss.columns === 1 && !(loss.early && !loss.exponential))
    return graph.add(threshold, [scores], { threshold: 0, inclusive: true })
  return graph.add(argmax, [loss.early ? addProbabilities(graph, scores, loss) : scores], {})
}

const lowerClassifier: Lower = (booster, x, context) => {
  const { graph } = context
  const classes = classesOf(booster)
  const loss = lossOf(booster)
  if (loss.columns !== (classes.labels.length === 2 ? 1 : classes.labels.length))
    throw booster.error('corrupt', 'classes_ and estimators_ differ in width')
  const scores = once(() => addScores(booster, x, context, startScores(booster, context, loss)))
  return {
    classes: [classes.labels],
    methods: {
      predict: once(() => labelled(addClass(graph, scores(), loss), classes)),
      predict_proba: once(() => matrix(addProbabilities(graph, scores(), loss))),
      decision_function: once(() => scoresOf(graph, scores())),
    },
  }
}

const lowerRegressor: Lower = (booster, x, context) => {
  const start = startOf(booster, context, (init, x32) => {
    const [value] = context.lower(init, x32).methods.predict?.().parts ?? []
    if (value === undefined) throw init.error('unsupported', `${init.name} has no prediction to start from`)
    return value
  })
  return { methods: { predict: once(() => vector(addScores(booster, x, context, start))) } }
}

const FIELDS = `estimators_ init_ loss_ train_score_ oob_improvement_ oob_scores_ oob_score_ n_estimators_
  max_features_ n_trees_per_iteration_ n_classes_ classes_`

/** Gradient boosting: raw scores of an initial estimator plus shrunken trees. */
export const boostingFamily: readonly Family[] = [
  { names: ['sklearn.ensemble.GradientBoostingClassifier'], fields: FIELDS, lower: lowerClassifier },
  { names: ['sklearn.ensemble.GradientBoostingRegressor'], fields: FIELDS, lower: lowerRegressor },
]
