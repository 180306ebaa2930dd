import { gunzipSync, inflateSync, type ZlibOptions } from 'node:zlib'
import { ModelError } from '../errors.ts'
import { decodeBzip2 } from './bzip2.ts'
import { type Limits, outputCap, outputTooLarge } from './limits.ts'
import { decodeLz4 } from './lz4.ts'
import { decodeLzmaAlone } from './lzma.ts'
import { decodeXz } from './xz.ts'

export type Compression = 'none' | 'zlib' | 'gzip' | 'bz2' | 'xz' | 'lzma' | 'lz4'

/** Stops as soon as the content is longer than `maxBytes`. @throws ModelError limit | corrupt | unsupported */
type Decode = (bytes: Uint8Array, maxBytes: number) => Uint8Array

type Scheme = { readonly name: Compression; readonly magic: readonly number[]; readonly decode: Decode }

const inflate: Decode = (bytes, maxBytes) => byZlib(inflateSync, 'zlib', bytes, maxBytes)
const gunzip: Decode = (bytes, maxBytes) => byZlib(gunzipSync, 'gzip', bytes, maxBytes)

/** The compressions joblib writes, by first bytes. The second byte of zlib is its level. */
const SCHEMES: readonly Scheme[] = [
  { name: 'zlib', magic: [0x78, 0x01], decode: inflate },
  { name: 'zlib', magic: [0x78, 0x5e], decode: inflate },
  { name: 'zlib', magic: [0x78, 0x9c], decode: inflate },
  { name: 'zlib', magic: [0x78, 0xda], decode: inflate },
  { name: 'gzip', magic: [0x1f, 0x8b], decode: gunzip },
  { name: 'bz2', magic: [0x42, 0x5a, 0x68], decode: decodeBzip2 },
  { name: 'xz', magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], decode: decodeXz },
  { name: 'lzma', magic: [0x5d, 0x00, 0x00], decode: decodeLzmaAlone },
  { name: 'lz4', magic: [0x04, 0x22, 0x4d, 0x18], decode: decodeLz4 },
]

/** What the file is compressed with, and its content. @throws ModelError limit | corrupt | unsupported */
export function decompress(
  bytes: Uint8Array,
  limits: Limits,
): { content: Uint8Array; compression: Compression } {
  const scheme = SCHEMES.find(({ magic }) => magic.every((byte, i) => bytes[i] === byte))
  if (scheme === undefined) return { content: bytes, compression: 'none' }
  return { content: scheme.decode(bytes, outputCap(bytes.length, limits)), compression: scheme.name }
}

const CHUNK_BYTES = 2 ** 18

type Sync = (bytes: Uint8Array, options: ZlibOptions) => unknown
/** What `info: true` adds: the stream, which knows how many bytes it took. */
type Inflated = { buffer: Uint8Array; engine: { bytesWritten: number } }

/** node:zlib inflates chunk by chunk and gives up at `maxOutputLength`: a bomb costs no more than its cap. */
function byZlib(sync: Sync, name: string, bytes: Uint8Array, maxBytes: number): Uint8Array {
  const broken = (what: string) =>
    new ModelError('corrupt', `the ${name} compression of the file ${what}`, { hint: 'copy it again' })
  try {
    const options = { maxOutputLength: maxBytes, chunkSize: CHUNK_BYTES, info: true }
    const { buffer, engine } = sync(bytes, options) as Inflated
    if (engine.bytesWritten !== bytes.length) throw broken('is followed by something else')
    return buffer
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? ''
    if (code === 'ERR_BUFFER_TOO_LARGE') throw outputTooLarge(maxBytes)
    if (code.startsWith('Z_')) throw broken('is broken or ends in the middle')
    throw error
  }
}
