import type { Method, Ref } from '../ir/program.ts'
import { matrix, numbersOfAnswer } from './answers.ts'
import type { Estimator } from './estimator.ts'
import { type Context, type Family, type Lower, type Lowered, type LoweredOutput, once } from './lowering.ts'

/** The estimator of one output, lowered. */
type Member = { readonly estimator: Estimator; readonly lowered: Lowered }

const estimatorsOf = (estimator: Estimator): Estimator[] =>
  estimator.list('estimators_').map((value, i) => estimator.child(value, `estimators_[${i}]`))

const membersOf = (owner: Estimator, x: Ref, context: Context): Member[] =>
  estimatorsOf(owner).map((estimator) => ({ estimator, lowered: context.lower(estimator, x) }))

/** A member's own answer, one value or one matrix of probabilities per row. */
function answerOf({ estimator, lowered }: Member, method: Method): LoweredOutput {
  const output = lowered.methods[method]?.()
  if (output?.parts.length === 1) return output
  throw estimator.error('unsupported', `${estimator.name} does not answer ${method} for one output`)
}

const nodeOf = (member: Member, method: Method): Ref => answerOf(member, method).parts[0]!

const canAll = (members: readonly Member[], method: Method): boolean =>
  members.every(({ lowered }) => lowered.methods[method] !== undefined)

/** One classifier per output: labels side by side, probabilities as a list. */
const lowerClassifiers: Lower = (estimator, x, context) => {
  const members = membersOf(estimator, x, context)
  return {
    classes: members.map(({ lowered }) => lowered.classes?.[0] ?? []),
    methods: {
      predict: once(() => {
        const answers = members.map((member) => answerOf(member, 'predict'))
        const node = context.graph.concat(answers.map(({ parts }) => parts[0]!))
        const labels = answers.map((answer) => answer.labels?.[0] ?? [])
        return { ...matrix(node, answers[0]?.dtype), labels }
      }),
      ...(canAll(members, 'predict_proba') && {
        predict_proba: once(() => ({
          parts: members.map((member) => nodeOf(member, 'predict_proba')),
          shape: 'list' as const,
          dtype: 'float64',
        })),
      }),
    },
  }
}

const lowerRegressors: Lower = (estimator, x, context) => ({
  methods: {
    predict: once(() => {
      const members = membersOf(estimator, x, context)
      return matrix(context.graph.concat(members.map((member) => nodeOf(member, 'predict'))))
    }),
  },
})

/** Every member reads the row and what the members before it hand on: `chain_method_` (1.7), or their answers. */
function chainOf(owner: Estimator, x: Ref, context: Context): Member[] {
  const handedOn = owner.text('chain_method_', 'predict') as Method
  let row = x
  return estimatorsOf(owner).map((estimator, i, { length }) => {
    const member = { estimator, lowered: context.lower(estimator, row) }
    if (i < length - 1) row = context.graph.concat([row, columnOf(member, handedOn, context)])
    return member
  })
}

/** One number per row: an answer, a score, or the probability of the second class. */
function columnOf(member: Member, method: Method, { graph }: Context): Ref {
  const node = numbersOfAnswer(graph, answerOf(member, method), member.estimator)
  const width = graph.width(node)
  if (width === 1) return node
  if (width === 2 && method === 'predict_proba') return graph.select(node, [1])
  throw member.estimator.error('unsupported', `${member.estimator.name} answers more than one value per row`)
}

/** Answers of a chain in the order of the outputs: `order_[i]` is the output of member i. */
function inOrder(owner: Estimator, answers: readonly Ref[], { graph }: Context): Ref {
  const order = owner.cells('order_')
  const positions = answers.map((_, output) => order.indexOf(output))
  if (order.length !== answers.length || positions.includes(-1))
    throw owner.error('corrupt', `${owner.name} has an order that does not fit its members`)
  return graph.concat(positions.map((position) => answers[position]!))
}

const lowerChain: Lower = (estimator, x, context) => {
  const members = chainOf(estimator, x, context)
  const answer = (method: Method) =>
    once(() => {
      const answers = members.map((member) => columnOf(member, method, context))
      return matrix(inOrder(estimator, answers, context))
    })
  return {
    methods: {
      predict: answer('predict'),
      ...(canAll(members, 'predict_proba') && { predict_proba: answer('predict_proba') }),
      ...(canAll(members, 'decision_function') && { decision_function: answer('decision_function') }),
    },
  }
}

export const multioutputFamily: readonly Family[] = [
  {
    names: ['sklearn.multioutput.MultiOutputClassifier'],
    fields: 'estimators_ classes_',
    lower: lowerClassifiers,
  },
  { names: ['sklearn.multioutput.MultiOutputRegressor'], fields: 'estimators_', lower: lowerRegressors },
  {
    names: ['sklearn.multioutput.ClassifierChain', 'sklearn.multioutput.RegressorChain'],
    fields: 'estimators_ order_ classes_ chain_method_',
    lower: lowerChain,
  },
]
