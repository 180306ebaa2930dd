import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createNativeBuckets, NATIVE_SCHEMA, ZERO_THRESHOLD } from './native-buckets.ts'

const bucketOf = (value: number): number | 'zero' => {
  const buckets = createNativeBuckets()
  buckets.observe(value)
  return buckets.filled()[0]![0]
}

test('a value is in the one bucket whose edges are around it', () => {
  fc.assert(
    fc.property(fc.double({ min: 2 ** -19.9, max: 4000, noNaN: true }), (value) => {
      const upper = (2 ** (2 ** -NATIVE_SCHEMA)) ** Number(bucketOf(value))

      // Edges are irrational: a value on one may be on either side.
      expect(value).toBeLessThanOrEqual(upper * (1 + 1e-9))
      expect(value).toBeGreaterThan((upper / 2 ** (2 ** -NATIVE_SCHEMA)) * (1 - 1e-9))
    }),
  )
})

test.each([
  [0, 'zero'],
  [ZERO_THRESHOLD, 'zero'],
  [0.5, -8],
  [0.500001, -7],
  [1, 0],
  [2, 8],
  [1e9, 96],
])('%d is in bucket %s', (value, bucket) => {
  expect(bucketOf(value)).toBe(bucket)
})
