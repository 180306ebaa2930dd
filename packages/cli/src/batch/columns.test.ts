import { expect, test } from 'vitest'
import { type Columns, placeColumns } from './columns.ts'

const columns = (changes: Partial<Columns>): Columns => ({
  ...{ path: 'in.csv', header: ['id', 'b', 'a'], names: ['a', 'b'], keep: undefined, added: ['prediction'] },
  ...changes,
})

test('columns are found by name, or by place when no name is there', () => {
  expect(placeColumns(columns({}))).toEqual([2, 1])
  expect(placeColumns(columns({ header: ['c', 'd'] }))).toEqual([0, 1])
})

test.each<[Partial<Columns>, string]>([
  [{ header: ['id', 'a'] }, "in.csv lacks 1 of the model's 2 columns: b"],
  [{ header: ['c', 'd', 'e'] }, "in.csv lacks 2 of the model's 2 columns: a, b"],
  [{ header: ['a', 'b', 'a'] }, 'in.csv has two columns called "a"'],
  [{ keep: ['nobody'] }, 'in.csv has no column "nobody"; it has id, b, a'],
  [
    { header: ['prediction', 'a', 'b'] },
    'in.csv has a column "prediction", which the answers are called too',
  ],
])('%j is refused', (changes, message) => {
  expect(() => placeColumns(columns(changes))).toThrow(message)
})

test('a column that is called like an answer may stay behind', () => {
  expect(placeColumns(columns({ header: ['prediction', 'a', 'b'], keep: ['a'] }))).toEqual([1, 2])
})
