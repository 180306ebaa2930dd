import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseCsv } from './csv.ts'

test.each<[string, string[][]]>([
  ['', []],
  ['\n\r\n', []],
  ['a,b\n1,2\n', [['a', 'b'], ...[['1', '2']]]],
  ['a,b\r\n1,2', [['a', 'b'], ...[['1', '2']]]],
  ['a\rb', [['a'], ['b']]],
  ['a,\n,b,', [['a', ''], ...[['', 'b', '']]]],
  ['"a,b","c ""d"""\n"e\nf"', [['a,b', 'c "d"'], ['e\nf']]],
  ['""\n', [['']]],
])('%j', (text, records) => {
  expect(parseCsv(text)).toEqual(records)
})

test.each(['"a', 'a"b', '"a"b', '1,2\n"', '"a""'])('%j has a quote too many', (text) => {
  expect(() => parseCsv(text)).toThrow('one value is not what was expected')
})

const field = fc.string().filter((text) => !text.includes('\0'))
test('what is quoted is read back', () => {
  const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`
  fc.assert(
    fc.property(fc.array(fc.array(field, { minLength: 1 }), { minLength: 1 }), (records) => {
      expect(parseCsv(records.map((record) => record.map(quoted).join(',')).join('\n'))).toEqual(records)
    }),
  )
})
