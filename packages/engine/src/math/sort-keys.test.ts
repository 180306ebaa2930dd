import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sortKeys } from './sort-keys.ts'

test.each([1, 7, 8, 9, 17, 23])('keys of %i bits are sorted, few and many', (bits) => {
  const keys = fc.array(fc.integer({ min: 0, max: 2 ** bits - 1 }), { maxLength: 300, size: 'max' })
  fc.assert(
    fc.property(keys, (all) => {
      const room = Int32Array.from([...all, -1])

      const sorted = sortKeys(room, new Int32Array(room.length), all.length, bits)

      expect([...sorted.subarray(0, all.length)]).toEqual(all.toSorted((a, b) => a - b))
    }),
  )
})
