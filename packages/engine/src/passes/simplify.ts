import type { Growth } from '../boosting/grow.ts'
import type { Program } from '../ir/program.ts'
import { SET_WORDS, type TreesAttrs } from '../ops/trees.ts'
import { replant } from './cut.ts'
import { findForests } from './forests.ts'

/** Deeper trees are left as they are: they are walked by recursion. */
const MAX_DEPTH = 1000

/**
 * The same program with smaller trees; not one bit of an answer changes.
 *   unreachable   a comparison whose outcome is known from those before it on the way makes room for the child it leads to
 *   equal         a node with two equal children makes room for one of them
 *   shared rows   leaves of equal values share their row, nodes of equal categories their set
 * The values of inner nodes are dropped: cut depth before.
 */
export function simplifyForests(program: Program): Program {
  const forests = new Map(findForests(program).map(({ ref, attrs }) => [ref, simplifyForest(attrs)]))
  const nodes = program.nodes.map((node, ref) => ({ ...node, attrs: forests.get(ref) ?? node.attrs }))
  return { ...program, nodes }
}

export function simplifyForest({ inner: _, ...attrs }: TreesAttrs): TreesAttrs {
  const start = (root: number): Subtree => simplifyNode(attrs, root)
  return shareSets(shareRows(replant(attrs, start, ({ growth }) => growth)))
}

/** What comparisons on the way to a node tell of one column: low < x ≤ high (low ≤ x < high for `lt`), maybe NaN. */
type Bounds = {
  readonly feature: number
  /** NaN: no bound. */
  readonly low: number
  readonly high: number
  readonly canBeNaN: boolean
  readonly before: Bounds | undefined
}

const UNBOUNDED = { low: Number.NaN, high: Number.NaN, canBeNaN: true }

function boundsOf(feature: number, way: Bounds | undefined): Pick<Bounds, 'low' | 'high' | 'canBeNaN'> {
  for (let bounds = way; bounds !== undefined; bounds = bounds.before)
    if (bounds.feature === feature) return bounds
  return UNBOUNDED
}

const least = (a: number, b: number): number => (Number.isNaN(a) ? b : Math.min(a, b))
const greatest = (a: number, b: number): number => (Number.isNaN(a) ? b : Math.max(a, b))

/** What is left of a node; equal subtrees have equal hashes. */
type Subtree = { readonly growth: Growth<Subtree>; readonly hash: number }

type Children<T> = readonly [left: T, right: T]

function simplifyNode(attrs: TreesAttrs, node: number, way?: Bounds, depth = 0): Subtree {
  const { feature, left, right } = attrs
  if (feature[node]! < 0) return leafOf(attrs, node)
  if (depth > MAX_DEPTH) return subtreeOf(attrs, node)
  const known = outcomeOf(attrs, node, way)
  if (known !== undefined)
    return simplifyNode(attrs, known === 'left' ? left[node]! : right[node]!, way, depth + 1)
  const [toLeft, toRight] = waysOn(attrs, node, way)
  const children: Children<Subtree> = [
    simplifyNode(attrs, left[node]!, toLeft, depth + 1),
    simplifyNode(attrs, right[node]!, toRight, depth + 1),
  ]
  return isSame(...children) ? children[0] : splitOf(attrs, node, children)
}

/** A subtree as it is, without recursion. */
function subtreeOf(attrs: TreesAttrs, root: number): Subtree {
  const { feature, left, right } = attrs
  const order: number[] = []
  const stack = [root]
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    order.push(node)
    if (feature[node]! >= 0) stack.push(left[node]!, right[node]!)
  }
  const built = new Map<number, Subtree>()
  for (const node of order.reverse())
    built.set(
      node,
      feature[node]! < 0
        ? leafOf(attrs, node)
        : splitOf(attrs, node, [built.get(left[node]!)!, built.get(right[node]!)!]),
    )
  return built.get(root)!
}

function leafOf({ left, leafWidth, values }: TreesAttrs, node: number): Subtree {
  const leaf = values.subarray(left[node]! * leafWidth, (left[node]! + 1) * leafWidth)
  return { growth: { leaf }, hash: leaf.reduce(mixNumber, 1) }
}

function splitOf(attrs: TreesAttrs, node: number, [left, right]: Children<Subtree>): Subtree {
  const [feature, threshold] = [attrs.feature[node]!, attrs.threshold[node]!]
  const [missingLeft, categories] = [attrs.missingLeft[node] === 1, attrs.categories[node]!]
  const test = mixNumber(mix(mix(feature, categories), Number(missingLeft)), threshold)
  return {
    growth: { feature, threshold, missingLeft, categories, left, right },
    hash: mix(mix(test, left.hash), right.hash),
  }
}

function isSame(a: Subtree, b: Subtree): boolean {
  if (a.hash !== b.hash) return false
  const [one, other] = [a.growth, b.growth]
  if ('leaf' in one || 'leaf' in other)
    return (
      'leaf' in one && 'leaf' in other && Array.from(one.leaf).every((x, i) => Object.is(x, other.leaf[i]))
    )
  return (
    one.feature === other.feature &&
    one.categories === other.categories &&
    one.missingLeft === other.missingLeft &&
    Object.is(one.threshold, other.threshold) &&
    isSame(one.left, other.left) &&
    isSame(one.right, other.right)
  )
}

const mix = (hash: number, word: number): number => {
  const mixed = Math.imul(hash ^ word, 0x9e3779b1)
  return mixed ^ (mixed >>> 15)
}

const double = new Float64Array(1)
const words = new Int32Array(double.buffer)

function mixNumber(hash: number, value: number): number {
  double[0] = value
  return mix(mix(hash, words[0]!), words[1]!)
}

/** Where every row that gets here goes, when that is known. */
function outcomeOf(attrs: TreesAttrs, node: number, way: Bounds | undefined): 'left' | 'right' | undefined {
  const { feature, threshold, missingLeft, categories } = attrs
  if (categories[node]! >= 0) return undefined
  const { low, high, canBeNaN } = boundsOf(feature[node]!, way)
  if (high <= threshold[node]! && (!canBeNaN || missingLeft[node] === 1)) return 'left'
  if (low >= threshold[node]! && (!canBeNaN || missingLeft[node] === 0)) return 'right'
  return undefined
}

function waysOn(attrs: TreesAttrs, node: number, way: Bounds | undefined): Children<Bounds | undefined> {
  const { feature, threshold, missingLeft, categories } = attrs
  const [column, t] = [feature[node]!, threshold[node]!]
  // A categorical comparison reads a number in another way.
  if (categories[node]! >= 0 || Number.isNaN(t)) return [way, way]
  const { low, high, canBeNaN } = boundsOf(column, way)
  const nanLeft = missingLeft[node] === 1
  return [
    { feature: column, low, high: least(high, t), canBeNaN: canBeNaN && nanLeft, before: way },
    { feature: column, low: greatest(low, t), high, canBeNaN: canBeNaN && !nanLeft, before: way },
  ]
}

/** Distinct for distinct bits. */
const keyOf = (value: number): string => (Object.is(value, -0) ? '-0' : String(value))
const keyOfRow = (row: Float64Array): string => Array.from(row, keyOf).join()

/** Leaves of equal values point at one row. */
function shareRows(attrs: TreesAttrs): TreesAttrs {
  const { feature, left, leafWidth, values } = attrs
  const rowOf = (i: number): Float64Array => values.subarray(i * leafWidth, (i + 1) * leafWidth)
  const { kept, places } = distinct(values.length / leafWidth, (i) => keyOfRow(rowOf(i)))
  return {
    ...attrs,
    left: left.map((target, node) => (feature[node]! < 0 ? places[target]! : target)),
    values: gather(kept.map(rowOf), leafWidth, Float64Array),
  }
}

/** Nodes of equal categories name one set; sets that no node names go. */
function shareSets(attrs: TreesAttrs): TreesAttrs {
  const { categories, sets } = attrs
  const named = [...new Set(categories)].filter((set) => set >= 0)
  const wordsOf = (set: number): Uint32Array => sets.subarray(set * SET_WORDS, (set + 1) * SET_WORDS)
  const { kept, places } = distinct(named.length, (i) => wordsOf(named[i]!).join())
  const place = new Map(named.map((set, i) => [set, places[i]!]))
  return {
    ...attrs,
    categories: categories.map((set) => place.get(set) ?? -1),
    sets: gather(
      kept.map((i) => wordsOf(named[i]!)),
      SET_WORDS,
      Uint32Array,
    ),
  }
}

/** The first of each kind of equal items, and the place of every item among them. */
function distinct(count: number, keyAt: (i: number) => string): { kept: number[]; places: Int32Array } {
  const known = new Map<string, number>()
  const kept: number[] = []
  const places = Int32Array.from({ length: count }, (_, i) => {
    const key = keyAt(i)
    const place = known.get(key) ?? kept.push(i) - 1
    known.set(key, place)
    return place
  })
  return { kept, places }
}

function gather<T extends Float64Array | Uint32Array>(
  rows: readonly T[],
  width: number,
  type: new (length: number) => T,
): T {
  const all = new type(rows.length * width)
  for (const [i, row] of rows.entries()) all.set(row, i * width)
  return all
}
