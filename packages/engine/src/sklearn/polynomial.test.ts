import { describe, expect, test } from 'vitest'
import { object } from '../../test/inert.ts'
import { transform } from '../../test/transform.ts'
import type { Inert } from '../pickle/values.ts'
import { lowerModel } from './lower.ts'

const polynomial = (attributes: Record<string, Inert>, width = 2) =>
  object('sklearn.preprocessing._polynomial.PolynomialFeatures', { n_features_in_: width, ...attributes })

describe('PolynomialFeatures', () => {
  test.each<[string, Record<string, Inert>, number[]]>([
    ['all terms, by degree', { degree: 2 }, [1, 2, 3, 4, 6, 9]],
    ['without the constant', { degree: 2, include_bias: false }, [2, 3, 4, 6, 9]],
    ['interactions only', { degree: 2, interaction_only: true }, [1, 2, 3, 6]],
    ['from the second degree on', { degree: [2, 3] }, [1, 4, 6, 9, 8, 12, 18, 27]],
    ['the constant alone', { degree: 0 }, [1]],
  ])('%s', (_, attributes, expected) => {
    expect(transform(polynomial(attributes), [[2, 3]])).toEqual([expected])
  })

  test('a degree beyond the number of columns adds no interactions, however large', () => {
    expect(transform(polynomial({ degree: 1e12, interaction_only: true }), [[2, 3]])).toEqual([[1, 2, 3, 6]])
  })

  test('more columns than a million are refused', () => {
    expect(() => lowerModel(polynomial({ degree: 1e9 }, 1))).toThrow('makes more than 1000000 columns')
  })
})
