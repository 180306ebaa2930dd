import { Cursor } from '../../bytes/cursor.ts'
import { type Budget, overLimit } from '../../bytes/limits.ts'
import { ModelError } from '../../errors.ts'
import { SCHEMA, type Schema } from './schema.ts'

type Scalars = { readonly int: number; readonly text: string; readonly bytes: Uint8Array }
type ValueOf<Kind> = Kind extends keyof Scalars
  ? Scalars[Kind]
  : Kind extends keyof Schema
    ? Message<Kind>
    : never

/** A decoded message: every field a list of the values the file gives it, in order. */
export type Message<Name extends keyof Schema> = {
  readonly [Field in keyof Schema[Name]]: readonly ValueOf<
    Schema[Name][Field] extends readonly [number, infer Kind] ? Kind : never
  >[]
}

/** Deepest nesting of messages, as in the protocol buffers library itself. */
const MAX_DEPTH = 100

const VARINT = 0
const FIXED64 = 1
const LENGTH = 2
const FIXED32 = 5

type Fields = ReadonlyMap<number, readonly [name: string, kind: string]>

const FIELDS: ReadonlyMap<string, Fields> = new Map(
  Object.entries(SCHEMA).map(([message, fields]) => [
    message,
    new Map(Object.entries(fields).map(([name, [number, kind]]) => [number, [name, kind]])),
  ]),
)

/**
 * Decodes one message of the protocol buffers wire format. Fields that the schema does not name are skipped; bytes are
 * views of `bytes`.
 * @throws ModelError corrupt | limit
 */
export function decodeMessage<Name extends keyof Schema>(
  bytes: Uint8Array,
  name: Name,
  budget: Budget,
): Message<Name> {
  return decode({ cursor: new Cursor(bytes), budget }, { name, end: bytes.length, depth: 0 }) as Message<Name>
}

type Reading = { readonly cursor: Cursor; readonly budget: Budget }
type Extent = { readonly name: string; readonly end: number; readonly depth: number }
type Decoded = { [field: string]: readonly unknown[] }

/** Of every field that is not there: a message of nothing takes little room. */
const NONE: readonly unknown[] = []

function decode(reading: Reading, { name, end, depth }: Extent): Decoded {
  if (depth > MAX_DEPTH) throw overLimit('levels of messages', MAX_DEPTH)
  const { cursor, budget } = reading
  const fields = FIELDS.get(name)!
  const message: Decoded = {}
  for (const [field] of fields.values()) message[field] = NONE
  while (cursor.at < end) {
    budget.operation()
    const tag = varint(cursor)
    const [field, kind] = fields.get(Math.floor(tag / 8)) ?? UNREAD
    const values = readField(reading, { wire: tag % 8, kind, end, depth })
    if (field !== undefined && values.length > 0) {
      budget.elements(values.length)
      if (message[field] === NONE) message[field] = values
      else for (const value of values) (message[field] as unknown[]).push(value)
    }
  }
  if (cursor.at > end) throw notOnnx()
  return message
}

const UNREAD = [undefined, 'unread'] as const
type Field = { readonly wire: number; readonly kind: string; readonly end: number; readonly depth: number }

/** The values of one field: none when it is not read, several when they are packed. */
function readField(reading: Reading, { wire, kind, end, depth }: Field): unknown[] {
  const { cursor } = reading
  switch (wire) {
    case VARINT: {
      const value = varint(cursor)
      return kind === 'int' ? [value] : []
    }
    case LENGTH:
      return readLength(reading, { name: kind, end: endOf(cursor, end), depth: depth + 1 })
    case FIXED32:
    case FIXED64:
      cursor.take(wire === FIXED32 ? 4 : 8)
      return []
    default:
      throw notOnnx()
  }
}

/** Where a field with a length ends. */
function endOf(cursor: Cursor, end: number): number {
  const length = varint(cursor)
  if (length < 0 || length > end - cursor.at) throw cutShort()
  return cursor.at + length
}

function readLength(reading: Reading, extent: Extent): unknown[] {
  const { cursor } = reading
  const length = extent.end - cursor.at
  switch (extent.name) {
    case 'text':
      return [cursor.utf8(length)]
    case 'bytes':
      return [cursor.slice(length)]
    case 'unread':
      cursor.take(length)
      return []
    case 'int':
      return packed(reading, extent.end)
    default:
      return [decode(reading, extent)]
  }
}

function packed({ cursor, budget }: Reading, end: number): number[] {
  const values: number[] = []
  while (cursor.at < end) {
    budget.operation()
    values.push(varint(cursor))
  }
  if (cursor.at > end) throw notOnnx()
  return values
}

/** A signed 64-bit number of seven bits a byte; those beyond 2^53 are rounded. */
function varint(cursor: Cursor): number {
  let value = 0n
  let small = 0
  for (let i = 0; i < 10; i++) {
    const byte = cursor.u8()
    if (i < 7) small += (byte & 0x7f) * 2 ** (7 * i)
    else {
      if (i === 7) value = BigInt(small)
      value += BigInt(byte & 0x7f) << BigInt(7 * i)
    }
    if (byte < 0x80) return i < 7 ? small : Number(BigInt.asIntN(64, value))
  }
  throw notOnnx()
}

const AGAIN = { hint: 'export the model again, or copy the file again' }
const notOnnx = (): ModelError =>
  new ModelError('corrupt', 'the file starts like an ONNX model and is none', AGAIN)
const cutShort = (): ModelError => new ModelError('corrupt', 'the file ends in the middle of a value', AGAIN)
