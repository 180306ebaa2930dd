import type { Graph } from '../ir/graph.ts'
import type { Ref } from '../ir/program.ts'
import { distances, type Formula, kernelFormula, type Metric } from '../ops/kernels.ts'
import { linear } from '../ops/matmul.ts'
import { numbersOf } from '../pickle/numpy.ts'
import { InertObject } from '../pickle/values.ts'
import type { Estimator } from './estimator.ts'
import { type Context, isAbsent } from './lowering.ts'

/** Rows a model compares with: rows × columns. */
export type Points = { readonly values: Float64Array; readonly count: number; readonly columns: number }

/** @throws ModelError corrupt unless the attribute is a matrix with rows; unsupported when it is sparse */
export function pointsOf(estimator: Estimator, key: string): Points {
  if (estimator.find(key) instanceof InertObject)
    throw estimator.error(
      'unsupported',
      `${estimator.name} was trained on sparse rows`,
      'train it on dense ones: X.toarray()',
    )
  const array = estimator.array(key)
  const [count = 0, columns = 0] = array.shape
  if (array.shape.length !== 2 || count === 0 || columns === 0)
    throw estimator.error('corrupt', `${estimator.name}.${key} is not a matrix`)
  return { values: numbersOf(array), count, columns }
}

export type Kernel = {
  readonly name: string
  readonly gamma: number
  readonly degree: number
  readonly coef0: number
}

/** `kernel`, `gamma`, `degree`, `coef0` of sklearn.metrics.pairwise_kernels; gamma is 1 / columns unless given. */
export function pairwiseKernelOf(estimator: Estimator, columns: number): Kernel {
  const or = (key: string, absent: number): number =>
    isAbsent(estimator.find(key)) ? absent : estimator.number(key)
  return {
    name: kernelName(estimator),
    gamma: isAbsent(estimator.find('gamma_')) ? or('gamma', 1 / columns) : estimator.number('gamma_'),
    degree: or('degree', 3),
    coef0: or('coef0', 1),
  }
}

/** @throws ModelError unsupported for a function of Python's and for a precomputed kernel */
export function kernelName(estimator: Estimator): string {
  const name = estimator.get('kernel')
  if (typeof name === 'string' && name !== 'precomputed') return name
  throw estimator.error(
    'unsupported',
    `${estimator.name} has a ${name === 'precomputed' ? 'precomputed kernel' : 'kernel written in Python'}`,
    'train it with a kernel of scikit-learn: rbf, linear, poly, sigmoid',
  )
}

/** A kernel between checked rows and points. */
export type KernelUse = {
  readonly estimator: Estimator
  readonly rows: Ref
  readonly points: Points
  readonly kernel: Kernel
}

type KernelNode = (graph: Graph, use: KernelUse) => Ref

/** Products of checked rows with every point. */
const dots: KernelNode = (graph, { rows, points: { values, count } }) =>
  graph.add(linear, [rows], { weights: values, bias: new Float64Array(count), single: false })

const between = (graph: Graph, { rows, points }: KernelUse, metric: Metric): Ref =>
  graph.add(distances, [rows], { metric, points: points.values, power: 2 })

/** A formula of `kernelFormula` on every column; `b` and `c` where it has them. */
export const formulaNode = (
  graph: Graph,
  node: Ref,
  formula: Formula,
  [a = 0, b = 0, c = 0]: readonly number[] = [],
): Ref => graph.add(kernelFormula, [node], { formula, a, b, c })

const KERNELS: Readonly<Record<string, KernelNode>> = {
  linear: dots,
  poly: (graph, use) => {
    const { gamma, coef0, degree } = use.kernel
    return formulaNode(graph, dots(graph, use), 'polynomial', [gamma, coef0, degree])
  },
  rbf: (graph, use) => formulaNode(graph, between(graph, use, 'squared'), 'exponential', [-use.kernel.gamma]),
  laplacian: (graph, use) =>
    formulaNode(graph, between(graph, use, 'manhattan'), 'exponential', [-use.kernel.gamma]),
  sigmoid: (graph, use) =>
    formulaNode(graph, dots(graph, use), 'sigmoid', [use.kernel.gamma, use.kernel.coef0]),
  cosine: (graph, use) => formulaNode(graph, between(graph, use, 'cosine'), 'affine', [-1, 1]),
}
const ALIASES: Readonly<Record<string, string>> = { polynomial: 'poly' }

/** One column per point. @throws ModelError unsupported for a kernel we do not know */
export function kernelNode(use: KernelUse, { graph }: Context): Ref {
  const { estimator, kernel } = use
  const name = ALIASES[kernel.name] ?? kernel.name
  if (Object.hasOwn(KERNELS, name)) return KERNELS[name]!(graph, use)
  throw estimator.error('unsupported', `${estimator.name} has the kernel ${name}, which we do not know`)
}
