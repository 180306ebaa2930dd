import type { Graph } from '../ir/graph.ts'
import type { Ref } from '../ir/program.ts'
import { squareSums } from '../ops/densities.ts'
import { numpyFunction } from '../ops/functions.ts'
import { distances, multiply } from '../ops/kernels.ts'
import { average, constant } from '../ops/links.ts'
import { linear } from '../ops/matmul.ts'
import { numbersOf } from '../pickle/numpy.ts'
import { NdArray } from '../pickle/values.ts'
import { divide } from './affine.ts'
import type { Estimator } from './estimator.ts'
import { formulaNode, type Points } from './kernels.ts'

/** A kernel between checked rows and the training rows, and of a row with itself. */
export type ProcessKernel = {
  /** One column per training row. */
  between(graph: Graph, rows: Ref, points: Points): Ref
  /** k(x, x): one column. */
  self(graph: Graph, rows: Ref): Ref
}

const same = (graph: Graph, x: Ref, value: number, width: number): Ref =>
  graph.add(constant, [x], { values: new Float64Array(width).fill(value) })

/** Kernels of a distance are 1 between a row and itself. */
const stationary = (between: ProcessKernel['between']): ProcessKernel => ({
  between,
  self: (graph, rows) => same(graph, rows, 1, 1),
})

const sum = (graph: Graph, nodes: readonly Ref[]): Ref =>
  graph.add(average, nodes, { weights: new Float64Array(nodes.length).fill(1), divide: 1 })

/** `length_scale`: a number, or one per column. */
function lengthScales(kernel: Estimator, columns: number): Float64Array {
  const value = kernel.get('length_scale')
  const scales = value instanceof NdArray ? numbersOf(value) : Float64Array.of(kernel.number('length_scale'))
  if (scales.length === 1) return new Float64Array(columns).fill(scales[0]!)
  if (scales.length === columns) return scales
  throw kernel.error('corrupt', `${kernel.name} has ${scales.length} length scales for ${columns} columns`)
}

/** Squared distances between rows and points, all divided by the length scales. */
function scaledDistances(kernel: Estimator, graph: Graph, rows: Ref, points: Points): Ref {
  const scales = lengthScales(kernel, points.columns)
  const scaled = points.values.map((value, i) => value / scales[i % points.columns]!)
  return graph.add(distances, [divide(graph, rows, scales)], { metric: 'squared', points: scaled, power: 2 })
}

const squared = (graph: Graph, rows: Ref, { values }: Points): Ref =>
  graph.add(distances, [rows], { metric: 'squared', points: values, power: 2 })

const root = (graph: Graph, node: Ref): Ref => graph.add(numpyFunction, [node], { name: 'sqrt' })

const radial = (kernel: Estimator): ProcessKernel =>
  stationary((graph, rows, points) =>
    formulaNode(graph, scaledDistances(kernel, graph, rows, points), 'exponential', [-0.5]),
  )

function matern(kernel: Estimator): ProcessKernel {
  const nu = kernel.number('nu')
  if (nu === Number.POSITIVE_INFINITY) return radial(kernel)
  const formula = ({ 0.5: 'exponential', 1.5: 'matern-1', 2.5: 'matern-2' } as const)[nu]
  if (formula === undefined)
    throw kernel.error(
      'unsupported',
      `a Matern kernel with nu ${nu} is not supported`,
      'use nu 0.5, 1.5, 2.5 or inf',
    )
  return stationary((graph, rows, points) =>
    formulaNode(graph, root(graph, scaledDistances(kernel, graph, rows, points)), formula, [-1]),
  )
}

function rational(kernel: Estimator): ProcessKernel {
  const [alpha, scale] = [kernel.number('alpha'), kernel.number('length_scale')]
  return stationary((graph, rows, points) =>
    formulaNode(graph, squared(graph, rows, points), 'rational', [1 / (2 * alpha * scale ** 2), alpha]),
  )
}

function periodic(kernel: Estimator): ProcessKernel {
  const [period, scale] = [kernel.number('periodicity'), kernel.number('length_scale')]
  return stationary((graph, rows, points) =>
    formulaNode(graph, root(graph, squared(graph, rows, points)), 'periodic', [Math.PI / period, scale]),
  )
}

function dotProduct(kernel: Estimator): ProcessKernel {
  const shift = kernel.number('sigma_0') ** 2
  return {
    between: (graph, rows, { values, count }) =>
      graph.add(linear, [rows], {
        weights: values,
        bias: new Float64Array(count).fill(shift),
        single: false,
      }),
    self: (graph, rows) =>
      formulaNode(graph, graph.add(squareSums, [rows], { size: graph.width(rows) }), 'affine', [1, shift]),
  }
}

const constantKernel = (kernel: Estimator): ProcessKernel => {
  const value = kernel.number('constant_value')
  return {
    between: (graph, rows, { count }) => same(graph, rows, value, count),
    self: (graph, rows) => same(graph, rows, value, 1),
  }
}

/** Noise is only there between a row and itself. */
const white = (kernel: Estimator): ProcessKernel => ({
  between: (graph, rows, { count }) => same(graph, rows, 0, count),
  self: (graph, rows) => same(graph, rows, kernel.number('noise_level'), 1),
})

const combined =
  (combine: (graph: Graph, nodes: readonly Ref[]) => Ref) =>
  (kernel: Estimator): ProcessKernel => {
    const parts = ['k1', 'k2'].map((key) => processKernel(kernel.child(kernel.get(key), key)))
    return {
      between: (graph, rows, points) =>
        combine(
          graph,
          parts.map((part) => part.between(graph, rows, points)),
        ),
      self: (graph, rows) =>
        combine(
          graph,
          parts.map((part) => part.self(graph, rows)),
        ),
    }
  }

const power = (kernel: Estimator): ProcessKernel => {
  const inner = processKernel(kernel.child(kernel.get('kernel'), 'kernel'))
  const exponent = kernel.number('exponent')
  const raise = (graph: Graph, node: Ref): Ref => formulaNode(graph, node, 'polynomial', [1, 0, exponent])
  return {
    between: (graph, rows, points) => raise(graph, inner.between(graph, rows, points)),
    self: (graph, rows) => raise(graph, inner.self(graph, rows)),
  }
}

const KERNELS: Readonly<Record<string, (kernel: Estimator) => ProcessKernel>> = {
  RBF: radial,
  Matern: matern,
  RationalQuadratic: rational,
  ExpSineSquared: periodic,
  DotProduct: dotProduct,
  ConstantKernel: constantKernel,
  WhiteKernel: white,
  Sum: combined(sum),
  Product: combined((graph, nodes) => graph.add(multiply, nodes, {})),
  Exponentiation: power,
}

/** @throws ModelError unsupported for kernels we do not know */
export function processKernel(kernel: Estimator): ProcessKernel {
  const name = kernel.name.replace(/^sklearn\.gaussian_process\./, '')
  if (Object.hasOwn(KERNELS, name)) return KERNELS[name]!(kernel)
  throw kernel.error(
    'unsupported',
    `the kernel ${kernel.qualified} is not supported`,
    `use sums and products of ${Object.keys(KERNELS).slice(0, 7).join(', ')}`,
  )
}
