import type { XgboostModel } from '../formats/xgboost/model.ts'
import type { Graph } from '../ir/graph.ts'
import type { Ref } from '../ir/program.ts'
import { categoryCode } from '../ops/categories.ts'

/** Names of a booster's columns: its own, else x0, x1, … */
export const columnNamesOf = ({ featureNames, features }: XgboostModel): readonly string[] =>
  featureNames.length === features ? featureNames : Array.from({ length: features }, (_, i) => `x${i}`)

/** The columns as numbers. From 3.1 a file has the categories of its columns; without them their codes are read. */
export function numericColumns(graph: Graph, x: Ref, { categories, features }: XgboostModel): Ref {
  if (graph.width(x) !== features)
    throw new RangeError(`it was trained on ${features} columns, gets ${graph.width(x)}`)
  if (!categories.some((known) => known.length > 0)) return graph.toNumbers(x)
  const columns = Array.from({ length: features }, (_, column) => {
    const known = categories[column] ?? []
    const own = graph.select(x, [column])
    if (known.length === 0) return graph.toNumbers(own)
    return graph.add(categoryCode, [graph.toCells(own)], { categories: [known], unknown: 'refuse' })
  })
  return graph.concat(columns)
}
