import type { Ref } from '../ir/program.ts'
import { type DistanceAttrs, distances, type Metric } from '../ops/kernels.ts'
import { type SearchTreeAttrs, treeNeighbours } from '../ops/neighbour-trees.ts'
import { neighbours, within } from '../ops/neighbours.ts'
import { fieldOf, numbersOf } from '../pickle/numpy.ts'
import { type Inert, InertObject, NdArray } from '../pickle/values.ts'
import type { Estimator } from './estimator.ts'
import { pointsOf } from './kernels.ts'
import { type Context, isAbsent } from './lowering.ts'

/** A metric as it is compared, and the power whose root makes it a distance. */
export type ComparedMetric = { readonly metric: Metric; readonly power: number }

const METRICS: Readonly<Record<string, ComparedMetric>> = {
  euclidean: { metric: 'squared', power: 2 },
  l2: { metric: 'squared', power: 2 },
  sqeuclidean: { metric: 'squared', power: 1 },
  manhattan: { metric: 'manhattan', power: 1 },
  cityblock: { metric: 'manhattan', power: 1 },
  l1: { metric: 'manhattan', power: 1 },
  chebyshev: { metric: 'chebyshev', power: 1 },
  infinity: { metric: 'chebyshev', power: 1 },
  cosine: { metric: 'cosine', power: 1 },
}

/** @throws ModelError unsupported for metrics we do not know, weighted ones and functions of Python's */
export function comparedMetric(estimator: Estimator, name: unknown, parameters?: unknown): ComparedMetric {
  const options = parameters instanceof Map ? parameters : new Map<unknown, unknown>()
  const plain = isAbsent(options.get('w'))
  if (plain && typeof name === 'string' && Object.hasOwn(METRICS, name)) return METRICS[name]!
  const p = options.get('p') ?? 2
  if (plain && (name === 'minkowski' || name === 'p') && typeof p === 'number') {
    const known = { 1: METRICS.manhattan!, 2: METRICS.euclidean!, Infinity: METRICS.chebyshev! }[p]
    return known ?? { metric: 'power', power: p }
  }
  throw estimator.error(
    'unsupported',
    `${estimator.name} has ${typeof name === 'string' ? `the metric ${name}` : 'a metric written in Python'} or weights of columns`,
    'train it with euclidean, manhattan, chebyshev, minkowski or cosine distances',
  )
}

type TrainingRows = DistanceAttrs & { readonly tree: readonly Inert[] | undefined }

/** The rows an estimator was trained on, how it compares with them, and the state of its search tree. */
function trainingRows(estimator: Estimator): TrainingRows {
  const points = pointsOf(estimator, '_fit_X')
  const { metric, power } = comparedMetric(
    estimator,
    estimator.get('effective_metric_'),
    estimator.find('effective_metric_params_'),
  )
  const brute = estimator.text('_fit_method') === 'brute'
  const expanded = brute && metric === 'squared'
  const tree = brute ? undefined : treeState(estimator, '_tree')
  return { metric: expanded ? 'expanded' : metric, points: points.values, power, tree }
}

/** All neighbours within a radius of checked rows. */
export function withinNode(estimator: Estimator, rows: Ref, { graph }: Context): Ref {
  const { metric, points, power } = trainingRows(estimator)
  const node = graph.add(distances, [rows], { metric, points, power })
  return graph.add(within, [node], { radius: estimator.number('radius') ** power, power })
}

/** The `count` nearest neighbours of checked rows. */
export function nearestNode(estimator: Estimator, rows: Ref, count: number, { graph }: Context): Ref {
  const { metric, points, power, tree } = trainingRows(estimator)
  if (tree !== undefined)
    return graph.add(treeNeighbours, [rows], { metric, points, power, count, ...searchTree(estimator, tree) })
  const node = graph.add(distances, [rows], { metric, points, power })
  return graph.add(neighbours, [node], { count, power })
}

/** State of a KDTree or BallTree: its points, their order, nodes, bounds … @throws ModelError corrupt */
export function treeState(estimator: Estimator, key: string): readonly Inert[] {
  const tree = estimator.get(key)
  if (tree instanceof InertObject && Array.isArray(tree.state)) return tree.state
  throw estimator.error('corrupt', `${estimator.name}.${key} is not a search tree`)
}

function searchTree(
  estimator: Estimator,
  [, order, nodes, bounds]: readonly Inert[],
): Omit<SearchTreeAttrs, keyof DistanceAttrs | 'count'> {
  if (!(order instanceof NdArray && nodes instanceof NdArray && bounds instanceof NdArray))
    throw estimator.error('corrupt', `${estimator.name}._tree is not a search tree`)
  return {
    shape: bounds.shape[0] === 2 ? 'box' : 'ball',
    order: Int32Array.from(numbersOf(order)),
    starts: Int32Array.from(fieldOf(nodes, 'idx_start')),
    ends: Int32Array.from(fieldOf(nodes, 'idx_end')),
    leaves: Uint8Array.from(fieldOf(nodes, 'is_leaf')),
    radii: fieldOf(nodes, 'radius'),
    bounds: numbersOf(bounds),
  }
}
