import type { ModelSchema, SchemaColumn } from '@millwright/contracts'
import { expect, test } from 'vitest'
import { readText, type TextPlan, writeLines } from './text-rows.ts'

const column = (name: string, type: SchemaColumn['type']): SchemaColumn => ({
  ...{ name, type, nullable: true, null: 'NaN', infinite: false, unknown: 'accepted' },
})
const schema: ModelSchema = { inputs: [column('a', 'number')], outputs: [], classes: [] }
const plan = (changes: Partial<TextPlan>): TextPlan => ({
  ...{ kind: 'csv', schema, header: ['id', 'a'], places: [1], separator: ',' },
  ...{ keep: undefined, added: ['prediction', 'model_version'] },
  ...changes,
})
const SCORED = { good: [0, 1], rejects: [], values: [['x,y', null]] }

test.each<[string, string, Partial<TextPlan>, string]>([
  ['all of a row, as it stands', '"1",2\r\n"q""",3\r\n', {}, '"1",2,"x,y",v1\n"q""",3,,v1\n'],
  ['some columns', '"1",2\n"q""",3\n', { keep: ['id'] }, '1,"x,y",v1\n"q""",,v1\n'],
  ['no columns', '1,2\n3,4\n', { keep: [] }, '"x,y",v1\n,v1\n'],
  ['tabs', '1\t2,5\n3\t4\n', { separator: '\t' }, '1\t2,5\tx,y\tv1\n3\t4\t\tv1\n'],
])('CSV: %s', (_, text, changes, lines) => {
  expect(writeLines(readText(text, plan(changes)), SCORED, 'v1')).toBe(lines)
})

test.each<[string, Partial<TextPlan>, string]>([
  [
    'all fields, spelt as they were',
    {},
    '{"id": 12345678901234567890, "a": 1.50,"prediction":"x,y","model_version":"v1"}',
  ],
  ['some', { keep: ['id'] }, '{"id":12345678901234567890,"prediction":"x,y","model_version":"v1"}'],
  ['none', { keep: [] }, '{"prediction":"x,y","model_version":"v1"}'],
])('NDJSON: %s', (_, changes, line) => {
  const text = '\n{"id": 12345678901234567890, "a": 1.50}\r\n{}\n'

  const rows = readText(text, plan({ kind: 'ndjson', ...changes }))

  expect(writeLines(rows, { ...SCORED, good: [0], values: [['x,y']] }, 'v1')).toBe(`${line}\n`)
})

test('quotes that do not close fail the piece, for nobody knows where the next row begins', () => {
  expect(() => readText('1,2\n"3,4\n', plan({}))).toThrow('has quotes that do not close')
})
