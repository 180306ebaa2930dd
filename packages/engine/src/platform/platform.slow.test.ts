import { readFileSync } from 'node:fs'
import { constants, deflateRawSync, deflateSync, gzipSync, type ZlibOptions } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ModelError } from '../errors.ts'
import { platform as node } from './node.ts'
import type { Decode } from './platform.ts'
import { platform as portable } from './portable.ts'

/** Node's own code is the oracle of the portable one. */
const FOREST = new URL('../../test/fixtures/scikit-learn-1.3.2/rf-three/model.joblib', import.meta.url)
const forest = new Uint8Array(readFileSync(FOREST))
const CAP = 2 ** 22

const SCHEMES = [
  { name: 'decodeZlib', encode: deflateSync },
  { name: 'decodeGzip', encode: gzipSync },
  { name: 'inflateRaw', encode: deflateRawSync },
] as const
const OPTIONS: readonly ZlibOptions[] = [
  { level: 0 },
  { level: 1 },
  { level: 9 },
  { strategy: constants.Z_FIXED },
  { strategy: constants.Z_HUFFMAN_ONLY },
  { strategy: constants.Z_RLE },
]
/** Runs of few different bytes: what compresses. */
const content = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 1, max: 300 })), { maxLength: 200 })
  .map((runs) => Uint8Array.from(runs.flatMap(([byte, count]) => new Array<number>(count).fill(byte))))

/** The content, or why there is none. */
function outcomeOf(decode: Decode, bytes: Uint8Array, maxBytes = CAP): string {
  try {
    return Buffer.from(decode(bytes, maxBytes)).toString('latin1')
  } catch (error) {
    if (error instanceof ModelError) return `refused: ${error.kind}`
    throw error
  }
}

describe.each(SCHEMES)('$name', ({ name, encode }) => {
  test.each(OPTIONS)('gives back what was compressed with %j', (options) => {
    fc.assert(
      fc.property(content, (bytes) => {
        expect(Buffer.compare(portable[name](encode(bytes, options), CAP), bytes)).toBe(0)
      }),
      { numRuns: 30 },
    )
    expect(Buffer.compare(portable[name](encode(forest, options), CAP), forest)).toBe(0)
  })

  test('stops at its cap', () => {
    const packed = encode(forest)

    expect(outcomeOf(portable[name], packed, forest.length - 1)).toBe('refused: limit')
    expect(portable[name](packed, forest.length)).toHaveLength(forest.length)
  })

  test('refuses what ends early or goes on', () => {
    const packed = encode(forest.subarray(0, 5_000))

    for (let length = 0; length < packed.length; length++)
      expect(outcomeOf(portable[name], packed.subarray(0, length)), `${length} bytes`).toBe(
        'refused: corrupt',
      )
    expect(outcomeOf(portable[name], Buffer.concat([packed, Buffer.from('tail')]))).toBe('refused: corrupt')
  })

  test('answers broken bytes as Node does', () => {
    const packed = encode(forest.subarray(0, 5_000), { level: 9 })

    for (let at = 0; at < packed.length; at += 3)
      for (const change of [1, 128]) {
        const broken = Uint8Array.from(packed)
        broken[at]! ^= change
        const want = outcomeOf(node[name], broken)
        const got = outcomeOf(portable[name], broken)
        expect(got === want || (got.startsWith('refused') && want.startsWith('refused')), `byte ${at}`).toBe(
          true,
        )
      }
  })
})

test('several gzip members are one content', () => {
  const members = [forest.subarray(0, 999), new Uint8Array(), forest.subarray(999)].map((part) =>
    gzipSync(part),
  )

  expect(Buffer.compare(portable.decodeGzip(Buffer.concat(members), CAP), forest)).toBe(0)
})

test.each(['crc32', 'sha256'] as const)('%s is that of Node', (name) => {
  for (const length of [0, 1, 3, 4, 55, 56, 63, 64, 65, 119, 120, 1_000, forest.length])
    expect(portable[name](forest.subarray(0, length)), `${length} bytes`).toBe(
      node[name](forest.subarray(0, length)),
    )
})

test('text is read as Node reads it', () => {
  const bytes = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }).map((text) => new TextEncoder().encode(text)),
    fc.uint8Array({ maxLength: 60 }),
  )
  fc.assert(
    fc.property(bytes, fc.nat(20), (content, start) => {
      const [want, got] = [node.textOf(content), portable.textOf(content)]
      expect(got.utf8(start, content.length)).toBe(want.utf8(start, content.length))
      expect(got.latin1(start, content.length)).toBe(want.latin1(start, content.length))
    }),
  )
  expect(portable.textOf(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61)).utf8(0, 4)).toBe('\uFEFFa')
})
