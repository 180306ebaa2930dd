import type { Decision, ModelSchema } from '@millwright/contracts'
import type { Answer, Method } from '@millwright/engine'
import { describe, expect, test } from 'vitest'
import { compileDecision } from './decision.ts'

const schemaOf = (outputs: readonly string[], classes: ModelSchema['classes']): ModelSchema => ({
  inputs: [],
  outputs: outputs.map((name) => ({ name, dtype: 'float64', shape: 'vector' })),
  classes,
})
const answerOf = (name: Method, shape: readonly number[], data: readonly number[]): Answer => ({
  ...{ name, dtype: 'float64', list: false },
  parts: [{ shape, data: Float64Array.from(data) }],
})
const binary = schemaOf(['predict', 'predict_proba'], [['no', 'yes']])
const bands = [{ name: 'high', above: 0.7 }, { name: 'medium', above: 0.4 }, { name: 'low' }]

describe('thresholds and bands are strict', () => {
  test.each([
    [0.5, 'negative', 'medium'],
    [0.5000001, 'positive', 'medium'],
    [0.7, 'positive', 'medium'],
    [0.71, 'positive', 'high'],
    [0.4, 'negative', 'low'],
  ])('%d', (score, outcome, band) => {
    const rule = compileDecision({ threshold: 0.5, bands }, binary)

    expect(rule.decide(answerOf('predict_proba', [1, 2], [1 - score, score]), 0)).toEqual({
      score,
      outcome,
      band,
    })
  })
})

test('the positive class picks the column, the last one by default', () => {
  const answer = answerOf('predict_proba', [2, 3], [0.1, 0.2, 0.7, 0.5, 0.3, 0.2])
  const schema = schemaOf(['predict_proba'], [[1, 2, 3]])

  expect(compileDecision({ positive: 1 }, schema).decide(answer, 1).score).toBe(0.5)
  expect(compileDecision({}, schema).decide(answer, 0).score).toBe(0.7)
})

test('without a threshold there is no outcome, without bands no band', () => {
  const rule = compileDecision({}, binary)

  expect(rule.decide(answerOf('predict_proba', [1, 2], [0, 1]), 0)).toEqual({
    score: 1,
    outcome: undefined,
    band: undefined,
  })
})

test('a regressor is scored by its prediction', () => {
  const rule = compileDecision({ threshold: 100 }, schemaOf(['predict'], []))

  expect(rule.decide(answerOf('predict', [1], [120]), 0)).toMatchObject({ score: 120, outcome: 'positive' })
})

test.each<[string, Decision, ModelSchema]>([
  ['an output the model lacks', { output: 'decision_function' }, binary],
  ['a class the model lacks', { positive: 'maybe' }, binary],
  ['a class label for a score', { output: 'predict' }, binary],
  [
    'the first of two classes of a margin',
    { positive: 'no' },
    schemaOf(['decision_function'], [['no', 'yes']]),
  ],
  [
    'several outputs at once',
    {},
    schemaOf(
      ['predict_proba'],
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
    ),
  ],
])('a decision on %s is refused', (_name, decision, schema) => {
  expect(() => compileDecision(decision, schema)).toThrow(RangeError)
})
