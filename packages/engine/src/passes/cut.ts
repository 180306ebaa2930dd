import { type Growth, growTree } from '../boosting/grow.ts'
import type { Attrs, Program } from '../ir/program.ts'
import { SET_WORDS, type TreesAttrs } from '../ops/trees.ts'
import { plantForest } from '../sklearn/forest.ts'
import { type Cut, divideBy, type Forest, findForests } from './forests.ts'

/** The program whose forests are cut. Nodes that divide by the number of trees divide by the new one. */
export function cutForests(program: Program, cut: Cut): Program {
  const replaced = new Map<number, Attrs>()
  for (const forest of findForests(program)) {
    replaced.set(forest.ref, cutForest(forest, cut))
    for (const mean of forest.means)
      replaced.set(mean, divideBy(program.nodes[mean]!.attrs as never, iterationsLeft(forest, cut)))
  }
  return {
    ...program,
    nodes: program.nodes.map((node, ref) => ({ ...node, attrs: replaced.get(ref) ?? node.attrs })),
  }
}

/** The program as it is served: without what only cutting needs. */
export function forgetInnerValues(program: Program): Program {
  const forests = new Map(findForests(program).map(({ ref, attrs }) => [ref, attrs]))
  const nodes = program.nodes.map((node, ref) => {
    const attrs = forests.get(ref)
    if (attrs === undefined) return node
    const { inner: _, perIteration: __, ...served } = attrs
    return { ...node, attrs: served }
  })
  return { ...program, nodes }
}

export const iterationsLeft = ({ iterations }: Forest, cut: Cut): number =>
  Math.min(iterations, cut.iterations)

/** What the sums of the cut forest are divided by. */
export const divisorOf = (forest: Forest, cut: Cut): number =>
  forest.isMean ? iterationsLeft(forest, cut) : forest.attrs.divide

function cutForest(forest: Forest, cut: Cut): TreesAttrs {
  const fewer = firstTrees(forest.attrs, iterationsLeft(forest, cut) * forest.step)
  const attrs = { ...fewer, divide: divisorOf(forest, cut) }
  return cut.depth === undefined ? attrs : cutDepth(attrs, cut.depth)
}

/** @throws RangeError when the trees do not lie one after the other, as we plant them */
function firstTrees(attrs: TreesAttrs, trees: number): TreesAttrs {
  const { roots, feature, left, right, leafWidth, inner } = attrs
  const nodes = roots[trees] ?? feature.length
  let rows = 0
  let sets = 0
  for (let node = 0; node < nodes; node++) {
    sets = Math.max(sets, attrs.categories[node]! + 1)
    if (feature[node]! < 0) rows = Math.max(rows, left[node]! + 1)
    else if (left[node]! >= nodes || right[node]! >= nodes)
      throw new RangeError('cut: the trees do not lie one after the other')
  }
  return {
    ...attrs,
    roots: roots.slice(0, trees),
    slots: attrs.slots.slice(0, trees),
    feature: feature.slice(0, nodes),
    threshold: attrs.threshold.slice(0, nodes),
    left: left.slice(0, nodes),
    right: right.slice(0, nodes),
    missingLeft: attrs.missingLeft.slice(0, nodes),
    categories: attrs.categories.slice(0, nodes),
    sets: attrs.sets.slice(0, sets * SET_WORDS),
    values: attrs.values.slice(0, rows * leafWidth),
    ...(inner && { inner: inner.slice(0, nodes * leafWidth) }),
  }
}

/** @throws RangeError where inner nodes have no values */
function cutDepth(attrs: TreesAttrs, most: number): TreesAttrs {
  const { inner, leafWidth, feature, left, values } = attrs
  if (inner === undefined) throw new RangeError('cut: the inner nodes of the trees have no values')
  const rowOf = (from: Float64Array, row: number) => from.subarray(row * leafWidth, (row + 1) * leafWidth)
  type Place = { readonly node: number; readonly depth: number }
  const look = ({ node, depth }: Place): Growth<Place> => {
    if (feature[node]! < 0) return { leaf: rowOf(values, left[node]!) }
    if (depth >= most) return { leaf: rowOf(inner, node) }
    return {
      feature: feature[node]!,
      threshold: attrs.threshold[node]!,
      missingLeft: attrs.missingLeft[node] === 1,
      categories: attrs.categories[node]!,
      inner: rowOf(inner, node),
      left: { node: left[node]!, depth: depth + 1 },
      right: { node: attrs.right[node]!, depth: depth + 1 },
    }
  }
  return replant(attrs, (root) => ({ node: root, depth: 0 }), look)
}

/** The forest whose trees are grown anew by what `look` makes of their nodes. */
export function replant<Node>(
  attrs: TreesAttrs,
  start: (root: number) => Node,
  look: (node: Node) => Growth<Node>,
): TreesAttrs {
  const { leafWidth, inner, feature } = attrs
  const planted = Array.from(attrs.roots, (root, tree) =>
    growTree(start(root), look, { leafWidth, maxNodes: feature.length, slot: attrs.slots[tree]! }),
  )
  return plantForest(planted, attrs, inner !== undefined)
}
