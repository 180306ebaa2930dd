import type { Method, Ref } from '../ir/program.ts'
import { matrix, numbersOfAnswer } from './answers.ts'
import type { Estimator } from './estimator.ts'
import { type Context, type Family, type Lower, type LoweredOutput, once } from './lowering.ts'

const membersOf = (estimator: Estimator): Estimator[] =>
  estimator.list('estimators_').map((value, i) => estimator.child(value, `estimators_[${i}]`))

/** A member's own answer, one value or one matrix of probabilities per row. */
function answerOf(member: Estimator, x: Ref, method: Method, context: Context): LoweredOutput {
  const output = context.lower(member, x).methods[method]?.()
  if (output?.parts.length === 1) return output
  throw member.error('unsupported', `${member.name} does not answer ${method} for one output`)
}

/** One classifier per output: labels side by side, probabilities as a list. */
const lowerClassifiers: Lower = (estimator, x, context) => {
  const members = membersOf(estimator)
  const lowered = members.map((member) => context.lower(member, x))
  return {
    classes: lowered.map(({ classes }) => classes?.[0] ?? []),
    methods: {
      predict: once(() => {
        const answers = members.map((member) => answerOf(member, x, 'predict', context))
        const node = context.graph.concat(answers.map(({ parts }) => parts[0]!))
        const labels = answers.map((answer) => answer.labels?.[0] ?? [])
        return { ...matrix(node, answers[0]?.dtype), labels }
      }),
      ...(lowered.every(({ methods }) => methods.predict_proba !== undefined) && {
        predict_proba: once(() => ({
          parts: members.map((member) => answerOf(member, x, 'predict_proba', context).parts[0]!),
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
      const answers = membersOf(estimator).map((member) => answerOf(member, x, 'predict', context))
      return matrix(context.graph.concat(answers.map(({ parts }) => parts[0]!)))
    }),
  },
})

/**
 * Every member reads the row and the answers of the members before it. `order_[i]` is the output of member i.
 * `chain_method_` (1.7) says which answer is handed on; members answer `method` themselves.
 */
function chained(estimator: Estimator, x: Ref, method: Method, context: Context): Ref {
  const { graph } = context
  const members = membersOf(estimator)
  const order = estimator.cells('order_')
  const handedOn = estimator.text('chain_method_', 'predict')
  const features: Ref[] = []
  const answers: Ref[] = []
  for (const member of members) {
    const row = graph.concat([x, ...features])
    features.push(columnOf(member, row, handedOn as Method, context))
    answers.push(handedOn === method ? features.at(-1)! : columnOf(member, row, method, context))
  }
  const columns = members.map((_, output) => order.indexOf(output))
  if (order.length !== members.length || columns.includes(-1))
    throw estimator.error('corrupt', `${estimator.name} has an order that does not fit its members`)
  return graph.concat(columns.map((column) => answers[column]!))
}

/** One number per row: an answer, a score, or the probability of the second class. */
function columnOf(member: Estimator, row: Ref, method: Method, context: Context): Ref {
  const node = numbersOfAnswer(context.graph, answerOf(member, row, method, context), member)
  const width = context.graph.width(node)
  if (width === 1) return node
  if (width === 2 && method === 'predict_proba') return context.graph.select(node, [1])
  throw member.error('unsupported', `${member.name} answers more than one value per row`)
}

const lowerClassifierChain: Lower = (estimator, x, context) => {
  const lowered = context.lower(membersOf(estimator)[0]!, x)
  const answer = (method: Method) => once(() => matrix(chained(estimator, x, method, context)))
  return {
    methods: {
      predict: answer('predict'),
      ...(lowered.methods.predict_proba && { predict_proba: answer('predict_proba') }),
      ...(lowered.methods.decision_function && { decision_function: answer('decision_function') }),
    },
  }
}

const lowerRegressorChain: Lower = (estimator, x, context) => ({
  methods: { predict: once(() => matrix(chained(estimator, x, 'predict', context))) },
})

export const multioutputFamily: readonly Family[] = [
  {
    names: ['sklearn.multioutput.MultiOutputClassifier'],
    fields: 'estimators_ classes_',
    lower: lowerClassifiers,
  },
  { names: ['sklearn.multioutput.MultiOutputRegressor'], fields: 'estimators_', lower: lowerRegressors },
  {
    names: ['sklearn.multioutput.ClassifierChain'],
    fields: 'estimators_ order_ classes_ chain_method_',
    lower: lowerClassifierChain,
  },
  { names: ['sklearn.multioutput.RegressorChain'], fields: 'estimators_ order_', lower: lowerRegressorChain },
]
