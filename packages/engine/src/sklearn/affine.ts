import type { Graph } from '../ir/graph.ts'
import type { Ref } from '../ir/program.ts'
import { type Matrix, transpose } from '../math/matrices.ts'
import { multiply } from '../ops/kernels.ts'
import { linear } from '../ops/matmul.ts'
import { arithmetic } from '../ops/scaling.ts'
import { numbersOf } from '../pickle/numpy.ts'
import { InertObject, NdArray } from '../pickle/values.ts'
import type { Estimator } from './estimator.ts'
import { linearOf } from './inputs.ts'

/** A dense or compressed sparse matrix. @throws ModelError corrupt when the attribute is neither */
export function matrixOf(estimator: Estimator, ...keys: readonly string[]): Matrix {
  const value = estimator.get(...keys)
  if (value instanceof NdArray && value.shape.length === 2)
    return { values: numbersOf(value), rows: value.shape[0]!, columns: value.shape[1]! }
  if (value instanceof InertObject && value.cls.name === 'csr_matrix' && value.state instanceof Map)
    return expand(new Map(value.state as Map<string, unknown>), estimator, keys[0]!)
  throw estimator.error('corrupt', `${estimator.name}.${keys[0]} is not a matrix`)
}

/** A sparse matrix is written out: this many numbers at most. */
const MOST_CELLS = 2 ** 26

/** Rows of a scipy `csr_matrix`. */
function expand(state: ReadonlyMap<string, unknown>, estimator: Estimator, key: string): Matrix {
  const shape = state.get('_shape')
  const [data, indices, starts] = ['data', 'indices', 'indptr'].map((name) => state.get(name))
  const fits = data instanceof NdArray && indices instanceof NdArray && starts instanceof NdArray
  if (!fits || !Array.isArray(shape) || starts.length !== shape[0] + 1)
    throw estimator.error('corrupt', `${estimator.name}.${key} is not a sparse matrix`)
  const [rows, columns] = shape as [number, number]
  if (rows * columns > MOST_CELLS)
    throw estimator.error('limit', `${estimator.name}.${key} has ${rows} rows and ${columns} columns`)
  const values = new Float64Array(rows * columns)
  const [numbers, at, from] = [numbersOf(data), numbersOf(indices), numbersOf(starts)]
  for (let row = 0; row < rows; row++)
    for (let i = from[row]!; i < from[row + 1]!; i++) {
      const column = at[i] ?? -1
      if (column < 0 || column >= columns)
        throw estimator.error('corrupt', `${estimator.name}.${key} has column ${column} of ${columns}`)
      values[row * columns + column]! += numbers[i]!
    }
  return { values, rows, columns }
}

/** x · matrixᵀ + bias: one column per row of the matrix. */
export const project = (graph: Graph, x: Ref, { values, rows }: Matrix, bias?: Float64Array): Ref =>
  linearOf(graph, x, { weights: values, bias: bias ?? new Float64Array(rows), single: false })

/** x · matrix + bias: one column per column of the matrix. */
export const timesMatrix = (graph: Graph, x: Ref, matrix: Matrix, bias?: Float64Array): Ref =>
  project(graph, x, transpose(matrix), bias)

export const subtract = (graph: Graph, x: Ref, values: Float64Array): Ref =>
  graph.add(arithmetic, [x], { steps: [{ by: 'subtract', values }], single: false })

export const divide = (graph: Graph, x: Ref, values: Float64Array): Ref =>
  graph.add(arithmetic, [x], { steps: [{ by: 'divide', values }], single: false })

/** scale · xᵀMx + shift of a row */
export function quadraticForm(
  graph: Graph,
  x: Ref,
  matrix: Matrix,
  { scale, shift }: { scale: number; shift: number },
): Ref {
  const terms = graph.add(multiply, [timesMatrix(graph, x, matrix), x], {})
  const weights = new Float64Array(matrix.columns).fill(scale)
  return graph.add(linear, [terms], { weights, bias: Float64Array.of(shift), single: false })
}
