import type { ValueType } from '../ir/program.ts'
import type { Block, BlockKernel } from '../ops/op.ts'
import type { TreesAttrs } from '../ops/trees.ts'
import { LANES } from '../wasm/tree-kernel.ts'
import { CHUNK_ROWS, layOutForest, MISSING_CATEGORY, type TreeMemory } from '../wasm/tree-memory.ts'

/**
 * The fast form of `trees` and `trees-onto`: the WebAssembly kernel over a memory of the forest's own. Eights of rows take the kernel
 * that walks eight rows on a tree, what remains the one that walks eight trees on a row; the sums are the same bits.
 * @returns undefined for a forest that the kernel cannot express; it runs by the reference rule
 */
export function treesBlock(attrs: TreesAttrs, [x]: readonly ValueType[]): BlockKernel | undefined {
  const forest = layOutForest(attrs)
  if (forest === undefined) return undefined
  const inputWidth = x!.width
  const width = attrs.init.length
  const fill = filler(forest, attrs, inputWidth)
  const { kernel, sums, addresses, tableEnd, paddedTableEnd } = forest
  const octetBytes = forest.columns.length * LANES * (forest.form === 'narrow' ? 4 : 8)
  const begin = (starts: Block | undefined, first: number, rows: number): void => {
    for (let row = 0, i = 0; row < rows; row++)
      for (let j = 0; j < width; j++, i++)
        sums[i] = starts === undefined ? attrs.init[j]! : starts.numbers[first * width + i]!
  }
  const finish = (out: Float64Array, at: number, rows: number): void => {
    for (let i = 0; i < rows * width; i++) out[at + i] = sums[i]! / attrs.divide
  }
  return ([from, starts], out, rows) => {
    const numbers = from!.numbers
    const even = rows - (rows % LANES)
    for (let row = 0; row < even; row += CHUNK_ROWS) {
      const count = Math.min(CHUNK_ROWS, even - row)
      fill.octets(numbers, row, count / LANES)
      begin(starts, row, count)
      kernel.rows(
        addresses.x,
        addresses.sums,
        addresses.values,
        addresses.table,
        tableEnd,
        count / LANES,
        octetBytes,
      )
      finish(out.numbers, row * width, count)
    }
    for (let row = even; row < rows; row++) {
      fill.row(numbers, row)
      begin(starts, row, 1)
      kernel.row(addresses.x, addresses.sums, addresses.values, addresses.table, paddedTableEnd)
      finish(out.numbers, row * width, 1)
    }
  }
}

/** Writes rows of the input as the kernel reads them: eight rows side by side, a feature negated or as a category. */
function filler({ columns, x, xWords, form }: TreeMemory, { cast }: TreesAttrs, inputWidth: number) {
  const count = columns.length
  const features = Int32Array.from(columns, ({ feature }) => feature)
  const signs = Float64Array.from(columns, (column) => (column.form === 'negated' ? -1 : 1))
  const categories = columns.flatMap((column, i) => (column.form === 'category' ? [i] : []))
  const rounds = cast === 'f32' && form !== 'narrow'
  const categorical = (octet: number, lane: number): void => {
    for (const column of categories) {
      const at = (octet * count + column) * LANES + lane
      xWords.set([categoryOf(x[at]!), QUIET_NAN], at * 2)
    }
  }
  return {
    octets(numbers: Float64Array, row: number, octets: number): void {
      for (let octet = 0, at = 0; octet < octets; octet++) {
        const first = (row + octet * LANES) * inputWidth
        for (let column = 0; column < count; column++) {
          const sign = signs[column]!
          let from = first + features[column]!
          for (let lane = 0; lane < LANES; lane++, from += inputWidth) {
            const value = numbers[from]!
            x[at++] = sign * (rounds ? Math.fround(value) : value)
          }
        }
        for (let lane = 0; lane < LANES && categories.length > 0; lane++) categorical(octet, lane)
      }
    },
    row(numbers: Float64Array, row: number): void {
      const first = row * inputWidth
      for (let column = 0; column < count; column++) {
        const value = numbers[first + features[column]!]!
        x[column * LANES] = signs[column]! * (rounds ? Math.fround(value) : value)
      }
      if (categories.length > 0) categorical(0, 0)
    },
  }
}

const QUIET_NAN = 0x7ff80000

/** As `trees` looks categories up: by their low byte, negative ones and NaN being missing. */
function categoryOf(value: number): number {
  if (!(value >= 0)) return MISSING_CATEGORY
  return value < 2 ** 31 ? value & 255 : 0
}
