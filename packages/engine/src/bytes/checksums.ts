/** CRC-32 of gzip, zip and xz (reflected), four bytes at a time: table k is that of a byte k bytes before the end. */
const CRC_TABLES = new Uint32Array(4 * 256)
for (let byte = 0; byte < 256; byte++) {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  CRC_TABLES[byte] = crc
}
for (let at = 256; at < CRC_TABLES.length; at++) {
  const before = CRC_TABLES[at - 256]!
  CRC_TABLES[at] = (before >>> 8) ^ CRC_TABLES[before & 255]!
}

export function crc32(bytes: Uint8Array): number {
  const tables = CRC_TABLES
  const whole = bytes.length & ~3
  let crc = -1
  let at = 0
  for (; at < whole; at += 4) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    crc =
      tables[768 + (crc & 255)]! ^
      tables[512 + ((crc >>> 8) & 255)]! ^
      tables[256 + ((crc >>> 16) & 255)]! ^
      tables[crc >>> 24]!
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ tables[(crc ^ bytes[at]!) & 255]!
  return ~crc >>> 0
}

/** Bytes whose sums of sums stay below 2³¹. */
const ADLER_BYTES = 3800
const ADLER_MODULUS = 65521

/** Adler-32, the checksum of zlib. */
export function adler32(bytes: Uint8Array): number {
  let a = 1
  let b = 0
  for (let start = 0; start < bytes.length; start += ADLER_BYTES) {
    const end = Math.min(bytes.length, start + ADLER_BYTES)
    for (let at = start; at < end; at++) {
      a += bytes[at]!
      b += a
    }
    a %= ADLER_MODULUS
    b %= ADLER_MODULUS
  }
  return ((b << 16) | a) >>> 0
}

/** Cyclic redundancy check of bzip2: polynomial 0x04c11db7, most significant bit first. */
const BZIP2_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1
  return crc
})

export function bzip2Crc(bytes: Uint8Array): number {
  let crc = -1
  for (const byte of bytes) crc = (crc << 8) ^ BZIP2_TABLE[((crc >>> 24) ^ byte) & 255]!
  return ~crc >>> 0
}

/** CRC-64 of xz (ECMA-182, reflected), as two 32-bit halves. */
const XZ_LOW = new Uint32Array(256)
const XZ_HIGH = new Uint32Array(256)
for (let byte = 0; byte < 256; byte++) {
  let low = byte
  let high = 0
  for (let bit = 0; bit < 8; bit++) {
    const odd = low & 1
    low = (low >>> 1) | (high << 31)
    high >>>= 1
    if (odd) {
      low ^= 0xd7870f42
      high ^= 0xc96c5795
    }
  }
  XZ_LOW[byte] = low
  XZ_HIGH[byte] = high
}

export function xzCrc64(bytes: Uint8Array): bigint {
  let low = -1
  let high = -1
  for (const byte of bytes) {
    const index = (low ^ byte) & 255
    low = ((low >>> 8) | (high << 24)) ^ XZ_LOW[index]!
    high = (high >>> 8) ^ XZ_HIGH[index]!
  }
  return (BigInt(~high >>> 0) << 32n) | BigInt(~low >>> 0)
}

const PRIME = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f, 0x165667b1] as const
const rotate = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits))
const xxhRound = (lane: number, word: number): number =>
  Math.imul(rotate((lane + Math.imul(word, PRIME[1])) | 0, 13), PRIME[0])

/** xxHash-32 with seed 0, the checksum of lz4 frames. */
export function xxh32(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  let hash: number = PRIME[4]
  if (bytes.length >= 16) {
    let lanes = [PRIME[0] + PRIME[1], PRIME[1], 0, -PRIME[0]]
    for (; at + 16 <= bytes.length; at += 16) {
      const start = at
      lanes = lanes.map((lane, i) => xxhRound(lane | 0, view.getUint32(start + i * 4, true)))
    }
    hash = rotate(lanes[0]!, 1) + rotate(lanes[1]!, 7) + rotate(lanes[2]!, 12) + rotate(lanes[3]!, 18)
  }
  hash = (hash + bytes.length) | 0
  for (; at + 4 <= bytes.length; at += 4)
    hash = Math.imul(rotate((hash + Math.imul(view.getUint32(at, true), PRIME[2])) | 0, 17), PRIME[3])
  for (; at < bytes.length; at++)
    hash = Math.imul(rotate((hash + Math.imul(bytes[at]!, PRIME[4])) | 0, 11), PRIME[0])
  hash = Math.imul(hash ^ (hash >>> 15), PRIME[1])
  hash = Math.imul(hash ^ (hash >>> 13), PRIME[2])
  return (hash ^ (hash >>> 16)) >>> 0
}
