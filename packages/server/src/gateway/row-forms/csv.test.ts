import type { SchemaColumn } from '@millwright/contracts'
import type { RowReader } from '@millwright/inference/validate'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseCsv, rowsOfCsv } from './csv.ts'

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
  expect(parseCsv(text, 100)).toEqual(records)
})

test.each(['"a', 'a"b', '"a"b', '1,2\n"', '"a""'])('%j has a quote too many', (text) => {
  expect(() => parseCsv(text, 100)).toThrow('one value is not what was expected')
})

const field = fc.string().filter((text) => !text.includes('\0'))
test('what is quoted is read back', () => {
  const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`
  fc.assert(
    fc.property(fc.array(fc.array(field, { minLength: 1 }), { minLength: 1 }), (records) => {
      expect(parseCsv(records.map((record) => record.map(quoted).join(',')).join('\n'), 1000)).toEqual(
        records,
      )
    }),
  )
})

const column = (name: string, type: SchemaColumn['type']): SchemaColumn => ({
  ...{ name, type, nullable: true, null: 'None', infinite: false, unknown: 'accepted' },
})
test.each<[SchemaColumn['type'], string, unknown]>([
  ['number', '1.5', '1.5'],
  ['number', '', null],
  ['string', 'True', 'True'],
  ['boolean', 'True', true],
  ['boolean', 'false', false],
  ['boolean', '1', 1],
  ['any', '1', 1],
  ['any', 'a', 'a'],
])('a column that reads %s is given %j as %j', (type, field, expected) => {
  const inputs = [column('a', type), column('b', 'number')]
  const rows = rowsOfCsv(
    `a,b\n${field},0`,
    { ...{ inputs, names: ['a', 'b'], known: new Set('ab') }, ignoresExtra: false, maxRows: 1 },
    undefined,
  )
  const given: unknown[] = []
  const reader = { readCells: (cellAt: (column: number) => unknown) => void given.push(cellAt(0), cellAt(1)) }

  rows.read(reader as unknown as RowReader, 0, { numbers: new Float64Array(2), cells: [] }, 0)

  expect(given).toEqual([expected, '0'])
})

test('more records or fields than are taken are not kept', () => {
  expect(() => parseCsv('a\n'.repeat(4), 3)).toThrow('4 rows in one request, at most 3 are taken')
  expect(() => parseCsv(','.repeat(1 << 17), 3)).toThrow('one value is not what was expected')
})
