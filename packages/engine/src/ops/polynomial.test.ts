import { expect, test } from 'vitest'
import { bothForms } from '../../test/both-forms.ts'
import { numbers } from './op.ts'
import { products } from './polynomial.ts'

test('terms are built from earlier terms', () => {
  const attrs = { of: Int32Array.of(-1, -1, -1, 2, 3), column: Int32Array.of(-1, 0, 1, 0, 0) }

  const { ref, block } = bothForms(products, attrs, [[3, 5]])

  expect(ref).toEqual([[1, 3, 5, 15, 45]])
  expect(block).toEqual(ref)
})

test('a term cannot be built from itself or a later one', () => {
  const attrs = { of: Int32Array.of(0), column: Int32Array.of(0) }

  expect(() => products.infer(attrs, [numbers(1)])).toThrow('term 0 is not built from earlier ones')
})
