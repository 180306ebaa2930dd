import { expect, test } from 'vitest'
import { noteNumbers, type ToldNumbers } from './told-numbers.ts'

const noted = (...values: string[]): object => {
  const told: ToldNumbers = new Map()
  noteNumbers(
    told,
    values.map((value) => ({ key: 'mlflow.modelVersions', value })),
  )
  return Object.fromEntries(told)
}

test('the largest number of each model is kept', () => {
  expect(
    noted(
      '[{"name":"churn","version":7},{"name":"other","version":"2"}]',
      '[{"name":"churn","version":3,"registered":true}]',
    ),
  ).toEqual({ churn: 7, other: 2 })
})

test.each([
  '',
  '{',
  '7',
  'null',
  '[null]',
  '[{}]',
  '[{"name":"churn","version":2147483647}]',
  '[{"name":"churn","version":"x"}]',
])('of %s nothing is kept', (value) => {
  expect(noted(value)).toEqual({})
})
