import type { Graph } from '../ir/graph.ts'
import type { Cell, Ref } from '../ir/program.ts'
import { argmax, threshold } from '../ops/links.ts'
import { pick } from '../ops/votes.ts'
import { classLabels } from './class-labels.ts'
import type { Estimator } from './estimator.ts'
import type { LoweredOutput } from './lowering.ts'

/** The labels of a classifier, in the order of its probabilities. */
export type Classes = { readonly labels: readonly Cell[]; readonly dtype: string }

/** @throws ModelError corrupt when there are none, unsupported when there is one list per output */
export function classesOf(estimator: Estimator): Classes {
  const { classes, dtype } = classLabels(estimator)
  if (classes.length === 1) return { labels: classes[0]!, dtype }
  throw estimator.error('unsupported', `${estimator.name} with several outputs is not supported yet`)
}

/** [rows] of numbers, from a node of width 1. */
export const vector = (node: Ref, dtype = 'float64'): LoweredOutput => ({
  parts: [node],
  shape: 'vector',
  dtype,
})

/** [rows, width] of numbers. */
export const matrix = (node: Ref, dtype = 'float64'): LoweredOutput => ({
  parts: [node],
  shape: 'matrix',
  dtype,
})

/** [rows] of labels, from a node of class indices. */
export const labelled = (node: Ref, { labels, dtype }: Classes): LoweredOutput => ({
  parts: [node],
  shape: 'vector',
  dtype,
  labels: [labels],
})

/** float32 where every step before was. */
export function dtypeOf(graph: Graph, node: Ref): string {
  const type = graph.type(node)
  return type.kind === 'number' && type.dtype === 'f32' ? 'float32' : 'float64'
}

/** Decision scores as the library shapes them: one column stands for the second of two classes. */
export const scoresOf = (graph: Graph, node: Ref): LoweredOutput =>
  graph.width(node) === 1 ? vector(node, dtypeOf(graph, node)) : matrix(node, dtypeOf(graph, node))

/** Class index of decision scores: above 0 of a single column, else the first largest. */
export const decide = (graph: Graph, scores: Ref): Ref =>
  graph.width(scores) === 1
    ? graph.add(threshold, [scores], { threshold: 0, inclusive: false })
    : graph.add(argmax, [scores], {})

/**
 * An answer as numbers that another estimator reads: labels stand for themselves.
 * @throws ModelError unsupported for labels that are not numbers, and for several outputs
 */
export function numbersOfAnswer(graph: Graph, output: LoweredOutput, estimator: Estimator): Ref {
  const [node, ...others] = output.parts
  if (node === undefined || others.length > 0)
    throw estimator.error('unsupported', `${estimator.name} has several outputs where one is read`)
  if (output.labels === undefined) return node
  const values = (output.labels[0] ?? []).map((label) => (typeof label === 'boolean' ? Number(label) : label))
  if (output.labels.length !== 1 || !values.every((value) => typeof value === 'number'))
    throw estimator.error('unsupported', `${estimator.name} answers labels that are not numbers`)
  return values.every((value, index) => value === index)
    ? node
    : graph.add(pick, [node], { values: Float64Array.from(values as number[]) })
}
