import type { Graph } from '../ir/graph.ts'
import type { Ref } from '../ir/program.ts'
import { pairwiseSum } from '../math/pairwise-sum.ts'
import { argmax, expNormalise, threshold } from '../ops/links.ts'
import { logNormalise } from '../ops/log-probabilities.ts'
import { categoricalLogJoint, gaussianLogJoint } from '../ops/naive-bayes.ts'
import { sparseBinarize } from '../ops/sparse.ts'
import { numbersOf } from '../pickle/numpy.ts'
import { NdArray } from '../pickle/values.ts'
import { classesOf, labelled, matrix } from './answers.ts'
import type { Estimator } from './estimator.ts'
import { finiteNumbers, finiteRows, linearOf } from './inputs.ts'
import { type Context, type Family, isAbsent, type Lower, once } from './lowering.ts'

/** ln P(k) + ln P(x | k) of checked rows, one column per class. */
type LogJoint = (estimator: Estimator, rows: Ref, context: Context) => Ref

/** The likeliest class, and the joint probabilities divided by their sum. */
const bayes =
  (logJoint: LogJoint, rowsOf = finiteNumbers): Lower =>
  (estimator, x, context) => {
    const { graph } = context
    const classes = classesOf(estimator)
    const joint = once(() => {
      const node = logJoint(estimator, rowsOf(graph, x), context)
      if (graph.width(node) !== classes.labels.length)
        throw estimator.error('corrupt', `${estimator.name} has parameters of ${graph.width(node)} classes`)
      return node
    })
    return {
      classes: [classes.labels],
      methods: {
        predict: once(() => labelled(graph.add(argmax, [joint()], {}), classes)),
        predict_proba: once(() => matrix(graph.add(expNormalise, [joint()], {}))),
        predict_log_proba: once(() => matrix(graph.add(logNormalise, [joint()], { centred: false }))),
      },
    }
  }

const gaussian: LogJoint = (estimator, rows, { graph }) => {
  const variances = estimator.numbers('var_', 'sigma_')
  const logPriors = estimator.numbers('class_prior_').map(Math.log)
  const columns = graph.width(rows)
  const logNorms = logPriors.map((_, k) => {
    const own = variances.subarray(k * columns, (k + 1) * columns)
    return -0.5 * own.reduce((sum, variance) => sum + Math.log(2 * Math.PI * variance), 0)
  })
  return graph.add(gaussianLogJoint, [rows], {
    means: estimator.numbers('theta_'),
    variances,
    logPriors,
    logNorms,
  })
}

const multinomial: LogJoint = (estimator, rows, { graph }) =>
  linearOf(graph, rows, {
    weights: estimator.numbers('feature_log_prob_'),
    bias: estimator.numbers('class_log_prior_'),
    single: false,
  })

/** The complement's weights alone: the prior only enters where there is a single class. */
const complement: LogJoint = (estimator, rows, { graph }) => {
  const prior = estimator.numbers('class_log_prior_')
  return linearOf(graph, rows, {
    weights: estimator.numbers('feature_log_prob_'),
    bias: prior.length === 1 ? prior : new Float64Array(prior.length),
    single: false,
  })
}

/** Σ ln P(i | k) over the present columns + Σ ln(1 − P(i | k)) over the absent ones, folded into one product. */
const bernoulli: LogJoint = (estimator, rows, { graph }) => {
  const present = estimator.numbers('feature_log_prob_')
  const absent = present.map((log) => Math.log(1 - Math.exp(log)))
  const columns = graph.width(rows)
  const bias = estimator
    .numbers('class_log_prior_')
    .map((prior, k) => prior + pairwiseSum(absent, k * columns, columns))
  const flags = isAbsent(estimator.find('binarize'))
    ? rows
    : binarized(graph, rows, estimator.number('binarize'))
  return linearOf(graph, flags, {
    weights: present.map((log, i) => log - absent[i]!),
    bias,
    single: false,
  })
}

const binarized = (graph: Graph, rows: Ref, limit: number): Ref =>
  graph.type(rows).kind === 'sparse'
    ? graph.add(sparseBinarize, [rows], { threshold: limit })
    : graph.add(threshold, [rows], { threshold: limit, inclusive: false })

const categorical: LogJoint = (estimator, rows, { graph }) =>
  graph.add(categoricalLogJoint, [rows], {
    logProbabilities: estimator.list('feature_log_prob_').map((table) => {
      if (table instanceof NdArray) return numbersOf(table)
      throw estimator.error('corrupt', `${estimator.name}.feature_log_prob_ is not a list of arrays`)
    }),
    logPriors: estimator.numbers('class_log_prior_'),
  })

const COUNTS = 'classes_ class_count_ class_log_prior_ feature_count_ feature_log_prob_'

export const naiveBayesFamily: readonly Family[] = [
  {
    names: ['sklearn.naive_bayes.GaussianNB'],
    fields: 'classes_ class_count_ class_prior_ theta_ var_ sigma_ epsilon_',
    lower: bayes(gaussian),
  },
  { names: ['sklearn.naive_bayes.MultinomialNB'], fields: COUNTS, lower: bayes(multinomial, finiteRows) },
  {
    names: ['sklearn.naive_bayes.ComplementNB'],
    fields: `${COUNTS} feature_all_`,
    lower: bayes(complement, finiteRows),
  },
  { names: ['sklearn.naive_bayes.BernoulliNB'], fields: COUNTS, lower: bayes(bernoulli, finiteRows) },
  {
    names: ['sklearn.naive_bayes.CategoricalNB'],
    fields: `${COUNTS} category_count_ n_categories_`,
    lower: bayes(categorical),
  },
]
