import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bothForms } from '../../test/both-forms.ts'
import { distances, kernelFormula, type Metric, multiply } from './kernels.ts'

test.each([
  ['squared', 25],
  ['expanded', 25],
  ['manhattan', 7],
  ['chebyshev', 4],
  ['power', 91],
] as const)('%s distance of (0, 0) and (3, 4) is %d', (metric: Metric, distance) => {
  const { ref, block } = bothForms(distances, { metric, points: Float64Array.of(3, 4, 0, 0), power: 3 }, [
    [0, 0],
  ])

  expect(ref).toEqual([[distance, 0]])
  expect(block).toEqual(ref)
})

test.each(['squared', 'expanded', 'manhattan', 'chebyshev', 'power', 'cosine'] as const)(
  '%s distances of many points have the same bits in blocks',
  (metric) => {
    const shape = fc.record({
      rows: fc.integer({ min: 1, max: 37 }),
      columns: fc.integer({ min: 1, max: 9 }),
      points: fc.integer({ min: 1, max: 19 }),
      pool: fc.array(fc.double({ noNaN: true }), { minLength: 5, maxLength: 40 }),
    })

    fc.assert(
      fc.property(shape, ({ rows, columns, points, pool }) => {
        const take = (count: number, from: number) =>
          Float64Array.from({ length: count }, (_, i) => pool[(i * 7 + from) % pool.length]!)
        const input = Array.from({ length: rows }, (_, row) => Array.from(take(columns, row)))
        const { ref, block } = bothForms(
          distances,
          { metric, points: take(points * columns, 3), power: 3 },
          input,
        )
        expect(block).toEqual(ref)
      }),
    )
  },
)

test('the cosine distance of a row without length is 1', () => {
  const attrs = { metric: 'cosine' as const, points: Float64Array.of(3, 4), power: 2 }

  const { ref, block } = bothForms(distances, attrs, [
    [0, 0],
    [6, 8],
    [-3, -4],
  ])

  expect(ref).toEqual([[1], [0], [2]])
  expect(block).toEqual(ref)
})

test('points of another width are refused', () => {
  const attrs = { metric: 'squared' as const, points: Float64Array.of(1, 2, 3), power: 2 }

  expect(() => bothForms(distances, attrs, [[0, 0]])).toThrow('distances: 3 numbers are no rows of 2 columns')
})

test('a formula and a metric that nobody knows are refused', () => {
  const formula = 'toString' as 'affine'
  const metric = 'constructor' as 'squared'

  expect(() => bothForms(kernelFormula, { formula, a: 1, b: 0, c: 0 }, [[1]])).toThrow('no formula toString')
  expect(() => bothForms(distances, { metric, points: Float64Array.of(1), power: 2 }, [[1]])).toThrow(
    'no metric',
  )
})

test('kernels multiply element by element', () => {
  const { ref, block } = bothForms(multiply, {}, [[1, 2]], [[3, -4]], [[5, 6]])

  expect(ref).toEqual([[15, -48]])
  expect(block).toEqual(ref)
})
