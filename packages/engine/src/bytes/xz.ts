import { platform } from '#platform'
import { ModelError } from '../errors.ts'
import { xzCrc64 } from './checksums.ts'
import { Cursor } from './cursor.ts'
import { hex } from './hex.ts'
import { LzmaDecoder } from './lzma.ts'
import { Output } from './output.ts'

const HEADER_MAGIC = 'fd377a585a00'
const FOOTER_MAGIC = 0x5a59
const LZMA2 = 0x21

type Check = { readonly bytes: number; readonly compute: (content: Uint8Array) => string }

/** Integrity checks by their number in the stream flags, as the hexadecimal digits that follow a block. */
const CHECKS: Readonly<Record<number, Check>> = {
  0: { bytes: 0, compute: () => '' },
  1: { bytes: 4, compute: (content) => littleEndian(BigInt(platform.crc32(content)), 4) },
  4: { bytes: 8, compute: (content) => littleEndian(xzCrc64(content), 8) },
  10: { bytes: 32, compute: (content) => platform.sha256(content) },
}

/**
 * The `.xz` format with its only filter in use, LZMA2. https://tukaani.org/xz/xz-file-format.txt
 * @throws ModelError corrupt | unsupported | limit
 */
export function decodeXz(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const cursor = new Cursor(bytes)
  const output = new Output(maxBytes, bytes.length * 6)
  while (cursor.at < bytes.length) decodeStream(cursor, output)
  return output.since(0)
}

function decodeStream(cursor: Cursor, output: Output): void {
  if (hex(cursor.slice(6)) !== HEADER_MAGIC) throw corrupt('has no stream where one should start')
  const flags = cursor.slice(2)
  assertCrc(cursor, flags)
  const check = CHECKS[flags[1]!]
  if (flags[0] !== 0 || check === undefined)
    throw new ModelError('unsupported', 'the xz compression of the file uses an unknown integrity check')
  for (let size = cursor.u8(); size !== 0; size = cursor.u8()) {
    readBlockHeader(cursor, size)
    const dataStart = cursor.at
    const contentStart = output.length
    decodeLzma2(cursor, output)
    cursor.take(-(cursor.at - dataStart) & 3)
    const expected = hex(cursor.slice(check.bytes))
    if (check.compute(output.since(contentStart)) !== expected) throw corrupt('has a wrong checksum')
  }
  readIndex(cursor)
  readFooter(cursor, flags)
}

/** Only the filter matters: sizes are checked by what follows. */
function readBlockHeader(cursor: Cursor, size: number): void {
  const start = cursor.at - 1
  const end = start + size * 4
  const flags = cursor.u8()
  if (flags & 0x40) readVarint(cursor)
  if (flags & 0x80) readVarint(cursor)
  const filter = readVarint(cursor)
  if ((flags & 0x3f) !== 0 || filter !== LZMA2)
    throw new ModelError('unsupported', 'the xz compression of the file uses a filter other than LZMA2')
  cursor.take(readVarint(cursor))
  if (cursor.at > end) throw corrupt('has a block header that is too long')
  cursor.take(end - cursor.at)
  assertCrc(cursor, cursor.bytes.subarray(start, end))
}

/** Number of blocks and their sizes; we have read them already. */
function readIndex(cursor: Cursor): void {
  const start = cursor.at - 1
  const blocks = readVarint(cursor)
  for (let i = 0; i < blocks; i++) {
    readVarint(cursor)
    readVarint(cursor)
  }
  cursor.take(-(cursor.at - start) & 3)
  assertCrc(cursor, cursor.bytes.subarray(start, cursor.at))
}

function readFooter(cursor: Cursor, flags: Uint8Array): void {
  const checksum = cursor.u32()
  const covered = cursor.slice(6)
  if (platform.crc32(covered) !== checksum || hex(covered.subarray(4)) !== hex(flags))
    throw corrupt('has a footer that contradicts its header')
  if (cursor.u16() !== FOOTER_MAGIC) throw corrupt('has no footer')
}

/** Chunks: 0 the end, 1 and 2 plain bytes, from 0x80 LZMA with bits 5 and 6 saying what is reset. */
function decodeLzma2(cursor: Cursor, output: Output): void {
  const decoder = new LzmaDecoder(output)
  decoder.resetDictionary()
  for (let control = cursor.u8(); control !== 0; control = cursor.u8()) {
    if (control < 0x80) {
      if (control > 2) throw corrupt('has an unknown chunk')
      if (control === 1) decoder.resetDictionary()
      output.append(cursor.slice(u16BigEndian(cursor) + 1))
      continue
    }
    const count = ((control & 0x1f) << 16) + u16BigEndian(cursor) + 1
    const compressedBytes = u16BigEndian(cursor) + 1
    const reset = (control >> 5) & 3
    if (reset === 3) decoder.resetDictionary()
    if (reset >= 2) decoder.resetState(cursor.u8())
    else if (reset === 1) decoder.resetState()
    const chunk = cursor.slice(compressedBytes)
    if (decoder.decode(chunk, 0, count) !== chunk.length) throw corrupt('has a chunk of another length')
  }
}

const u16BigEndian = (cursor: Cursor): number => cursor.u8() * 256 + cursor.u8()

/** Seven bits per byte, least significant first, at most nine bytes. */
function readVarint(cursor: Cursor): number {
  let value = 0
  for (let i = 0; i < 9; i++) {
    const byte = cursor.u8()
    value += (byte & 127) * 2 ** (7 * i)
    if (byte < 128) return value
  }
  throw corrupt('has a number that is too long')
}

function assertCrc(cursor: Cursor, covered: Uint8Array): void {
  if (cursor.u32() !== platform.crc32(covered)) throw corrupt('has a wrong header checksum')
}

const littleEndian = (value: bigint, bytes: number): string =>
  hex(Uint8Array.from({ length: bytes }, (_, i) => Number((value >> BigInt(8 * i)) & 255n)))

const corrupt = (what: string): ModelError =>
  new ModelError('corrupt', `the xz compression of the file ${what}`, { hint: 'copy it again' })
