import type { Ref } from '../ir/program.ts'
import { argmax, average } from '../ops/links.ts'
import { majority } from '../ops/votes.ts'
import { type Classes, classesOf, labelled, matrix, numbersOfAnswer, vector } from './answers.ts'
import type { Estimator } from './estimator.ts'
import { type Context, type Family, isAbsent, type Lower, type Lowered, once } from './lowering.ts'

/** A member that votes, lowered. */
type Member = { readonly estimator: Estimator; readonly lowered: Lowered }

function membersOf(estimator: Estimator, x: Ref, context: Context): Member[] {
  return estimator.list('estimators_').map((value, i) => {
    const member = estimator.child(value, `estimators_[${i}]`)
    return { estimator: member, lowered: context.lower(member, x) }
  })
}

/** Weights of the members that vote: those dropped have none. Empty without weights. */
function weightsOf(estimator: Estimator): Float64Array {
  if (isAbsent(estimator.find('weights'))) return new Float64Array(0)
  const weights = estimator.cells('weights').map(Number)
  const kept = estimator.list('estimators').map((pair) => {
    const member = Array.isArray(pair) ? pair[1] : pair
    return member !== 'drop' && !isAbsent(member)
  })
  return Float64Array.from(weights.filter((_, i) => kept[i]))
}

/** numpy.average: Σ wᵢ · xᵢ / Σ wᵢ */
function averageOf(nodes: readonly Ref[], weights: Float64Array, { graph }: Context): Ref {
  const total = weights.length === 0 ? nodes.length : weights.reduce((sum, weight) => sum + weight, 0)
  return graph.add(average, nodes, { weights, divide: total })
}

const lowerClassifier: Lower = (estimator, x, context) => {
  const members = membersOf(estimator, x, context)
  const classes = classesOf(estimator)
  return estimator.text('voting') === 'soft'
    ? soft(estimator, classes, members, context)
    : hard(estimator, classes, members, context)
}

/** Weighted mean of the members' probabilities; `transform` shows them side by side. */
function soft(estimator: Estimator, classes: Classes, members: readonly Member[], context: Context): Lowered {
  const { graph } = context
  const probas = once(() => members.map((member) => probaOf(member, classes, context)))
  const proba = once(() => averageOf(probas(), weightsOf(estimator), context))
  const flat = estimator.find('flatten_transform') !== null && estimator.flag('flatten_transform', true)
  return {
    classes: [classes.labels],
    methods: {
      predict: once(() => labelled(graph.add(argmax, [proba()], {}), classes)),
      predict_proba: once(() => matrix(proba())),
      ...(flat && { transform: once(() => matrix(graph.concat(probas()))) }),
    },
  }
}

function probaOf({ estimator, lowered }: Member, classes: Classes, { graph }: Context): Ref {
  const [node] = lowered.methods.predict_proba?.().parts ?? []
  if (node === undefined)
    throw estimator.error('unsupported', `${estimator.name} has no probabilities to vote with`)
  if (graph.width(node) !== classes.labels.length)
    throw estimator.error('corrupt', `${estimator.name} was not trained on the classes of the vote`)
  return node
}

/** The class most members name; `transform` shows the classes they name, as indices. */
function hard(estimator: Estimator, classes: Classes, members: readonly Member[], context: Context): Lowered {
  const { graph } = context
  const votes = once(() => members.map((member) => voteOf(member, classes, context)))
  return {
    classes: [classes.labels],
    methods: {
      predict: once(() => {
        const attrs = { classes: classes.labels.length, weights: weightsOf(estimator) }
        return labelled(graph.add(majority, votes(), attrs), classes)
      }),
      transform: once(() => matrix(graph.concat(votes()), 'int64')),
    },
  }
}

/** Members were trained on class indices, so their labels are those. */
function voteOf(member: Member, classes: Classes, context: Context): Ref {
  const labels = member.lowered.methods.predict?.().labels?.flat()
  if (labels === undefined || !labels.every((label) => classes.labels[Number(label)] !== undefined))
    throw member.estimator.error(
      'unsupported',
      `${member.estimator.name} does not answer the classes of the vote`,
    )
  return answerOf(member, context)
}

function answerOf({ estimator, lowered }: Member, { graph }: Context): Ref {
  const output = lowered.methods.predict?.()
  if (output?.shape !== 'vector')
    throw estimator.error('unsupported', `${estimator.name} has no single answer to vote with`)
  return numbersOfAnswer(graph, output, estimator)
}

const lowerRegressor: Lower = (estimator, x, context) => {
  const answers = once(() => membersOf(estimator, x, context).map((member) => answerOf(member, context)))
  return {
    methods: {
      predict: once(() => vector(averageOf(answers(), weightsOf(estimator), context))),
      transform: once(() => matrix(context.graph.concat(answers()))),
    },
  }
}

export const votingFamily: readonly Family[] = [
  {
    names: ['sklearn.ensemble.VotingClassifier'],
    fields: 'estimators_ named_estimators_ classes_ le_',
    note: 'no transform with flatten_transform=False',
    lower: lowerClassifier,
  },
  {
    names: ['sklearn.ensemble.VotingRegressor'],
    fields: 'estimators_ named_estimators_',
    lower: lowerRegressor,
  },
]
