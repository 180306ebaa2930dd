import type { TreesAttrs } from '../ops/trees.ts'
import { BIT_CLASSES, BLOCK_ROWS, BYTE_CLASSES, CATEGORIES, RANK_BYTES } from './mux-kernel.ts'
import { MISSING_CATEGORY } from './tree-memory.ts'

/** Words of a set of 256 categories. */
const SET_WORDS = 8
/** A rank is a byte. */
const MAX_THRESHOLDS = 255

/** Where a column's ranks lie in those of a block, and the numbers it is compared with, ascending. */
type NumericFeature = { readonly ranks: number; readonly thresholds: Float64Array }

/** Where a column's classes lie, what they are, and the byte offsets of its sets among all, by their keys. */
type CategoryFeature = {
  readonly ranks: number
  readonly classOf: Uint16Array
  /** A category of every class. */
  readonly examples: Uint16Array
  readonly sets: ReadonlyMap<number, number>
}

/** What a forest reads: by column, what is compared, and behind it what is looked up in sets. */
export type MuxFeatures = {
  readonly numeric: ReadonlyMap<number, NumericFeature>
  readonly categorical: ReadonlyMap<number, CategoryFeature>
  readonly setBytes: number
}

/** A set and where missing values go, as one number. */
export const setKeyOf = ({ categories, missingLeft }: TreesAttrs, node: number): number =>
  categories[node]! * 2 + missingLeft[node]!

/** @returns undefined when a column is compared with too many thresholds, or with none that is a number */
export function featuresOf(attrs: TreesAttrs): MuxFeatures | undefined {
  const { feature, threshold, categories } = attrs
  const thresholds = new Map<number, number[]>()
  const sets = new Map<number, Set<number>>()
  for (let node = 0; node < feature.length; node++) {
    const column = feature[node]!
    if (column < 0) continue
    if (categories[node]! >= 0) entryOf(sets, column, () => new Set<number>()).add(setKeyOf(attrs, node))
    else if (Number.isNaN(threshold[node]!)) return undefined
    else entryOf(thresholds, column, (): number[] => []).push(threshold[node]!)
  }
  const numeric = new Map<number, NumericFeature>()
  for (const [column, list] of thresholds) {
    const sorted = Float64Array.from(list)
      .sort()
      .filter((t, i, all) => t !== all[i - 1])
    if (sorted.length > MAX_THRESHOLDS) return undefined
    numeric.set(column, { ranks: numeric.size * RANK_BYTES, thresholds: sorted })
  }
  const categorical = new Map<number, CategoryFeature>()
  let setBytes = 0
  for (const [column, keys] of sets) {
    const ranks = (numeric.size + categorical.size) * RANK_BYTES
    const [classOf, examples] = classesOf(attrs, keys)
    const bytes = setBytesOf(examples.length)
    const offsets = new Map([...keys].map((key, i) => [key, setBytes + i * bytes]))
    categorical.set(column, { ranks, classOf, examples, sets: offsets })
    setBytes += keys.size * bytes
  }
  return { numeric, categorical, setBytes }
}

const setBytesOf = (classes: number): number =>
  BLOCK_ROWS * (classes <= BYTE_CLASSES ? 1 : Math.ceil(classes / BIT_CLASSES))

function entryOf<V>(map: Map<number, V>, key: number, create: () => V): V {
  const found = map.get(key) ?? create()
  map.set(key, found)
  return found
}

/** Classes are what is left together when every set has parted its members from the others. */
function classesOf(attrs: TreesAttrs, keys: Iterable<number>): [classOf: Uint16Array, examples: Uint16Array] {
  const classOf = new Uint16Array(CATEGORIES)
  let classes = 1
  for (const key of keys) {
    const parts = new Int32Array(2 * classes).fill(-1)
    classes = 0
    classOf.forEach((whole, category) => {
      const part = whole * 2 + (hasMember(attrs, key, category) ? 1 : 0)
      if (parts[part] === -1) parts[part] = classes++
      classOf[category] = parts[part]!
    })
  }
  const examples = new Uint16Array(classes)
  classOf.forEach((one, category) => {
    examples[one] = category
  })
  return [classOf, examples]
}

function hasMember({ sets }: TreesAttrs, key: number, category: number): boolean {
  if (category === MISSING_CATEGORY) return (key & 1) === 1
  return ((sets[(key >> 1) * SET_WORDS + (category >> 5)]! >>> (category & 31)) & 1) === 1
}

/** Writes what the trees' code reads of a category: per category the byte of a set it picks, then its bit there. */
export function writeClasses(bytes: Uint8Array, { classOf, examples }: CategoryFeature): void {
  const whole = examples.length <= BYTE_CLASSES
  bytes.set(classOf.map((one) => (whole ? one : one >> 3)))
  bytes.set(
    classOf.map((one) => 1 << (one & 7)),
    CATEGORIES,
  )
}

/** Writes the sets of a column as vectors that a class picks a byte of. */
export function writeSets(bytes: Uint8Array, attrs: TreesAttrs, { examples, sets }: CategoryFeature): void {
  const whole = examples.length <= BYTE_CLASSES
  for (const [key, offset] of sets)
    examples.forEach((category, one) => {
      if (!hasMember(attrs, key, category)) return
      if (whole) bytes[offset + one] = 0xff
      else bytes[offset + (one >> 3)]! |= 1 << (one & 7)
    })
}
