/** CityHash64 of version 1.0, by which CatBoost knows the categories of a model. */

const MASK = 0xffff_ffff_ffff_ffffn
const K0 = 0xc3a5c85c97cb3127n
const K1 = 0xb492b66fbe98f273n
const K2 = 0x9ae16a3b2f90404fn
const K3 = 0xc949d7c7509e6557n
const MULTIPLIER = 0x9ddfea08eb382d69n

const wrap = (value: bigint): bigint => value & MASK
const rotate = (value: bigint, shift: number): bigint =>
  wrap((value >> BigInt(shift)) | (value << BigInt(64 - shift)))
const mixed = (value: bigint): bigint => value ^ (value >> 47n)

function pair(u: bigint, v: bigint): bigint {
  const a = mixed(wrap((u ^ v) * MULTIPLIER))
  return wrap(mixed(wrap((v ^ a) * MULTIPLIER)) * MULTIPLIER)
}

/** @param bytes the text in UTF-8 */
export function cityHash64(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const long = (at: number): bigint => view.getBigUint64(at, true)
  const size = bytes.length
  if (size > 64) return hashLong(long, size)
  if (size > 32) return hashTo64(long, size)
  if (size > 16) {
    const a = wrap(long(0) * K1)
    const b = long(8)
    const c = wrap(long(size - 8) * K2)
    const d = wrap(long(size - 16) * K0)
    return pair(
      wrap(rotate(wrap(a - b), 43) + rotate(c, 30) + d),
      wrap(a + rotate(b ^ K3, 20) - c + BigInt(size)),
    )
  }
  if (size > 8) {
    const last = long(size - 8)
    return pair(long(0), rotate(wrap(last + BigInt(size)), size)) ^ last
  }
  if (size >= 4)
    return pair(
      BigInt(size) + (BigInt(view.getUint32(0, true)) << 3n),
      BigInt(view.getUint32(size - 4, true)),
    )
  if (size === 0) return K2
  const y = BigInt(bytes[0]! + (bytes[size >> 1]! << 8))
  const z = BigInt(size + (bytes[size - 1]! << 2))
  return wrap(mixed(wrap(y * K2) ^ wrap(z * K3)) * K2)
}

type Long = (at: number) => bigint

function hashTo64(long: Long, size: number): bigint {
  const half = (start: bigint, tail: bigint, from: number): readonly [bigint, bigint] => {
    let a = start
    const b = rotate(wrap(a + tail), 52)
    let c = rotate(a, 37)
    a = wrap(a + long(from + 8))
    c = wrap(c + rotate(a, 7))
    a = wrap(a + long(from + 16))
    return [wrap(a + tail), wrap(b + rotate(a, 31) + c)]
  }
  const [vFirst, vSecond] = half(wrap(long(0) + (BigInt(size) + long(size - 16)) * K0), long(24), 0)
  const [wFirst, wSecond] = half(wrap(long(16) + long(size - 32)), long(size - 8), size - 32)
  const r = mixed(wrap((vFirst + wSecond) * K2 + (wFirst + vSecond) * K0))
  return wrap(mixed(wrap(r * K0 + vSecond)) * K2)
}

/** Two hashes of 32 bytes at `at`, seeded by two numbers. */
function seeded(long: Long, at: number, seeds: readonly [bigint, bigint]): readonly [bigint, bigint] {
  const [w, x, y, z] = [long(at), long(at + 8), long(at + 16), long(at + 24)]
  const a = wrap(seeds[0] + w)
  const b = rotate(wrap(seeds[1] + a + z), 21)
  const sum = wrap(a + x + y)
  return [wrap(sum + z), wrap(b + rotate(sum, 44) + a)]
}

function hashLong(long: Long, size: number): bigint {
  let x = long(size - 40)
  let y = wrap(long(size - 16) + long(size - 56))
  let z = pair(wrap(long(size - 48) + BigInt(size)), long(size - 24))
  let v = seeded(long, size - 64, [BigInt(size), z])
  let w = seeded(long, size - 32, [wrap(y + K1), x])
  x = wrap(x * K1 + long(0))
  const end = (size - 1) & ~63
  for (let at = 0; at < end; at += 64) {
    x = wrap(rotate(wrap(x + y + v[0] + long(at + 8)), 37) * K1)
    y = wrap(rotate(wrap(y + v[1] + long(at + 48)), 42) * K1)
    x ^= w[1]
    y = wrap(y + v[0] + long(at + 40))
    z = wrap(rotate(wrap(z + w[0]), 33) * K1)
    v = seeded(long, at, [wrap(v[1] * K1), wrap(x + w[0])])
    w = seeded(long, at + 32, [wrap(z + w[1]), wrap(y + long(at + 16))])
    ;[x, z] = [z, x]
  }
  return pair(wrap(pair(v[0], w[0]) + mixed(y) * K1 + z), wrap(pair(v[1], w[1]) + x))
}
