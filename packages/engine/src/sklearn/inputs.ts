import type { Graph } from '../ir/graph.ts'
import type { Ref } from '../ir/program.ts'
import { check } from '../ops/checks.ts'

/** `x` as numbers, refusing rows with NaN or infinity: what most estimators accept. */
export const finiteNumbers = (graph: Graph, x: Ref): Ref =>
  graph.add(check, [graph.toNumbers(x)], { nan: 'refuse', inf: 'refuse', limit: 'f64' })
