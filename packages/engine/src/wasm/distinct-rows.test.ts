import fc from 'fast-check'
import { expect, test } from 'vitest'
import { distinctRows } from './distinct-rows.ts'

test('rows of the same bits are kept once, in the order they appear', () => {
  const { rows, places } = distinctRows(Float64Array.of(1, 2, 0, 1, 1, 2, -0, 1, 0, 1), 2)

  expect([...rows]).toEqual([1, 2, 0, 1, -0, 1])
  expect([...places]).toEqual([0, 1, 0, 2, 1])
})

test('every row is the one at its place', () => {
  const value = fc.constantFrom(0, -0, 1, Number.NaN, 5e-324)
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3 }), fc.array(value, { maxLength: 300 }), (width, values) => {
      const table = Float64Array.from(values.slice(0, values.length - (values.length % width)))
      const { rows, places } = distinctRows(table, width)

      const back = Array.from(places, (place) => [...rows.subarray(place * width, (place + 1) * width)])
      expect(back.flat()).toEqual([...table])
      expect(rows.length).toBe(width * new Set(places).size)
    }),
  )
})
