import type { Answer, Cell } from '@millwright/engine'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeRows, encodeBlock, encodeShape, type RowBlock } from './block.ts'
import { encodeSource } from './record.ts'

const source = {
  ...{ deployment: 'churn', model: 'churn_model', version: 3, versionLabel: 'v3' },
  ...{ digest: 'ab'.repeat(32), variant: 'stable', weight: 12.5 },
}

const text = fc.string({ unit: 'grapheme' })
const cell: fc.Arbitrary<Cell> = fc.oneof(text, fc.double(), fc.boolean(), fc.constant(null))
/** As it stands in the log: JSON has no number for some, and no negative zero. */
const shown = (value: Cell): Cell =>
  typeof value !== 'number' ? value : Number.isFinite(value) ? value + 0 : `${value}`

const table = fc.integer({ min: 1, max: 20 }).chain((rows) => {
  const column = <T>(value: fc.Arbitrary<T>, width = 1) =>
    fc.array(value, { minLength: rows * width, maxLength: rows * width })
  return fc.record({
    rows: fc.constant(rows),
    age: column(fc.double()),
    city: column(cell),
    income: column(fc.double()),
    labels: column(cell),
    probabilities: column(fc.double(), 2),
    margin: column(fc.double()),
    scores: column(fc.double()),
    subjects: fc.option(column(text), { nil: undefined }),
    decisions: fc.option(column(fc.constant('{"score":0.5}')), { nil: undefined }),
    asked: fc.option(fc.constant(['decision_function'] as const), { nil: undefined }),
    requestId: text,
  })
})

const shape = encodeShape({
  features: [
    { name: 'age', isCell: false },
    { name: 'city', isCell: true },
    { name: '__proto__ "', isCell: false },
  ],
  ...{ labelMethod: 'predict', classes: ['no', 'yes "'] },
})

const answer = (name: Answer['name'], data: Answer['parts'][0]['data'], dimensions: number[]): Answer => ({
  ...{ name, dtype: 'float64', list: false, parts: [{ shape: dimensions, data }] },
})

test('a block is read as it was written', () => {
  fc.assert(
    fc.property(table, (given) => {
      const { rows, age, city, income, labels, probabilities, margin, scores, requestId } = given
      const { subjects, decisions, asked } = given
      const block: RowBlock = {
        ...{ timeMs: 1_795_226_201_855, latencyUs: 7, requestId, subjects, decisions, asked },
        ids: 'prd_01M7XX3VQZ9W0E755G40PYXG1J',
        frame: {
          rows,
          numbers: Float64Array.from(age.flatMap((value, row) => [value, income[row]!])),
          cells: city,
        },
        answers: [
          answer('predict', labels, [rows]),
          answer('predict_proba', Float64Array.from(probabilities), [rows, 2]),
          answer('decision_function', Float64Array.from(margin), [rows]),
        ],
        scores: Float64Array.from(scores),
      }
      const read = decodeRows(encodeBlock(encodeSource(source), shape, block))!

      expect(read).toHaveLength(rows)
      for (const [row, logged] of read.entries()) {
        expect(logged).toMatchObject({ ...source, timeMs: block.timeMs, latencyUs: 7, requestId })
        expect(logged.subject).toBe(subjects?.[row] ?? null)
        expect(logged.decisionJson).toBe(decisions?.[row] ?? null)
        expect(logged.score).toBe(Number.isFinite(scores[row]) ? scores[row] : null)
        expect(logged.label).toBe(labels[row] === null ? null : String(shown(labels[row]!)))
        expect(Object.entries(JSON.parse(logged.featuresJson))).toEqual([
          ['age', shown(age[row]!)],
          ['city', shown(city[row]!)],
          ['__proto__ "', shown(income[row]!)],
        ])
        const [no, yes] = probabilities.slice(row * 2, row * 2 + 2)
        expect(JSON.parse(logged.outputsJson)).toEqual({
          prediction: shown(labels[row]!),
          probabilities: { no: shown(no!), 'yes "': shown(yes!) },
          ...(asked && { outputs: { decision_function: shown(margin[row]!) } }),
        })
      }
      expect(new Set(read.map(({ id }) => id)).size).toBe(rows)
      expect(read[0]!.id).toBe(block.ids)
    }),
    { seed: 5 },
  )
})

test('numbers that are missing make it no block', () => {
  const data = Float64Array.of(1, 2, 3)
  const plain = encodeShape({
    features: [{ name: 'age', isCell: false }],
    ...{ labelMethod: 'predict', classes: undefined },
  })
  const block = encodeBlock(encodeSource(source), plain, {
    ...{ timeMs: 1, latencyUs: 7, requestId: 'r', ids: ['a', 'b', 'c'], subjects: undefined },
    ...{ decisions: undefined, asked: undefined, scores: undefined },
    ...{ frame: { rows: 3, numbers: data, cells: [] }, answers: [answer('predict', data, [3])] },
  })

  expect(decodeRows(block)?.map(({ id }) => id)).toEqual(['a', 'b', 'c'])
  for (let lost = 1; lost <= 25; lost++)
    expect(decodeRows(block.subarray(0, block.length - lost))).toBeUndefined()
})
