import { RowError } from '../errors.ts'
import type { Cell, ValueType } from '../ir/program.ts'
import { cells, defineOp, numbers } from './op.ts'

/** Columns of the frame. `kinds[i]` 0: slot of the number slab, 1: of the cell slab. Run by the executors themselves. */
export const input = defineOp<{ kinds: Uint8Array; slots: Int32Array }>({
  name: 'input',
  infer({ kinds, slots }) {
    if (kinds.length !== slots.length) throw new RangeError('input: kinds and slots differ in length')
    return kinds.includes(1) ? cells(slots.length) : numbers(slots.length)
  },
  ref() {
    throw new RangeError('input: read from the frame by the executor')
  },
})

/** output[i] = input[columns[i]] */
export const select = defineOp<{ columns: Int32Array }>({
  name: 'select',
  infer({ columns }, [x]) {
    if (x === undefined || x.kind === 'sparse') throw new RangeError('select: expects numbers or cells')
    for (const column of columns)
      if (column < 0 || column >= x.width) throw new RangeError(`select: column ${column} of ${x.width}`)
    return { ...x, width: columns.length }
  },
  ref({ columns }, [x]) {
    return Array.from(columns, (column) => x![column]!)
  },
  block({ columns }, [x]) {
    const width = x!.width
    return ([from], out, rows) => {
      const source = x!.kind === 'number' ? from!.numbers : from!.cells
      const target = x!.kind === 'number' ? out.numbers : out.cells
      for (let r = 0, o = 0; r < rows; r++)
        for (let i = 0; i < columns.length; i++) target[o++] = source[r * width + columns[i]!]!
    }
  },
})

/** All inputs side by side; numbers when all are numbers (float64 unless all are float32), else cells. */
export const concat = defineOp<Record<string, never>>({
  name: 'concat',
  infer(_, inputs) {
    const width = inputs.reduce((sum, type) => sum + type.width, 0)
    if (inputs.some((type) => type.kind === 'sparse')) throw new RangeError('concat: one input is sparse')
    if (inputs.some((type) => type.kind === 'cell')) return cells(width)
    const single = inputs.length > 0 && inputs.every((type) => type.kind === 'number' && type.dtype === 'f32')
    return numbers(width, single ? 'f32' : 'f64')
  },
  ref(_, inputs) {
    return inputs.flat()
  },
  block(_, inputs) {
    const width = inputs.reduce((sum, type) => sum + type.width, 0)
    const allNumbers = inputs.every((type) => type.kind === 'number')
    return (blocks, out, rows) => {
      const target: Float64Array | Cell[] = allNumbers ? out.numbers : out.cells
      let offset = 0
      for (let i = 0; i < blocks.length; i++) {
        const { width: w, kind } = inputs[i]!
        const source = kind === 'number' ? blocks[i]!.numbers : blocks[i]!.cells
        for (let r = 0; r < rows; r++)
          for (let c = 0; c < w; c++) target[r * width + offset + c] = source[r * w + c]!
        offset += w
      }
    }
  },
})

/**
 * Cells as float64, as `numpy.asarray(object_array, dtype=float64)` reads them: None is NaN, booleans are 0 and 1,
 * text must spell a number.
 */
export const castToNumbers = defineOp<Record<string, never>>({
  name: 'cast-to-numbers',
  columnwise: true,
  infer(_, [x]): ValueType {
    if (x?.kind !== 'cell') throw new RangeError('cast-to-numbers: expects cells')
    return numbers(x.width)
  },
  ref(_, [x]) {
    return x!.map(cellToNumber)
  },
  block(_, [x]) {
    const width = x!.width
    return ([from], out, rows) => {
      for (let i = 0; i < rows * width; i++) out.numbers[i] = cellToNumber(from!.cells[i]!, i % width)
    }
  },
})

const PYTHON_FLOAT = /^\s*[+-]?(\d[\d_]*\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i

function cellToNumber(cell: Cell, column: number): number {
  if (typeof cell === 'number') return cell
  if (cell === null) return Number.NaN
  if (typeof cell === 'boolean') return cell ? 1 : 0
  if (PYTHON_FLOAT.test(cell)) return Number(cell.replaceAll('_', ''))
  throw new RowError(`could not convert text to a number`, column)
}
