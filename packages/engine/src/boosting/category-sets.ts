import type { Graph } from '../ir/graph.ts'
import type { Ref } from '../ir/program.ts'
import { categorySides } from '../ops/categories.ts'

type Rules = Omit<Parameters<typeof categorySides.infer>[0], 'columns' | 'starts' | 'words'>

/** Most 32-bit words of all sets of a model. */
const MAX_WORDS = 2 ** 22

/** Sets of categories that trees split on, each as a further column behind the model's own. */
export class CategoryColumns {
  readonly #width: number
  readonly #sets: { readonly column: number; readonly words: readonly number[] }[] = []
  readonly #known = new Map<string, number>()
  #words = 0

  constructor(width: number) {
    this.#width = width
  }

  /** Column that tells on which side of the set a row's category is; split it at ½. */
  columnOf(column: number, words: readonly number[]): number {
    this.#words += words.length
    if (this.#words > MAX_WORDS)
      throw new RangeError(`its sets of categories have more than ${MAX_WORDS} words`)
    const key = `${column}:${words.join()}`
    let index = this.#known.get(key)
    if (index === undefined) {
      index = this.#sets.length
      this.#sets.push({ column, words })
      this.#known.set(key, index)
    }
    return this.#width + index
  }

  /** The columns the trees read: the model's own and those of the sets. */
  append(graph: Graph, x: Ref, rules: Rules): Ref {
    if (this.#sets.length === 0) return x
    const starts = new Int32Array(this.#sets.length + 1)
    this.#sets.forEach(({ words }, i) => {
      starts[i + 1] = starts[i]! + words.length
    })
    const sides = graph.add(categorySides, [x], {
      columns: Int32Array.from(this.#sets, ({ column }) => column),
      starts,
      words: Uint32Array.from(this.#sets.flatMap(({ words }) => words)),
      ...rules,
    })
    return graph.concat([x, sides])
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
