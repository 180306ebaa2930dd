import type { Ref } from '../ir/program.ts'
import { percentile } from '../math/percentile.ts'
import type { Estimator } from './estimator.ts'
import { importancesOf } from './importances.ts'
import { type Context, type Family, isAbsent, type Lower, type Lowered } from './lowering.ts'
import { checkedRows, transformer } from './scaling.ts'
import { isBefore, isVersion } from './version.ts'

/** Which columns stay. */
type Support = readonly boolean[]

const scoresOf = (selector: Estimator): number[] =>
  Array.from(selector.numbers('scores_'), (score) => (Number.isNaN(score) ? -Number.MAX_VALUE : score))

/** The k best scores; of equal ones the later column. */
function best(scores: readonly number[], k: number): Support {
  const order = Array.from(scores.keys()).sort((a, b) => scores[a]! - scores[b]! || a - b)
  const kept = new Set(k > 0 ? order.slice(-k) : [])
  return scores.map((_, column) => kept.has(column))
}

/** Scores above the percentile; of those at it, the first ones, up to the share asked for. */
function bestShare(scores: readonly number[], percent: number): Support {
  if (percent === 100) return scores.map(() => true)
  if (percent === 0) return scores.map(() => false)
  const threshold = percentile(scores, 100 - percent)
  let ties = Math.trunc((scores.length * percent) / 100) - scores.filter((score) => score > threshold).length
  return scores.map((score) => score > threshold || (score === threshold && ties-- > 0))
}

/** Benjamini and Hochberg's bound on the false discovery rate. */
function discoveries(pValues: readonly number[], alpha: number): Support {
  const sorted = [...pValues].sort((a, b) => a - b)
  const accepted = sorted.filter((p, i) => p <= (alpha / pValues.length) * (i + 1))
  const limit = accepted.at(-1)
  return pValues.map((p) => limit !== undefined && p <= limit)
}

type Rule = (selector: Estimator, parameter: (name: string) => number) => Support

const byScore = (selector: Estimator): Support => {
  const scores = scoresOf(selector)
  const k = selector.find('k') ?? selector.find('param')
  return k === 'all' ? scores.map(() => true) : best(scores, Number(k))
}

const pValues = (selector: Estimator): number[] => Array.from(selector.numbers('pvalues_'))

const UNIVARIATE: Readonly<Record<string, Rule>> = {
  SelectKBest: byScore,
  SelectPercentile: (selector, parameter) => bestShare(scoresOf(selector), parameter('percentile')),
  SelectFpr: (selector, parameter) => pValues(selector).map((p) => p < parameter('alpha')),
  SelectFdr: (selector, parameter) => discoveries(pValues(selector), parameter('alpha')),
  SelectFwe: (selector, parameter) => {
    const values = pValues(selector)
    return values.map((p) => p < parameter('alpha') / values.length)
  },
}

/** What GenericUnivariateSelect calls them. */
const MODES: Readonly<Record<string, string>> = {
  k_best: 'SelectKBest',
  percentile: 'SelectPercentile',
  fpr: 'SelectFpr',
  fdr: 'SelectFdr',
  fwe: 'SelectFwe',
}

function univariate(selector: Estimator): Support {
  const name = selector.name.split('.').at(-1)!
  const generic = name === 'GenericUnivariateSelect'
  const rule = UNIVARIATE[generic ? (MODES[selector.text('mode')] ?? '') : name]
  if (rule === undefined) throw selector.error('unsupported', `${selector.name} in a mode we do not know`)
  return rule(selector, (parameter) => selector.number(generic ? 'param' : parameter))
}

const SCALED = /^\s*(?:([\d.eE+-]+)\s*\*\s*)?(mean|median)\s*$/

/** `threshold` of SelectFromModel: a number, 'mean', 'median', '1.5*mean', or by default what suits the estimator. */
function thresholdOf(selector: Estimator, model: Estimator, importances: readonly number[]): number {
  const given = selector.find('threshold')
  if (typeof given === 'number') return given
  const sparse =
    model.find('penalty') === 'l1' ||
    model.name.includes('Lasso') ||
    (model.name.includes('ElasticNet') && (model.find('l1_ratio_') ?? model.find('l1_ratio')) === 1)
  if (isAbsent(given) && sparse) return 1e-5
  const match = SCALED.exec(isAbsent(given) ? 'mean' : String(given))
  if (match === null) throw selector.error('unsupported', `${selector.name} has a threshold we cannot read`)
  const reference =
    match[2] === 'median'
      ? percentile(importances, 50)
      : importances.reduce((a, b) => a + b, 0) / importances.length
  return Number(match[1] ?? 1) * reference
}

function byImportance(selector: Estimator): Support {
  const model = selector.child(selector.find('estimator_') ?? selector.get('estimator'), 'estimator')
  if (!['auto', 'coef_', 'feature_importances_'].includes(selector.text('importance_getter', 'auto')))
    throw selector.error('unsupported', `${selector.name} takes importances from a place we do not know`)
  const importances = importancesOf(model, selector.number('norm_order'))
  const threshold = thresholdOf(selector, model, importances)
  const limit = selector.find('max_features_') ?? selector.find('max_features')
  const first = Array.from(importances.keys()).sort((a, b) => importances[b]! - importances[a]! || a - b)
  const among = new Set(typeof limit === 'number' ? first.slice(0, limit) : first)
  return importances.map((importance, column) => among.has(column) && !(importance < threshold))
}

const byVariance = (selector: Estimator): Support =>
  Array.from(selector.numbers('variances_'), (variance) => variance > selector.number('threshold'))

const stored = (selector: Estimator): Support => selector.cells('support_').map(Boolean)

/** From which version on a wrapped tree estimator lets missing values pass its selector. */
const NAN_SINCE: readonly (readonly [RegExp, number])[] = [
  [/^sklearn\.tree\.DecisionTree/, 3],
  [/^sklearn\.ensemble\.RandomForest/, 4],
  [/^sklearn\.(ensemble\.ExtraTrees|tree\.ExtraTree)/, 6],
  [/HistGradientBoosting|^xgboost|^lightgbm/, 0],
]

/** Criteria with which trees take missing values. */
const NAN_CRITERIA = ['gini', 'entropy', 'log_loss', 'squared_error', 'friedman_mse', 'poisson']

/** Selectors refuse NaN and infinity alike, unless what they wrap takes NaN: then they check nothing. */
function isTolerant(selector: Estimator): boolean {
  if (selector.name.endsWith('VarianceThreshold')) return !isBefore(selector, 0, 22)
  if (!selector.has('estimator')) return false
  const wrapped = selector.child(selector.get('estimator'))
  const minor = NAN_SINCE.find(([name]) => name.test(wrapped.name))?.[1]
  const criterion = wrapped.find('criterion')
  return (
    minor !== undefined &&
    isVersion(selector, 1, minor) &&
    (typeof criterion !== 'string' || NAN_CRITERIA.includes(criterion) || isVersion(selector, 1, 9))
  )
}

/** The columns that stay. */
function select(selector: Estimator, support: Support, x: Ref, { graph }: Context): Ref {
  if (support.length !== graph.width(x))
    throw selector.error(
      'corrupt',
      `${selector.name} chooses among ${support.length} columns, gets ${graph.width(x)}`,
    )
  const input = isTolerant(selector) || graph.type(x).kind === 'cell' ? x : checkedRows(graph, x, 'refuse')
  return graph.select(
    input,
    support.flatMap((kept, column) => (kept ? [column] : [])),
  )
}

const lowerSelector =
  (supportOf: (selector: Estimator) => Support): Lower =>
  (selector, x, context) =>
    transformer(context.graph, select(selector, supportOf(selector), x, context))

/** Recursive elimination also answers for the estimator it fitted on the columns that stayed. */
const lowerElimination: Lower = (selector, x, context): Lowered => {
  const node = select(selector, stored(selector), x, context)
  const model = context.named(undefined).lower(selector.child(selector.get('estimator_'), 'estimator'), node)
  return { ...model, methods: { ...model.methods, ...transformer(context.graph, node).methods } }
}

const selection = (...names: string[]) => names.map((name) => `sklearn.feature_selection.${name}`)

export const selectingFamily: readonly Family[] = [
  {
    names: selection(...Object.keys(UNIVARIATE), 'GenericUnivariateSelect'),
    fields: 'scores_ pvalues_',
    lower: lowerSelector(univariate),
  },
  { names: selection('VarianceThreshold'), fields: 'variances_', lower: lowerSelector(byVariance) },
  {
    names: selection('SelectFromModel'),
    fields: 'estimator_ max_features_ threshold_',
    note: 'importances of linear models and trees',
    lower: lowerSelector(byImportance),
  },
  {
    names: selection('SequentialFeatureSelector'),
    fields: 'support_ n_features_to_select_',
    lower: lowerSelector(stored),
  },
  {
    names: selection('RFE', 'RFECV'),
    fields: 'support_ ranking_ estimator_ classes_ cv_results_ grid_scores_ scores_ n_features_',
    lower: lowerElimination,
  },
]
