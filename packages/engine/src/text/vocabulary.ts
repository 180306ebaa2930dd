import { type Codes, storageFor, type Tokens } from './spans.ts'

/** Column of the term that equals each token, −1 for none; there until the next text. */
export type ColumnsOf = (tokens: Tokens) => Int32Array

/**
 * Finds terms, which are distinct, without cutting tokens out of a text. The terms' characters are numbered, and as many
 * numbers as fit go into one edge: four or five Latin letters, two Chinese characters. The terms are a tree of such edges.
 * A token is walked from the root; most that are no term leave the tree at once. All edges lie in one hash table, so
 * that a step reads one place in memory, and a token that has been walked has been compared.
 */
export function indexVocabulary(terms: readonly string[]): ColumnsOf {
  const alphabet = buildAlphabet(terms)
  const { slots, shift, root } = buildTree(terms, alphabet)
  const { bits, longest } = alphabet
  const { length } = terms
  let digits = new Int32Array(0)
  let columns = new Int32Array(0)
  return ({ codes, spans: { starts, ends, count } }) => {
    digits = storageFor(digits, codes.length)
    columns = storageFor(columns, count)
    writeDigits(codes, alphabet, digits)
    for (let i = 0; i < count; i++) {
      const end = ends[i]!
      let node = root
      for (let at = starts[i]!; at < end && node !== NONE; ) {
        const stop = Math.min(at + longest, end)
        let edge = 1
        while (at < stop) edge = (edge << bits) | digits[at++]!
        node = slots[findSlot(slots, shift, node, edge) + CHILD]!
      }
      columns[i] = node < length ? node : NONE
    }
    return columns
  }
}

type Alphabet = {
  /** The number of each code point, up to the highest that has one; 0 for those that no term has. */
  readonly numbers: Int32Array
  /** Bits of a number. */
  readonly bits: number
  /** Numbers that fit into an edge, which starts with a 1 that tells its length. */
  readonly longest: number
}
const EDGE_BITS = 30

function buildAlphabet(terms: readonly string[]): Alphabet {
  const points = new Set<number>()
  for (const term of terms) for (const character of term) points.add(character.codePointAt(0)!)
  const numbers = new Int32Array([...points].reduce((most, point) => Math.max(most, point + 1), 0))
  let count = 0
  for (const point of points) numbers[point] = ++count
  const bits = 32 - Math.clz32(count | 1)
  return { numbers, bits, longest: Math.floor(EDGE_BITS / bits) }
}

function writeDigits({ points, length }: Codes, { numbers }: Alphabet, digits: Int32Array): void {
  for (let at = 0; at < length; at++) {
    const point = points[at]!
    digits[at] = point >= 0 && point < numbers.length ? numbers[point]! : 0
  }
}

const NONE = -1
/** Numbers of a slot: parent, edge, child. Of a free one the child is NONE. */
const SLOT = 3
const PARENT = 0
const EDGE = 1
const CHILD = 2
const FIRST_SLOT_BITS = 4

type Tree = {
  /** Nodes that are terms are their columns; other nodes come after them. */
  root: number
  slots: Int32Array
  /** 32 less the logarithm of the number of slots. */
  shift: number
}

/** Where the slot of an edge starts: its own, or the free one that it would have. */
function findSlot(slots: Int32Array, shift: number, parent: number, edge: number): number {
  const hash = Math.imul(Math.imul(parent, 0x2c1b3c6d) ^ edge, 0x9e3779b1)
  for (let slot = (hash >>> shift) * SLOT; ; slot += SLOT) {
    if (slot === slots.length) slot = 0
    const found = slots[slot + EDGE] === edge && slots[slot + PARENT] === parent
    if (found || slots[slot + CHILD] === NONE) return slot
  }
}

const emptySlots = (bits: number): Int32Array => new Int32Array(2 ** bits * SLOT).fill(NONE)

function buildTree(terms: readonly string[], alphabet: Alphabet): Tree {
  const tree: Tree = {
    root: terms.indexOf(''),
    slots: emptySlots(FIRST_SLOT_BITS),
    shift: 32 - FIRST_SLOT_BITS,
  }
  let nodes = terms.length
  if (tree.root === NONE) tree.root = nodes++
  let edges = 0
  // Shorter terms first: so the last node of a term is a new one.
  const order = terms.map((_, column) => column).sort((a, b) => terms[a]!.length - terms[b]!.length)
  for (const column of order) {
    let node = tree.root
    const path = edgesOf(terms[column]!, alphabet)
    for (const [i, edge] of path.entries()) {
      const slot = findSlot(tree.slots, tree.shift, node, edge)
      const known = tree.slots[slot + CHILD]!
      const child = known !== NONE ? known : i === path.length - 1 ? column : nodes++
      tree.slots.set([node, edge, child], slot)
      node = child
      if (known === NONE && ++edges * SLOT * 1.5 > tree.slots.length) grow(tree)
    }
  }
  return tree
}

/** Twice as many slots: a third of them stays free, or more. */
function grow(tree: Tree): void {
  const { slots } = tree
  tree.shift--
  tree.slots = emptySlots(32 - tree.shift)
  for (let from = 0; from < slots.length; from += SLOT) {
    if (slots[from + CHILD] === NONE) continue
    const to = findSlot(tree.slots, tree.shift, slots[from + PARENT]!, slots[from + EDGE]!)
    tree.slots.set(slots.subarray(from, from + SLOT), to)
  }
}

function edgesOf(term: string, { numbers, bits, longest }: Alphabet): number[] {
  const digits = Array.from(term, (character) => numbers[character.codePointAt(0)!]!)
  return Array.from({ length: Math.ceil(digits.length / longest) }, (_, i) =>
    digits.slice(i * longest, (i + 1) * longest).reduce((edge, digit) => (edge << bits) | digit, 1),
  )
}
