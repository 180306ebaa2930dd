import type { TreesAttrs } from '../ops/trees.ts'
import type { TreeNodes } from './tree-state.ts'

/** A tree on its way into a forest: its nodes, a row of values per node, and where its leaf is added. */
export type PlantedTree = {
  readonly nodes: TreeNodes
  /** Nodes × leafWidth; only the rows of leaves are kept, unless inner values are asked for. */
  readonly values: Float64Array
  readonly slot?: number
  /** Columns of the forest's input that the tree's features stand for; all of them by default. */
  readonly columns?: ArrayLike<number>
}

type Sum = {
  readonly cast: 'f32' | 'f64'
  readonly leafWidth: number
  readonly init: Float64Array
  readonly divide: number
  readonly sets?: Uint32Array
  readonly rounded?: boolean
  readonly compare?: 'le' | 'lt'
  readonly sum?: 'f32' | 'f64'
}

/**
 * One `trees` operation out of single trees, in their order.
 * @param keepInner the rows of inner nodes mean something and are wanted
 */
export function plantForest(planted: readonly PlantedTree[], sum: Sum, keepInner = false): TreesAttrs {
  const count = planted.reduce((total, { nodes }) => total + nodes.feature.length, 0)
  const leaves = planted.reduce((total, { nodes }) => total + countLeaves(nodes), 0)
  const forest = {
    roots: new Int32Array(planted.length),
    slots: Int32Array.from(planted, (tree) => tree.slot ?? 0),
    feature: new Int32Array(count),
    threshold: new Float64Array(count),
    left: new Int32Array(count),
    right: new Int32Array(count),
    missingLeft: new Uint8Array(count),
    categories: new Int32Array(count),
    values: new Float64Array(leaves * sum.leafWidth),
  }
  const at = { node: 0, leaf: 0 }
  for (const [i, tree] of planted.entries()) {
    forest.roots[i] = at.node
    plant(forest, tree, at, sum.leafWidth)
  }
  const inner = keepInner ? { inner: joined(planted.map(({ values }) => values)) } : {}
  return { compare: 'le', sets: new Uint32Array(0), ...sum, ...forest, ...inner }
}

function joined(parts: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(parts.reduce((total, part) => total + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

type Columns = Pick<
  TreesAttrs,
  'feature' | 'threshold' | 'left' | 'right' | 'missingLeft' | 'categories' | 'values'
>

function plant(
  forest: Columns,
  tree: PlantedTree,
  at: { node: number; leaf: number },
  leafWidth: number,
): void {
  const { nodes, values, columns } = tree
  const base = at.node
  for (let i = 0; i < nodes.feature.length; i++, at.node++) {
    const feature = nodes.feature[i]!
    forest.threshold[at.node] = nodes.threshold[i]!
    forest.missingLeft[at.node] = nodes.missingLeft[i]!
    forest.categories[at.node] = nodes.categories[i]!
    if (feature === -1) {
      forest.feature[at.node] = -1
      forest.left[at.node] = at.leaf
      forest.values.set(values.subarray(i * leafWidth, (i + 1) * leafWidth), at.leaf * leafWidth)
      at.leaf++
    } else {
      forest.feature[at.node] = columns === undefined ? feature : columnOf(columns, feature)
      forest.left[at.node] = childOf(nodes, nodes.left[i]!) + base
      forest.right[at.node] = childOf(nodes, nodes.right[i]!) + base
    }
  }
}

/** A child must be a node of its own tree. */
function childOf(nodes: TreeNodes, child: number): number {
  if (child > 0 && child < nodes.feature.length) return child
  throw new RangeError(`a tree of ${nodes.feature.length} nodes points at node ${child}`)
}

function columnOf(columns: ArrayLike<number>, feature: number): number {
  const column = columns[feature]
  if (column !== undefined) return column
  throw new RangeError(`a tree on ${columns.length} columns reads column ${feature}`)
}

const countLeaves = (nodes: TreeNodes): number =>
  nodes.feature.reduce((count, feature) => count + (feature === -1 ? 1 : 0), 0)
