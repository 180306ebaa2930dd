import type { ValueType } from '../ir/program.ts'
import type { Block, BlockKernel } from '../ops/op.ts'
import type { TreesAttrs } from '../ops/trees.ts'
import type { MuxLayout } from '../wasm/mux-memory.ts'
import { LANES, laneBytes } from '../wasm/tree-kernel.ts'
import {
  CHUNK_ROWS,
  HIGHEST,
  layOutForest,
  MISSING_CATEGORY,
  openForest,
  type TreeMemory,
} from '../wasm/tree-memory.ts'
import { fasterKernel } from './faster-kernel.ts'
import { buildMux, muxBlock } from './mux.ts'
import type { Place } from './place.ts'

const muxed = new WeakSet<TreesAttrs>()

/** Which kernel large batches of a forest take now, where it was compiled. */
export const batchKernelOf = (attrs: TreesAttrs): 'scalar' | 'mux' => (muxed.has(attrs) ? 'mux' : 'scalar')

/**
 * The fast form of `trees` and `trees-onto`: a kernel that walks a path, and for large batches one that evaluates whole
 * trees where that is faster. The answers are the same bits.
 * @returns undefined for a forest that no kernel can express; it runs by the reference rule
 */
export function treesBlock(
  attrs: TreesAttrs,
  types: readonly ValueType[],
  place: Place,
): BlockKernel | undefined {
  const scalar = scalarBlock(attrs, types, place)
  if (scalar === undefined) return undefined
  const { layouts, seat } = place
  const open = (layout: MuxLayout): BlockKernel => {
    muxed.add(attrs)
    return muxBlock(attrs, types, layout)
  }
  let built: MuxLayout | undefined
  const build = function* () {
    built = yield* buildMux(attrs, types)
    return built && muxBlock(attrs, types, built)
  }
  return fasterKernel(scalar, {
    find: () => layouts.mux && open(layouts.mux),
    build: seat.isPioneer ? build : undefined,
    onChoice: () => {
      muxed.add(attrs)
      if (built !== undefined) layouts.mux = built
    },
  })
}

/**
 * The WebAssembly kernel over the forest's memory. Eights of rows take the kernel that walks eight rows on a
 * tree, what remains the one that walks eight trees on a row; the sums are the same bits.
 */
export function scalarBlock(
  attrs: TreesAttrs,
  [x]: readonly ValueType[],
  { seat, layouts }: Place,
): BlockKernel | undefined {
  layouts.forest ??= layOutForest(attrs, seat.of)
  if (layouts.forest === undefined) return undefined
  const forest = openForest(layouts.forest, seat.number)
  const inputWidth = x!.width
  const width = attrs.init.length
  const fill = filler(forest, attrs, inputWidth)
  const { kernel, sums, addresses, tableEnd, paddedTableEnd } = forest
  const octetBytes = forest.columns.length * laneBytes(forest.form)
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

/** Writes rows of the input as the kernel reads them. */
function filler(forest: TreeMemory, { cast }: TreesAttrs, inputWidth: number) {
  const { kernel, columns, raw, xWords, addresses, columnsEnd } = forest
  const features = Int32Array.from(forest.features)
  const count = features.length
  const rawBytes = count * laneBytes(forest.form)
  const rounds = cast === 'f32' && forest.form !== 'narrow'
  const categories = columns.flatMap(({ form, feature }, column) =>
    form === 'category' ? [{ column, feature }] : [],
  )
  const categorise = (numbers: Float64Array, first: number, rows: number): void => {
    for (const { column, feature } of categories)
      for (let row = 0; row < rows; row++) {
        const at = ((row >> 3) * columns.length + column) * LANES + (row % LANES)
        const value = numbers[(first + row) * inputWidth + feature]!
        xWords.set([categoryOf(rounds ? Math.fround(value) : value), HIGHEST], at * 2)
      }
  }
  return {
    octets(numbers: Float64Array, row: number, octets: number): void {
      for (let octet = 0, at = 0; octet < octets; octet++) {
        const first = (row + octet * LANES) * inputWidth
        for (let feature = 0; feature < count; feature++)
          for (let lane = 0, from = first + features[feature]!; lane < LANES; lane++, from += inputWidth) {
            const value = numbers[from]!
            raw[at++] = rounds ? Math.fround(value) : value
          }
      }
      kernel.prepare(addresses.raw, addresses.x, addresses.columns, columnsEnd, octets, rawBytes)
      categorise(numbers, row, octets * LANES)
    },
    row(numbers: Float64Array, row: number): void {
      const first = row * inputWidth
      for (let feature = 0; feature < count; feature++) {
        const value = numbers[first + features[feature]!]!
        raw[feature * LANES] = rounds ? Math.fround(value) : value
      }
      kernel.prepareRow(addresses.raw, addresses.x, addresses.columns, columnsEnd)
      categorise(numbers, row, 1)
    },
  }
}

/** As `trees` looks categories up: by their low byte, negative ones and NaN being missing. */
function categoryOf(value: number): number {
  if (!(value >= 0)) return MISSING_CATEGORY
  return value < 2 ** 31 ? value & 255 : 0
}
