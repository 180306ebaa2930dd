import { createHash } from 'node:crypto'
import { crc32, gunzipSync, inflateRawSync, inflateSync, type ZlibOptions } from 'node:zlib'
import { outputTooLarge } from '../bytes/limits.ts'
import { brokenStream, type Decode, followedStream, type Platform, type TextReader } from './platform.ts'

const CHUNK_BYTES = 2 ** 18

type Sync = (bytes: Uint8Array, options: ZlibOptions) => unknown
/** What `info: true` adds: the stream, which knows how many bytes it took. */
type Inflated = { buffer: Uint8Array; engine: { bytesWritten: number } }

/** node:zlib inflates chunk by chunk and gives up at `maxOutputLength`: a bomb costs no more than its cap. */
const byZlib =
  (sync: Sync): Decode =>
  (bytes, maxBytes) => {
    try {
      const options = { maxOutputLength: Math.max(maxBytes, 1), chunkSize: CHUNK_BYTES, info: true }
      const { buffer, engine } = sync(bytes, options) as Inflated
      if (engine.bytesWritten !== bytes.length) throw followedStream()
      return buffer
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? ''
      if (code === 'ERR_BUFFER_TOO_LARGE') throw outputTooLarge(maxBytes)
      if (code.startsWith('Z_')) throw brokenStream()
      throw error
    }
  }

function textOf(bytes: Uint8Array): TextReader {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return {
    utf8: (start, end) => buffer.toString('utf8', start, end),
    latin1: (start, end) => buffer.toString('latin1', start, end),
  }
}

export const platform: Platform = {
  textOf,
  decodeZlib: byZlib(inflateSync),
  decodeGzip: byZlib(gunzipSync),
  inflateRaw: byZlib(inflateRawSync),
  crc32: (bytes) => crc32(bytes),
  sha256: (bytes) => createHash('sha256').update(bytes).digest('hex'),
}
