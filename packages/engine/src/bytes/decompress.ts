import { platform } from '#platform'
import type { Decode } from '../platform/platform.ts'
import { decodeBzip2 } from './bzip2.ts'
import { type Limits, outputCap } from './limits.ts'
import { decodeLz4 } from './lz4.ts'
import { decodeLzmaAlone } from './lzma.ts'
import { decodeXz } from './xz.ts'

export type Compression = 'none' | 'zlib' | 'gzip' | 'bz2' | 'xz' | 'lzma' | 'lz4'

type Scheme = { readonly name: Compression; readonly magic: readonly number[]; readonly decode: Decode }

/** The compressions joblib writes, by first bytes. The second byte of zlib is its level. */
const SCHEMES: readonly Scheme[] = [
  { name: 'zlib', magic: [0x78, 0x01], decode: platform.decodeZlib },
  { name: 'zlib', magic: [0x78, 0x5e], decode: platform.decodeZlib },
  { name: 'zlib', magic: [0x78, 0x9c], decode: platform.decodeZlib },
  { name: 'zlib', magic: [0x78, 0xda], decode: platform.decodeZlib },
  { name: 'gzip', magic: [0x1f, 0x8b], decode: platform.decodeGzip },
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
