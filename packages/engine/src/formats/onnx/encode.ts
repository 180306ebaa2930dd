import { SCHEMA, type Schema } from './schema.ts'

/** A message to write: some of its fields, each one value or a list of them. */
export type Draft = { readonly [field: string]: DraftValue | readonly DraftValue[] }
type DraftValue = number | string | Uint8Array | Draft

/** Bytes of an ONNX message in the protocol buffers wire format. */
export function encodeMessage(name: keyof Schema, draft: Draft): Buffer {
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
      : encodeMessage(kind as keyof Schema, value)
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let left = BigInt.asUintN(64, BigInt(value))
  for (; left >= 128n; left >>= 7n) bytes.push(Number(left & 127n) | 128)
  return Buffer.from([...bytes, Number(left)])
}
