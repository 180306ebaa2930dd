import type { Graph } from '../ir/graph.ts'
import type { Ref } from '../ir/program.ts'
import { argmax, average, vote } from '../ops/links.ts'
import { logMean } from '../ops/log-probabilities.ts'
import { trees } from '../ops/trees.ts'
import { scatter } from '../ops/votes.ts'
import { numbersOf } from '../pickle/numpy.ts'
import { type Inert, NdArray } from '../pickle/values.ts'
import { classesOf, labelled, matrix, numbersOfAnswer, scoresOf } from './answers.ts'
import type { Estimator } from './estimator.ts'
import { plantForest } from './forest.ts'
import { logarithmsOf } from './log-probabilities.ts'
import { type Context, type Family, type Lower, type Lowered, type LoweredOutput, once } from './lowering.ts'
import { acceptsNaN, classProbabilities, type FittedTree, readTree, regressionValues } from './tree-state.ts'
import { checkSingle, treeFamily } from './trees.ts'

/** One estimator of a bag and the columns it reads. */
type Member = { readonly estimator: Estimator; readonly columns: readonly number[] }

type Bag = {
  readonly estimator: Estimator
  readonly members: readonly Member[]
  /** Sums are divided by the parameter, as in the library. */
  readonly divide: number
}

/** @throws ModelError when estimators and their columns do not fit */
function readBag(bag: Estimator): Bag {
  const features = bag.list('estimators_features_')
  const members = bag.list('estimators_').map((value, i) => ({
    estimator: bag.child(value, `estimator ${i}`),
    columns: readColumns(bag, features[i]),
  }))
  if (members.length === 0) throw bag.error('unfitted', `${bag.name} has no estimators`)
  return { estimator: bag, members, divide: bag.number('n_estimators') }
}

function readColumns(bag: Estimator, value: Inert | undefined): number[] {
  if (!(value instanceof NdArray))
    throw bag.error('corrupt', 'estimators_features_ and estimators_ differ in length')
  const columns = Array.from(numbersOf(value))
  const width = bag.number('n_features_in_', 'n_features_')
  if (!columns.every((column) => Number.isInteger(column) && column >= 0 && column < width))
    throw bag.error('corrupt', 'an estimator reads a column that is not there')
  return columns
}

const TREES = new Set(treeFamily.flatMap((family) => family.names))

const holdsTrees = ({ members }: Bag): boolean => members.every(({ estimator }) => TREES.has(estimator.name))

/**
 * A bag of trees that saw every class is a forest, each tree on columns of its own. Only columns that some tree reads are checked for NaN
 * and infinity: the others never reach an estimator.
 */
function addForest(
  { members, divide }: Bag,
  x: Ref,
  { graph }: Context,
  valuesOf: (tree: FittedTree) => Float64Array,
): Ref {
  const used = [...new Set(members.flatMap(({ columns }) => columns))].sort((a, b) => a - b)
  const position = new Map(used.map((column, i) => [column, i]))
  const grown = members.map(({ estimator, columns }) => {
    const nodes = readTree(estimator)
    return { estimator, nodes, columns: columns.map((column) => position.get(column)!) }
  })
  const nan = grown.every(({ estimator, nodes }) => acceptsNaN(estimator, nodes))
  const planted = grown.map(({ nodes, columns }) => ({ nodes, columns, values: valuesOf(nodes) }))
  const leafWidth = planted[0]!.values.length / planted[0]!.nodes.feature.length
  const sum = { cast: 'f32', leafWidth, init: new Float64Array(leafWidth), divide } as const
  const attrs = plantForest(planted, sum, graph.innerValues)
  return graph.add(trees, [checkSingle(graph, graph.select(x, used), nan)], attrs)
}

const lowerMembers = ({ members }: Bag, x: Ref, context: Context): Lowered[] =>
  members.map(({ estimator, columns }) =>
    context.named(undefined).lower(estimator, context.graph.select(x, columns)),
  )

const addMean = (graph: Graph, { divide }: Bag, parts: readonly Ref[]): Ref =>
  graph.add(average, parts, { weights: new Float64Array(0), divide })

/** Positions, in the classes of the bag, of the classes an estimator saw: the bag trains on class numbers. */
function classPositions(bag: Estimator, estimator: Estimator, count: number): Int32Array {
  const positions = estimator.numbers('classes_')
  if (positions.some((position) => !(Number.isInteger(position) && position >= 0 && position < count)))
    throw bag.error('corrupt', 'an estimator knows classes that the bag does not')
  return Int32Array.from(positions)
}

function ownProbabilities(tree: FittedTree, count: number): Float64Array {
  if (tree.outputs !== 1 || tree.width < count)
    throw new RangeError('the classes and values of a tree differ in shape')
  return classProbabilities(tree, [count])
}

/** What one estimator adds to the probabilities: its own, or a vote for its class when it has none. */
function addShare(graph: Graph, lowered: Lowered, positions: Int32Array, width: number): Ref {
  const [proba] = lowered.methods.predict_proba?.().parts ?? []
  if (proba !== undefined)
    return positions.length === width ? proba : graph.add(scatter, [proba], { targets: positions, width })
  const [choice] = lowered.methods.predict?.().parts ?? []
  if (choice === undefined) throw new RangeError('an estimator predicts nothing')
  return graph.add(vote, [choice], { targets: positions, width })
}

const lowerClassifier: Lower = (bagging, x, context) => {
  const { graph } = context
  const classes = classesOf(bagging)
  const count = classes.labels.length
  const bag = readBag(bagging)
  const positions = bag.members.map(({ estimator }) => classPositions(bagging, estimator, count))
  const complete = positions.every(({ length }) => length === count)
  const asForest = complete && holdsTrees(bag)
  const lowered = once(() => lowerMembers(bag, x, context))
  const proba = once(() =>
    asForest
      ? addForest(bag, x, context, (tree) => ownProbabilities(tree, count))
      : addMean(
          graph,
          bag,
          lowered().map((member, i) => addShare(graph, member, positions[i]!, count)),
        ),
  )
  const decides =
    complete && !asForest && lowered().every((member) => member.methods.decision_function !== undefined)
  const hasLogs = asForest || lowered().every((member) => member.methods.predict_log_proba !== undefined)
  return {
    classes: [classes.labels],
    methods: {
      predict: once(() => labelled(graph.add(argmax, [proba()], {}), classes)),
      predict_proba: once(() => matrix(proba())),
      ...(hasLogs && {
        predict_log_proba: once(() => {
          const logs =
            complete && !asForest
              ? lowered().map((member) => member.methods.predict_log_proba!().parts[0]!)
              : logarithmsOf(graph, matrix(proba())).parts
          return matrix(graph.add(logMean, logs, {}))
        }),
      }),
      ...(decides && {
        decision_function: once(() => {
          const scores = lowered().map((member) => member.methods.decision_function!().parts[0]!)
          return scoresOf(graph, addMean(graph, bag, scores))
        }),
      }),
    },
  }
}

function meanPrediction(bag: Bag, x: Ref, context: Context): LoweredOutput {
  const predictions = lowerMembers(bag, x, context).map((member, i) => {
    const output = member.methods.predict?.()
    if (output === undefined) throw bag.estimator.error('corrupt', 'an estimator predicts nothing')
    return { output, node: numbersOfAnswer(context.graph, output, bag.members[i]!.estimator) }
  })
  const node = addMean(
    context.graph,
    bag,
    predictions.map((prediction) => prediction.node),
  )
  return { parts: [node], shape: predictions[0]!.output.shape, dtype: 'float64' }
}

const lowerRegressor: Lower = (bagging, x, context) => {
  const bag = readBag(bagging)
  return {
    methods: {
      predict: once(() => {
        if (!holdsTrees(bag)) return meanPrediction(bag, x, context)
        const node = addForest(bag, x, context, regressionValues)
        const shape = context.graph.width(node) === 1 ? 'vector' : 'matrix'
        return { parts: [node], shape, dtype: 'float64' }
      }),
    },
  }
}

const FIELDS = `estimators_ estimators_features_ estimator_ base_estimator_ classes_ n_classes_ oob_score_
  oob_decision_function_ oob_prediction_`

/** Bagging: the mean over estimators of any kind, each on columns of its own. */
export const baggingFamily: readonly Family[] = [
  { names: ['sklearn.ensemble.BaggingClassifier'], fields: FIELDS, lower: lowerClassifier },
  { names: ['sklearn.ensemble.BaggingRegressor'], fields: FIELDS, lower: lowerRegressor },
]
