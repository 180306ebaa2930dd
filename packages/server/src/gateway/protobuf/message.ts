import { Reader, type Wire } from './reader.ts'
import { Writer } from './writer.ts'

/**
 * Protocol buffers 3 as tables: a message is a list of its fields with number and type, and its TypeScript type follows
 * from that. `D` is what is decoded, where a field that was not sent has its default; `E` is what can be encoded, where
 * any field may be left out.
 */
export type Type<D, E = D> = {
  /** As a .proto file names it. */
  readonly name: string
  readonly wire: Wire
  /** What stands for one that was not sent. */
  empty(): D
  read(reader: Reader): D
  write(writer: Writer, value: E): void
}

const scalar = <T>(
  name: string,
  wire: Wire,
  initial: T,
  coding: Pick<Type<T>, 'read' | 'write'>,
): Type<T> => ({
  name,
  wire,
  empty: () => initial,
  ...coding,
})

const zigzag = (value: number): number => (value < 0 ? -2 * value - 1 : 2 * value)
const unzigzag = (value: number): number => (value % 2 === 0 ? value / 2 : -(value + 1) / 2)

export const bool = scalar('bool', 0, false, { read: (r) => r.bool(), write: (w, v) => w.uint32(v ? 1 : 0) })
export const int32 = scalar('int32', 0, 0, { read: (r) => r.int32(), write: (w, v) => w.int64(v) })
export const uint32 = scalar('uint32', 0, 0, { read: (r) => r.uint32(), write: (w, v) => w.uint32(v) })
/** Beyond ±2^53 rounded to a double. */
export const int64 = scalar('int64', 0, 0, { read: (r) => r.int64(), write: (w, v) => w.int64(v) })
export const uint64 = scalar('uint64', 0, 0, { read: (r) => r.uint64(), write: (w, v) => w.int64(v) })
/** Small ones of either sign take few bytes. */
export const sint32 = scalar('sint32', 0, 0, {
  read: (r) => unzigzag(r.uint64()),
  write: (w, v) => w.int64(zigzag(v)),
})
export const sint64: Type<number> = { ...sint32, name: 'sint64' }
export const float = scalar('float', 5, 0, { read: (r) => r.float(), write: (w, v) => w.float(v) })
export const double = scalar('double', 1, 0, { read: (r) => r.double(), write: (w, v) => w.double(v) })
export const string = scalar('string', 2, '', { read: (r) => r.string(), write: (w, v) => w.string(v) })
export const bytes = scalar<Uint8Array>('bytes', 2, new Uint8Array(0), {
  read: (r) => r.bytes(),
  write: (w, v) => w.bytes(v),
})
/** Bytes that are read as text. */
export const text: Type<string> = { ...string, name: 'bytes' }
/** @param values by name, for the .proto file */
export const enumeration = (
  name: string,
  values: Readonly<Record<string, number>>,
): Type<number> & { readonly values: Readonly<Record<string, number>> } => ({ ...int32, name, values })

/** A field of a message. */
export type Field<D, E = D> = {
  readonly number: number
  /** As a .proto file declares it. */
  readonly declared: string
  readonly type: Type<unknown, unknown>
  /** What it is when it was not sent; shared by all messages, and never changed. */
  readonly initial: D
  /** Takes in one occurrence. @returns the value from now on */
  read(reader: Reader, wire: number, before: D): D
  write(writer: Writer, value: E): void
}

const NO_VALUES: never[] = []
const NO_ENTRIES: ReadonlyMap<string, never> = new Map<string, never>()

const writeTag = (writer: Writer, number: number, wire: Wire): void => writer.uint32((number << 3) | wire)

function assertWire(wire: number, { name, wire: own }: Type<unknown, unknown>): void {
  if (wire !== own) throw new RangeError(`a ${name} has wire type ${own}, got ${wire}`)
}

/** A value whose default is not sent. */
export const field = <T>(number: number, type: Type<T>): Field<T> => ({
  ...optional(number, type),
  declared: type.name,
  initial: type.empty(),
  read: optional(number, type).read as Field<T>['read'],
  write(writer, value) {
    if (Object.is(value, type.empty())) return
    writeTag(writer, number, type.wire)
    type.write(writer, value)
  },
})

/** A message, or one of several alternatives: undefined when it was not sent. */
export const optional = <D, E>(number: number, type: Type<D, E>): Field<D | undefined, E> => ({
  number,
  declared: `optional ${type.name}`,
  type,
  initial: undefined,
  read(reader, wire) {
    assertWire(wire, type)
    return type.read(reader)
  },
  write(writer, value) {
    writeTag(writer, number, type.wire)
    type.write(writer, value)
  },
})

/** Numbers are written packed, and read packed or not. */
export const repeated = <D, E>(number: number, type: Type<D, E>): Field<D[], ArrayLike<E>> => ({
  number,
  declared: `repeated ${type.name}`,
  type,
  initial: NO_VALUES,
  read(reader, wire, before) {
    const values = before.length === 0 ? [] : before
    if (wire === 2 && type.wire !== 2) readPacked(reader, type, values)
    else {
      assertWire(wire, type)
      values.push(type.read(reader))
    }
    return values
  },
  write(writer, values) {
    if (values.length === 0) return
    if (type.wire === 2)
      for (let index = 0; index < values.length; index++) {
        writeTag(writer, number, 2)
        type.write(writer, values[index]!)
      }
    else {
      writeTag(writer, number, 2)
      writer.delimited(() => {
        for (let index = 0; index < values.length; index++) type.write(writer, values[index]!)
      })
    }
  },
})

function readPacked<D>(reader: Reader, type: Type<D, never>, values: D[]): void {
  const outer = reader.end
  reader.end = reader.endOfDelimited()
  while (reader.at < reader.end) values.push(type.read(reader))
  reader.end = outer
}

/** By string; of equal keys the last one counts. */
export function map<D, E>(
  number: number,
  type: Type<D, E>,
): Field<ReadonlyMap<string, D>, ReadonlyMap<string, E>> {
  const entry = message('Entry', { key: field(1, string), value: optional(2, type) })
  return {
    number,
    declared: `map<string, ${type.name}>`,
    type,
    initial: NO_ENTRIES,
    read(reader, wire, before) {
      assertWire(wire, entry)
      const { key, value = type.empty() } = entry.read(reader)
      const entries = before.size === 0 ? new Map<string, D>() : (before as Map<string, D>)
      return entries.set(key, value)
    },
    write(writer, entries) {
      for (const [key, value] of entries) {
        writeTag(writer, number, 2)
        entry.write(writer, { key, value } as Parameters<typeof entry.write>[1])
      }
    },
  }
}

const NO_BYTES = Buffer.alloc(0)

type Fields = Readonly<Record<string, Field<unknown, unknown>>>
export type Decoded<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends Field<infer D, infer _> ? D : never
}
export type Encodable<F extends Fields> = {
  readonly [K in keyof F]?: (F[K] extends Field<infer _, infer E> ? E : never) | undefined
}

export type Message<D, E = D> = Type<D, E> & {
  readonly fields: Fields
  /** @throws RangeError that names the byte and what is wrong there */
  readonly decode: (bytes: Buffer) => D
  readonly encode: (value: E) => Buffer
}

/** A message by its fields. */
export function message<F extends Fields>(
  name: string,
  fields: F,
): Message<Decoded<F>, Encodable<F>> & { readonly fields: F } {
  const listed = Object.entries(fields)
  const initial = Object.fromEntries(listed.map(([own, field]) => [own, field.initial]))
  const byNumber: ((typeof listed)[number] | undefined)[] = []
  for (const named of listed) byNumber[named[1].number] = named
  const readTo = (reader: Reader, end: number): Decoded<F> => {
    const value = { ...initial }
    const outer = reader.end
    reader.end = end
    while (reader.at < end) {
      const header = reader.uint32()
      const known = byNumber[header >>> 3]
      if (known === undefined) reader.skip(header & 7)
      else value[known[0]] = known[1].read(reader, header & 7, value[known[0]])
    }
    reader.end = outer
    return value as Decoded<F>
  }
  const writeFields = (writer: Writer, value: Encodable<F>): void => {
    for (let index = 0; index < listed.length; index++) {
      const [own, field] = listed[index]!
      const given = value[own]
      if (given !== undefined) field.write(writer, given)
    }
  }
  return {
    name,
    fields,
    wire: 2,
    empty: () => readTo(new Reader(NO_BYTES), 0),
    read(reader) {
      reader.part()
      return readTo(reader, reader.endOfDelimited())
    },
    write: (writer, value) => writer.delimited(() => writeFields(writer, value)),
    decode(bytes) {
      const reader = new Reader(bytes)
      return readTo(reader, bytes.length)
    },
    encode(value) {
      const writer = new Writer()
      writeFields(writer, value)
      return writer.finish()
    },
  }
}
