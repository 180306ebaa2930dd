import type { ValueType } from '../ir/program.ts'
import type { Block, BlockKernel } from '../ops/op.ts'
import type { TreesAttrs } from '../ops/trees.ts'
import { BLOCK_ROWS, MAX_ROWS } from '../wasm/mux-kernel.ts'
import { compileMux, type MuxLayout, type MuxMemory, openMux } from '../wasm/mux-memory.ts'

/** The steps to lay out what `muxBlock` takes. */
export const buildMux = (
  attrs: TreesAttrs,
  [x]: readonly ValueType[],
): Generator<void, MuxLayout | undefined> => compileMux(attrs, x!.width)

/** `trees` and `trees-onto` by the batch kernel, for any number of rows: the bits of the reference rule. */
export function muxBlock(attrs: TreesAttrs, [x]: readonly ValueType[], layout: MuxLayout): BlockKernel {
  const inputWidth = x!.width
  const mux = openMux(layout)
  const { adds, sums, addresses } = mux
  const width = attrs.init.length
  return ([from, starts], out, rows) => {
    for (let first = 0; first < rows; first += MAX_ROWS) {
      const count = Math.min(MAX_ROWS, rows - first)
      rankRows(mux, from!.numbers.subarray(first * inputWidth, (first + count) * inputWidth))
      begin(mux, attrs.init, starts?.numbers.subarray(first * width, (first + count) * width))
      for (const add of adds) add(addresses.ranks, addresses.sums, Math.ceil(count / BLOCK_ROWS))
      for (let row = 0, to = first * width; row < count; row++)
        for (let output = 0; output < width; output++)
          out.numbers[to++] = sums[output * MAX_ROWS + row]! / attrs.divide
    }
  }
}

/** The last block may have rows of an earlier one behind its own. */
function rankRows({ raw, rank, rankBytes, addresses }: MuxMemory, numbers: Float64Array): void {
  for (let at = 0, ranks = addresses.ranks; at < numbers.length; at += raw.length, ranks += rankBytes) {
    raw.set(numbers.subarray(at, at + raw.length))
    rank(ranks)
  }
}

function begin({ sums }: MuxMemory, init: Float64Array, starts: Block['numbers'] | undefined): void {
  const width = init.length
  if (starts === undefined)
    for (let output = 0; output < width; output++)
      sums.fill(init[output]!, output * MAX_ROWS, (output + 1) * MAX_ROWS)
  else
    for (let i = 0; i < starts.length; i++) sums[(i % width) * MAX_ROWS + Math.floor(i / width)] = starts[i]!
}
