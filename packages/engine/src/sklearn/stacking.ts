import type { Cell, Method, Ref } from '../ir/program.ts'
import { classesOf, matrix, numbersOfAnswer } from './answers.ts'
import type { Estimator } from './estimator.ts'
import { type Context, type Family, type Lower, type LoweredOutput, once } from './lowering.ts'

const STACK_METHODS: readonly Method[] = ['predict', 'predict_proba', 'decision_function']

/** What the final estimator reads: every member's answer side by side, then the rows themselves when passed through. */
function stacked(estimator: Estimator, x: Ref, context: Context): Ref {
  const { graph } = context
  const members = estimator.list('estimators_')
  const methods = estimator.cells('stack_method_').filter((method) => method !== null)
  if (methods.length !== members.length)
    throw estimator.error(
      'corrupt',
      `${estimator.name} names ${methods.length} methods of ${members.length} estimators`,
    )
  const answers = members.map((value, i) => {
    const member = estimator.child(value, `estimators_[${i}]`)
    return answerOf(member, x, methods[i]!, context)
  })
  return graph.concat(estimator.flag('passthrough', false) ? [...answers, x] : answers)
}

/** Of two probabilities only the second is kept: they add up to 1. */
function answerOf(member: Estimator, x: Ref, method: Cell, context: Context): Ref {
  const { graph } = context
  const name = STACK_METHODS.find((known) => known === method)
  const output = name && context.lower(member, x).methods[name]?.()
  if (output === undefined)
    throw member.error(
      'unsupported',
      `${member.name} does not answer ${JSON.stringify(method)}, which is stacked`,
    )
  const node = numbersOfAnswer(graph, output, member)
  return method === 'predict_proba' && graph.width(node) === 2 ? graph.select(node, [1]) : node
}

const lowerRegressor: Lower = (estimator, x, context) => {
  const features = once(() => stacked(estimator, x, context))
  const final = once(() => context.lower(finalOf(estimator), features()))
  return {
    methods: {
      predict: once(() => answered(estimator, final().methods.predict?.())),
      transform: once(() => matrix(features())),
    },
  }
}

/** The final estimator was trained on class indices: its labels index the classes. */
const lowerClassifier: Lower = (estimator, x, context) => {
  const classes = classesOf(estimator)
  const features = once(() => stacked(estimator, x, context))
  const final = context.lower(finalOf(estimator), features())
  const { predict, predict_proba, decision_function } = final.methods
  return {
    classes: [classes.labels],
    methods: {
      predict: once(() => {
        const output = answered(estimator, predict?.())
        const labels = (output.labels?.[0] ?? []).map((index) => classes.labels[Number(index)])
        if (labels.length === 0 || labels.includes(undefined))
          throw estimator.error('corrupt', `${estimator.name} answers a class that it does not name`)
        return { ...output, dtype: classes.dtype, labels: [labels as Cell[]] }
      }),
      ...(predict_proba && { predict_proba }),
      ...(decision_function && { decision_function }),
      transform: once(() => matrix(features())),
    },
  }
}

const finalOf = (estimator: Estimator): Estimator =>
  estimator.child(estimator.get('final_estimator_'), 'final_estimator_')

function answered(estimator: Estimator, output: LoweredOutput | undefined): LoweredOutput {
  if (output !== undefined) return output
  throw estimator.error('unsupported', 'the final estimator does not predict')
}

const FIELDS = 'estimators_ named_estimators_ final_estimator_ stack_method_ classes_ le_'

export const stackingFamily: readonly Family[] = [
  { names: ['sklearn.ensemble.StackingClassifier'], fields: FIELDS, lower: lowerClassifier },
  { names: ['sklearn.ensemble.StackingRegressor'], fields: FIELDS, lower: lowerRegressor },
]
