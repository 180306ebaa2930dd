import fc from 'fast-check'
import { expect, test } from 'vitest'
import { indexVocabulary } from './vocabulary.ts'

const term = fc.string({ unit: fc.constantFrom('a', 'b', 'ß', '😀', ' '), maxLength: 5 })

test('finds what a map of strings finds, anywhere in a text', () => {
  fc.assert(
    fc.property(fc.uniqueArray(term, { maxLength: 60 }), fc.array(term, { maxLength: 8 }), (terms, parts) => {
      const columnOf = indexVocabulary(terms)
      const columns = new Map(terms.map((one, column) => [one, column]))
      const text = parts.join('')
      for (let start = 0; start <= text.length; start++)
        for (let end = start; end <= text.length; end++)
          expect(columnOf(text, start, end)).toBe(columns.get(text.slice(start, end)) ?? -1)
    }),
  )
})

test('an empty vocabulary has nothing', () => {
  expect(indexVocabulary([])('abc', 0, 3)).toBe(-1)
})
