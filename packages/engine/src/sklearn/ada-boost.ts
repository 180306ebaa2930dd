import type { Ref } from '../ir/program.ts'
import { pairwiseSum } from '../math/pairwise-sum.ts'
import { centredLogShares, pickRow, weightedMedian } from '../ops/ensembles.ts'
import { argmax, average, softmax, threshold } from '../ops/links.ts'
import { linear } from '../ops/matmul.ts'
import { type Classes, classesOf, labelled, matrix, numbersOfAnswer, vector } from './answers.ts'
import type { Estimator } from './estimator.ts'
import { finiteNumbers } from './inputs.ts'
import { formulaNode } from './kernels.ts'
import { type Context, type Family, type Lower, type Lowered, once } from './lowering.ts'
import { isBefore, isVersion } from './version.ts'

type Member = { readonly estimator: Estimator; readonly lowered: Lowered }

function membersOf(estimator: Estimator, x: Ref, context: Context): Member[] {
  const rows = finiteNumbers(context.graph, x)
  const members = estimator.list('estimators_').map((value, i) => {
    const member = estimator.child(value, `estimator ${i}`)
    return { estimator: member, lowered: context.lower(member, rows) }
  })
  if (members.length === 0) throw estimator.error('unfitted', `${estimator.name} has no estimators`)
  return members
}

/** One weight per member; training that ended early leaves more weights than members. */
const weightsOf = (estimator: Estimator, members: readonly Member[]): Float64Array => {
  const weights = estimator.numbers('estimator_weights_')
  if (weights.length >= members.length) return weights
  throw estimator.error(
    'corrupt',
    `${estimator.name} has ${weights.length} weights for ${members.length} estimators`,
  )
}

/** Index of the class that a member answers, among its own classes. */
function answerOf({ estimator, lowered }: Member): { node: Ref; labels: Classes['labels'] } {
  const { parts, labels } = lowered.methods.predict?.() ?? { parts: [] }
  const [node] = parts
  if (node !== undefined && labels?.length === 1) return { node, labels: labels[0]! }
  throw estimator.error('unsupported', `${estimator.name} does not answer one class per row`)
}

/** From 1.3, a vote for one class also counts −weight / (classes − 1) for every other (SAMME). */
function votesOf(
  estimator: Estimator,
  members: readonly Member[],
  classes: Classes,
  { graph }: Context,
): Ref[] {
  const weights = weightsOf(estimator, members)
  const count = classes.labels.length
  const against = isVersion(estimator, 1, 3) ? -1 / (count - 1) : 0
  return members.map((member, i) => {
    const { node, labels } = answerOf(member)
    const table = labels.flatMap((label) =>
      classes.labels.map((own) => (own === label ? weights[i]! : against * weights[i]!)),
    )
    return graph.add(pickRow, [node], { table: Float64Array.from(table), width: count })
  })
}

function sharesOf(members: readonly Member[], classes: Classes, { graph }: Context): Ref[] {
  return members.map(({ estimator, lowered }) => {
    const [node] = lowered.methods.predict_proba?.().parts ?? []
    if (node === undefined || graph.width(node) !== classes.labels.length)
      throw estimator.error('unsupported', `${estimator.name} has no probabilities of every class`)
    return graph.add(centredLogShares, [node], {})
  })
}

/** Before 0.22 the members' probabilities were averaged by weight, and their exponentials shared. */
function weightedShares(
  estimator: Estimator,
  members: readonly Member[],
  classes: Classes,
  { graph }: Context,
): Ref {
  const nodes = members.map((member) => {
    const [node] = member.lowered.methods.predict_proba?.().parts ?? []
    if (node !== undefined && graph.width(node) === classes.labels.length) return node
    throw member.estimator.error(
      'unsupported',
      `${member.estimator.name} has no probabilities of every class`,
    )
  })
  const weights = weightsOf(estimator, members)
  const divide = pairwiseSum(weights, 0, weights.length)
  const mean = graph.add(average, nodes, { weights: weights.slice(0, nodes.length), divide })
  return graph.add(softmax, [formulaNode(graph, mean, 'affine', [1 / (classes.labels.length - 1), 0])], {})
}

const lowerClassifier: Lower = (estimator, x, context) => {
  const { graph } = context
  const classes = classesOf(estimator)
  const count = classes.labels.length
  if (count < 2)
    throw estimator.error('unsupported', `${estimator.name} with a single class is not supported yet`)
  const members = once(() => membersOf(estimator, x, context))
  const scores = once(() => {
    const real = estimator.find('algorithm') === 'SAMME.R'
    const nodes = real
      ? sharesOf(members(), classes, context)
      : votesOf(estimator, members(), classes, context)
    const weights = estimator.numbers('estimator_weights_')
    const divide = pairwiseSum(weights, 0, weights.length)
    const sums = graph.add(average, nodes, { weights: new Float64Array(0), divide })
    if (count > 2) return sums
    const difference = { weights: Float64Array.of(-1, 1), bias: new Float64Array(1), single: false }
    return graph.add(linear, [sums], difference)
  })
  return {
    classes: [classes.labels],
    methods: {
      predict: once(() => {
        const above = () => graph.add(threshold, [scores()], { threshold: 0, inclusive: false })
        return labelled(count === 2 ? above() : graph.add(argmax, [scores()], {}), classes)
      }),
      decision_function: once(() => (count === 2 ? vector(scores()) : matrix(scores()))),
      predict_proba: once(() => {
        if (isBefore(estimator, 0, 22) && estimator.find('algorithm') === 'SAMME')
          return matrix(weightedShares(estimator, members(), classes, context))
        const both = { weights: Float64Array.of(-0.5, 0.5), bias: new Float64Array(2), single: false }
        const logits =
          count === 2
            ? graph.add(linear, [scores()], both)
            : formulaNode(graph, scores(), 'affine', [1 / (count - 1), 0])
        return matrix(graph.add(softmax, [logits], {}))
      }),
    },
  }
}

const lowerRegressor: Lower = (estimator, x, context) => ({
  methods: {
    predict: once(() => {
      const { graph } = context
      const members = membersOf(estimator, x, context)
      const answers = members.map(({ estimator: member, lowered }) => {
        const output = lowered.methods.predict?.()
        if (output === undefined) throw member.error('unsupported', `${member.name} does not predict`)
        return numbersOfAnswer(graph, output, member)
      })
      const weights = weightsOf(estimator, members).slice(0, members.length)
      return vector(graph.add(weightedMedian, [graph.concat(answers)], { weights }))
    }),
  },
})

const FIELDS = `estimator_ base_estimator_ estimators_ estimator_weights_ estimator_errors_ classes_ n_classes_`

export const adaBoostFamily: readonly Family[] = [
  { names: ['sklearn.ensemble.AdaBoostClassifier'], fields: FIELDS, lower: lowerClassifier },
  { names: ['sklearn.ensemble.AdaBoostRegressor'], fields: FIELDS, lower: lowerRegressor },
]
