import type { Graph } from '../ir/graph.ts'
import type { Ref } from '../ir/program.ts'
import { lowByte } from '../ops/discretising.ts'
import { argmax, binaryProba, exp, expit, softmax, threshold } from '../ops/links.ts'
import { trees } from '../ops/trees.ts'
import { NdArray } from '../pickle/values.ts'
import { classesOf, labelled, matrix, scoresOf, vector } from './answers.ts'
import type { Estimator } from './estimator.ts'
import { type PlantedTree, plantForest } from './forest.ts'
import { readHistForest } from './hist-state.ts'
import { finiteNumbers } from './inputs.ts'
import { type Context, type Family, isAbsent, type Lower, once, transformOf } from './lowering.ts'
import { isBefore, isVersion } from './version.ts'

/**
 * Columns as the trees see them. From 1.4 an embedded column transformer puts the categorical columns first, encoded
 * as 0, 1, … with NaN for unknown and missing ones; before, the categories are the numbers in the columns.
 */
function treeColumns(booster: Estimator, x: Ref, context: Context): Ref {
  const { graph, columnNames } = context
  const preprocessor = booster.find('_preprocessor')
  if (isAbsent(preprocessor)) return categoryBytes(booster, graph.toNumbers(x), graph)
  const encoder = encoderOf(booster, booster.child(preprocessor, 'preprocessor'))
  const mask = booster.numbers('is_categorical_')
  if (mask.length !== graph.width(x))
    throw booster.error('corrupt', 'is_categorical_ does not fit the columns')
  const columns = Array.from(mask, (_, column) => column)
  const encoded = columns.filter((column) => mask[column] !== 0)
  const others = columns.filter((column) => mask[column] === 0)
  const inner = context.named(columnNames && encoded.map((column) => columnNames[column]!))
  const lowered = inner.lower(encoder, graph.select(x, encoded))
  const parts = [graph.toNumbers(transformOf(lowered, encoder))]
  if (others.length > 0) parts.push(graph.toNumbers(graph.select(x, others)))
  return graph.concat(parts)
}

/** Before 1.2 categories were cast to bytes, whatever they were. */
function categoryBytes(booster: Estimator, x: Ref, graph: Graph): Ref {
  const mapper = booster.child(booster.get('_bin_mapper', 'bin_mapper_'), 'bin mapper')
  if (!isBefore(booster, 1, 2) || !mapper.has('is_categorical_')) return x
  const columns = Uint8Array.from(mapper.numbers('is_categorical_'))
  return columns.includes(1) ? graph.add(lowByte, [x], { columns }) : x
}

/** The transformer named 'encoder', which is the first of two. */
function encoderOf(booster: Estimator, preprocessor: Estimator): Estimator {
  const first = preprocessor.list('transformers_')[0]
  if (!Array.isArray(first) || first[0] !== 'encoder')
    throw booster.error('unsupported', 'its preprocessor is not the one scikit-learn makes')
  return preprocessor.child(first[1], 'encoder')
}

/** `_baseline_prediction`: one number per column of scores. */
function baselineOf(booster: Estimator): Float64Array {
  const value = booster.get('_baseline_prediction')
  if (typeof value === 'number') return Float64Array.of(value)
  if (value instanceof NdArray && value.dtype.kind === 'f' && value.dtype.itemsize !== 8)
    throw booster.error('unsupported', 'its scores are not added in float64')
  return booster.numbers('_baseline_prediction')
}

/** Losses that replace the values of leaves, and of leaves only, after a tree is grown. */
const ADJUSTED = ['absolute_error', 'least_absolute_deviation', 'quantile']

/** Inner nodes have values from 0.23. */
const hasInnerValues = (booster: Estimator): boolean =>
  isVersion(booster, 0, 23) && !ADJUSTED.includes(booster.text('loss'))

/** The values of inner nodes as leaves have them: those are shrunken in the file. */
function shrinkInner({ nodes, values, ...tree }: PlantedTree, rate: number): PlantedTree {
  const shrunken = values.map((value, node) => (nodes.feature[node] === -1 ? value : rate * value))
  return { ...tree, nodes, values: shrunken }
}

/** baseline + Σ leaves, iteration by iteration, over float64 features */
function addScores(booster: Estimator, x: Ref, context: Context): Ref {
  const { graph } = context
  const init = baselineOf(booster)
  const { planted, sets, routesMissing } = readHistForest(booster, init.length)
  const sum = { cast: 'f64', leafWidth: 1, init, divide: 1, sets } as const
  const attrs =
    graph.innerValues && hasInnerValues(booster)
      ? plantForest(
          planted.map((tree) => shrinkInner(tree, booster.number('learning_rate'))),
          sum,
          true,
        )
      : plantForest(planted, sum)
  const columns = treeColumns(booster, x, context)
  return graph.add(trees, [routesMissing ? columns : finiteNumbers(graph, columns)], attrs)
}

const addProbabilities = (graph: Graph, scores: Ref): Ref =>
  graph.width(scores) > 1
    ? graph.add(softmax, [scores], {})
    : graph.add(binaryProba, [graph.add(expit, [scores], { scale: 1 })], {})

/** From 1.4 classes are chosen by scores, before by probabilities, which may tie where scores do not. */
function addClass(booster: Estimator, graph: Graph, scores: Ref): Ref {
  if (!booster.has('_preprocessor')) return graph.add(argmax, [addProbabilities(graph, scores)], {})
  return graph.width(scores) > 1
    ? graph.add(argmax, [scores], {})
    : graph.add(threshold, [scores], { threshold: 0, inclusive: false })
}

const lowerClassifier: Lower = (booster, x, context) => {
  const { graph } = context
  const classes = classesOf(booster)
  const scores = once(() => {
    const node = addScores(booster, x, context)
    if (graph.width(node) !== (classes.labels.length > 2 ? classes.labels.length : 1))
      throw booster.error('corrupt', 'classes_ and scores differ in width')
    return node
  })
  return {
    classes: [classes.labels],
    methods: {
      predict: once(() => labelled(addClass(booster, graph, scores()), classes)),
      predict_proba: once(() => matrix(addProbabilities(graph, scores()))),
      decision_function: once(() => scoresOf(graph, scores())),
    },
  }
}

/** Losses by the inverse of their link. */
const INVERSE_LINKS: Readonly<Record<string, 'identity' | 'exp'>> = {
  squared_error: 'identity',
  least_squares: 'identity',
  absolute_error: 'identity',
  least_absolute_deviation: 'identity',
  quantile: 'identity',
  poisson: 'exp',
  gamma: 'exp',
}

const lowerRegressor: Lower = (booster, x, context) => {
  const link = INVERSE_LINKS[booster.text('loss')]
  if (link === undefined) throw booster.error('unsupported', `its loss ${booster.text('loss')} is not known`)
  return {
    methods: {
      predict: once(() => {
        const scores = addScores(booster, x, context)
        return vector(link === 'exp' ? context.graph.add(exp, [scores], {}) : scores)
      }),
    },
  }
}

const FIELDS = `is_categorical_ classes_ n_trees_per_iteration_ do_early_stopping_ loss_ scorer_ train_score_ validation_score_
  n_iter_ bin_mapper_`

/** Histogram gradient boosting: a baseline plus trees over float64 features, missing values and categories included. */
export const histBoostingFamily: readonly Family[] = [
  { names: ['sklearn.ensemble.HistGradientBoostingClassifier'], fields: FIELDS, lower: lowerClassifier },
  { names: ['sklearn.ensemble.HistGradientBoostingRegressor'], fields: FIELDS, lower: lowerRegressor },
]
