import { crc32 } from 'node:zlib'

/**
 * A segment is a header and records, nothing else; it only ever grows at its end.
 *   header   "MWSEGM" and a 16-bit format version
 *   record   u32 length | u32 crc32 of the payload | payload: UTF-8 JSON, `length` bytes        (little-endian)
 * A file that ends inside a record was cut off while that record was written; what is before it is whole.
 */
export const SEGMENT_HEADER = Buffer.concat([Buffer.from('MWSEGM'), Buffer.from([1, 0])])
export const FRAME_BYTES = 8
/** No record is larger; a length beyond it is damage. */
export const RECORD_BYTES_LIMIT = 16 << 20

/** A gateway still writes it. */
export const OPEN_SUFFIX = '.open'
/** Finished: control may turn it into Parquet. */
export const SEALED_SUFFIX = '.seg'

/** Records framed one behind the other, and where each one ends. */
export type EncodedGroup = { readonly bytes: Buffer; readonly ends: readonly number[] }

/** Frames payloads into a buffer that is kept and reused by the next call. */
export function createGroupEncoder(initialBytes: number): (payloads: readonly string[]) => EncodedGroup {
  let scratch: Buffer = Buffer.allocUnsafeSlow(initialBytes)
  return (payloads) => {
    const ends = new Array<number>(payloads.length)
    let position = 0
    for (let index = 0; index < payloads.length; index++) {
      const payload = payloads[index]!
      const needed = position + FRAME_BYTES + payload.length * 3
      if (needed > scratch.length) scratch = grow(scratch, position, needed)
      const start = position + FRAME_BYTES
      const length = scratch.write(payload, start)
      scratch.writeUInt32LE(length, position)
      scratch.writeUInt32LE(crc32(scratch.subarray(start, start + length)), position + 4)
      position = start + length
      ends[index] = position
    }
    return { bytes: scratch.subarray(0, position), ends }
  }
}

function grow(buffer: Buffer, used: number, needed: number): Buffer {
  const larger = Buffer.allocUnsafeSlow(Math.max(needed, buffer.length * 2))
  buffer.copy(larger, 0, 0, used)
  return larger
}
