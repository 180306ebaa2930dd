import { ModelError } from '../errors.ts'
import { xxh32 } from './checksums.ts'
import { Cursor } from './cursor.ts'
import { Output } from './output.ts'

const MAGIC = 0x184d2204
const BLOCK_BYTES: Readonly<Record<number, number>> = { 4: 2 ** 16, 5: 2 ** 18, 6: 2 ** 20, 7: 2 ** 22 }
const UNCOMPRESSED = 0x80000000

/**
 * LZ4 frames, one after the other to the end of the file.
 * https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
 * @throws ModelError corrupt | unsupported | limit
 */
export function decodeLz4(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const cursor = new Cursor(bytes)
  const output = new Output(maxBytes, bytes.length * 3)
  while (cursor.at < bytes.length) decodeFrame(cursor, output)
  return output.since(0)
}

function decodeFrame(cursor: Cursor, output: Output): void {
  if (cursor.u32() !== MAGIC) throw corrupt('has no frame where one should start')
  const descriptor = cursor.at
  const flags = cursor.u8()
  const maxBlockBytes = BLOCK_BYTES[(cursor.u8() >> 4) & 7]
  if (flags >> 6 !== 1 || maxBlockBytes === undefined) throw corrupt('has an unknown version')
  const [hasDictionary, hasContentChecksum, hasContentSize, hasBlockChecksum] = [0, 2, 3, 4].map(
    (bit) => ((flags >> bit) & 1) === 1,
  )
  if (hasDictionary) throw new ModelError('unsupported', 'the lz4 compression of the file needs a dictionary')
  const contentBytes = hasContentSize ? cursor.u64() : undefined
  const header = cursor.bytes.subarray(descriptor, cursor.at)
  if (cursor.u8() !== ((xxh32(header) >>> 8) & 255)) throw corrupt('has a wrong header checksum')
  const start = output.length
  for (let size = cursor.u32(); size !== 0; size = cursor.u32()) {
    const blockBytes = size & ~UNCOMPRESSED
    if (blockBytes > maxBlockBytes) throw corrupt('has a block that is too long')
    const block = cursor.slice(blockBytes)
    if (hasBlockChecksum && cursor.u32() !== xxh32(block)) throw corrupt('has a wrong block checksum')
    if (size >= UNCOMPRESSED) output.append(block)
    else decodeBlock(block, output)
  }
  const content = output.since(start)
  if (contentBytes !== undefined && contentBytes !== content.length) throw corrupt('has another length')
  if (hasContentChecksum && cursor.u32() !== xxh32(content)) throw corrupt('has a wrong checksum')
}

/** Sequences: token, literals, two-byte distance, match. The last one has literals only. */
function decodeBlock(block: Uint8Array, output: Output): void {
  const cursor = new Cursor(block)
  while (cursor.at < block.length) {
    const token = cursor.u8()
    output.append(cursor.slice(extended(cursor, token >> 4)))
    if (cursor.at === block.length) return
    const distance = cursor.u16()
    output.repeat(distance, extended(cursor, token & 15) + 4)
  }
}

/** A length of 15 goes on in the following bytes while they are 255. */
function extended(cursor: Cursor, nibble: number): number {
  if (nibble < 15) return nibble
  let length = nibble
  for (;;) {
    const byte = cursor.u8()
    length += byte
    if (byte < 255) return length
  }
}

const corrupt = (what: string): ModelError =>
  new ModelError('corrupt', `the lz4 compression of the file ${what}`, { hint: 'copy it again' })
