import { describe, expect, test } from 'vitest'
import { bothForms } from '../../test/both-forms.ts'
import { categoryHash, categoryStatistic, equals } from './catboost.ts'
import { numbers } from './op.ts'

describe('category-hash', () => {
  test('a whole number is the text of it', () => {
    const [text, number] = categoryHash.ref({}, [['12', 12]])

    expect(text).toBe(number)
  })

  test.each([null, 1.5, Number.NaN])('%s is no category', (cell) => {
    expect(() => categoryHash.ref({}, [[cell]])).toThrow('holds no category')
  })
})

test('equals answers 1 where a column has the value', () => {
  const attrs = { columns: Int32Array.of(1, 1), values: Int32Array.of(-5, 6) }

  expect(equals.ref(attrs, [[6, -5]])).toEqual([1, 0])
  expect(() => equals.infer({ ...attrs, columns: Int32Array.of(1, 2) }, [numbers(2)])).toThrow('outside of 2')
})

describe('category-statistic', () => {
  // one key, of category 0: its combined hash is 0
  const attrs = {
    columns: Int32Array.of(0),
    targetBorder: 0,
    prior: 1,
    priorWeight: 2,
    shift: 0.5,
    scale: 4,
    keys: Uint32Array.of(0, 0),
    stride: 3,
    values: Float64Array.of(1, 2, 5),
    denominator: 8,
  }

  // ((good + 1) / (total + 2) + ½) · 4
  test.each([
    ['Borders', 0, 7, 8],
    ['Borders', 1, 5, 8],
    ['Buckets', 1, 2, 8],
    ['BinarizedTargetMeanValue', 0, 1, 2],
    ['Counter', 0, 1, 8],
  ] as const)('%s of target border %i', (kind, targetBorder, good, total) => {
    const { ref, block } = bothForms(categoryStatistic, { ...attrs, kind, targetBorder }, [[0]])
    const mean = Math.fround((good + 1) / (total + 2))

    expect(ref[0]).toEqual([Math.fround(Math.fround(mean + 0.5) * 4)])
    expect(block).toEqual(ref)
  })

  test.each([
    ['Borders', 4],
    ['Counter', 2.4],
  ] as const)('%s of an unknown category is that of none', (kind, value) => {
    expect(categoryStatistic.ref({ ...attrs, kind }, [[1]])[0]).toBeCloseTo(value, 5)
  })
})
