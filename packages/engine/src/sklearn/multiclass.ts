import type { Ref } from '../ir/program.ts'
import { argmax, binaryProba, constant, normalise, threshold } from '../ops/links.ts'
import { argmaxLast, duelScores, nearest } from '../ops/multiclass.ts'
import { classesOf, decide, labelled, matrix, numbersOfAnswer, scoresOf, vector } from './answers.ts'
import type { Estimator } from './estimator.ts'
import {
  batchDependent,
  type Context,
  type Family,
  isAbsent,
  type Lower,
  type Lowered,
  once,
} from './lowering.ts'
import { isBefore, isVersion } from './version.ts'

/** One of the two-class estimators that together know several classes. */
type Member = { readonly estimator: Estimator; readonly lowered: Lowered }

function membersOf(estimator: Estimator, x: Ref, context: Context): Member[] {
  return estimator.list('estimators_').map((value, i) => {
    const member = estimator.child(value, `estimators_[${i}]`)
    return { estimator: member, lowered: context.lower(member, x) }
  })
}

/** The score of a member's second class: its decision function, its probability, or a regressor's answer. */
function scoreOf({ estimator, lowered }: Member, { graph }: Context): Ref {
  const { predict, predict_proba, decision_function } = lowered.methods
  const answer = lowered.classes === undefined ? predict : (decision_function ?? predict_proba)
  const output = answer?.()
  const [node] = output?.parts ?? []
  if (node !== undefined && output?.shape === 'vector') return node
  if (node !== undefined && output?.shape === 'matrix' && graph.width(node) === 2)
    return graph.select(node, [1])
  throw estimator.error('unsupported', `${estimator.name} does not score two classes`)
}

/** Scores above this mean the second class. */
const limitOf = ({ lowered }: Member): number =>
  lowered.methods.decision_function !== undefined && lowered.classes !== undefined ? 0 : 0.5

function positiveShare({ estimator, lowered }: Member, { graph }: Context): Ref {
  const [node] = lowered.methods.predict_proba?.().parts ?? []
  if (node !== undefined && graph.width(node) === 2) return graph.select(node, [1])
  throw estimator.error('unsupported', `${estimator.name} has no probabilities of two classes`)
}

/** One member per class (one alone for two): the highest score wins, of equals the last (from 1.8
 * the first); or every label above its limit. */
const lowerOneVersusRest: Lower = (estimator, x, context) => {
  const { graph } = context
  const binarizer = estimator.child(estimator.get('label_binarizer_'), 'label_binarizer_')
  const classes = classesOf(binarizer)
  const multiLabel = binarizer.text('y_type_').startsWith('multilabel')
  const members = membersOf(estimator, x, context)
  const alone = members.length === 1 && classes.labels.length === 2 && !multiLabel
  if (!alone && members.length !== classes.labels.length)
    throw estimator.error(
      'corrupt',
      `${estimator.name} has ${members.length} members for ${classes.labels.length} classes`,
    )
  const scores = once(() => graph.concat(members.map((member) => scoreOf(member, context))))
  const above = once(() =>
    graph.add(threshold, [scores()], { threshold: limitOf(members[0]!), inclusive: false }),
  )
  const hasAll = (method: 'decision_function' | 'predict_proba') =>
    members.every(({ lowered }) => lowered.methods[method] !== undefined)
  return {
    classes: [classes.labels],
    methods: {
      predict: once(() => {
        if (multiLabel) return matrix(above(), 'int64')
        if (alone) return labelled(above(), classes)
        return labelled(graph.add(isVersion(estimator, 1, 8) ? argmax : argmaxLast, [scores()], {}), classes)
      }),
      ...(hasAll('decision_function') && {
        decision_function: once(() => (alone ? vector(scores()) : matrix(scores()))),
      }),
      ...(hasAll('predict_proba') && {
        predict_proba: once(() => {
          const shares = graph.concat(members.map((member) => positiveShare(member, context)))
          if (multiLabel) return matrix(shares)
          return matrix(
            graph.add(normalise, [alone ? graph.add(binaryProba, [shares], {}) : shares], { zero: 'keep' }),
          )
        }),
      }),
    },
  }
}

/** What stands in for a class that every training row, or none, had. */
const lowerConstant: Lower = (estimator, x, { graph }) => {
  const [value = 0] = estimator.numbers('y_')
  return {
    classes: [[0, 1]],
    methods: {
      decision_function: once(() => vector(graph.add(constant, [x], { values: Float64Array.of(value) }))),
      predict_proba: once(() =>
        matrix(graph.add(constant, [x], { values: Float64Array.of(1 - value, value) })),
      ),
    },
  }
}

/** One member per pair of classes: votes, told apart by confidence. */
const lowerOneVersusOne: Lower = (estimator, x, context) => {
  const { graph } = context
  if (!isAbsent(estimator.find('pairwise_indices_')))
    throw estimator.error(
      'unsupported',
      `${estimator.name} reads a precomputed kernel`,
      'train it on columns',
    )
  const classes = classesOf(estimator)
  const members = membersOf(estimator, x, context)
  const scores = once(() => {
    const winners = members.map((member) => winnerOf(member, context))
    const confidences = members.map((member) => scoreOf(member, context))
    const attrs = { classes: classes.labels.length }
    const all = graph.add(duelScores, [graph.concat(winners), graph.concat(confidences)], attrs)
    return classes.labels.length === 2 ? graph.select(all, [1]) : all
  })
  return {
    classes: [classes.labels],
    methods: {
      predict: once(() => {
        const node = scores()
        if (classes.labels.length > 2) return labelled(decide(graph, node), classes)
        const limit = { threshold: limitOf(members[0]!), inclusive: false }
        return labelled(graph.add(threshold, [node], limit), classes)
      }),
      decision_function: once(() => {
        if (isBefore(estimator, 0, 21)) throw batchDependent(estimator, 'decision_function')
        return scoresOf(graph, scores())
      }),
    },
  }
}

function winnerOf({ estimator, lowered }: Member, { graph }: Context): Ref {
  const output = lowered.methods.predict?.()
  if (output?.shape === 'vector') return numbersOfAnswer(graph, output, estimator)
  throw estimator.error('unsupported', `${estimator.name} does not answer one of two classes`)
}

/** Every class has a code word; the one nearest to the members' scores wins. */
const lowerOutputCode: Lower = (estimator, x, context) => {
  const { graph } = context
  const classes = classesOf(estimator)
  const members = membersOf(estimator, x, context)
  const points = estimator.numbers('code_book_')
  if (points.length !== classes.labels.length * members.length)
    throw estimator.error('corrupt', `${estimator.name} has a code book that does not fit its members`)
  return {
    classes: [classes.labels],
    methods: {
      predict: once(() => {
        const scores = graph.concat(members.map((member) => scoreOf(member, context)))
        return labelled(graph.add(nearest, [scores], { points }), classes)
      }),
    },
  }
}

export const multiclassFamily: readonly Family[] = [
  {
    names: ['sklearn.multiclass.OneVsRestClassifier'],
    fields: 'estimators_ label_binarizer_ classes_ n_classes_ multilabel_ coef_ intercept_',
    lower: lowerOneVersusRest,
  },
  { names: ['sklearn.multiclass._ConstantPredictor'], fields: 'y_', columns: 0, lower: lowerConstant },
  {
    names: ['sklearn.multiclass.OneVsOneClassifier'],
    fields: 'estimators_ classes_ n_classes_ pairwise_indices_',
    lower: lowerOneVersusOne,
  },
  {
    names: ['sklearn.multiclass.OutputCodeClassifier'],
    fields: 'estimators_ classes_ code_book_',
    lower: lowerOutputCode,
  },
]
