import type { Growth } from '../boosting/grow.ts'
import type { Program } from '../ir/program.ts'
import type { TreesAttrs } from '../ops/trees.ts'
import { branch, replant } from './cut.ts'
import { findForests } from './forests.ts'

const SET_WORDS = 8

/** Deeper trees are left as they are: they are walked by recursion. */
const MAX_DEPTH = 1000

/**
 * The same program with smaller trees; not one bit of an answer changes.
 *   unreachable   a comparison whose outcome is known from those before it on the way makes room for the child it leads to
 *   equal         a node with two equal children makes room for one of them
 *   shared rows   leaves of equal values share their row, nodes of equal categories their set
 * What cutting needs is dropped: cut before.
 */
export function simplifyForests(program: Program): Program {
  const forests = new Map(findForests(program).map(({ ref, attrs }) => [ref, simplifyForest(attrs)]))
  const nodes = program.nodes.map((node, ref) => ({ ...node, attrs: forests.get(ref) ?? node.attrs }))
  return { ...program, nodes }
}

export function simplifyForest({ inner: _, perIteration: __, ...attrs }: TreesAttrs): TreesAttrs {
  const subtrees = new Subtrees(attrs)
  const start = (root: number): number => subtrees.idOf(root)
  return shareSets(shareRows(replant(attrs, attrs.roots, start, (id) => subtrees.look(id))))
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

/** Every different subtree once, by number; equal ones have the same. */
class Subtrees {
  readonly #attrs: TreesAttrs
  readonly #ids = new Map<string, number>()
  readonly #looks: Growth<number>[] = []

  constructor(attrs: TreesAttrs) {
    this.#attrs = attrs
  }

  look(id: number): Growth<number> {
    return this.#looks[id]!
  }

  /** The number of what is left of a node. */
  idOf(node: number, way?: Bounds, depth = 0): number {
    const { feature, left, right, leafWidth, values } = this.#attrs
    if (feature[node]! < 0) {
      const row = values.slice(left[node]! * leafWidth, (left[node]! + 1) * leafWidth)
      return this.#number(keyOfRow(row), { leaf: row })
    }
    if (depth > MAX_DEPTH) return this.#unchanged(node)
    const known = this.#outcome(node, way)
    if (known !== undefined) return this.idOf(known === 'left' ? left[node]! : right[node]!, way, depth + 1)
    const [toLeft, toRight] = this.#waysOn(node, way)
    const children = [
      this.idOf(left[node]!, toLeft, depth + 1),
      this.idOf(right[node]!, toRight, depth + 1),
    ] as const
    return children[0] === children[1] ? children[0] : this.#split(node, children)
  }

  #split(node: number, [left, right]: readonly [number, number]): number {
    const { feature, threshold, missingLeft, categories } = this.#attrs
    const test = `${feature[node]} ${keyOf(threshold[node]!)} ${missingLeft[node]} ${categories[node]}`
    const look = branch(this.#attrs, node, () => 0)
    return this.#number(`${test} ${left} ${right}`, { ...look, left, right } as Growth<number>)
  }

  #number(key: string, look: Growth<number>): number {
    const known = this.#ids.get(key)
    if (known !== undefined) return known
    const id = this.#looks.push(look) - 1
    this.#ids.set(key, id)
    return id
  }

  /** A whole subtree as it is, without recursion. */
  #unchanged(root: number): number {
    const { feature, left, right } = this.#attrs
    const order: number[] = []
    const stack = [root]
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      order.push(node)
      if (feature[node]! >= 0) stack.push(left[node]!, right[node]!)
    }
    const ids = new Map<number, number>()
    for (const node of order.reverse())
      ids.set(
        node,
        feature[node]! < 0
          ? this.idOf(node)
          : this.#split(node, [ids.get(left[node]!)!, ids.get(right[node]!)!]),
      )
    return ids.get(root)!
  }

  /** Where every row that gets here goes, when that is known. */
  #outcome(node: number, way: Bounds | undefined): 'left' | 'right' | undefined {
    const { feature, threshold, missingLeft, categories } = this.#attrs
    if (categories[node]! >= 0) return undefined
    const { low, high, canBeNaN } = boundsOf(feature[node]!, way)
    if (high <= threshold[node]! && (!canBeNaN || missingLeft[node] === 1)) return 'left'
    if (low >= threshold[node]! && (!canBeNaN || missingLeft[node] === 0)) return 'right'
    return undefined
  }

  #waysOn(
    node: number,
    way: Bounds | undefined,
  ): readonly [left: Bounds | undefined, right: Bounds | undefined] {
    const { feature, threshold, missingLeft, categories } = this.#attrs
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
