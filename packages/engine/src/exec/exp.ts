import { type ExpKernel, instantiateExp, ROUND_VALUES } from '../wasm/exp-kernel.ts'
import { PAGE_BYTES } from '../wasm/regions.ts'

/** Values in the kernel's memory at a time: one page of it. */
const TILE = PAGE_BYTES / 8

let shared: { kernel: ExpKernel; tile: Float64Array } | undefined

/** yᵢ = fastExp(factor · xᵢ), two at a time. */
export function expMany(
  x: Float64Array,
  y: Float64Array,
  { count, factor }: { count: number; factor: number },
): void {
  shared ??= open()
  const { kernel, tile } = shared
  for (let from = 0; from < count; from += TILE) {
    const values = Math.min(TILE, count - from)
    for (let i = 0; i < values; i++) tile[i] = factor * x[from + i]!
    kernel(0, Math.ceil(values / ROUND_VALUES))
    for (let i = 0; i < values; i++) y[from + i] = tile[i]!
  }
}

function open() {
  const memory = new WebAssembly.Memory({ initial: 1 })
  return { kernel: instantiateExp(memory), tile: new Float64Array(memory.buffer) }
}
