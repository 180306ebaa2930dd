import { expect, test } from 'vitest'
import { chooseLabel, labelOfFilename } from './label.ts'

test.each([
  ['churn_model_v3.pkl', 'v3'],
  ['churn-v12.joblib.gz', 'v12'],
  ['churn_V2', 'v2'],
  ['v3.pkl', undefined],
  ['churn_v3_final.pkl', undefined],
  ['save3.pkl', undefined],
  [undefined, undefined],
])('%s is called %s', (filename, label) => {
  expect(labelOfFilename(filename)).toBe(label)
})

test.each([
  [{ label: 'blue', filename: 'm_v9.pkl', number: 1 }, [], 'blue'],
  [{ filename: 'm_v9.pkl', number: 1 }, [], 'v9'],
  [{ filename: 'm_v9.pkl', number: 2 }, ['v9'], 'v2'],
  [{ number: 2 }, ['v2'], 'v2-2'],
  [{ label: 'v2', number: 2 }, ['v2', 'v2-2'], 'v2-3'],
])('%o beside %j is called %s', (version, taken, label) => {
  expect(chooseLabel(version, new Set(taken))).toBe(label)
})
