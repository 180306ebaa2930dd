import fc from 'fast-check'
import { expect, test } from 'vitest'
import { thin } from './series.ts'

const point = fc.record({ value: fc.double({ noNaN: true }), is_nan: fc.constantFrom(0, 0, 0, 1) })

test('a thinned series keeps ends, order and extremes, and is no longer than asked', () => {
  const series = fc.array(point, { minLength: 1, maxLength: 300 })
  fc.assert(
    fc.property(series, fc.integer({ min: 4, max: 400 }), (points, most) => {
      const kept = thin(points, most)
      const indices = kept.map((one) => points.indexOf(one))
      const inside = points.slice(1, -1).filter(({ is_nan }) => is_nan === 0)
      const values = kept.map(({ value }) => value)

      expect(kept.length).toBeLessThanOrEqual(Math.max(1, most))
      expect(kept[0]).toBe(points[0])
      expect(kept.at(-1)).toBe(points.at(-1))
      expect(indices).toEqual([...indices].sort((a, b) => a - b))
      if (inside.length > 0) {
        expect(values).toContain(Math.min(...inside.map(({ value }) => value)))
        expect(values).toContain(Math.max(...inside.map(({ value }) => value)))
      }
    }),
  )
})

test('a short series is left as it is', () => {
  const points = [1, 2, 3].map((value) => ({ value, is_nan: 0 }))

  expect(thin(points, 3)).toBe(points)
  expect(thin(points, 1)).toEqual([points[0]])
})
