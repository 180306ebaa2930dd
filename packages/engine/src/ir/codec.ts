import { platform } from '#platform'
import type { Program } from './program.ts'
import { validateProgram } from './validate.ts'

/**
 * A program as bytes, the form it is stored, hashed, sent to workers and kept in a file (`.mwm`) in:
 *
 *   8 bytes   `MWPROG1\n`
 *   uint32    length of the header, then uint32 zero; little-endian, as everything
 *   header    the program as JSON with sorted keys, padded with spaces to a multiple of 8
 *   sections  the typed arrays in the order the header mentions them, each padded with zeros to a multiple of 8
 *
 * In the header `{"$":"f64","length":3}` stands for the next section, `{"$":"NaN"}` (∞, −∞, −0) for what JSON cannot
 * spell. One program has one spelling: the digest of the bytes names it.
 */
export const PROGRAM_START = 'MWPROG1\n'
const MAGIC = new TextEncoder().encode(PROGRAM_START)
const HEADER_AT = 16
const ALIGNMENT = 8

const SECTIONS = { f64: Float64Array, i32: Int32Array, u32: Uint32Array, u8: Uint8Array } as const
const NUMBERS: Record<string, number> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
  '-0': -0,
}

type Section = Float64Array | Int32Array | Uint32Array | Uint8Array
type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

const padded = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT

/** @throws RangeError for a key that starts with `$` or a value that is not an attribute */
export function encodeProgram(program: Program): Uint8Array {
  const sections: Section[] = []
  const header = new TextEncoder().encode(JSON.stringify(toJson(program, sections)))
  const start = padded(HEADER_AT + header.length)
  const size = sections.reduce((sum, section) => sum + padded(section.byteLength), start)
  const bytes = new Uint8Array(size)
  bytes.set(MAGIC)
  new DataView(bytes.buffer).setUint32(MAGIC.length, start - HEADER_AT, true)
  bytes.fill(0x20, HEADER_AT, start).set(header, HEADER_AT)
  let at = start
  for (const section of sections) {
    bytes.set(new Uint8Array(section.buffer, section.byteOffset, section.byteLength), at)
    at += padded(section.byteLength)
  }
  return bytes
}

function toJson(value: unknown, sections: Section[]): Json {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value
  if (typeof value === 'number') return numberToJson(value)
  if (Array.isArray(value)) return value.map((item) => toJson(item, sections))
  for (const [name, type] of Object.entries(SECTIONS))
    if (value instanceof type) {
      sections.push(value)
      return { $: name, length: value.length }
    }
  if (typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) {
    const members = sortedMembers(value).map(([key, member]) => [key, toJson(member, sections)])
    return Object.fromEntries(members)
  }
  throw new RangeError(`encodeProgram: cannot store a ${typeof value}`)
}

function numberToJson(value: number): Json {
  if (Number.isFinite(value) && !Object.is(value, -0)) return value
  return { $: Object.is(value, -0) ? '-0' : String(value) }
}

/** In the order a JSON reader will see them again: by code unit, whole numbers first. */
function sortedMembers(value: object): [string, unknown][] {
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  for (const [key] of members)
    if (key.startsWith('$')) throw new RangeError(`encodeProgram: the key ${key} is reserved`)
  return Object.entries(Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : 1))))
}

/**
 * @returns a program that is valid; its typed arrays are views of `bytes` when those are aligned
 * @throws RangeError when the bytes are not exactly what `encodeProgram` writes for a valid program
 */
export function decodeProgram(bytes: Uint8Array): Program {
  const program = decodeValidated(bytes)
  validateProgram(program)
  return program
}

/** The same of bytes whose program was validated before. @throws RangeError when they are not a stored program */
export function decodeValidated(bytes: Uint8Array): Program {
  // Not slice(), which copies nothing of a Buffer.
  const reader = bytes.byteOffset % ALIGNMENT === 0 ? bytes : new Uint8Array(bytes)
  if (reader.length < HEADER_AT || MAGIC.some((byte, i) => reader[i] !== byte))
    throw new RangeError('decodeProgram: not a stored program')
  const view = new DataView(reader.buffer, reader.byteOffset, reader.byteLength)
  const start = HEADER_AT + view.getUint32(MAGIC.length, true)
  if (view.getUint32(MAGIC.length + 4, true) !== 0 || start > reader.length || start % ALIGNMENT !== 0)
    throw new RangeError('decodeProgram: the header is cut short')
  const cursor = { bytes: reader, at: start }
  const program = fromJson(parseHeader(reader.subarray(HEADER_AT, start)), cursor) as Program
  if (cursor.at !== reader.length) throw new RangeError('decodeProgram: bytes after the last section')
  return program
}

function parseHeader(bytes: Uint8Array): Json {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)) as Json
  } catch (cause) {
    throw new RangeError('decodeProgram: the header is not JSON', { cause })
  }
}

type Cursor = { readonly bytes: Uint8Array; at: number }

function fromJson(value: Json, cursor: Cursor): unknown {
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) return value.map((item) => fromJson(item, cursor))
  if (Object.hasOwn(value, '$')) return fromTag(value, cursor)
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, fromJson(member, cursor)]))
}

function fromTag({ $: tag, length }: { [key: string]: Json }, cursor: Cursor): number | Section {
  const name = String(tag)
  if (Object.hasOwn(NUMBERS, name)) return NUMBERS[name]!
  if (!Object.hasOwn(SECTIONS, name)) throw new RangeError('decodeProgram: unknown section type')
  const type = SECTIONS[name as keyof typeof SECTIONS]
  if (typeof length !== 'number' || !Number.isSafeInteger(length) || length < 0)
    throw new RangeError('decodeProgram: a section without a length')
  const end = cursor.at + padded(length * type.BYTES_PER_ELEMENT)
  if (end > cursor.bytes.length) throw new RangeError('decodeProgram: a section is cut short')
  const section = new type(cursor.bytes.buffer as ArrayBuffer, cursor.bytes.byteOffset + cursor.at, length)
  cursor.at = end
  return section
}

/** SHA-256 of the bytes of a program, in hex: its name. */
export const programDigest = (bytes: Uint8Array): string => platform.sha256(bytes)
