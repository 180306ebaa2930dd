import { type Growth, growTree } from '../boosting/grow.ts'
import type { Attrs, Program } from '../ir/program.ts'
import type { TreesAttrs } from '../ops/trees.ts'
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

export const iterationsLeft = ({ iterations }: Forest, cut: Cut): number =>
  Math.min(iterations, cut.iterations)

/** What the sums of the cut forest are divided by. */
export const divisorOf = (forest: Forest, cut: Cut): number =>
  forest.isMean ? iterationsLeft(forest, cut) : forest.attrs.divide

/** @throws RangeError for a depth where inner nodes have no values */
function cutForest(forest: Forest, cut: Cut): TreesAttrs {
  const { attrs, step } = forest
  const { inner, leafWidth } = attrs
  if (cut.depth !== undefined && inner === undefined)
    throw new RangeError('cut: the inner nodes of the trees have no values')
  const most = cut.depth ?? Number.POSITIVE_INFINITY
  type Place = { readonly node: number; readonly depth: number }
  const look = ({ node, depth }: Place): Growth<Place> => {
    if (attrs.feature[node]! >= 0 && depth >= most)
      return { leaf: inner!.subarray(node * leafWidth, (node + 1) * leafWidth) }
    return branch(attrs, node, (child) => ({ node: child, depth: depth + 1 }))
  }
  const roots = attrs.roots.subarray(0, iterationsLeft(forest, cut) * step)
  const cutTrees = replant(attrs, roots, (root) => ({ node: root, depth: 0 }), look)
  return { ...cutTrees, divide: divisorOf(forest, cut) }
}

/** A node as it is, its children as `at` names them. */
export function branch<Node>(attrs: TreesAttrs, node: number, at: (child: number) => Node): Growth<Node> {
  const { leafWidth, values } = attrs
  const left = attrs.left[node]!
  if (attrs.feature[node]! < 0) return { leaf: values.subarray(left * leafWidth, (left + 1) * leafWidth) }
  return {
    feature: attrs.feature[node]!,
    threshold: attrs.threshold[node]!,
    missingLeft: attrs.missingLeft[node] === 1,
    categories: attrs.categories[node]!,
    ...innerOf(attrs, node),
    left: at(left),
    right: at(attrs.right[node]!),
  }
}

const innerOf = ({ inner, leafWidth }: TreesAttrs, node: number): { inner?: Float64Array } =>
  inner === undefined ? {} : { inner: inner.subarray(node * leafWidth, (node + 1) * leafWidth) }

/** The forest of the given trees, grown anew by what `look` makes of their nodes. */
export function replant<Node>(
  attrs: TreesAttrs,
  roots: Int32Array,
  start: (root: number) => Node,
  look: (node: Node) => Growth<Node>,
): TreesAttrs {
  const { leafWidth, inner, feature } = attrs
  const planted = Array.from(roots, (root, tree) =>
    growTree(start(root), look, { leafWidth, maxNodes: feature.length, slot: attrs.slots[tree]! }),
  )
  return plantForest(planted, attrs, inner !== undefined)
}
