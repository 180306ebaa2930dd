import { products } from '../ops/polynomial.ts'
import type { Estimator } from './estimator.ts'
import type { Family, Lower } from './lowering.ts'
import { checked, transformer } from './scaling.ts'

const MOST_TERMS = 1_000_000

type Degrees = { readonly least: number; readonly most: number }

/** `degree` is one number or (least, most). */
function degreesOf(polynomial: Estimator): Degrees {
  const degree = polynomial.find('degree')
  if (Array.isArray(degree)) return { least: Number(degree[0]), most: Number(degree[1]) }
  return { least: 0, most: polynomial.number('degree') }
}

type Terms = { of: number[]; column: number[]; degree: number[] }

/**
 * All products of up to `most` columns in scikit-learn's order: the terms of degree d are, for every column, the terms
 * of degree d−1 that start at it or later, times it.
 */
function buildTerms(polynomial: Estimator, width: number, { most }: Degrees): Terms {
  const terms: Terms = { of: [], column: [], degree: [] }
  const push = (of: number, column: number, degree: number): void => {
    if (terms.of.push(of) > MOST_TERMS)
      throw polynomial.error(
        'limit',
        `${polynomial.name} makes more than ${MOST_TERMS} columns`,
        'lower its degree',
      )
    terms.column.push(column)
    terms.degree.push(degree)
  }
  if (polynomial.flag('include_bias', true)) push(-1, -1, 0)
  const skip = polynomial.flag('interaction_only', false) ? 1 : 0
  let starts = Array.from({ length: width }, (_, column) => {
    if (most >= 1) push(-1, column, 1)
    return terms.of.length - 1
  })
  for (let degree = 2; degree <= most; degree++) {
    const end = terms.of.length
    const next: number[] = []
    for (let column = 0; column < width; column++) {
      next.push(terms.of.length)
      const from = starts[column + skip] ?? end
      for (let term = from; term < end; term++) push(term, column, degree)
    }
    if (terms.of.length === end) break
    starts = next
  }
  return terms
}

const lowerPolynomial: Lower = (polynomial, x, { graph }) => {
  const degrees = degreesOf(polynomial)
  const input = checked(graph, x, 'refuse')
  const terms = buildTerms(polynomial, graph.width(input), degrees)
  const all = graph.add(products, [input], {
    of: Int32Array.from(terms.of),
    column: Int32Array.from(terms.column),
  })
  const kept = terms.degree.flatMap((degree, i) => (degree === 0 || degree >= degrees.least ? [i] : []))
  return transformer(graph, graph.select(all, kept))
}

export const polynomialFamily: readonly Family[] = [
  {
    names: ['sklearn.preprocessing.PolynomialFeatures'],
    fields: 'powers_ n_output_features_ n_input_features_',
    lower: lowerPolynomial,
  },
]
