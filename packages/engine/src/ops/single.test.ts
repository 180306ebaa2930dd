import { expect, test } from 'vitest'
import { bothForms } from '../../test/both-forms.ts'
import { expitSingle, expSingle, linearSingle, markMissing, softmaxSingle } from './single.ts'

// Expected values: numpy.float32 arithmetic with the exponential of the C library.
test.each([
  ['expit', expitSingle, [0, 1, -2], [0.5, 0.7310585975646973, 0.11920291930437088]],
  ['exp', expSingle, [0, 1, -2], [1, 2.7182817459106445, 0.1353352814912796]],
  ['softmax', softmaxSingle, [1, 2, 3], [0.09003057330846786, 0.2447284758090973, 0.6652409434318542]],
])('%s is computed in float32', (_, op, row, expected) => {
  const { ref, block } = bothForms(op, {}, [row])

  ref[0]!.forEach((value, i) => {
    expect(Math.fround(value)).toBe(value)
    expect(Math.abs(value - expected[i]!)).toBeLessThanOrEqual(2 ** -23 * expected[i]!)
  })
  expect(block).toEqual(ref)
})

test('a sigmoid far below zero stays above it', () => {
  expect(expitSingle.ref({}, [[-200]])[0]).toBeGreaterThan(0)
})

test('a linear sum rounds every step to float32 and skips missing values', () => {
  const attrs = { weights: Float64Array.of(1, 2, 1, 2, 1, 2), init: Float64Array.of(2 ** 24, 0) }

  // 2²⁴ + 1 is not a float32: added one by one the ones are lost, added first they were not
  expect(linearSingle.ref(attrs, [[1, 1, Number.NaN]])).toEqual([2 ** 24, 4])
  expect(() =>
    linearSingle.infer({ ...attrs, init: Float64Array.of(0) }, [{ kind: 'number', width: 2, dtype: 'f64' }]),
  ).toThrow('6 weights for 2 × 1')
})

test('a value that stands for missing is one, other values stay as they are', () => {
  expect(markMissing.ref({ marker: 0.1 }, [[0.1, Math.fround(0.1), 0.2]])).toEqual([
    Number.NaN,
    Number.NaN,
    0.2,
  ])
})
