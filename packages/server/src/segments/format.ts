import { crc32 } from 'node:zlib'

/**
 * A segment is a header and records, nothing else; it only ever grows at its end.
 *   header   "MWSEGM" and a 16-bit format version
 *   record   u32 length | u32 crc32 of the payload | payload, `length` bytes        (little-endian)
 * A payload is one row as UTF-8 JSON, or a block of rows.
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

export type Payload = string | Buffer

/** Records framed one behind the other, and where each one ends. */
export type EncodedGroup = { readonly bytes: Buffer; readonly ends: readonly number[] }

/** Room that `frameRecord` may need: UTF-8 takes three bytes at most for a UTF-16 unit. */
export const framedBytesAtMost = (payload: Payload): number =>
  FRAME_BYTES + payload.length * (typeof payload === 'string' ? 3 : 1)

/** Writes one record at `start`. @returns where it ends */
export function frameRecord(buffer: Buffer, start: number, payload: Payload): number {
  const body = start + FRAME_BYTES
  const length = typeof payload === 'string' ? buffer.write(payload, body) : payload.copy(buffer, body)
  buffer.writeUInt32LE(length, start)
  // Of what was given: the same bytes, without a view of the buffer for every record.
  buffer.writeUInt32LE(crc32(payload), start + 4)
  return body + length
}
