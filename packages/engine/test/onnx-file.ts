import { SCHEMA, type Schema } from '../src/formats/onnx/schema.ts'

/** A message as a test writes it: some fields, each one value or a list of them. */
export type Draft = { readonly [field: string]: DraftValue | readonly DraftValue[] }
type DraftValue = number | string | Uint8Array | Draft

/** Bytes of an ONNX message in the protocol buffers wire format. */
export function encodeOnnx(name: keyof Schema, draft: Draft): Buffer {
  const fields = SCHEMA[name] as { readonly [field: string]: readonly [number, string] }
  const parts = Object.entries(draft).flatMap(([field, given]) => {
    const [number, kind] = fields[field]!
    return [given].flat().map((value) => encodeField(number, kind, value as DraftValue))
  })
  return Buffer.concat(parts)
}

function encodeField(number: number, kind: string, value: DraftValue): Buffer {
  if (typeof value === 'number') return Buffer.concat([varint(number * 8), varint(value)])
  const bytes =
    typeof value === 'string' || value instanceof Uint8Array
      ? Buffer.from(value as string)
      : encodeOnnx(kind as keyof Schema, value)
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let left = BigInt.asUintN(64, BigInt(value))
  for (; left >= 128n; left >>= 7n) bytes.push(Number(left & 127n) | 128)
  return Buffer.from([...bytes, Number(left)])
}

const FLOAT = 1

/** Type of a tensor: numbers are fixed dimensions, texts free ones. */
export const tensorOf = (dims: readonly (number | string)[], element = FLOAT): Draft => ({
  tensor: {
    element,
    shape: { dims: dims.map((dim) => (typeof dim === 'number' ? { value: dim } : { name: dim })) },
  },
})

/** `y = x` for rows of two numbers, with changes to its graph and to the model around it. */
export const identity = (graph: Draft = {}, model: Draft = {}): Buffer =>
  encodeOnnx('model', {
    irVersion: 8,
    producer: 'by hand',
    graph: {
      nodes: { inputs: 'x', outputs: 'y', operator: 'Identity' },
      inputs: { name: 'x', type: tensorOf(['rows', 2]) },
      outputs: { name: 'y', type: tensorOf(['rows', 2]) },
      ...graph,
    },
    opsets: { version: 18 },
    ...model,
  })
