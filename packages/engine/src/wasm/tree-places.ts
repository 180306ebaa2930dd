import type { TreesAttrs } from '../ops/trees.ts'

/** Trees deeper than this much times their mean leaf are walked until all chains arrive. */
const UNEVEN = 1.3

export type Placed = {
  /** Per node, its place among the nodes in memory. */
  readonly places: Int32Array
  readonly depths: Int32Array
  readonly count: number
  /** Largest distance from a node to its children. */
  readonly reach: number
  readonly uneven: boolean
}

/** Pairs of siblings in a cluster: of narrow nodes, a cache line. */
const CLUSTER = 4

/**
 * Siblings side by side, and pairs in clusters of four: one, those below it, and one or more below these. So a walk finds
 * about every other node on the cache line where it is. A root is in place of the first pair. Clusters that are not full
 * lie behind the others of their tree.
 */
export function placeNodes(attrs: TreesAttrs): Placed {
  const { roots, feature, left, right, missingLeft, categories } = attrs
  const places = new Int32Array(feature.length)
  const levels = new Int32Array(feature.length)
  const depths = new Int32Array(roots.length)
  let [count, reach, leaves, leafLevels] = [0, 0, 0, 0]
  const placeLevel = (node: number, level: number): void => {
    levels[node] = level
    if (feature[node]! >= 0) return
    leaves++
    leafLevels += level
  }
  const placeBelow = (parent: number, tree: number): void => {
    const [l, r] = [left[parent]!, right[parent]!]
    const level = levels[parent]! + 1
    // First the sibling that NaN goes to, because NaN compares false.
    const flipped = categories[parent]! < 0 && missingLeft[parent] === 1 ? 1 : 0
    places[r] = count + flipped
    places[l] = count + 1 - flipped
    placeLevel(l, level)
    placeLevel(r, level)
    depths[tree] = Math.max(depths[tree]!, level)
    reach = Math.max(reach, count - places[parent]!)
    count += 2
  }
  roots.forEach((root, tree) => {
    const { full, small } = clustersOf(attrs, root)
    if (full.length > 0) count = Math.ceil(count / (2 * CLUSTER)) * 2 * CLUSTER
    places[root] = count + 1
    placeLevel(root, 0)
    count += 2
    for (const parent of full) placeBelow(parent, tree)
    for (const parent of small) placeBelow(parent, tree)
  })
  const deepest = depths.reduce((a, b) => Math.max(a, b), 0)
  return { places, depths, count, reach, uneven: deepest > (UNEVEN * leafLevels) / leaves }
}

/** The splits of a tree in the order of the pairs below them: those of full clusters, and those of the others. */
function clustersOf({ feature, left, right }: TreesAttrs, root: number): { full: number[]; small: number[] } {
  const [full, small]: [number[], number[]] = [[], []]
  const tops = feature[root]! >= 0 ? [root] : []
  for (let i = 0, room = CLUSTER - 1; i < tops.length; i++, room = CLUSTER) {
    const cluster = [tops[i]!]
    for (const split of cluster)
      for (const below of [right[split]!, left[split]!])
        if (feature[below]! >= 0) (cluster.length < room ? cluster : tops).push(below)
    const target = cluster.length === room ? full : small
    for (const split of cluster) target.push(split)
  }
  return { full, small }
}
