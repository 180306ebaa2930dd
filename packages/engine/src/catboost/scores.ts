import { type Growth, growTree } from '../boosting/grow.ts'
import type { CatboostModel, CatboostNode, CatboostTree } from '../formats/catboost/model.ts'
import type { Graph } from '../ir/graph.ts'
import type { Ref } from '../ir/program.ts'
import { categoryHash, categoryStatistic, equals, isCounterKind } from '../ops/catboost.ts'
import { arithmetic } from '../ops/scaling.ts'
import { trees } from '../ops/trees.ts'
import { type PlantedTree, plantForest } from '../sklearn/forest.ts'

/** A comparison of a tree column with a border: above goes right. */
type Split = { readonly column: number; readonly border: number; readonly missingAbove: boolean }

/** scale · Σ leaves + bias, in float64 and in tree order. Features are compared as float32: right when x > border. */
export function addScores(graph: Graph, x: Ref, model: CatboostModel): Ref {
  const splits = splitsOf(model)
  const { dimension } = model
  const planted = model.trees.map((tree) => plant(tree, splits, dimension))
  const init = new Float64Array(dimension)
  const attrs = plantForest(planted, { cast: 'f32', leafWidth: dimension, init, divide: 1 })
  const sums = graph.add(trees, [treeColumns(graph, x, model)], attrs)
  const scale = new Float64Array(dimension).fill(model.scale)
  const steps = [
    { by: 'multiply' as const, values: scale },
    { by: 'add' as const, values: model.bias },
  ]
  return graph.add(arithmetic, [sums], { steps, single: false })
}

/** Splits by their numbers; tree columns are float features, then one-hot indicators, then statistics. */
function splitsOf({ floats, oneHots, counters }: CatboostModel): Split[] {
  const indicators = oneHots.reduce((sum, { values }) => sum + values.length, 0)
  return [
    ...floats.flatMap(({ borders, missingAbove }, column) =>
      Array.from(borders, (border) => ({ column, border, missingAbove })),
    ),
    ...Array.from({ length: indicators }, (_, i) => ({
      column: floats.length + i,
      border: 0.5,
      missingAbove: false,
    })),
    ...counters.flatMap(({ borders }, i) =>
      Array.from(borders, (border) => ({
        column: floats.length + indicators + i,
        border,
        missingAbove: false,
      })),
    ),
  ]
}

function treeColumns(graph: Graph, x: Ref, model: CatboostModel): Ref {
  const { floats, categories, oneHots, counters } = model
  const parts: Ref[] = []
  if (floats.length > 0)
    parts.push(
      graph.toNumbers(
        graph.select(
          x,
          floats.map(({ flatIndex }) => flatIndex),
        ),
      ),
    )
  if (categories.length === 0) return graph.concat(parts)
  const cells = graph.toCells(
    graph.select(
      x,
      categories.map(({ flatIndex }) => flatIndex),
    ),
  )
  const hashes = graph.add(categoryHash, [cells], {})
  const position = new Map(categories.map(({ index }, i) => [index, i]))
  const columnOf = (index: number): number => {
    const column = position.get(index)
    if (column === undefined) throw new RangeError(`it has no categorical feature ${index}`)
    return column
  }
  if (oneHots.length > 0)
    parts.push(
      graph.add(equals, [hashes], {
        columns: Int32Array.from(
          oneHots.flatMap(({ category, values }) => Array.from(values, () => columnOf(category))),
        ),
        values: Int32Array.from(oneHots.flatMap(({ values }) => Array.from(values))),
      }),
    )
  for (const { type, categories: combined, borders: _, table, ...numbers } of counters) {
    if (!isCounterKind(type)) throw new RangeError(`it has statistics of the kind ${type}`)
    const columns = Int32Array.from(combined, columnOf)
    parts.push(graph.add(categoryStatistic, [hashes], { columns, kind: type, ...numbers, ...table }))
  }
  return graph.concat(parts)
}

function plant(tree: CatboostTree, splits: readonly Split[], leafWidth: number): PlantedTree {
  if (tree.kind === 'nested') {
    const look = (node: CatboostNode): Growth<CatboostNode> =>
      'values' in node
        ? { leaf: node.values }
        : { ...compare(splits, node.split), left: node.left, right: node.right }
    return growTree(tree.root, look, { leafWidth, maxNodes: 2 ** 31, slot: 0 })
  }
  const depth = tree.splits.length
  if (tree.values.length !== 2 ** depth * leafWidth)
    throw new RangeError(`a tree of depth ${depth} has ${tree.values.length} leaf values`)
  type Place = { readonly depth: number; readonly leaf: number }
  const look = ({ depth: at, leaf }: Place): Growth<Place> => {
    if (at === depth) return { leaf: tree.values.subarray(leaf * leafWidth, (leaf + 1) * leafWidth) }
    const next = at + 1
    return {
      ...compare(splits, tree.splits[at]!),
      left: { depth: next, leaf },
      right: { depth: next, leaf: leaf + 2 ** at },
    }
  }
  return growTree({ depth: 0, leaf: 0 }, look, { leafWidth, maxNodes: 2 ** (depth + 1), slot: 0 })
}

function compare(splits: readonly Split[], index: number) {
  const split = splits[index]
  if (split === undefined) throw new RangeError(`a tree names the split ${index} of ${splits.length}`)
  return { feature: split.column, threshold: split.border, missingLeft: !split.missingAbove }
}
