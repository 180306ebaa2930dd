import { type ModelSchema, parseRule, type SchemaColumn } from '@millwright/contracts'
import { describe, expect, test } from 'vitest'
import { evaluateRules } from './evaluate.ts'
import type { VersionFacts } from './facts.ts'

const column = (name: string, more: Partial<SchemaColumn> = {}): SchemaColumn => ({
  ...{ name, type: 'number', nullable: true, null: 'NaN', infinite: true, unknown: 'accepted' },
  ...more,
})
const schema = (...inputs: SchemaColumn[]): ModelSchema => ({
  inputs,
  outputs: [{ name: 'predict', dtype: 'int64', shape: '(n)' }],
  classes: [[0, 1]],
})

const PLAIN: VersionFacts = {
  ...{ model: 'churn', number: 1, createdBy: 'ana (key_1)', hasRun: true, bytes: 2_668_361 },
  ...{ runMetrics: new Map(), modelMetrics: [], datasets: [], tags: new Map(), approvals: [] },
  check: { mismatches: 0, latency: { single: { p50: 5, p99: 66 }, batch: { p50: 1, p99: 2, rows: 256 } } },
  schema: schema(column('age'), column('city')),
}
const scoring = (number: number, roc_auc: number, more: Partial<VersionFacts> = {}): VersionFacts => ({
  ...PLAIN,
  ...{ number, runMetrics: new Map([['roc_auc', roc_auc]]) },
  ...more,
})

function result(text: string, candidate: VersionFacts, holder?: VersionFacts) {
  const holders = new Map(holder === undefined ? [] : [['production', holder] as const])
  const [found] = evaluateRules([parseRule(text)], { candidate, holders })
  return found!
}
const passes = (...given: Parameters<typeof result>): boolean => result(...given).passed

describe('a metric', () => {
  const rule = 'roc_auc >= production + 0.002'

  test('of the candidate is held against that of the holder', () => {
    expect(passes(rule, scoring(2, 0.865), scoring(1, 0.859))).toBe(true)
    expect(result(rule, scoring(2, 0.6276), scoring(1, 0.8591))).toEqual({
      ...{ rule, kind: 'metric', passed: false, seen: '0.6276', wanted: '>= 0.8611 (churn@1 has 0.8591)' },
      message: `${rule}: 0.6276, wanted >= 0.8611 (churn@1 has 0.8591)`,
    })
  })

  test('that is exactly as much more passes, whatever binary sums make of it', () => {
    expect(passes('roc_auc >= production + 0.2', scoring(2, 0.3), scoring(1, 0.1))).toBe(true)
    expect(passes('roc_auc > production + 0.2', scoring(2, 0.3), scoring(1, 0.1))).toBe(false)
    expect(passes('roc_auc <= production + 0.2', scoring(2, 0.1 + 0.2), scoring(1, 0.1))).toBe(true)
    expect(passes('roc_auc < production + 0.2', scoring(2, 0.29), scoring(1, 0.1))).toBe(true)
  })

  test('with nothing to compare with must only be there', () => {
    expect(passes(rule, scoring(1, 0.5))).toBe(true)
    expect(passes(rule, PLAIN)).toBe(false)
  })

  test('that was not measured, or is NaN, does not pass, on either side', () => {
    expect(result(rule, { ...PLAIN, hasRun: false }, scoring(1, 0.8)).seen).toBe(
      'no roc_auc, for the version names no run',
    )
    expect(passes(rule, scoring(2, Number.NaN), scoring(1, 0.8))).toBe(false)
    expect(passes(rule, scoring(2, 0.9), scoring(1, Number.NaN))).toBe(false)
    expect(result(rule, scoring(2, 0.9), PLAIN).wanted).toBe('>= that of churn@1, where there is no roc_auc')
    expect(passes('roc_auc <= 0.5', scoring(2, Number.NaN))).toBe(false)
  })

  test('on a dataset is the one measured on it, or of a run that read it', () => {
    const on = 'roc_auc >= 0.8 on dataset d1'
    const modelMetrics = [
      { key: 'roc_auc', value: 0.7, dataset: 'd1' },
      { key: 'roc_auc', value: 0.95, dataset: 'd2' },
    ]

    expect(result(on, scoring(2, 0.9)).seen).toBe('no roc_auc on that dataset')
    expect(passes(on, scoring(2, 0.9, { datasets: ['d1'] }))).toBe(true)
    expect(passes(on, scoring(2, 0.9, { datasets: ['d1'], modelMetrics }))).toBe(false)
    expect(passes('roc_auc >= 0.95 on dataset d2', { ...PLAIN, modelMetrics })).toBe(true)
  })
})

test('tags, with a value or without', () => {
  const tagged = { ...PLAIN, tags: new Map([['reviewed', 'yes']]) }

  expect(passes('tag reviewed', tagged)).toBe(true)
  expect(passes('tag reviewed = yes', tagged)).toBe(true)
  expect(passes('tag reviewed = no', tagged)).toBe(false)
  expect(passes('tag reviewed', PLAIN)).toBe(false)
})

test('checks, latency and size', () => {
  const compared = {
    ...PLAIN,
    check: { ...PLAIN.check, sample: { equal: { predict: 200, predict_proba: 90 } } },
  }

  expect(passes('self-check', PLAIN)).toBe(true)
  expect(passes('self-check', { ...PLAIN, check: null })).toBe(false)
  expect(passes('self-check on 100 rows', PLAIN)).toBe(false)
  expect(passes('self-check on 100 rows', compared)).toBe(false)
  expect(passes('self-check on 90 rows', compared)).toBe(true)
  expect(passes('latency p99 <= 0.066 ms', PLAIN)).toBe(true)
  expect(passes('latency p99 <= 0.065 ms', PLAIN)).toBe(false)
  expect(passes('latency p50 <= 1 ms', { ...PLAIN, check: { mismatches: 0 } })).toBe(false)
  expect(passes('size <= 2.7 MB', PLAIN)).toBe(true)
  expect(result('size <= 2 MB', PLAIN).message).toBe('size <= 2 MB: 2.668361 MB, wanted at most 2 MB')
})

describe('a schema', () => {
  const rule = 'schema compatible with production'
  const against = (next: ModelSchema, now: ModelSchema = PLAIN.schema!) =>
    result(rule, { ...PLAIN, number: 2, schema: next }, { ...PLAIN, schema: now })

  test('that is the same, or takes more, is compatible', () => {
    expect(against(PLAIN.schema!).passed).toBe(true)
    expect(
      against(
        schema(column('age'), column('city')),
        schema(column('age', { type: 'integer' }), column('city')),
      ).passed,
    ).toBe(true)
    expect(passes(rule, PLAIN)).toBe(true)
  })

  test.each<[string, SchemaColumn[]]>([
    ['needs column "income"', [column('age'), column('city'), column('income')]],
    ['does not take column "city"', [column('age')]],
    ['column "age" is string, was number', [column('age', { type: 'string' }), column('city')]],
    ['column "age" may no longer be missing', [column('age', { nullable: false }), column('city')]],
    ['takes the columns in another order', [column('city'), column('age')]],
    ['column "city" refuses new categories', [column('age'), column('city', { unknown: 'refused' })]],
  ])('%s', (seen, inputs) => {
    expect(against(schema(...inputs))).toMatchObject({ passed: false, seen })
  })

  test('categories and classes are compared, too', () => {
    const cities = (...categories: string[]) => schema(column('city', { categories, unknown: 'refused' }))

    expect(against(cities('Oslo'), cities('Oslo', 'Lima')).seen).toBe('column "city" refuses "Lima"')
    expect(against(cities('Oslo', 'Lima'), cities('Oslo')).passed).toBe(true)
    expect(against({ ...PLAIN.schema!, classes: [['no', 'yes']] }).seen).toBe('has other classes')
    expect(against({ ...PLAIN.schema!, outputs: [] }).seen).toBe('does not answer predict')
  })
})

describe('approvals', () => {
  const approved = (...approvals: string[]) => ({ ...PLAIN, approvals })

  test('are of different people, none of whom made the version', () => {
    expect(passes('approvals 2', approved('ben (key_2)', 'eva (key_3)'))).toBe(true)
    expect(passes('approvals 2', approved('ben (key_2)', 'ben (key_9)'))).toBe(false)
    expect(passes('approvals 2', approved('ben (key_2)', 'ana (key_7)'))).toBe(false)
  })

  test('may be asked of some', () => {
    const result1 = result('approvals 1 by eva, zoe', approved('ben (key_2)'))

    expect(result1).toMatchObject({
      passed: false,
      seen: 'none',
      wanted: '1 of eva, zoe, not by ana who made it',
    })
    expect(passes('approvals 1 by eva, zoe', approved('ben (key_2)', 'eva (key_3)'))).toBe(true)
  })
})
