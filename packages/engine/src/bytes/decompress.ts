import { gunzipSync, inflateSync } from 'node:zlib'
import { ModelError } from '../errors.ts'
import { type Limits, outputCap, tooLarge } from './limits.ts'

export type Compression = 'none' | 'zlib' | 'gzip' | 'bz2' | 'xz' | 'lzma' | 'lz4'

type Decoder = (bytes: Uint8Array, maxBytes: number) => Uint8Array

type Scheme = { readonly name: Compression; readonly magic: readonly number[]; readonly decode: Decoder }

/** The compressions joblib writes, by first bytes. zlib's second byte is its level; 78 5e, 9c, da and 01 occur. */
const SCHEMES: readonly Scheme[] = [
  ...[0x01, 0x5e, 0x9c, 0xda].map(
    (level): Scheme => ({ name: 'zlib', magic: [0x78, level], decode: inflate }),
  ),
  { name: 'gzip', magic: [0x1f, 0x8b], decode: gunzip },
]

/** What the file is compressed with, and its content. @throws ModelError limit | corrupt */
export function decompress(
  bytes: Uint8Array,
  limits: Limits,
): { content: Uint8Array; compression: Compression } {
  const scheme = SCHEMES.find(({ magic }) => magic.every((byte, i) => bytes[i] === byte))
  if (scheme === undefined) return { content: bytes, compression: 'none' }
  return { content: scheme.decode(bytes, outputCap(bytes.length, limits)), compression: scheme.name }
}

function inflate(bytes: Uint8Array, maxBytes: number): Uint8Array {
  return byZlib('zlib', bytes, maxBytes, inflateSync)
}

function gunzip(bytes: Uint8Array, maxBytes: number): Uint8Array {
  return byZlib('gzip', bytes, maxBytes, gunzipSync)
}

const CHUNK_BYTES = 2 ** 18

function byZlib(name: string, bytes: Uint8Array, maxBytes: number, sync: typeof inflateSync): Uint8Array {
  try {
    return sync(bytes, { maxOutputLength: maxBytes, chunkSize: CHUNK_BYTES })
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? ''
    if (code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(bytes.length, maxBytes)
    if (!code.startsWith('Z_')) throw error
    throw new ModelError('corrupt', `the ${name} compression of the file is broken`, {
      hint: 'copy it again, it was probably cut on the way',
    })
  }
}
