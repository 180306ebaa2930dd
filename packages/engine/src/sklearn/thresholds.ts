import type { Ref } from '../ir/program.ts'
import { threshold } from '../ops/links.ts'
import { linear } from '../ops/matmul.ts'
import { type Inert, InertObject } from '../pickle/values.ts'
import { labelled } from './answers.ts'
import type { Estimator } from './estimator.ts'
import { type Context, type Family, isAbsent, type Lower, type Lowered, once } from './lowering.ts'

/** Which class a score speaks for, and the score it has to reach. */
type Rule = { readonly positive: number; readonly limit: number | 'auto' }

/** The classifier inside answers; only `predict` has a threshold of its own. */
function thresholded(estimator: Estimator, x: Ref, context: Context, limit: number | 'auto'): Lowered {
  const key = estimator.has('estimator_') ? 'estimator_' : 'estimator'
  const lowered = context.lower(estimator.child(estimator.get(key), key), x)
  const { predict, predict_proba, predict_log_proba, decision_function } = lowered.methods
  return {
    ...(lowered.classes && { classes: lowered.classes }),
    methods: {
      predict: once(() => {
        const answer = predict?.()
        const labels = lowered.classes?.length === 1 ? lowered.classes[0]! : []
        if (answer === undefined || labels.length !== 2)
          throw estimator.error('corrupt', `${estimator.name} does not hold a classifier of two classes`)
        const rule = { positive: positiveClass(estimator, labels), limit }
        const ordered = rule.positive === 1 ? labels : labels.toReversed()
        return labelled(decisionNode(estimator, lowered, rule, context), {
          labels: ordered,
          dtype: answer.dtype,
        })
      }),
      ...(predict_proba && { predict_proba }),
      ...(predict_log_proba && { predict_log_proba }),
      ...(decision_function && { decision_function }),
    },
  }
}

/** Probability or decision function of the positive class, at the limit (0.5 and 0 when automatic) or above. */
function decisionNode(estimator: Estimator, { methods }: Lowered, rule: Rule, { graph }: Context): Ref {
  const method = estimator.text('response_method', 'auto')
  const [proba] = (method !== 'decision_function' && methods.predict_proba?.().parts) || []
  if (proba !== undefined) {
    const attrs = { threshold: rule.limit === 'auto' ? 0.5 : rule.limit, inclusive: true }
    return graph.add(threshold, [graph.select(proba, [rule.positive])], attrs)
  }
  const [score] = (method !== 'predict_proba' && methods.decision_function?.().parts) || []
  if (score === undefined)
    throw estimator.error('unsupported', `${estimator.name} holds a classifier without ${method}`)
  const negated = { weights: Float64Array.of(-1), bias: Float64Array.of(0), single: false }
  const node = rule.positive === 1 ? score : graph.add(linear, [score], negated)
  return graph.add(threshold, [node], { threshold: rule.limit === 'auto' ? 0 : rule.limit, inclusive: true })
}

/**
 * Index of the class that counts as positive: `pos_label`, of the estimator or of the metric it was tuned by, else the
 * second. Many metrics mean the label 1 when nothing was said, so a first class called 1 leaves it open.
 */
function positiveClass(estimator: Estimator, labels: readonly Inert[]): number {
  const scorer = estimator.find('_curve_scorer')
  const options = scorer instanceof InertObject ? estimator.child(scorer).find('_kwargs') : undefined
  const wanted = options instanceof Map ? options.get('pos_label') : estimator.find('pos_label')
  if (isAbsent(wanted) && scorer !== undefined && labels[0] === 1)
    throw estimator.error(
      'unsupported',
      `${estimator.name} does not say which class its metric counts as positive`,
      'give the scorer a pos_label',
    )
  const index = isAbsent(wanted) ? 1 : labels.indexOf(wanted)
  if (index < 0) throw estimator.error('corrupt', `${estimator.name} has a pos_label that is not a class`)
  return index
}

const lowerTuned: Lower = (estimator, x, context) =>
  thresholded(estimator, x, context, estimator.number('best_threshold_'))

const lowerFixed: Lower = (estimator, x, context) =>
  thresholded(
    estimator,
    x,
    context,
    estimator.find('threshold') === 'auto' ? 'auto' : estimator.number('threshold'),
  )

export const thresholdFamily: readonly Family[] = [
  {
    names: ['sklearn.model_selection.TunedThresholdClassifierCV'],
    fields: 'estimator_ best_threshold_ best_score_ cv_results_ classes_',
    lower: lowerTuned,
  },
  {
    names: ['sklearn.model_selection.FixedThresholdClassifier'],
    fields: 'estimator_ classes_',
    lower: lowerFixed,
  },
]
