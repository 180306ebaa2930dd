import { createRequire } from 'node:module'
import type { Cell, HostedProgram } from '@millwright/engine'
import type { Tensor } from 'onnxruntime-node'

type Model = HostedProgram['model']
type TensorShape = Model['inputs'][number]
type Values = Float64Array | readonly Cell[]

/** One loaded model: rows of the values of all inputs, one input after the other, to rows of those of all outputs. */
export type OnnxSession = { run(values: Values, rows: number): Promise<Values> }

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
} as const

/** One thread per model, nothing on standard error. */
const OPTIONS = { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 4 } as const

/** Is the optional package there? Looks, and loads nothing. */
export function isInstalled(): boolean {
  try {
    createRequire(import.meta.url).resolve('onnxruntime-node')
    return true
  } catch {
    return false
  }
}

/** @throws Error of ONNX Runtime: its text may hold anything in the file, and paths of the machine it was built on */
export async function openSession({ model, inputs, outputs, rowByRow }: Model): Promise<OnnxSession> {
  const { InferenceSession, Tensor } = await import('onnxruntime-node')
  const session = await InferenceSession.create(model, OPTIONS)
  const names = outputs.map(({ name }) => name)
  const [read, answered] = [placesOf(inputs), placesOf(outputs)]
  const hasText = outputs.some(({ element }) => element === 'string')
  const runRows = async (values: Values, rows: number, target: Float64Array | Cell[]): Promise<void> => {
    const feeds = read.places.map((place) => {
      const { name, element, shape } = place.tensor
      const data = gather(values, rows, { ...place, width: read.width })
      return [name, new Tensor(element as 'float32', data as Float32Array, [rows, ...shape])] as const
    })
    const answers = await session.run(Object.fromEntries(feeds), names)
    for (const place of answered.places)
      scatter(answers[place.tensor.name]!, rows, { ...place, width: answered.width, target })
  }
  return {
    async run(values, rows) {
      const storage = (count: number) => (hasText ? new Array<Cell>(count) : new Float64Array(count))
      const target = storage(rows * answered.width)
      if (!rowByRow) {
        if (rows > 0) await runRows(values, rows, target)
        return target
      }
      for (let row = 0; row < rows; row++) {
        const one = storage(answered.width)
        await runRows(values.slice(row * read.width, (row + 1) * read.width), 1, one)
        for (let i = 0; i < answered.width; i++) target[row * answered.width + i] = one[i]!
      }
      return target
    },
  }
}

type Place = { readonly tensor: TensorShape; readonly start: number; readonly size: number }

/** Where the values of each tensor stand in a row. */
function placesOf(tensors: readonly TensorShape[]): { places: readonly Place[]; width: number } {
  let width = 0
  const places = tensors.map((tensor) => {
    const size = tensor.shape.reduce((product, dimension) => product * dimension, 1)
    const start = width
    width += size
    return { tensor, start, size }
  })
  return { places, width }
}

function gather(
  values: Values,
  rows: number,
  { tensor: { element }, start, size, width }: Place & { readonly width: number },
): ArrayLike<unknown> {
  const count = rows * size
  const data: { [index: number]: unknown } & ArrayLike<unknown> =
    element === 'string' ? new Array(count) : new ARRAYS[element as keyof typeof ARRAYS](count)
  const isBig = element.endsWith('int64')
  for (let row = 0, at = 0; row < rows; row++)
    for (let i = 0; i < size; i++) {
      const value = values[row * width + start + i]!
      data[at++] = isBig ? BigInt(value as number) : value
    }
  return data
}

type Target = Place & { readonly width: number; readonly target: Float64Array | Cell[] }

/** @throws Error when the model does not answer the rows one by one */
function scatter({ data }: Tensor, rows: number, { tensor, start, size, width, target }: Target): void {
  if (data.length !== rows * size)
    throw new Error(`its output answers ${data.length} values to ${rows} rows, not ${size} to each`)
  const isText = tensor.element === 'string'
  for (let row = 0, at = 0; row < rows; row++)
    for (let i = 0; i < size; i++) {
      const value = data[at++]!
      target[row * width + start + i] = isText ? (value as string) : Number(value)
    }
}
