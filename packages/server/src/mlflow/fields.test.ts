import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MlflowError } from '../tracking/errors.ts'
import {
  bool,
  double,
  type Fields,
  int64,
  list,
  message,
  oneOf,
  readMessage,
  required,
  text,
} from './fields.ts'

const METRIC = { key: required(text), value: required(double), step: int64 }

const refusal = (fields: Fields, given: Record<string, unknown>): string => {
  try {
    readMessage(fields, given)
  } catch (error) {
    if (error instanceof MlflowError) return `${error.status} ${error.code} ${error.message}`
  }
  return 'read'
}
const DOCS = 'See the API docs for more information about request parameters.'

describe('is refused as MLflow refuses it', () => {
  test.each<[Fields, Record<string, unknown>, string]>([
    [{ name: required(text) }, { name: '' }, "Missing value for required parameter 'name'."],
    [{ name: required(text) }, {}, "Missing value for required parameter 'name'."],
    [
      { name: required(text) },
      { name: 5 },
      "Invalid value 5 for parameter 'name' supplied:  Hint: Value was of type 'int'.",
    ],
    [
      METRIC,
      { key: 'a', value: 'abc' },
      "Invalid value \"abc\" for parameter 'value' supplied:  Hint: Value was of type 'str'.",
    ],
    [
      METRIC,
      { key: 'a', value: true },
      "Invalid value true for parameter 'value' supplied:  Hint: Value was of type 'bool'.",
    ],
    [
      METRIC,
      { key: 'a', value: 1, step: 1.5 },
      "Invalid value 1.5 for parameter 'step' supplied:  Hint: Value was of type 'float'.",
    ],
    [
      { metrics: list(required(message(METRIC))) },
      { metrics: [{ key: 'a', value: 1 }, { key: 'b' }] },
      "Missing value for required parameter 'metrics[1].value'.",
    ],
    [
      { ids: list(text) },
      { ids: 'a' },
      "Invalid value \"a\" for parameter 'ids' supplied:  Hint: Value was of type 'str'.",
    ],
  ])('%# %j', (fields, given, expected) => {
    expect(refusal(fields, given)).toBe(`400 INVALID_PARAMETER_VALUE ${expected} ${DOCS}`)
  })

  test('what it inherits is no field', () => {
    expect(refusal({ constructor: required(text) }, {})).toMatch(/^400/)
  })

  test('a value of any size is shown shortened', () => {
    expect(refusal(METRIC, { key: 'a', value: ['x'.repeat(1e6)] }).length).toBeLessThan(500)
  })
})

test('numbers may be texts, enums numbers, and what is unknown is left out', () => {
  const fields = {
    step: int64,
    value: double,
    status: oneOf(['RUNNING', 'SCHEDULED', 'FINISHED']),
    all: bool,
  }

  expect(readMessage(fields, { step: '-7', value: '-Infinity', status: 3, all: 'true', other: 1 })).toEqual({
    ...{ step: -7, value: Number.NEGATIVE_INFINITY, status: 'FINISHED', all: true },
  })
  expect(readMessage(fields, { step: null, value: 'NaN', status: 'RUNNING' })).toEqual({
    ...{ step: undefined, value: Number.NaN, status: 'RUNNING', all: undefined },
  })
})

test('any JSON is read or refused in words', () => {
  const fields = { ...METRIC, tags: list(required(message({ key: required(text) }))), on: oneOf(['A']) }
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...Object.keys(fields)), fc.jsonValue()), (given) => {
      expect(refusal(fields, given)).toMatch(/^(read|400 INVALID_PARAMETER_VALUE )/)
    }),
    { seed: 2, numRuns: 500 },
  )
})
