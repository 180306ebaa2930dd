import type { Graph } from '../ir/graph.ts'
import type { Ref } from '../ir/program.ts'
import { check } from '../ops/checks.ts'
import { linear } from '../ops/matmul.ts'
import { sparseCheck, sparseConcat, sparseLinear } from '../ops/sparse.ts'

/** `x` as numbers, refusing rows with NaN or infinity: what most estimators accept. */
export const finiteNumbers = (graph: Graph, x: Ref): Ref =>
  graph.add(check, [graph.toNumbers(x)], { nan: 'refuse', inf: 'refuse', limit: 'f64' })

/** The same that leaves sparse rows sparse, for estimators that read them so. */
export const finiteRows = (graph: Graph, x: Ref): Ref =>
  graph.type(x).kind === 'sparse' ? graph.add(sparseCheck, [x], { nan: 'refuse' }) : finiteNumbers(graph, x)

/** `x` as sparse rows without NaN and infinity. */
export function sparseRows(graph: Graph, x: Ref): Ref {
  const rows = finiteRows(graph, x)
  if (graph.type(rows).kind === 'sparse') return rows
  return graph.add(sparseConcat, [rows], {
    widths: Int32Array.of(graph.width(rows)),
    sparse: Uint8Array.of(0),
  })
}

/** rows · weightsᵀ + bias, of sparse rows by what they store. */
export function linearOf(
  graph: Graph,
  rows: Ref,
  attrs: { weights: Float64Array; bias: Float64Array; single: boolean },
): Ref {
  return graph.type(rows).kind === 'sparse'
    ? graph.add(sparseLinear, [rows], { ...attrs, width: graph.width(rows) })
    : graph.add(linear, [rows], attrs)
}
