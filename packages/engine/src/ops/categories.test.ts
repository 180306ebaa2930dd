import { describe, expect, test } from 'vitest'
import { bothForms } from '../../test/both-forms.ts'
import { categoryByte, categoryCode, categorySides } from './categories.ts'
import { cells, numbers } from './op.ts'

const sides = { member: 1, other: 0, beyond: 2, nan: Number.NaN }

describe('category-sides', () => {
  // one set {1, 33} in two words over column 1, one set {0} over column 0
  const attrs = {
    columns: Int32Array.of(1, 0),
    starts: Int32Array.of(0, 2, 3),
    words: Uint32Array.of(2, 2, 1),
    least: -1,
    sides,
  }

  test('tells members, others, what is beyond the set or no category, and missing values apart', () => {
    const values = [33, 1.9, 2, 64, -1, 2 ** 40, Number.POSITIVE_INFINITY, Number.NaN]

    const { ref, block } = bothForms(
      categorySides,
      attrs,
      values.map((value) => [0, value]),
    )

    expect(ref.map(([side]) => side)).toEqual([1, 1, 0, 2, 2, 2, 2, Number.NaN])
    expect(block).toEqual(ref)
  })

  test('a part of one belongs to the category 0 where negative parts do', () => {
    expect(categorySides.ref(attrs, [[-0.5, 0]])[1]).toBe(1)
    expect(categorySides.ref({ ...attrs, least: -Number.MIN_VALUE }, [[-0.5, 0]])[1]).toBe(2)
  })

  test.each([
    [{ columns: Int32Array.of(1, 2) }, 'reads column 2 of 2'],
    [{ starts: Int32Array.of(0, 4, 3) }, 'ends before it starts'],
    [{ starts: Int32Array.of(0, 2, 4) }, 'differ in length'],
  ])('%j is refused', (change, message) => {
    expect(() => categorySides.infer({ ...attrs, ...change }, [numbers(2)])).toThrow(message)
  })
})

test('a byte tells 255 categories, one for all others, and missing values apart', () => {
  const values = [0, -0.5, 3.7, 254.9, 255, 256, 1e300, Number.POSITIVE_INFINITY, -1, Number.NaN]

  const { ref, block } = bothForms(
    categoryByte,
    { least: -1 },
    values.map((value) => [value]),
  )

  expect(ref.flat()).toEqual([0, -0, 3, 254, 255, 255, 255, 255, 255, Number.NaN])
  expect(block).toEqual(ref)
  expect(categoryByte.ref({ least: -Number.MIN_VALUE }, [[-0.5, -0, 0]])).toEqual([255, -0, 0])
})

describe('category-code', () => {
  const categories = [['low', 'high'], []]

  test('a category is its position, a number stays, None and NaN are missing', () => {
    const refuse = { categories, unknown: 'refuse' } as const

    expect(categoryCode.infer(refuse, [cells(2)])).toEqual(numbers(2))
    expect(categoryCode.ref(refuse, [['high', 7]])).toEqual([1, 7])
    expect(categoryCode.ref(refuse, [[null, null]])).toEqual([Number.NaN, Number.NaN])
    expect(() => categoryCode.ref(refuse, [['medium', 7]])).toThrow('a category the model has never seen')
    expect(() => categoryCode.ref(refuse, [['low', 'seven']])).toThrow('text where the model reads a number')
  })

  test('an unknown category may be a missing one', () => {
    expect(categoryCode.ref({ categories, unknown: 'missing' }, [['medium', 1]])).toEqual([Number.NaN, 1])
  })
})
