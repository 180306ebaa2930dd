import type { TextReader } from './platform.ts'

const UTF8 = new TextDecoder('utf-8', { ignoreBOM: true })
/** Below this many bytes a loop is faster than a decoder. */
const SHORT_BYTES = 24
/** Arguments of one call. */
const CHUNK_BYTES = 8192

export const textOf = (bytes: Uint8Array): TextReader => ({
  utf8: (start, end) => utf8(bytes.subarray(start, end)),
  latin1: (start, end) => latin1(bytes.subarray(start, end)),
})

function utf8(bytes: Uint8Array): string {
  if (bytes.length > SHORT_BYTES) return UTF8.decode(bytes)
  let text = ''
  for (const byte of bytes) {
    if (byte > 127) return UTF8.decode(bytes)
    text += String.fromCharCode(byte)
  }
  return text
}

function latin1(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES)
    text += String.fromCharCode(...bytes.subarray(at, at + CHUNK_BYTES))
  return text
}
