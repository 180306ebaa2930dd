import { platform } from '#platform'
import { Cursor } from '../bytes/cursor.ts'
import { type Limits, outputCap, outputTooLarge, overLimit } from '../bytes/limits.ts'
import { ModelError } from '../errors.ts'

type Entry = {
  readonly name: string
  readonly method: number
  readonly crc: number
  readonly storedBytes: number
  readonly bytes: number
  readonly offset: number
}

const END = 0x06054b50
const END_BYTES = 22
const MAX_COMMENT_BYTES = 65535
const CENTRAL = 0x02014b50
const LOCAL = 0x04034b50
const STORED = 0
const DEFLATED = 8
const ENCRYPTED = 1

/**
 * The files of a zip archive by their names, which are names only: nothing is written anywhere. Contents are read when
 * asked for and held to their size and checksum; all of them together to the limits of an unpacked file.
 */
export class Archive {
  readonly #bytes: Uint8Array
  readonly #entries: ReadonlyMap<string, Entry>

  /** @throws ModelError corrupt | limit | unsupported */
  constructor(bytes: Uint8Array, limits: Limits) {
    this.#bytes = bytes
    const entries = readDirectory(bytes)
    const total = entries.reduce((sum, entry) => sum + entry.bytes, 0)
    const cap = outputCap(bytes.length, limits)
    if (total > cap) throw outputTooLarge(cap)
    this.#entries = new Map(entries.map((entry) => [entry.name, entry]))
    if (this.#entries.size !== entries.length) throw corrupt('has two files of one name')
  }

  /** Bytes of all contents. */
  get unpackedBytes(): number {
    return [...this.#entries.values()].reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** Content of a file. @throws ModelError corrupt */
  read(name: string): Uint8Array {
    const entry = this.#entries.get(name)
    if (entry === undefined) throw corrupt('lacks a file that its description names')
    const content = unpack(storedContent(this.#bytes, entry), entry)
    if (content.length !== entry.bytes || platform.crc32(content) !== entry.crc)
      throw corrupt('has a file whose content does not fit its checksum')
    return content
  }
}

function readDirectory(bytes: Uint8Array): Entry[] {
  const cursor = new Cursor(bytes)
  cursor.at = findEnd(bytes) + 4
  const disk = cursor.u32()
  const onDisk = cursor.u16()
  const count = cursor.u16()
  cursor.take(4)
  const start = cursor.u32()
  if (count === 0xffff || start === 0xffffffff) throw overLimit('files in its archive', 0xffff)
  if (disk !== 0 || onDisk !== count) throw corrupt('is one of several parts')
  cursor.at = start
  return Array.from({ length: count }, () => readEntry(cursor))
}

/** The record at the end, before a comment of up to 64 KiB. */
function findEnd(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const last = bytes.length - END_BYTES
  for (let at = last; at >= Math.max(0, last - MAX_COMMENT_BYTES); at--)
    if (view.getUint32(at, true) === END && view.getUint16(at + 20, true) === last - at) return at
  throw corrupt('has no directory at its end')
}

function readEntry(cursor: Cursor): Entry {
  if (cursor.u32() !== CENTRAL) throw corrupt('has a broken directory')
  cursor.take(4)
  const flags = cursor.u16()
  const method = cursor.u16()
  cursor.take(4)
  const crc = cursor.u32()
  const storedBytes = cursor.u32()
  const bytes = cursor.u32()
  const [nameBytes, extraBytes, commentBytes] = [cursor.u16(), cursor.u16(), cursor.u16()]
  cursor.take(8)
  const offset = cursor.u32()
  const name = cursor.utf8(nameBytes)
  cursor.take(extraBytes + commentBytes)
  if ((flags & ENCRYPTED) !== 0)
    throw new ModelError('unsupported', 'the archive is encrypted', { hint: 'save it without a password' })
  if (method !== STORED && method !== DEFLATED)
    throw new ModelError('unsupported', `the archive is compressed by method ${method}`, {
      hint: 'save it with compression zipfile.ZIP_DEFLATED',
    })
  return { name, method, crc, storedBytes, bytes, offset }
}

function storedContent(bytes: Uint8Array, entry: Entry): Uint8Array {
  const cursor = new Cursor(bytes)
  cursor.at = entry.offset
  if (cursor.u32() !== LOCAL) throw corrupt('has a directory that points elsewhere')
  cursor.take(22)
  const [nameBytes, extraBytes] = [cursor.u16(), cursor.u16()]
  if (cursor.utf8(nameBytes) !== entry.name) throw corrupt('names a file in two ways')
  cursor.take(extraBytes)
  return cursor.slice(entry.storedBytes)
}

function unpack(stored: Uint8Array, { method, bytes }: Entry): Uint8Array {
  if (method === STORED) return stored
  try {
    return platform.inflateRaw(stored, bytes)
  } catch (error) {
    if (error instanceof ModelError && error.kind === 'limit') throw corrupt('has a file longer than it says')
    throw error
  }
}

const corrupt = (what: string): ModelError =>
  new ModelError('corrupt', `the archive ${what}`, { hint: 'save or copy it again' })
