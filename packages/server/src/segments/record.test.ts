import { PredictionRecord } from '@millwright/contracts'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeRecord, encodeRecord, encodeSource, timeOfRecord, toPredictionRecord } from './record.ts'

const source = {
  deployment: 'churn',
  model: 'churn_model',
  version: 3,
  versionLabel: 'v3',
  digest: 'ab'.repeat(32),
  variant: 'stable',
  weight: null,
}

const text = fc.string({ unit: 'binary', minLength: 1 })
const rows = fc.record({
  id: text,
  timeMs: fc.integer({ min: 0, max: 4e12 }),
  featuresJson: fc
    .dictionary(
      text,
      fc.json({ maxDepth: 1 }).map((json) => JSON.parse(json)),
    )
    .map((value) => JSON.stringify(value)),
  outputsJson: fc.constant('{"prediction":[1,2]}'),
  decisionJson: fc.option(fc.constant('{"score":0.5}')),
  score: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })),
  label: fc.option(text),
  latencyUs: fc.double({ min: 0, max: 1e9, noNaN: true }),
  subject: fc.option(text),
  requestId: text,
})

test('a record is read as it was written', () => {
  fc.assert(
    fc.property(rows, (row) => {
      const decoded = decodeRecord(Buffer.from(encodeRecord(encodeSource(source), row)))
      // -0 is written as 0; text that is not well-formed Unicode cannot be kept
      const kept = JSON.parse(Buffer.from(JSON.stringify({ ...source, ...row })).toString())
      const { featuresJson, ...rest } = decoded!
      expect(rest).toEqual({ ...kept, featuresJson: undefined })
      expect(JSON.parse(featuresJson)).toEqual(JSON.parse(kept.featuresJson))
    }),
    { seed: 11 },
  )
})

test('the time is read without parsing the record', () => {
  const row = fc.sample(rows, { seed: 1, numRuns: 1 })[0]!

  expect(timeOfRecord(Buffer.from(encodeRecord(encodeSource(source), row)))).toBe(row.timeMs)
})

test('a record is shown in the shape of the API', () => {
  const row = fc.sample(rows, { seed: 2, numRuns: 1 })[0]!

  const shown = toPredictionRecord({ ...source, ...row })

  expect(PredictionRecord.parse(shown)).toEqual(shown)
})

test.each(['', 'null', '[]', '{"t":1}', '{"t":"1","i":"a","d":"churn"}', '{"t":1,"i":"a","d":"../up"}'])(
  '%s is not a record',
  (payload) => {
    expect(decodeRecord(Buffer.from(payload))).toBeUndefined()
  },
)
