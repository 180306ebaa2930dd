import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Codes, Spans } from './spans.ts'
import { indexVocabulary } from './vocabulary.ts'

const unit = fc.constantFrom('a', 'b', 'ß', '😀', ' ', '\0', '\x7f', '\x80', '\ud800')
const term = fc.string({ unit, maxLength: 11 })

/** Every slice of a text, as the code points that a vocabulary sees and as the texts that a map sees. */
function slicesOf(text: string) {
  const characters = Array.from(text)
  const codes = new Codes()
  const spans = new Spans()
  const tokens: string[] = []
  codes.begin(text.length)
  codes.appendText(text, 0, text.length)
  for (let start = 0; start <= characters.length; start++)
    for (let end = start; end <= characters.length; end++) {
      spans.add(start, end)
      tokens.push(characters.slice(start, end).join(''))
    }
  return { codes, spans, tokens }
}

test('finds what a map of strings finds, anywhere in a text', () => {
  fc.assert(
    fc.property(fc.uniqueArray(term, { maxLength: 60 }), fc.array(term, { maxLength: 4 }), (terms, parts) => {
      const own = parts.flatMap((part, i) => [part, terms[i] ?? ''])
      const { codes, spans, tokens } = slicesOf(own.join(''))
      const columns = new Map(terms.map((one, column) => [one, column]))

      const found = indexVocabulary(terms)({ codes, spans })

      expect([...found.subarray(0, spans.count)]).toEqual(tokens.map((token) => columns.get(token) ?? -1))
    }),
  )
})

test('an empty vocabulary has nothing', () => {
  const { codes, spans } = slicesOf('abc')

  expect([...indexVocabulary([])({ codes, spans }).subarray(0, spans.count)]).toEqual(
    new Array(spans.count).fill(-1),
  )
})

test('a term of a megabyte is found', () => {
  const terms = ['a'.repeat(2 ** 20), 'a'.repeat(2 ** 20 - 1), 'a']
  const codes = new Codes()
  const spans = new Spans()
  codes.begin(2 ** 20)
  codes.appendText(terms[0]!, 0, 2 ** 20)
  for (const cut of [0, 1, 2]) spans.add(cut, 2 ** 20)

  expect([...indexVocabulary(terms)({ codes, spans }).subarray(0, 3)]).toEqual([0, 1, -1])
})
