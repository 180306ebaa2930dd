import type { Graph } from '../ir/graph.ts'
import type { Ref } from '../ir/program.ts'
import { BEYOND_BYTE, categoryByte, categorySides } from '../ops/categories.ts'
import type { PlantedTree } from '../sklearn/forest.ts'

type Rules = Omit<Parameters<typeof categorySides.infer>[0], 'columns' | 'starts' | 'words'>

type CategorySet = {
  readonly column: number
  readonly words: readonly number[]
  readonly missingLeft: boolean
}

/** Most 32-bit words of all sets of a model. */
const MAX_WORDS = 2 ** 22
/** Words of a set of a forest. */
const SET_WORDS = 8

/** Sets of categories that trees split on, while the trees are planted. */
export class CategorySets {
  readonly #sets: CategorySet[] = []
  readonly #known = new Map<string, number>()
  #words = 0

  /** What a planted node has as its categories. @param missingLeft where the node sends NaN */
  add(column: number, words: readonly number[], missingLeft: boolean): number {
    this.#words += words.length
    if (this.#words > MAX_WORDS)
      throw new RangeError(`its sets of categories have more than ${MAX_WORDS} words`)
    const key = `${column}:${missingLeft}:${words.join()}`
    const index = this.#known.get(key) ?? this.#sets.push({ column, words, missingLeft }) - 1
    this.#known.set(key, index)
    return index
  }

  get isEmpty(): boolean {
    return this.#sets.length === 0
  }

  /**
   * The planted trees with what they read and the sets that they name in the end. A column whose sets hold categories
   * below 255 has one more column, of bytes, to look up. Of a larger one every set has a column, which tells the side of
   * the row's category and is split at ½.
   */
  settle(graph: Graph, x: Ref, planted: readonly PlantedTree[], rules: Rules): Settled {
    const large = new Set(this.#sets.filter(({ words }) => isLarge(words)).map(({ column }) => column))
    const [looked, sided] = [false, true].map((is) =>
      this.#sets.filter((set) => large.has(set.column) === is),
    )
    const bytes = [...new Set(looked!.map(({ column }) => column))]
    const parts = [x]
    if (bytes.length > 0)
      parts.push(graph.add(categoryByte, [graph.select(x, bytes)], { least: rules.least }))
    if (sided!.length > 0) parts.push(graph.add(categorySides, [x], sidesOf(sided!, rules)))
    const width = graph.width(x)
    const byteOf = new Map(bytes.map((column, i) => [column, width + i]))
    let [side, set] = [width + bytes.length, 0]
    const places = this.#sets.map(({ column }) => {
      const feature = byteOf.get(column)
      return feature === undefined ? { feature: side++, set: -1 } : { feature, set: set++ }
    })
    return {
      planted: planted.map((tree) => moved(tree, places)),
      x: graph.concat(parts),
      sets: Uint32Array.from(looked!.flatMap((one) => bitsOf(one, rules))),
    }
  }
}

type Settled = {
  readonly planted: readonly PlantedTree[]
  readonly x: Ref
  readonly sets: Uint32Array
}

/** Whether it holds a category that no byte stands for. */
const isLarge = (words: readonly number[]): boolean =>
  words.some((word, i) => (i === SET_WORDS - 1 ? word >>> 31 !== 0 : i >= SET_WORDS && word !== 0))

function sidesOf(sets: readonly CategorySet[], rules: Rules): Parameters<typeof categorySides.infer>[0] {
  const starts = new Int32Array(sets.length + 1)
  sets.forEach(({ words }, i) => {
    starts[i + 1] = starts[i]! + words.length
  })
  return {
    columns: Int32Array.from(sets, ({ column }) => column),
    starts,
    words: Uint32Array.from(sets.flatMap(({ words }) => words)),
    ...rules,
  }
}

/** Which of the categories 0–254, and of those beyond as one, go left. */
function bitsOf({ words, missingLeft }: CategorySet, { sides }: Rules): number[] {
  const bits = new Array<number>(SET_WORDS).fill(0)
  for (let category = 0; category <= BEYOND_BYTE; category++) {
    const word = words[category >> 5]
    const isMember = ((word ?? 0) >>> (category & 31)) & 1
    const inside = word !== undefined && category < BEYOND_BYTE
    const side = inside ? (isMember === 1 ? sides.member : sides.other) : sides.beyond
    const goesLeft = Number.isNaN(side) ? missingLeft : side === 0
    if (goesLeft) bits[category >> 5] = (bits[category >> 5]! | (1 << (category & 31))) >>> 0
  }
  return bits
}

function moved(
  { nodes, ...tree }: PlantedTree,
  places: readonly { readonly feature: number; readonly set: number }[],
): PlantedTree {
  const placeOf = (node: number) => places[nodes.categories[node]!]
  return {
    ...tree,
    nodes: {
      ...nodes,
      feature: nodes.feature.map((feature, node) => placeOf(node)?.feature ?? feature),
      categories: nodes.categories.map((_, node) => placeOf(node)?.set ?? -1),
    },
  }
}

/** Bitset of a list of categories. @throws RangeError for what is no category */
export function bitsetOf(categories: ArrayLike<number>, limit: number): number[] {
  const words: number[] = []
  for (const category of Array.from(categories)) {
    if (!(category >= 0 && category < limit)) throw new RangeError(`a set holds the category ${category}`)
    const word = category >> 5
    while (words.length <= word) words.push(0)
    words[word] = (words[word]! | (1 << (category & 31))) >>> 0
  }
  return words
}
