import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { differences, listCases, readCase, readExpected, readInput } from '../../test/fixture.ts'
import { ModelError } from '../errors.ts'
import type { Method } from '../ir/program.ts'
import { loadModel } from './load-model.ts'
import type { InputRow } from './rows.ts'

const ROOT = new URL('../../test/fixtures', import.meta.url).pathname
const load = (folder: string, file: string) =>
  loadModel(new Uint8Array(readFileSync(join(ROOT, folder, file))))
const forest = () => load('scikit-learn-1.3.2/rf-three-names', 'model.p5.pkl')

describe('golden cases whose rows are plain values', () => {
  const plain = listCases(ROOT).filter((golden) => {
    const files = Object.keys(golden.meta.files)
    if (golden.meta.contract === 'refuse' || !files.some((file) => /\.(pkl|joblib|skops)$/.test(file)))
      return false
    const { columns, rows } = readInput(golden)
    return (
      columns.every(({ categories, dtype }) => categories === undefined && dtype !== 'json') &&
      rows.every((row) =>
        row.every((value) => value !== null && !['NaN', 'Infinity', '-Infinity'].includes(String(value))),
      )
    )
  })

  test.each(plain.map((golden) => [golden.name, golden] as const))('%s', async (_, golden) => {
    const file = Object.keys(golden.meta.files).find((name) => /\.(pkl|joblib|skops)$/.test(name))!
    const model = await loadModel(new Uint8Array(readFileSync(join(golden.folder, file))))
    const { columns, rows } = readInput(golden)
    const names = columns.map(({ name }) => name)
    const objects = rows.map((row) => Object.fromEntries(row.map((value, i) => [names[i]!, value!])))
    const byName = model.schema.every(({ name }) => names.includes(name))
    const { dtype: __, ...expected } = readExpected(golden)

    for (const [method, values] of Object.entries(expected)) {
      const answer = model.answer(method as Method, (byName ? objects : rows) as InputRow[])
      expect(differences(answer, values, golden.meta.contracts?.[method] ?? golden.meta.contract)).toEqual([])
    }
  })

  test('there are many', () => expect(plain.length).toBeGreaterThan(40))
})

test('rows are objects or lists, and answers are plain', async () => {
  const model = await forest()
  const { rows } = readInput(readCase(ROOT, 'scikit-learn-1.3.2/rf-three-names'))
  const expected = readExpected(readCase(ROOT, 'scikit-learn-1.3.2/rf-three-names'))
  const lists = rows.slice(0, 3) as number[][]
  const objects = lists.map((row) => Object.fromEntries(model.schema.map(({ name }, i) => [name, row[i]!])))

  expect(model.predict(lists)).toEqual((expected.predict as unknown[]).slice(0, 3))
  expect(model.predictProba(objects)).toEqual((expected.predict_proba as unknown[]).slice(0, 3))
  expect(model.predict([Float64Array.from(lists[0]!) as unknown as number[]])).toEqual(
    model.predict(lists.slice(0, 1)),
  )
  expect(model.predict([])).toEqual([])
})

test('it says what it is', async () => {
  const { methods, classes, contract, report, schema } = await forest()

  expect(methods).toEqual(['predict', 'predict_proba', 'predict_log_proba'])
  expect(classes).toHaveLength(1)
  expect(contract).toEqual({ predict: 'bit-equal', predict_proba: 'bit-equal', predict_log_proba: 'ulp4' })
  expect(report).toMatchObject({ library: 'scikit-learn', libraryVersion: '1.3.2' })
  expect(schema[0]).toMatchObject({ type: 'number', nullable: false })
})

describe('a wrong row', () => {
  const messageOf = async (rows: unknown): Promise<string> => {
    const model = await forest()
    try {
      model.predict(rows as InputRow[])
    } catch (error) {
      return (error as Error).message
    }
    return 'answered'
  }
  test.each([
    ['is named with its column', [[1, 2, 3, '4']], 'row 0, column x3: expected a number, got the string "4"'],
    [
      'is told from a good one before it',
      [
        [1, 2, 3, 4],
        [1, null, 3, 4],
      ],
      'row 1, column x1: expected a number, got null',
    ],
    ['has the wrong length', [[1, 2]], 'row 0: expected 4 values, got 2'],
    ['lacks a column', [{ a: 1 }], 'row 0, column x0: expected a number, got nothing'],
    ['is no row', [17], 'row 0: expected an object or a list of values, got 17'],
    ['is no list of rows', { a: 1 }, 'rows: expected a list of rows, got an object'],
    ['has what the library raises on', [[1, Number.NaN, 3, 4]], 'row 0, column x1: contains NaN'],
  ])('%s', async (_, rows, message) => {
    expect(await messageOf(rows)).toBe(message)
  })
})

test('a method that the model has not is refused with those it has', async () => {
  const model = await forest()

  expect(() => model.transform([[1, 2, 3, 4]])).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: the model does not answer transform; it answers predict, predict_proba, predict_log_proba]`,
  )
})

test('a file that cannot be served is refused with a reason', async () => {
  const pickle = new TextEncoder().encode("cos\nsystem\n(S'true'\ntR.")

  await expect(loadModel(pickle)).rejects.toThrow(ModelError)
  await expect(loadModel(pickle.buffer)).rejects.toThrow(/would call os\.system/)
})
