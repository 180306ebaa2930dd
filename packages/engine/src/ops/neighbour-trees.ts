import { type Between, betweenOf, type DistanceAttrs, rootOf } from './kernels.ts'
import { rowsIn, rowwise } from './rowwise.ts'

/**
 * A search tree of scikit-learn over its points: node i has children 2i + 1 and 2i + 2, and the points
 * order[starts[i] … ends[i]). Where more points are equally near than fit, the tree decides which are found, so it is
 * searched as the library does.
 */
export type SearchTreeAttrs = DistanceAttrs & {
  readonly count: number
  readonly order: Int32Array
  readonly starts: Int32Array
  readonly ends: Int32Array
  readonly leaves: Uint8Array
  /** `box` (k-d tree): nodes × columns lower, then as many upper bounds. `ball`: nodes × columns centres. */
  readonly shape: 'box' | 'ball'
  readonly bounds: Float64Array
  /** Of balls, one per node. */
  readonly radii: Float64Array
}

/** The `count` nearest points: their indices, then their distances, nearest first. */
export const treeNeighbours = rowwise<SearchTreeAttrs>({
  name: 'tree-neighbours',
  infer(attrs, width) {
    const points = rowsIn('tree-neighbours', attrs.points, width)
    if (!Number.isInteger(attrs.count) || attrs.count < 1 || attrs.count > points)
      throw new RangeError(`tree-neighbours: ${attrs.count} of ${points} rows`)
    expectTree(attrs, width, points)
    return 2 * attrs.count
  },
  at(attrs, width) {
    const { count, power } = attrs
    const search = searchOf(attrs, width)
    const root = rootOf(power)
    return (x, from, y, to) => {
      const heap: Heap = {
        indices: y.subarray(to, to + count),
        distances: y.subarray(to + count, to + 2 * count),
      }
      heap.indices.fill(0)
      heap.distances.fill(Number.POSITIVE_INFINITY)
      search({ x, from, heap })
      sortHeap(heap)
      for (let i = 0; i < count; i++) heap.distances[i] = root(heap.distances[i]!)
    }
  },
})

function expectTree(attrs: SearchTreeAttrs, width: number, points: number): void {
  const { order, starts, ends, leaves, shape, bounds, radii } = attrs
  const nodes = starts.length
  const sides = shape === 'box' ? 2 : 1
  if (ends.length !== nodes || leaves.length !== nodes || bounds.length !== sides * nodes * width)
    throw new RangeError('tree-neighbours: nodes do not fit')
  if (nodes === 0 || (shape === 'ball' && radii.length !== nodes))
    throw new RangeError('tree-neighbours: nodes do not fit')
  for (const point of order)
    if (point < 0 || point >= points) throw new RangeError(`tree-neighbours: point ${point} of ${points}`)
  for (let node = 0; node < nodes; node++) {
    if (starts[node]! < 0 || ends[node]! > order.length)
      throw new RangeError('tree-neighbours: a leaf holds points that are not there')
    if (leaves[node] === 0 && 2 * node + 2 >= nodes)
      throw new RangeError('tree-neighbours: a node has no children')
  }
}

type Heap = { readonly indices: Float64Array; readonly distances: Float64Array }

type Query = { readonly x: Float64Array; readonly from: number; readonly heap: Heap }

/** Fills the heap with the points nearest to the row, the nearer child first. */
function searchOf(attrs: SearchTreeAttrs, width: number): (query: Query) => void {
  const { points, order, starts, ends, leaves, metric, power } = attrs
  const between = betweenOf(metric, width, power)
  const least = leastDistance(attrs, width, between)
  const visit = (node: number, bound: number, query: Query): void => {
    const { x, from, heap } = query
    if (bound > heap.distances[0]!) return
    if (leaves[node] === 1) {
      for (let i = starts[node]!; i < ends[node]!; i++)
        push(heap, between(x, from, points, order[i]! * width), order[i]!)
      return
    }
    const [left, right] = [2 * node + 1, 2 * node + 2]
    const [toLeft, toRight] = [least(left, x, from), least(right, x, from)]
    const leftFirst = toLeft <= toRight
    visit(leftFirst ? left : right, leftFirst ? toLeft : toRight, query)
    visit(leftFirst ? right : left, leftFirst ? toRight : toLeft, query)
  }
  return (query) => visit(0, least(0, query.x, query.from), query)
}

/** A lower bound of the compared distance between a row and all points of a node. */
type Least = (node: number, x: Float64Array, from: number) => number

function leastDistance(
  { shape, bounds, radii, starts, metric, power }: SearchTreeAttrs,
  width: number,
  between: Between,
): Least {
  const root = rootOf(power)
  if (shape === 'ball')
    return (node, x, from) => {
      const gap = Math.max(0, root(between(x, from, bounds, node * width)) - radii[node]!)
      return gap ** power
    }
  const upper = starts.length * width
  const gap = (x: number, at: number): number => {
    const [below, above] = [bounds[at]! - x, x - bounds[upper + at]!]
    return 0.5 * (below + Math.abs(below) + (above + Math.abs(above)))
  }
  return (node, x, from) => {
    let sum = 0
    for (let i = 0; i < width; i++) {
      const own = gap(x[from + i]!, node * width + i)
      sum = metric === 'chebyshev' ? Math.max(sum, own) : sum + own ** power
    }
    return sum
  }
}

/** Replaces the farthest by something nearer; what is equally far stays out. */
function push({ indices, distances }: Heap, distance: number, index: number): void {
  if (distance >= distances[0]!) return
  const size = distances.length
  let at = 0
  for (let child = 1; child < size; child = 2 * at + 1) {
    if (child + 1 < size && distances[child + 1]! > distances[child]!) child++
    if (!(distance < distances[child]!)) break
    distances[at] = distances[child]!
    indices[at] = indices[child]!
    at = child
  }
  distances[at] = distance
  indices[at] = index
}

/** By distance; insertion keeps it free of allocations, and there are few. */
function sortHeap({ indices, distances }: Heap): void {
  for (let i = 1; i < distances.length; i++) {
    const [distance, index] = [distances[i]!, indices[i]!]
    let at = i
    for (; at > 0 && distances[at - 1]! > distance; at--) {
      distances[at] = distances[at - 1]!
      indices[at] = indices[at - 1]!
    }
    distances[at] = distance
    indices[at] = index
  }
}
