import type { PlantedTree } from '../sklearn/forest.ts'

/** A node of a library's own tree: a leaf with its values, or a comparison and where it leads. */
export type Growth<Node> =
  | { readonly leaf: ArrayLike<number> }
  | {
      readonly feature: number
      readonly threshold: number
      readonly missingLeft: boolean
      /** Bitset of the categories that go left, instead of a comparison. */
      readonly categories?: number
      /** What a leaf in its place would hold. */
      readonly inner?: ArrayLike<number>
      readonly left: Node
      readonly right: Node
    }

/**
 * Copies what is reached from the root of a library's tree; nodes that it left behind are dropped.
 * @param look what a node is; each is looked at once
 * @param maxNodes no more than these can be reached without a cycle
 * @throws RangeError for a cycle, or leaves of another width
 */
export function growTree<Node>(
  root: Node,
  look: (node: Node) => Growth<Node>,
  { leafWidth, maxNodes, slot }: { leafWidth: number; maxNodes: number; slot: number },
): PlantedTree {
  const found: Growth<Node>[] = []
  const children: [left: number, right: number][] = []
  const pending: { node: Node; parent: number; side: 0 | 1 }[] = [{ node: root, parent: -1, side: 0 }]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const at = found.length
    if (at >= maxNodes) throw new RangeError('a tree has a node with two parents')
    const growth = look(next.node)
    found.push(growth)
    children.push([0, 0])
    if (next.parent >= 0) children[next.parent]![next.side] = at
    if ('leaf' in growth) continue
    pending.push({ node: growth.right, parent: at, side: 1 }, { node: growth.left, parent: at, side: 0 })
  }
  return { nodes: nodesOf(found, children), values: valuesOf(found, leafWidth), slot }
}

function nodesOf<Node>(found: readonly Growth<Node>[], children: readonly [number, number][]) {
  const split = found.map((growth) => ('leaf' in growth ? undefined : growth))
  return {
    feature: Int32Array.from(split, (node) => node?.feature ?? -1),
    threshold: Float64Array.from(split, (node) => node?.threshold ?? 0),
    left: Int32Array.from(children, ([left]) => left),
    right: Int32Array.from(children, ([, right]) => right),
    missingLeft: Uint8Array.from(split, (node) => (node?.missingLeft === true ? 1 : 0)),
    categories: Int32Array.from(split, (node) => node?.categories ?? -1),
  }
}

function valuesOf<Node>(found: readonly Growth<Node>[], leafWidth: number): Float64Array {
  const values = new Float64Array(found.length * leafWidth)
  found.forEach((growth, i) => {
    const row = 'leaf' in growth ? growth.leaf : growth.inner
    if (row === undefined) return
    if (row.length !== leafWidth)
      throw new RangeError(`a leaf holds ${row.length} values instead of ${leafWidth}`)
    values.set(row, i * leafWidth)
  })
  return values
}
